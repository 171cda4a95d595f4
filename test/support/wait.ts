// Waiting for something to become true, with a limit and a message that tells what never came.

import { connect } from 'node:net'

export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => void setTimeout(resolve, ms))

/** Whether connections are accepted there; the connection is closed at once. */
export const isListening = (address: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: address, port })
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })

export interface Patience {
  readonly what: string
  /** On a machine that has time for it: `busyFactor` times as long is waited. */
  readonly withinMs: number
  /** From one look to the next; without it the time grows by a fifth each, from 10 to 150 ms. */
  readonly everyMs?: number
}

/** Others may hold the cores: a wait is against hanging, and asserts nothing of how long something takes. */
const busyFactor = 5

const firstPauseMs = 10
const longestPauseMs = 150

/** The first value of `look` that is neither null nor false; throws when none came in time. */
export async function until<Value>(
  look: () => Value | Promise<Value>,
  { what, withinMs, everyMs }: Patience,
): Promise<Exclude<Awaited<Value>, null | false | undefined>> {
  const limitMs = withinMs * busyFactor
  const deadline = performance.now() + limitMs
  let last: unknown
  let pauseMs = everyMs ?? firstPauseMs
  for (;;) {
    const value: unknown = await look()
    if (value !== null && value !== false && value !== undefined)
      return value as Exclude<Awaited<Value>, null | false | undefined>
    last = value
    if (performance.now() > deadline)
      throw new Error(`not within ${limitMs} ms: ${what} (last saw ${String(last)})`)
    await pause(pauseMs)
    // What is looked at is often a page of the server: a look every few milliseconds would take half a core.
    if (everyMs === undefined) pauseMs = Math.min(longestPauseMs, pauseMs * 1.2)
  }
}
