// Answering threads under load: a worker dies again and again (W1), the whole server is stopped (W3). A worker is a
// thread, which no signal kills: it throws, as a bug would make it. That verdicts outlive the process (W2):
// kept-state.test.ts; deaths and backoff in detail: test/transport/worker/workers.test.ts.

import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { type Socket, connect } from 'node:net'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { type UdpClient, encodeQuestion, framed, openUdpClient } from '../support/dns-client.ts'
import {
  type LogLine,
  type RunningServer,
  startServer,
  temporaryFolder,
} from '../support/server.ts'
import { slowMachineMs } from './fleet.ts'
import { percentile } from './instance-state.ts'
import { pause, until } from '../support/wait.ts'

const zone = 'busy.example.test'
const zones = {
  'busy.yaml': `
zone: ${zone}
soa: { mname: ns1, rname: hostmaster.example.test. }
targets:
  mx1: { addresses: [192.0.2.1] }
  mx2: { addresses: [192.0.2.2] }
pools:
  main: { targets: { mx1: 1, mx2: 1 } }
steering:
  inbound: [{ pools: [main] }]
records:
  "@": { NS: [ns1], MX: { steer: inbound } }
  ns1: { A: 192.0.2.53 }
`,
}

let server: RunningServer | undefined
afterEach(async () => void (await server?.stop()))

interface Load {
  readonly sent: number
  readonly lost: number
  readonly empty: number
}

/** How many are answered a second, one after the other on each of a few sockets. */
async function capacity(clients: readonly UdpClient[], ms: number): Promise<number> {
  const untilMs = performance.now() + ms
  let count = 0
  const lane = async (client: UdpClient): Promise<void> => {
    while (performance.now() < untilMs) {
      await client.ask(zone, 'MX')
      count++
    }
  }
  await Promise.all(clients.flatMap((client) => [lane(client), lane(client), lane(client)]))
  return (count * 1000) / ms
}

/** Asks so many a second, whether they are answered or not, until told to stop. */
function startLoad(clients: readonly UdpClient[], perSecond: number): { stop(): Promise<Load> } {
  let [sent, lost, empty] = [0, 0, 0]
  const open = new Set<Promise<void>>()
  const one = async (client: UdpClient): Promise<void> => {
    try {
      if ((await client.ask(zone, 'MX')).answers.length === 0) empty++
    } catch {
      lost++
    }
  }
  const startedMs = performance.now()
  const timer = setInterval(() => {
    const due = ((performance.now() - startedMs) * perSecond) / 1000
    // What was held up here is not made up for at once.
    if (due - sent > perSecond / 4) sent = Math.floor(due)
    while (sent < due) {
      const asked = one(clients[sent++ % clients.length] as UdpClient)
      open.add(asked)
      void asked.finally(() => open.delete(asked))
    }
  }, 5)
  return {
    async stop() {
      clearInterval(timer)
      await Promise.all(open)
      return { sent, lost, empty }
    },
  }
}

const openClients = (port: number): readonly UdpClient[] =>
  Array.from({ length: 20 }, () => openUdpClient(port))

describe.each(['mmsg', 'dgram'])(
  'over %s, under half of the load that it bears (W1)',
  (transport) => {
    let clients: readonly UdpClient[]
    let whole: number
    let folder: string

    beforeEach(async () => {
      folder = temporaryFolder()
      const preload = new URL('../fixtures/workers/mortal-process.ts', import.meta.url)
      server = await startServer({
        zones,
        settings: `workers: 2\nlameduck: 0\ntransport: ${transport}\n`,
        env: { NODE_OPTIONS: `--import=${preload.href}`, ANSWERING_DIES_BY: folder },
      })
      clients = openClients(server.port)
      whole = await capacity(clients, 2000)
    })
    afterEach(() => {
      for (const client of clients) client.close()
    })

    const eventsOf = (event: string, worker: number): readonly LogLine[] =>
      server?.logs().filter((line) => line.event === event && line['worker'] === worker) ?? []
    const timesOf = (event: string, worker: number): readonly number[] =>
      eventsOf(event, worker).map(({ time }) => Date.parse(String(time)))
    const kill = (worker: number): void => writeFileSync(join(folder, `${transport}-${worker}`), '')
    const problems = async (): Promise<readonly string[]> => {
      const { body } = (await server?.http('/status')) ?? { body: '{}' }
      return (JSON.parse(body) as { problems: { kind: string }[] }).problems.map(({ kind }) => kind)
    }
    /** As many starts as deaths, of both. */
    const areBack = (): Promise<unknown> =>
      until(
        () =>
          [0, 1].every(
            (worker) =>
              eventsOf('worker.restarted', worker).length ===
              eventsOf('worker.exited', worker).length,
          ),
        { what: 'all are there again', withinMs: 60_000 },
      )

    test('a worker dies each second: its sibling answers', async () => {
      const load = startLoad(clients, whole / 2)
      const deaths = 10
      for (let i = 0; i < deaths; i++) {
        kill(0)
        await pause(1000)
      }
      const { sent, lost, empty } = await load.stop()
      const exits = eventsOf('worker.exited', 0)
      console.info(
        `${transport}: ${exits.length} deaths of one of two at half of ${whole.toFixed()} a second: ${lost} of ${sent} lost`,
      )
      expect(empty).toBe(0)
      // Half of them would be lost while it is away, which is most of the time in the end.
      expect(lost).toBeLessThanOrEqual(0.05 * sent)
      expect(exits.length).toBeGreaterThanOrEqual(4)
      expect(exits.map((line) => line['backoffMs'])).toEqual(
        exits.map((_, i) => Math.min(200 * 2 ** i, 5000)),
      )
      // It stays away for seconds by now.
      await until(
        async () => {
          const [first] = await problems()
          if (first === undefined) kill(0)
          return first === 'workers-down'
        },
        { what: 'workers-down, first in the status', withinMs: 60_000, everyMs: 100 },
      )
      await areBack()
      await until(async () => (await problems()).length === 0, {
        what: 'no more workers-down',
        withinMs: 60_000,
        everyMs: 100,
      })
      const [died, back] = [timesOf('worker.exited', 0), timesOf('worker.restarted', 0)]
      // 200 ms of backoff, and the start of a thread on a machine that is busy with the load.
      expect((back[0] ?? Infinity) - (died[0] ?? 0)).toBeLessThan(10_000)
    })

    test('both die, again and again: one is back at once', async () => {
      const deadMs: number[] = []
      for (let i = 0; i < 5; i++) {
        kill(0)
        await until(() => eventsOf('worker.exited', 0).length > i, {
          what: 'a death',
          withinMs: 60_000,
        })
        kill(1)
        await until(() => eventsOf('worker.exited', 1).length > i, {
          what: 'a death',
          withinMs: 60_000,
        })
        const sinceMs = performance.now()
        await until(
          () =>
            (clients[i] as UdpClient).ask(zone, 'MX', 50).then(
              () => true,
              () => false,
            ),
          { what: 'an answer', withinMs: 60_000 },
        )
        deadMs.push(performance.now() - sinceMs)
        await areBack()
        // Who dies within a second of its start is not missed.
        await pause(1500)
      }
      console.info(
        `${transport}: both dead, answers again after ${deadMs.map((ms) => ms.toFixed()).join(', ')} ms`,
      )
      // By then the other one stays away for longer than it takes this one to die.
      const backoffs = eventsOf('worker.exited', 1).map((line) => line['backoffMs'])
      expect(backoffs.slice(-2)).toEqual([200, 200])
      expect(percentile(deadMs, 0.5)).toBeLessThan(slowMachineMs)
    })
  },
)

