// What outcomes other than up and down do in a watch, on simulated time: weight that is shed, alerts, slow rounds.

import { describe, expect, test } from 'vitest'
import type { LiveVote } from '../../src/health/consensus.ts'
import { createHealthTable, SlotState, type HealthWriter } from '../../src/health/table.ts'
import type { Outcome } from '../../src/health/outcome.ts'
import type { ProbeProfile, WatchedAddress } from '../../src/probe/smtp/profile.ts'
import { slotKey } from '../../src/watch/slot-key.ts'
import type { ProbeRequest } from '../../src/probe/smtp/smtp-probe.ts'
import type { TargetAlert } from '../../src/watch/target-alerts.ts'
import { noSession } from '../../src/health/tls-report.ts'
import { createEndpointWatch, type EndpointWatch } from '../../src/watch/endpoint-watch.ts'
import { createStandaloneVotes } from '../../src/cluster/standalone.ts'
import { quickProfile } from '../support/probe-profile.ts'
import { createVirtualTime, seededRandom } from '../support/virtual-time.ts'

const watched = (changes: Partial<ProbeProfile> = {}): WatchedAddress => ({
  slot: 1,
  zone: 'smtp.example.com',
  target: 'mx1',
  address: '192.0.2.1',
  family: 4,
  profile: quickProfile({ intervalMs: 10_000, fastIntervalMs: 2000, ...changes }),
})

interface Rig {
  readonly table: HealthWriter
  readonly watch: EndpointWatch
  readonly alerts: TargetAlert[]
  readonly requests: ProbeRequest[]
  says: Partial<Outcome>
  /** Votes of others. */
  others: readonly LiveVote[]
  probes(count: number): Promise<void>
}

function rig(answer?: (request: ProbeRequest) => Partial<Outcome>): Rig {
  const time = createVirtualTime()
  const own = createStandaloneVotes('a', 'fra')
  const alerts: TargetAlert[] = []
  const requests: ProbeRequest[] = []
  const table = createHealthTable(4)
  const made: Rig = {
    table,
    alerts,
    requests,
    says: { kind: 'ok' },
    others: [],
    watch: createEndpointWatch({
      table,
      cluster: { ...own, votes: (key) => [...own.votes(key), ...made.others] },
      clock: time.clock,
      timer: time.timer,
      random: seededRandom(5),
      onTransition: () => {},
      onAlert: (alert) => alerts.push(alert),
      probe(request) {
        requests.push(request)
        const said = answer?.(request) ?? made.says
        const base = { kind: 'ok', reason: 'ok', code: 250, durationMs: 1, dialogue: [] } as const
        return Promise.resolve({ ...base, ...said })
      },
    }),
    async probes(count) {
      const until = requests.length + count
      for (let i = 0; i < 20_000 && requests.length < until; i++) {
        time.advance(50)
        for (let turn = 0; turn < 8; turn++) await Promise.resolve()
      }
      expect(requests.length).toBe(until)
    },
  }
  return made
}

const refusing = { kind: 'refusing', reason: 'banner-refusing', code: 554 } as const
const busy = { kind: 'busy', reason: 'banner-busy', code: 421 } as const
const raised = (alerts: readonly TargetAlert[]): string[] =>
  alerts.map(({ alert, isRaised, reason }) => `${isRaised ? '+' : '-'}${alert} ${reason}`)

