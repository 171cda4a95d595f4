// The watch on simulated time, with a prober that says what the test wants: outcome → table and transitions.

import { describe, expect, test } from 'vitest'
import type { LiveVote } from '../../src/health/consensus.ts'
import { createHealthTable, SlotState, type HealthWriter } from '../../src/health/table.ts'
import type { Outcome, OutcomeKind } from '../../src/health/outcome.ts'
import type { ProbeProfile, WatchedAddress } from '../../src/probe/smtp/profile.ts'
import { slotKey } from '../../src/watch/slot-key.ts'
import { createEndpointWatch, type EndpointWatch } from '../../src/watch/endpoint-watch.ts'
import type { Transition } from '../../src/watch/watched-state.ts'
import type { ClusterVotes } from '../../src/cluster/cluster-votes.ts'
import { createStandaloneVotes } from '../../src/cluster/standalone.ts'
import { quickProfile } from '../support/probe-profile.ts'
import { createVirtualTime, seededRandom } from '../support/virtual-time.ts'

const profileOf = (changes: Partial<ProbeProfile> = {}): ProbeProfile =>
  quickProfile({ intervalMs: 10_000, fastIntervalMs: 2000, ...changes })

const address = (slot: number, changes: Partial<WatchedAddress> = {}): WatchedAddress => ({
  slot,
  zone: 'smtp.example.com',
  target: `mx${slot}`,
  address: `192.0.2.${slot}`,
  family: 4,
  profile: profileOf(),
  ...changes,
})

interface Rig {
  readonly table: HealthWriter
  readonly watch: EndpointWatch
  readonly transitions: Transition[]
  readonly probed: string[]
  readonly aborted: string[]
  /** What an address answers with; `ok` where nothing is said, no answer at all for null. */
  readonly says: Map<string, OutcomeKind | null>
  readonly run: (ms: number) => Promise<void>
  /** Until `count` more probes of the address have ended. */
  readonly probes: (address: string, count: number) => Promise<void>
  readonly steps: () => string[]
}

function rig(cluster: ClusterVotes = createStandaloneVotes()): Rig {
  const time = createVirtualTime()
  const table = createHealthTable(16)
  const transitions: Transition[] = []
  const probed: string[] = []
  const aborted: string[] = []
  const says = new Map<string, OutcomeKind | null>()
  const watch = createEndpointWatch({
    table,
    cluster,
    clock: time.clock,
    timer: time.timer,
    random: seededRandom(3),
    onTransition: (transition) => transitions.push(transition),
    async probe({ address, signal }) {
      probed.push(address)
      const kind = says.get(address) === undefined ? 'ok' : says.get(address)
      if (kind !== null) return outcome(kind as OutcomeKind)
      await new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve()))
      aborted.push(address)
      return outcome('self')
    },
  })
  const run = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 50) {
      time.advance(50)
      for (let i = 0; i < 8; i++) await Promise.resolve()
    }
  }
  return {
    table,
    watch,
    transitions,
    probed,
    aborted,
    says,
    run,
    async probes(address, count) {
      const count0 = probed.filter((each) => each === address).length
      for (let i = 0; i < 20_000; i++) {
        if (probed.filter((each) => each === address).length >= count0 + count) return
        await run(50)
      }
      throw new Error(`${address} was not probed ${count} times`)
    },
    steps: () => transitions.map((each) => `${each.target} ${each.from}>${each.to} ${each.reason}`),
  }
}

const outcome = (kind: OutcomeKind): Outcome => ({
  kind,
  reason: kind,
  code: kind === 'ok' ? 250 : null,
  durationMs: 1,
  dialogue: [],
})

