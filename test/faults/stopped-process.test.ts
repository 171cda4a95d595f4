// A server that is stopped for a while (SIGSTOP, like a suspended machine) takes no target for down because of the pause,
// and does not make up for missed probes. Its MTAs are impatient: they close silent connections with 421.

import { once } from 'node:events'
import { type Socket, createServer } from 'node:net'
import { expect, test } from 'vitest'

import { mailZone } from '../support/mail-zone.ts'
import { startServer } from '../support/server.ts'
import { pause, until } from '../support/wait.ts'

const targets = 8
const stoppedMs = 6000

/** Greets after 700 ms, so that some dialogue is always under way, and waits 1.5 s for each line. */
async function startImpatientMtas(): Promise<{ port: number; openedMs: number[]; close(): void }> {
  const openedMs: number[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    openedMs.push(performance.now())
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    let hangUp: NodeJS.Timeout | undefined
    const waitForLine = (): void => {
      clearTimeout(hangUp)
      hangUp = setTimeout(() => socket.end('421 4.4.2 too slow\r\n'), 1500)
    }
    socket.once('close', () => clearTimeout(hangUp))
    setTimeout(() => {
      socket.write('220 mx.example.test ESMTP\r\n')
      waitForLine()
    }, 700)
    socket.on('data', (line) => {
      waitForLine()
      if (String(line).startsWith('QUIT')) socket.end('221 2.0.0 bye\r\n')
      else socket.write('250 mx.example.test\r\n')
    })
  })
  server.listen(0, '0.0.0.0')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    openedMs,
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

test('a stopped process takes no target out and catches nothing up', async () => {
  const mtas = await startImpatientMtas()
  const names = Array.from({ length: targets }, (_, i) => `mx${i + 1}`)
  const server = await startServer({
    zones: {
      'mail.yaml': mailZone({
        port: mtas.port,
        targets: Object.fromEntries(
          names.map((name, i) => [name, { address: `127.0.9.${i + 1}`, weight: 1 }]),
        ),
      }),
    },
  })
  try {
    for (const name of names) await server.waitForState(name, 'up', 20_000)
    // In flight: not greeted yet.
    const before = mtas.openedMs.length
    await until(() => mtas.openedMs.length > before, { what: 'a dialogue', withinMs: 60_000 })
    server.signal('SIGSTOP')
    await pause(stoppedMs)
    const wokenMs = performance.now()
    server.signal('SIGCONT')
    await until(async () => ((await server.metric('mxsteer_process_stalls_total')) ?? 0) > 0, {
      what: 'the stall to be seen',
      withinMs: 60_000,
    })
    const discarded = 'mxsteer_probes_discarded_total{reason="stalled"}'
    await until(async () => ((await server.metric(discarded)) ?? 0) > 0, {
      what: 'a dialogue that was not believed',
      withinMs: 60_000,
    })
    // Every target is probed again, twice at least.
    const healthy = 'mxsteer_probe_outcomes_total{kind="ok"}'
    const healthyBefore = (await server.metric(healthy)) ?? 0
    await until(async () => ((await server.metric(healthy)) ?? 0) >= healthyBefore + 2 * targets, {
      what: 'two more rounds of probes',
      withinMs: 60_000,
    })
    const troubled = server.logs().filter(({ event }) => /target\.(down|suspect)/.test(event ?? ''))
    expect(troubled).toEqual([])
    const atOnce = mtas.openedMs.filter((atMs) => atMs >= wokenMs && atMs < wokenMs + 500)
    expect(atOnce.length).toBeLessThanOrEqual(targets)
    expect(mtas.openedMs.some((atMs) => atMs > wokenMs + 500)).toBe(true)
  } finally {
    await server.stop()
    mtas.close()
  }
})