describe('busy', () => {
  test('sheds weight at once and takes down after twice `fall`', async () => {
    const run = rig()
    run.watch.update([watched()])
    await run.probes(3)
    expect(run.table.factor(1)).toBe(1)
    run.says = busy
    await run.probes(1)
    const first = run.table.factor(1)
    expect(first).toBeLessThan(1)
    await run.probes(4)
    expect(run.table.factor(1)).toBeLessThan(first)
    expect(run.table.state(1)).toBe(SlotState.suspect)
    await run.probes(1)
    expect(run.table.state(1)).toBe(SlotState.down)
  })

  test('and gives it back when it is over', async () => {
    const run = rig()
    run.watch.update([watched()])
    await run.probes(2)
    run.says = busy
    await run.probes(2)
    expect(run.table.factor(1)).toBeLessThan(1)
    run.says = { kind: 'ok' }
    await run.probes(12)
    expect([run.table.factor(1), run.table.state(1)]).toEqual([1, SlotState.up])
  })

  test('slow stays up, and sheds from the third in a row', async () => {
    const run = rig()
    run.watch.update([watched()])
    run.says = { kind: 'slow', reason: 'banner-slow' }
    await run.probes(2)
    expect(run.table.factor(1)).toBe(1)
    await run.probes(10)
    expect(run.table.factor(1)).toBeLessThan(0.7)
    expect(run.table.factor(1)).toBeGreaterThanOrEqual(0.5)
    expect(run.table.state(1)).toBe(SlotState.up)
  })
})

describe('refusing', () => {
  test('alone: down after twice `fall`, with an alert, which is over once we are let in', async () => {
    const run = rig()
    run.watch.update([watched()])
    await run.probes(2)
    run.says = refusing
    await run.probes(5)
    expect([run.table.state(1), run.alerts.length]).toEqual([SlotState.suspect, 0])
    await run.probes(1)
    expect(run.table.state(1)).toBe(SlotState.down)
    expect(run.alerts).toEqual([
      {
        zone: 'smtp.example.com',
        target: 'mx1',
        address: '192.0.2.1',
        alert: 'prober-blocked',
        isRaised: true,
        reason: 'banner-refusing',
      },
    ])
    expect(run.watch.states()[0]?.alerts).toEqual(['prober-blocked'])
    run.says = { kind: 'ok' }
    await run.probes(2)
    expect(run.table.state(1)).toBe(SlotState.up)
    expect(raised(run.alerts)).toEqual(['+prober-blocked banner-refusing', '-prober-blocked ok'])
  })

  test('at this site alone: an alert, and it stays in the answers', async () => {
    const run = rig()
    run.others = ['nyc', 'sin'].map((site) => ({ instance: site, site, state: 'U', reason: 'ok' }))
    run.watch.update([watched()])
    await run.probes(2)
    run.says = refusing
    await run.probes(8)
    expect(run.table.state(1)).not.toBe(SlotState.down)
    expect(raised(run.alerts)).toEqual(['+prober-blocked banner-refusing'])
  })

  test('at two sites: down, and no alert, since it is all of them', async () => {
    const run = rig()
    run.others = [{ instance: 'b', site: 'nyc', state: 'D', reason: 'banner-refusing' }]
    run.watch.update([watched()])
    run.says = refusing
    await run.probes(8)
    expect(run.table.state(1)).toBe(SlotState.down)
    expect(raised(run.alerts)).toEqual([
      '+prober-blocked banner-refusing',
      '-prober-blocked banner-refusing',
    ])
  })
})

describe('TLS', () => {
  const broken = {
    kind: 'tls',
    reason: 'certificate-expired',
    tls: noSession('certificate-expired', 'expired'),
  } as const
  const level = { level: 'tls', slowIntervalMs: 900_000 } as const
  const inTls = (request: ProbeRequest): Partial<Outcome> =>
    request.profile.level === 'tls' ? broken : { kind: 'ok', hasStarttls: true }

  test('warns, and the target stays up', async () => {
    const run = rig(inTls)
    run.watch.update([watched(level)])
    await run.probes(12)
    expect(run.table.state(1)).toBe(SlotState.up)
    expect(raised(run.alerts)).toEqual(['+tls certificate-expired'])
    expect(run.requests.some(({ hadStarttls }) => hadStarttls)).toBe(true)
    const looks = run.requests.filter(({ profile }) => profile.level === 'tls').length
    expect(looks).toBeGreaterThanOrEqual(1)
    expect(looks).toBeLessThan(6)
  })

  test('takes it out where the zone requires TLS, after `fall` looks of their own', async () => {
    const run = rig(inTls)
    const tls = { ...watched().profile.tls, isRequired: true }
    run.watch.update([watched({ ...level, tls })])
    await run.probes(3)
    expect(run.requests.map(({ profile }) => profile.level)).toEqual(['tls', 'tls', 'tls'])
    expect(run.table.state(1)).toBe(SlotState.down)
    await run.probes(8)
    expect(run.table.state(1)).toBe(SlotState.down)
    expect(run.requests.at(-1)?.profile.level).toBe('ehlo')
  })
})

