// A client of server-sent events that keeps every message.

import { type IncomingMessage, request } from 'node:http'

import { until } from './wait.ts'

export interface StreamMessage {
  readonly id: string | null
  readonly event: string
  readonly data: Readonly<Record<string, unknown>>
}

export interface EventStream {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  /** Those that came so far. */
  readonly messages: readonly StreamMessage[]
  /** Everything that came, as it was. */
  text(): string
  readonly isEnded: () => boolean
  /** Waits for a message of the event for which `isMeant` holds. */
  message(
    event: string,
    isMeant?: (data: StreamMessage['data']) => boolean,
  ): Promise<StreamMessage['data']>
  close(): void
}

export async function openStream(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<EventStream> {
  const asked = request({ host: '127.0.0.1', port, path, headers, agent: false })
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    asked.once('response', resolve).once('error', reject).end()
  })
  let [text, rest, hasEnded] = ['', '', false]
  const messages: StreamMessage[] = []
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    const parts = (rest + chunk).split('\n\n')
    rest = parts.pop() ?? ''
    for (const part of parts) {
      const message = messageOf(part)
      if (message !== null) messages.push(message)
    }
  })
  response.on('error', () => {}).on('close', () => (hasEnded = true))
  asked.on('error', () => {})
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    messages,
    text: () => text,
    isEnded: () => hasEnded,
    async message(event, isMeant = () => true) {
      const find = (): StreamMessage | undefined =>
        messages.find((one) => one.event === event && isMeant(one.data))
      await until(() => find() !== undefined, {
        what: `a message ${event} of the stream`,
        withinMs: 30_000,
      })
      return find()?.data ?? {}
    },
    close: () => asked.destroy(),
  }
}

/** null: a comment, or no event. */
function messageOf(part: string): StreamMessage | null {
  const field = (name: string): string | null =>
    new RegExp(`^${name}: (.*)$`, 'm').exec(part)?.[1] ?? null
  const event = field('event')
  const data = field('data')
  if (event === null || data === null) return null
  return { id: field('id'), event, data: JSON.parse(data) as StreamMessage['data'] }
}