describe('health of one address', () => {
  test('up on the first pass, suspect, down after `fall`, up after `rise`', async () => {
    const { watch, says, probes, run, steps, table, transitions } = rig()
    watch.update([address(1)])
    expect(watch.firstRoundDone()).toBe(false)
    await run(1100)
    expect(watch.firstRoundDone()).toBe(true)
    expect(table.state(1)).toBe(SlotState.up)
    says.set('192.0.2.1', 'dead')
    await probes('192.0.2.1', 3)
    expect(table.state(1)).toBe(SlotState.down)
    says.set('192.0.2.1', 'ok')
    await probes('192.0.2.1', 2)
    expect(table.state(1)).toBe(SlotState.up)
    expect(steps()).toEqual([
      'mx1 unknown>up ok',
      'mx1 up>suspect dead',
      'mx1 suspect>down dead',
      'mx1 down>up ok',
    ])
    expect(transitions[2]).toMatchObject({
      slot: 1,
      zone: 'smtp.example.com',
      address: '192.0.2.1',
      code: null,
      holdSeconds: 12,
    })
    expect(transitions[2]?.afterMs).toBeGreaterThan(3500)
    expect(transitions[2]?.afterMs).toBeLessThan(4600)
  })

  test('busy needs twice `fall`; self moves nothing', async () => {
    const { watch, says, probes, table, run } = rig()
    watch.update([address(1)])
    await run(1100)
    says.set('192.0.2.1', 'busy')
    await probes('192.0.2.1', 5)
    expect(table.state(1)).toBe(SlotState.suspect)
    says.set('192.0.2.1', 'self')
    await probes('192.0.2.1', 10)
    expect(table.state(1)).toBe(SlotState.suspect)
    says.set('192.0.2.1', 'busy')
    await probes('192.0.2.1', 1)
    expect(table.state(1)).toBe(SlotState.down)
    says.set('192.0.2.1', 'self')
    await probes('192.0.2.1', 10)
    expect(table.state(1)).toBe(SlotState.down)
  })

  test('holdSeconds follows the verdicts still needed', async () => {
    const { watch, says, probes, table, run } = rig()
    watch.update([address(1)])
    await run(1100)
    expect(table.holdSeconds(1)).toBe(14)
    says.set('192.0.2.1', 'mute')
    await probes('192.0.2.1', 1)
    expect(table.holdSeconds(1)).toBe(4)
    await probes('192.0.2.1', 1)
    expect(table.holdSeconds(1)).toBe(2)
  })

  test('slow start: only after a recovery that was seen, in steps up to the whole weight', async () => {
    const { watch, says, probes, table, run } = rig()
    watch.update([address(1, { profile: profileOf({ slowStartSeconds: 20 }) })])
    await run(1100)
    expect(table.factor(1)).toBe(1)
    says.set('192.0.2.1', 'dead')
    await probes('192.0.2.1', 3)
    says.set('192.0.2.1', 'ok')
    await probes('192.0.2.1', 2)
    const factors = [table.factor(1)]
    for (let i = 0; i < 250; i++) {
      await run(100)
      if (table.factor(1) !== factors.at(-1)) factors.push(table.factor(1))
    }
    expect(factors[0]).toBeCloseTo(0.1, 6)
    expect(factors.at(-1)).toBe(1)
    expect(factors.length).toBeGreaterThan(15)
    expect(factors).toEqual(factors.toSorted((a, b) => a - b))
  })

  test('the table keeps when it last went down, also after it came back', async () => {
    const { table, watch, says, probes } = rig()
    watch.update([address(1), address(2)])
    await probes('192.0.2.1', 1)
    says.set('192.0.2.1', 'dead')
    await probes('192.0.2.1', 3)
    const first = table.fellAtSeconds(1)
    expect(table.state(1)).toBe(SlotState.down)
    expect(first).toBeGreaterThan(0)
    expect(table.fellAtSeconds(2)).toBe(0)
    says.set('192.0.2.2', 'dead')
    // Both are all there are: the second has to fail a second round.
    await probes('192.0.2.2', 7)
    expect(table.fellAtSeconds(2)).toBeGreaterThan(first)
    says.delete('192.0.2.1')
    await probes('192.0.2.1', 3)
    expect([table.state(1), table.fellAtSeconds(1)]).toEqual([SlotState.up, first])
    await watch.stop()
  })

  test('writes the table only when something changed', async () => {
    const { watch, table, run } = rig()
    watch.update([address(1)])
    await run(1100)
    const generation = table.generation()
    await run(60_000)
    expect(table.generation()).toBe(generation)
  })
})