test('self moves nothing: neither weight nor alerts nor state', async () => {
  const run = rig()
  run.watch.update([watched()])
  run.says = busy
  await run.probes(2)
  const before = [run.table.state(1), run.table.factor(1)]
  run.says = { kind: 'self', reason: 'stalled', code: null }
  await run.probes(2)
  expect([run.table.state(1), run.table.factor(1), run.alerts]).toEqual([...before, []])
})

describe('probes that say nothing', () => {
  const noRoute = { kind: 'self', reason: 'local-no-route', code: null } as const
  const stalled = { kind: 'self', reason: 'stalled', code: null } as const

  /** Probes until the alert is raised: how many it took. */
  async function probesUntilBlind(run: Rig, limit: number): Promise<number> {
    for (let count = 1; count <= limit; count++) {
      await run.probes(1)
      if (run.alerts.length > 0) return count
    }
    return Infinity
  }

  test('are told of after fifteen intervals, once, with the first reason, until one says something', async () => {
    const run = rig()
    run.watch.update([watched()])
    await run.probes(2)
    run.says = noRoute
    const count = await probesUntilBlind(run, 30)
    expect(count).toBeGreaterThan(13)
    expect(count).toBeLessThan(18)
    expect(run.watch.states()[0]).toMatchObject({ alerts: ['prober-blind'], state: 'up' })
    expect(run.watch.ownFaults()).toEqual({ count: 1, blind: 1, of: 1, reasons: 'local-no-route' })
    run.says = stalled
    await run.probes(20)
    expect(raised(run.alerts)).toEqual(['+prober-blind local-no-route'])
    run.says = { kind: 'dead', reason: 'network-unreachable', code: null }
    await run.probes(1)
    expect(raised(run.alerts).slice(1)).toEqual(['-prober-blind network-unreachable'])
    expect(run.watch.states()[0]?.alerts).toEqual([])
  })

  test('are told of after five minutes where intervals are long, and after `fall` probes at least', async () => {
    const each = async (changes: Partial<ProbeProfile>): Promise<number> => {
      const run = rig()
      run.says = noRoute
      run.watch.update([watched(changes)])
      return probesUntilBlind(run, 12)
    }
    expect(await each({ intervalMs: 60_000, fastIntervalMs: 60_000 })).toBeLessThanOrEqual(8)
    expect(await each({ intervalMs: 600_000, fastIntervalMs: 600_000, fall: 4 })).toBe(4)
  })

  test('now and then are nothing to tell of', async () => {
    const run = rig()
    run.watch.update([watched()])
    for (let i = 0; i < 6; i++) {
      run.says = stalled
      await run.probes(8)
      run.says = { kind: 'ok' }
      await run.probes(1)
    }
    expect(run.alerts).toEqual([])
  })

  test('since this host is cut off have an event of their own', async () => {
    const run = rig()
    run.says = { kind: 'self', reason: 'isolated', code: null }
    run.watch.update([watched()])
    await run.probes(40)
    expect(run.alerts).toEqual([])
  })
})

test('a target behind NAT is probed at its other address, and reported by its served one', async () => {
  const run = rig()
  const behind = { ...watched(), probeAddress: '10.0.0.1' }
  run.watch.update([behind])
  await run.probes(1)
  expect(run.requests[0]?.address).toBe('10.0.0.1')
  expect(run.watch.states()[0]?.address).toBe('192.0.2.1')
  expect(slotKey({ address: '10.0.0.1', profile: behind.profile })).toContain('10.0.0.1')
})
