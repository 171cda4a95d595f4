// A console in use: a server with MTAs that can be ended, all on loopback.

import { createServer, type Server } from 'node:net'

import { freePort } from '../support/free-ports.ts'
import { type RunningServer, type ServerOptions, startServer } from '../support/server.ts'
import { until } from '../support/wait.ts'

/** MTAs by the names of their targets, each on an address of its own. */
export interface DemoMtas {
  readonly port: number
  /** Its connections are refused from now on. */
  end(target: string): Promise<void>
  again(target: string): Promise<void>
  close(): Promise<void>
}

const addressOf = (index: number): string => `127.0.0.${index + 2}`

/** `greetings`: target → what it greets with, behind `220 `. */
export async function startMtas(greetings: Readonly<Record<string, string>>): Promise<DemoMtas> {
  const names = Object.keys(greetings)
  const port = await freePort(names.map((_, i) => addressOf(i)))
  const servers = new Map<string, Server>()
  const begin = (name: string): Promise<void> =>
    new Promise((resolve) => {
      const server = createServer((socket) => {
        socket.on('error', () => {})
        socket.write(`220 ${greetings[name] ?? ''}\r\n`)
        socket.on('data', (octets) => {
          const line = octets.toString('latin1')
          if (/^EHLO/i.test(line)) socket.write('250-demo\r\n250 8BITMIME\r\n')
          if (/^QUIT/i.test(line)) socket.end('221 bye\r\n')
        })
      })
      servers.set(name, server)
      server.listen(port, addressOf(names.indexOf(name)), resolve)
    })
  const end = (name: string): Promise<void> =>
    new Promise((resolve) => void servers.get(name)?.close(() => resolve()))
  await Promise.all(names.map(begin))
  return {
    port,
    end,
    again: begin,
    close: async () => void (await Promise.all(names.map(end))),
  }
}

/** A zone with one pool of these targets, and a second one of the first two of them. */
export function consoleZone(names: readonly string[], port: number): string {
  return `zone: smtp.example.test
ttl: 30
min_ttl: 5
soa: { mname: ns1, rname: hostmaster.example.test., minimum: 30 }
targets:
${names.map((name, i) => `  ${name}: { addresses: [${addressOf(i)}] }\n`).join('')}probes:
  inbound: { port: ${port}, level: ehlo, interval: 1s, fast_interval: 500ms, fall: 2, rise: 2, connect_timeout: 1s, slow_start: 0s }
pools:
  inbound: { probe: inbound, availability_target: 0.999, targets: { ${names.map((name, i) => `${name}: ${i + 2}`).join(', ')} } }
  spare: { probe: inbound, targets: { ${names[0] ?? ''}: 1 } }
steering:
  inbound:
    - { when: { network: 192.0.2.0/24 }, pools: [spare] }
    - { pools: [inbound, spare] }
records:
  '@': { NS: ns1, MX: { steer: inbound } }
  ns1: { A: 127.0.0.1 }
  relay: { address: { steer: inbound, answers: 2 } }
`
}

export interface ServedConsole {
  readonly server: RunningServer
  readonly mtas: DemoMtas
  /** Of the console, with its final slash. */
  readonly address: string
  stop(): Promise<void>
}

/** A server whose targets are up, and its console. */
export async function serveConsole(
  greetings: Readonly<Record<string, string>>,
  options: Partial<ServerOptions> = {},
): Promise<ServedConsole> {
  const mtas = await startMtas(greetings)
  const names = Object.keys(greetings)
  const zones = { 'smtp.yaml': consoleZone(names, mtas.port) }
  const server = await startServer({ zones, ...options })
  await until(async () => (await server.targets()).every(({ state }) => state === 'up'), {
    what: 'all targets up',
    withinMs: 20_000,
  })
  return {
    server,
    mtas,
    address: `http://127.0.0.1:${server.adminPort}/console/`,
    async stop() {
      await server.stop()
      await mtas.close()
    },
  }
}