describe('the first round', () => {
  test('nothing is down before every address has had a probe, then what is known counts', async () => {
    const { watch, says, run, table, steps } = rig()
    says.set('192.0.2.1', 'dead')
    says.set('192.0.2.2', null)
    watch.update([address(1), address(2)])
    await run(20_000)
    expect(watch.firstRoundDone()).toBe(false)
    expect(table.state(1)).toBe(SlotState.unknown)
    await run(11_000)
    expect(watch.firstRoundDone()).toBe(false)
    expect(table.state(1)).toBe(SlotState.down)
    expect(steps()).toEqual(['mx1 unknown>down dead'])
  })

  test('a set without addresses is done at once, and a reload does not undo that', async () => {
    const { watch } = rig()
    expect(watch.firstRoundDone()).toBe(false)
    watch.update([])
    expect(watch.firstRoundDone()).toBe(true)
    watch.update([address(1)])
    expect(watch.firstRoundDone()).toBe(true)
  })
})

describe('the set', () => {
  test('a shared slot is probed once and reported for each of its targets', async () => {
    const { watch, probed, run, steps } = rig()
    watch.update([address(1), address(1, { zone: 'b.example', target: 'other' })])
    await run(1100)
    expect(probed).toEqual(['192.0.2.1'])
    expect(steps()).toEqual(['mx1 unknown>up ok', 'other unknown>up ok'])
    expect(watch.states().map((state) => `${state.zone} ${state.target} ${state.state}`)).toEqual([
      'smtp.example.com mx1 up',
      'b.example other up',
    ])
    expect(watch.addressCounts()).toEqual({ up: 2, of: 2 })
  })

  test('a reload keeps what stays, resets and aborts what leaves', async () => {
    const { watch, says, run, table, aborted, probes, probed } = rig()
    says.set('192.0.2.2', 'dead')
    watch.update([address(1), address(2), address(3)])
    await run(1100)
    await probes('192.0.2.2', 2)
    expect(table.state(2)).toBe(SlotState.down)
    says.set('192.0.2.3', null)
    await probes('192.0.2.3', 1)
    watch.update([address(2), address(4)])
    await run(100)
    expect([1, 2, 3].map((slot) => table.state(slot))).toEqual([
      SlotState.unknown,
      SlotState.down,
      SlotState.unknown,
    ])
    expect([table.factor(1), table.holdSeconds(1)]).toEqual([1, Infinity])
    expect(aborted).toEqual(['192.0.2.3'])
    expect(watch.states().map((state) => state.target)).toEqual(['mx2', 'mx4'])
    const before = probed.length
    await run(40_000)
    expect(new Set(probed.slice(before))).toEqual(new Set(['192.0.2.2', '192.0.2.4']))
  })

  test('an endpoint keeps its health under new settings and another slot; another endpoint in its slot does not', async () => {
    const { watch, says, run, table, probes, transitions } = rig()
    says.set('192.0.2.2', 'dead')
    watch.update([address(1), address(2)])
    await run(1100)
    await probes('192.0.2.2', 2)
    const before = transitions.length
    watch.update([
      address(5, { address: '192.0.2.2', profile: profileOf({ fall: 9 }) }),
      address(2, { address: '192.0.2.7' }),
    ])
    expect(table.state(5)).toBe(SlotState.down)
    expect(table.state(2)).toBe(SlotState.unknown)
    expect(transitions.length).toBe(before)
  })

  test('slot 0 is never touched', async () => {
    const { watch, says, run, table, probed } = rig()
    says.set('192.0.2.0', 'dead')
    watch.update([address(0)])
    await run(60_000)
    expect(table.state(0)).toBe(SlotState.up)
    expect(probed).toEqual([])
  })

  test('states tell what people ask', async () => {
    const { watch, says, run } = rig()
    watch.update([address(1), address(2)])
    says.set('192.0.2.2', null)
    await run(1100)
    const [first, second] = watch.states()
    expect(first).toMatchObject({
      slot: 1,
      address: '192.0.2.1',
      port: 25,
      profile: 'inbound',
      state: 'up',
      holdSeconds: 14,
      factor: 1,
      counts: { pass: 1, fail: 0, busy: 0, unknown: 0 },
      lastOutcome: { kind: 'ok' },
    })
    expect(first?.sinceMs).toBeGreaterThan(1_700_000_000_000)
    expect(first?.nextProbeInMs).toBeGreaterThan(0)
    expect(second).toMatchObject({
      state: 'unknown',
      lastOutcome: null,
      lastOutcomeAtMs: null,
      nextProbeInMs: null,
    })
  })

  test('stop aborts and waits; nothing starts after it', async () => {
    const { watch, says, run, aborted, probed } = rig()
    says.set('192.0.2.1', null)
    watch.update([address(1), address(2)])
    await run(1100)
    await watch.stop()
    expect(aborted).toEqual(['192.0.2.1'])
    const before = probed.length
    await run(60_000)
    expect(probed.length).toBe(before)
    expect(watch.counters().inFlight).toBe(0)
  })
})

