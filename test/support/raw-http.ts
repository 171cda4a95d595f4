// HTTP as octets, for requests that no client would send.

import { connect } from 'node:net'

/**
 * Sends `octets` to 127.0.0.1:`port` and ends; resolves with all that comes back until the server closes, which it has to
 * do within `withinMs`. A reset is a way of closing.
 */
export const exchangeRaw = (
  port: number,
  octets: string | Uint8Array,
  withinMs = 60_000,
): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port })
    let text = ''
    const overdue = setTimeout(() => {
      socket.destroy()
      reject(new Error(`still open after ${withinMs} ms, with: ${text.slice(0, 200)}`))
    }, withinMs)
    socket.setEncoding('latin1').on('data', (chunk) => (text += String(chunk)))
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(overdue)
      resolve(text)
    })
    socket.end(octets)
  })

/** The statuses of the replies in what came back, in order. */
export const statusesOf = (text: string): readonly number[] =>
  [...text.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status))

/** The first code of a refusal in what came back; null: there is none. */
export const codeOf = (text: string): string | null => /"code": "([a-z-]+)"/.exec(text)?.[1] ?? null
