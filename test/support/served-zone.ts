// What a file of end-to-end tests begins with, in one line: a server of its zones, running from before the first test
// until after the last one, and a client to ask it.

import { afterAll, beforeAll } from 'vitest'

import { type UdpClient, openUdpClient } from './dns-client.ts'
import { type RunningServer, type ServerOptions, startServer } from './server.ts'

type Prepared = ServerOptions | Promise<ServerOptions>

/** `options` may be a function that starts first what the zones lead to; what it starts its caller stops. */
export function servedZone(options: ServerOptions | (() => Prepared)): RunningServer {
  let server: RunningServer | null = null
  beforeAll(async () => {
    server = await startServer(typeof options === 'function' ? await options() : options)
  })
  afterAll(async () => void (await server?.stop()))
  return onceStarted(() => server)
}

/** Asks `server` over UDP, from the same socket in all tests of the file. */
export function clientOf(server: RunningServer): UdpClient {
  let client: UdpClient | null = null
  beforeAll(() => void (client = openUdpClient(server.port)))
  afterAll(() => client?.close())
  return onceStarted(() => client)
}

/** Stands for what there is only when the tests run. */
const onceStarted = <Thing extends object>(thing: () => Thing | null): Thing =>
  new Proxy({} as Thing, {
    get(_, key) {
      const started = thing()
      if (started === null) throw new Error(`${String(key)}: asked for before it was started`)
      return Reflect.get(started, key) as unknown
    },
  })