const shared = (): {
  cluster: ClusterVotes
  readonly foreign: (votes: readonly LiveVote[]) => void
} => {
  const own = createStandaloneVotes('a', 'fra')
  let others: readonly LiveVote[] = []
  let notify: ((key: string) => void) | null = null
  return {
    cluster: {
      ...own,
      votes: (key) => [...own.votes(key), ...others],
      subscribe(listener) {
        notify = listener
        return () => {}
      },
    },
    foreign(votes) {
      others = votes
      notify?.(slotKey(address(1)))
    },
  }
}
const vote = (site: string, state: 'U' | 'D'): LiveVote => ({
  instance: site,
  site,
  state,
  reason: 'x',
})

describe('with other instances', () => {
  test('one site alone takes nothing down; a second one does, without a probe between', async () => {
    const { cluster, foreign } = shared()
    const { watch, says, run, table, probes } = rig(cluster)
    foreign([vote('nyc', 'U'), vote('sin', 'U')])
    watch.update([address(1)])
    await run(1100)
    says.set('192.0.2.1', 'refusing')
    // It takes twice `fall`.
    await probes('192.0.2.1', 7)
    expect(table.state(1)).toBe(SlotState.up)
    foreign([vote('nyc', 'D'), vote('sin', 'U')])
    expect(table.state(1)).toBe(SlotState.down)
    foreign([vote('nyc', 'U'), vote('sin', 'U')])
    expect(table.state(1)).toBe(SlotState.up)
  })

  test('an instance that cannot see abstains, and the others decide', async () => {
    const { cluster, foreign } = shared()
    const { watch, says, run, table, probes } = rig(cluster)
    foreign([vote('nyc', 'U')])
    watch.update([address(1)])
    await run(1100)
    foreign([vote('nyc', 'D')])
    expect(table.state(1)).toBe(SlotState.up)
    says.set('192.0.2.1', 'self')
    await probes('192.0.2.1', 3)
    expect(cluster.votes(slotKey(address(1))).map((each) => each.state)).toEqual(['?', 'D'])
    expect(table.state(1)).toBe(SlotState.down)
  })

  test('what they say before our first round is done is believed at once, and not taken back', async () => {
    const { cluster, foreign } = shared()
    const { watch, says, run, table } = rig(cluster)
    foreign([vote('nyc', 'D'), vote('sin', 'D')])
    says.set('192.0.2.1', 'dead')
    // One that takes its time.
    says.set('192.0.2.2', null)
    watch.update([address(1), address(2)])
    foreign([vote('nyc', 'D'), vote('sin', 'D')])
    expect(table.state(1)).toBe(SlotState.down)
    await run(5000)
    expect(table.state(1)).toBe(SlotState.down)
    expect(watch.firstRoundDone()).toBe(false)
  })
})