interface TcpCustomer {
  readonly asked: () => number
  /** IDs of the queries, which count from 1, in the order of the answers. */
  readonly answered: () => readonly number[]
  readonly ended: Promise<'in order' | 'by a reset'>
  stop(): void
}

/** Asks every 100 ms over one connection from an address of its own, until the server ends it. */
async function openCustomer(port: number, index: number): Promise<TcpCustomer> {
  const localAddress = `127.9.${index >> 4}.${(index & 15) + 1}`
  const socket: Socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true })
  let asked = 0
  const answered: number[] = []
  let held = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    held = Buffer.concat([held, chunk])
    while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
      answered.push(held.readUInt16BE(2))
      held = held.subarray(2 + held.readUInt16BE(0))
    }
  })
  const ended = new Promise<'in order' | 'by a reset'>((resolve) => {
    socket.once('end', () => resolve('in order'))
    socket.once('error', () => resolve('by a reset'))
  })
  await once(socket, 'connect')
  const timer = setInterval(() => {
    if (!socket.writable) return
    asked++
    socket.write(framed(encodeQuestion(zone, 'MX', asked)))
  }, 100)
  void ended.then(() => clearInterval(timer))
  return {
    asked: () => asked,
    answered: () => answered,
    ended,
    stop: () => socket.destroy(),
  }
}

test('SIGTERM under load, with 200 TCP clients (W3)', async () => {
  const lameduckMs = 1000
  server = await startServer({
    zones,
    settings: `workers: 2\nlameduck: ${lameduckMs}ms\n`,
  })
  const running = server
  const customers = await Promise.all(
    Array.from({ length: 200 }, (_, i) => openCustomer(running.port, i)),
  )
  const clients = openClients(running.port)
  const load = startLoad(clients, 500)
  await until(() => customers.every(({ answered }) => answered().length >= 3), {
    what: 'every client is being served',
    withinMs: 60_000,
  })
  const sinceMs = performance.now()
  running.signal('SIGTERM')
  // What was sent before, and for most of the time that it lets pass: all of it is answered.
  await pause(0.7 * lameduckMs)
  expect(await load.stop()).toMatchObject({ lost: 0, empty: 0 })
  expect(await running.exited).toEqual({ code: 0, signal: null })
  const tookMs = performance.now() - sinceMs
  for (const client of clients) client.close()
  const ends = await Promise.all(customers.map(({ ended }) => ended))
  const unanswered = customers.map(({ asked, answered }) => asked() - answered().length)
  for (const customer of customers) customer.stop()
  console.info(
    `SIGTERM with 200 TCP clients: gone after ${tookMs.toFixed()} ms; ${ends.filter((end) => end === 'in order').length} ended in order, ${unanswered.reduce((a, b) => a + b, 0)} of their ${customers.reduce((sum, { asked }) => sum + asked(), 0)} queries without an answer`,
  )
  expect(tookMs).toBeLessThan(lameduckMs + slowMachineMs)
  // None but the last, which were under way when the server had read its last.
  for (const { answered } of customers) expect(answered()).toEqual(answered().map((_, i) => i + 1))
  expect(ends.filter((end) => end === 'in order').length).toBeGreaterThanOrEqual(190)
})
