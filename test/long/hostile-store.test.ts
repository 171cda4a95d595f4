// A server whose store sends anything, and one whose control thread throws: it answers throughout, stays alive and says
// what happened.

import { expect, test } from 'vitest'

import { badReplies, unaskedReplies } from '../support/hostile-replies.ts'
import { openUdpClient, type UdpClient } from '../support/dns-client.ts'
import { startFakeStore } from '../support/fake-store.ts'
import { mailDomain, mailZone } from '../support/mail-zone.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { until } from '../support/wait.ts'

const zones = {
  'mail.yaml': mailZone({
    targets: { mx1: { address: '127.0.0.83', weight: 1 } },
    port: 9,
    probe: { level: 'banner' },
  }),
}

const settings = ['state_heartbeat: 300ms', 'workers: 1', 'lameduck: 0']

/** The link waits longer after each of them, so that these are some of all kinds. */
const sent = [...unaskedReplies.slice(0, 2), ...badReplies].filter(({ what }) =>
  /null|subscription|negative|HTTP|512 MiB|32 M/.test(what),
)

/** Asks without a break until `stop`, which returns how many questions there were; each is answered. */
function askThroughout(client: UdpClient): { stop(): Promise<number> } {
  const stopping = new AbortController()
  let answered = 0
  const asking = (async () => {
    while (!stopping.signal.aborted) {
      expect((await client.ask(mailDomain, 'MX')).answers).toHaveLength(1)
      answered++
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  })()
  return {
    async stop() {
      stopping.abort()
      await asking
      return answered
    },
  }
}

const faultCount = async (server: RunningServer): Promise<number> => {
  const lines = (await server.http('/metrics')).body.split('\n')
  return lines
    .filter((line) => line.startsWith('mxsteer_state_protocol_errors_total{'))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

test('octets that are no reply, from the store: each is counted, and answers go on', async () => {
  const store = await startFakeStore()
  const server = await startServer({
    zones,
    settings: [...settings, `state: redis://127.0.0.1:${store.port}`].join('\n'),
  })
  const client = openUdpClient(server.port)
  const asking = askThroughout(client)
  const isInReach = async (): Promise<boolean> =>
    (await server.metric('mxsteer_state_degraded')) === 0 && store.openCount() === 2
  for (const { what, octets } of sent) {
    await until(isInReach, { what: `in reach before ${what}`, withinMs: 60_000 })
    const before = await faultCount(server)
    // Again and again: on a busy machine a connection may end for another reason while they are sent.
    const isCounted = async (): Promise<boolean> => {
      if (store.openCount() === 2) store.sendToAll(octets)
      return (await faultCount(server)) > before
    }
    await until(isCounted, { what, withinMs: 60_000, everyMs: 200 })
  }
  // In place of every reply, for long enough to be cut off.
  store.misanswer(() => '>1\r\n_\r\n')
  await server.waitForLog(
    ({ event, why }) => event === 'state.degraded' && why === 'PROTOCOL',
    60_000,
  )
  store.misanswer(null)
  await server.waitForLog(({ event }) => event === 'state.recovered', 60_000)
  expect(await asking.stop()).toBeGreaterThan(0)
  expect(server.logs().filter(({ event }) => event === 'part.failed')).toEqual([])
  expect(await server.metric('mxsteer_worker_restarts_total')).toBe(0)
  expect(await server.stop()).toEqual({ code: 0, signal: null })
  client.close()
  await store.stop()
})

test('a control thread that throws: logged once for each kind, counted, and answers go on', async () => {
  const thrower = new URL('../fixtures/parts/throw-on-signal.ts', import.meta.url).pathname
  const server = await startServer({
    zones,
    settings: settings.join('\n'),
    env: { NODE_OPTIONS: `--import ${thrower}` },
  })
  const client = openUdpClient(server.port)
  const asking = askThroughout(client)
  const failures = (): Promise<number | null> =>
    server.metric('mxsteer_part_failures_total{part="unknown"}')
  for (let i = 1; i <= 3; i++) {
    server.signal('SIGUSR2')
    await until(async () => (await failures()) === 2 * i, { what: 'counted', withinMs: 60_000 })
  }
  expect(await asking.stop()).toBeGreaterThan(0)
  const failed = server.logs().filter(({ event }) => event === 'part.failed')
  expect(failed.map(({ error, why }) => `${String(error)}: ${String(why)}`).toSorted()).toEqual([
    'RangeError: a rejection',
    'TypeError: thrown by a timer',
  ])
  expect(await server.stop()).toEqual({ code: 0, signal: null })
  client.close()
})
