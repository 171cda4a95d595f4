// A TCP proxy that can be told to misbehave: cut every connection and take none, or swallow what comes and pass nothing.

import { once } from 'node:events'
import { type AddressInfo, type Socket, connect, createServer } from 'node:net'

export interface ChaosProxy {
  readonly port: number
  pass(): void
  /** Resets what is open and what comes. */
  cut(): void
  /** Takes octets and connections, gives nothing on. */
  swallow(): void
  close(): Promise<void>
}

export async function startChaosProxy(targetPort: number): Promise<ChaosProxy> {
  let mode: 'pass' | 'cut' | 'swallow' = 'pass'
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (near) => {
    if (mode === 'cut') {
      near.resetAndDestroy()
      return
    }
    const far = connect({ host: '127.0.0.1', port: targetPort, noDelay: true })
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
      from.on('data', (chunk) => {
        if (mode === 'pass') to.write(chunk)
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
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
