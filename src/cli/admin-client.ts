// A client of the admin HTTP of a running server. Its address and token are those that `serve`
// would use with the same settings.

import { type IncomingMessage, request } from 'node:http'

import { destinationOf } from '../lib/ip.ts'
import { printable } from '../lib/printable.ts'
import { readSettings } from './command-settings.ts'
import type { FlagValues } from './commands/flags.ts'

interface AdminClient {
  request(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    path: string,
    body?: object,
  ): Promise<AdminResponse>
}

export type AdminResponse =
  /** A response with a JSON body, whatever its status. */
  | { readonly kind: 'response'; readonly status: number; readonly body: unknown }
  | { readonly kind: 'failed'; readonly why: string }

type ClientFound =
  | { readonly kind: 'client'; readonly client: AdminClient }
  | { readonly kind: 'bad'; readonly why: string }

/** The flags of every command that uses this. */
export const adminFlags: readonly string[] = ['admin', 'config']

const timeoutMs = 5000
/** For so long a command asks again as often as the server says that it is too busy. */
const patienceMs = 10_000

/** Bad if settings are, or if they switch the admin server off. Connects to nothing. */
export async function findAdminClient(values: FlagValues): Promise<ClientFound> {
  const read = await readSettings(values, adminFlags)
  if (read.kind === 'bad') return read
  const { admin, adminToken } = read.settings
  if (admin === null) return { kind: 'bad', why: 'the admin server is off; give --admin ADDR:PORT' }
  const server = { host: destinationOf(admin.address), port: admin.port, token: adminToken }
  return {
    kind: 'client',
    client: { request: (method, path, body) => sendPatiently(server, method, path, body) },
  }
}

interface AdminServer {
  readonly host: string
  readonly port: number
  /** null: no Authorization header is sent. */
  readonly token: string | null
}

/** Sends the request again after each 503 that says when to come back, until the patience ends. */
async function sendPatiently(
  server: AdminServer,
  method: string,
  path: string,
  body?: object,
): Promise<AdminResponse> {
  const giveUpAtMs = performance.now() + patienceMs
  for (;;) {
    const { response, retryAfterMs } = await send(server, method, path, body)
    if (retryAfterMs === null || performance.now() + retryAfterMs > giveUpAtMs) return response
    await new Promise((resolve) => setTimeout(resolve, retryAfterMs))
  }
}

interface Sent {
  readonly response: AdminResponse
  /** After which time the server wants to be asked again; null: it answered, or does not say. */
  readonly retryAfterMs: number | null
}

function send(
  { host, port, token }: AdminServer,
  method: string,
  path: string,
  body?: object,
): Promise<Sent> {
  const payload = body === undefined ? '' : JSON.stringify(body)
  const headers = {
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    'content-length': Buffer.byteLength(payload),
  }
  return new Promise((resolve) => {
    const fail = (why: string): void =>
      resolve({
        response: {
          kind: 'failed',
          why: `no answer from the admin server at ${host} port ${port}: ${why}`,
        },
        retryAfterMs: null,
      })
    const options = { host, port, method, path, headers, timeout: timeoutMs, agent: false }
    const outgoing = request(options, (incoming) => {
      let text = ''
      incoming.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      incoming.on('end', () => {
        const response = parseResponse(incoming.statusCode ?? 0, text)
        resolve({ response, retryAfterMs: retryAfterMs(incoming) })
      })
      incoming.on('error', (error) => fail(error.message))
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error(`none within ${timeoutMs} ms`)))
    outgoing.on('error', (error) => fail(error.message || String(error)))
    outgoing.end(payload)
  })
}

function retryAfterMs({ statusCode, headers }: IncomingMessage): number | null {
  const seconds = headers['retry-after']
  return statusCode === 503 && /^\d{1,4}$/.test(seconds ?? '') ? Number(seconds) * 1000 : null
}

function parseResponse(status: number, text: string): AdminResponse {
  try {
    return { kind: 'response', status, body: JSON.parse(text) as unknown }
  } catch {
    return {
      kind: 'failed',
      why: `the admin server says ${status}: ${printable(text.trim().slice(0, 200))}`,
    }
  }
}
