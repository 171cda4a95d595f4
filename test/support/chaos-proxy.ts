// A TCP proxy that misbehaves on command: cut every connection and take none, swallow what comes and pass nothing,
// or pass everything later.

import { once } from 'node:events'
import { type AddressInfo, type Socket, connect, createServer } from 'node:net'

export interface ChaosProxy {
  readonly port: number
  pass(): void
  /** Resets what is open and what comes. */
  cut(): void
  /** Takes octets and connections, gives nothing on. */
  swallow(): void
  /** Holds what comes for so long, on either way; 0: no longer. Counts from anew. */
  delay(ms: number): void
  /** From now on that is where connections lead; those that are open are cut. */
  leadTo(port: number): void
  /** The most pieces of one connection that went to the target without an answer between. */
  mostUnanswered(): number
  close(): Promise<void>
}

export async function startChaosProxy(firstPort: number): Promise<ChaosProxy> {
  let mode: 'pass' | 'cut' | 'swallow' = 'pass'
  let targetPort = firstPort
  let delayMs = 0
  let mostUnanswered = 0
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (near) => {
    if (mode === 'cut') {
      near.resetAndDestroy()
      return
    }
    const far = connect({ host: '127.0.0.1', port: targetPort, noDelay: true })
    let unanswered = 0
    const count = (from: Socket): void => {
      unanswered = from === near ? unanswered + 1 : 0
      mostUnanswered = Math.max(mostUnanswered, unanswered)
    }
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      const give = (chunk: Buffer): void => {
        if (to.destroyed) return
        if (from === far) count(from)
        to.write(chunk)
      }
      sockets.add(from)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
      from.on('data', (chunk) => {
        if (mode !== 'pass') return
        if (from === near) count(from)
        if (delayMs === 0) give(chunk)
        else setTimeout(give, delayMs, chunk)
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    pass() {
      // A stream with a hole in it is none.
      if (mode === 'swallow') for (const socket of sockets) socket.destroy()
      mode = 'pass'
    },
    cut() {
      mode = 'cut'
      for (const socket of sockets) socket.resetAndDestroy()
    },
    swallow: () => void (mode = 'swallow'),
    delay(ms) {
      // What overtakes what is held is no stream.
      if (ms < delayMs) for (const socket of sockets) socket.destroy()
      delayMs = ms
      mostUnanswered = 0
    },
    leadTo(port) {
      targetPort = port
      for (const socket of sockets) socket.resetAndDestroy()
    },
    mostUnanswered: () => mostUnanswered,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
