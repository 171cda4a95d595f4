// A watch of many addresses on simulated time, whose probes are scripted: for tests of local faults.

import type { ClusterVotes } from '../../src/cluster/cluster-votes.ts'
import { createStandaloneVotes } from '../../src/cluster/standalone.ts'
import type { Outcome, OutcomeKind } from '../../src/health/outcome.ts'
import { createHealthTable, type SlotState, Standing } from '../../src/health/table.ts'
import type { WatchedAddress } from '../../src/probe/smtp/profile.ts'
import { createEndpointWatch, type EndpointWatch } from '../../src/watch/endpoint-watch.ts'
import type { Canary, LocalFaultEvent } from '../../src/watch/local-fault.ts'
import type { WatchedPool } from '../../src/watch/watched-pools.ts'
import type { Transition } from '../../src/watch/watched-state.ts'
import { quickProfile } from '../support/probe-profile.ts'
import { createVirtualTime, seededRandom, type VirtualTime } from '../support/virtual-time.ts'

/** What an address answers with at a time, and how long that takes. */
export type Script = (
  address: string,
  nowMs: number,
) => readonly [OutcomeKind, lastsMs?: number, reason?: string, code?: number]

interface Change extends Transition {
  readonly atMs: number
}

export interface Rig {
  readonly time: VirtualTime
  readonly watch: EndpointWatch
  readonly changes: Change[]
  readonly events: LocalFaultEvent[]
  readonly probed: Map<string, number>
  readonly run: (ms: number) => Promise<void>
  readonly state: (slot: number) => SlotState
  readonly drain: (row: number) => void
  /** Milliseconds since the rig was made. */
  readonly nowMs: () => number
  readonly went: (to: string) => readonly Change[]
}

export function rig(
  script: Script,
  canaries: readonly Canary[] = [],
  seed = 3,
  cluster: ClusterVotes = createStandaloneVotes(),
): Rig {
  const time = createVirtualTime()
  const beganMs = time.clock.monotonicMs()
  const nowMs = (): number => time.clock.monotonicMs() - beganMs
  const table = createHealthTable(128)
  const changes: Change[] = []
  const events: LocalFaultEvent[] = []
  const probed = new Map<string, number>()
  const watch = createEndpointWatch({
    table,
    canaries,
    cluster,
    clock: time.clock,
    timer: time.timer,
    random: seededRandom(seed),
    onTransition: (transition) => changes.push({ ...transition, atMs: nowMs() }),
    onLocalFault: (event) => events.push(event),
    async probe({ address, profile }) {
      const key = profile.name === 'canary' ? `canary ${address}` : address
      probed.set(key, (probed.get(key) ?? 0) + 1)
      const [kind, durationMs = 1, reason = kind, code = null] = script(key, nowMs())
      await new Promise<void>((resolve) => time.timer(durationMs, resolve))
      return { kind, reason, code, durationMs, dialogue: [] } satisfies Outcome
    },
  })
  const run = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 50) {
      time.advance(50)
      for (let i = 0; i < 12; i++) await Promise.resolve()
    }
  }
  const went = (to: string): readonly Change[] => changes.filter((change) => change.to === to)
  return {
    time,
    watch,
    changes,
    events,
    probed,
    run,
    nowMs,
    went,
    state: (slot) => table.state(slot),
    drain: (row) => table.setRow(row, Standing.drained, 1),
  }
}

const profile = quickProfile({ intervalMs: 20_000, fastIntervalMs: 5000, bannerTimeoutMs: 10_000 })
export const addresses = (count: number): WatchedAddress[] =>
  Array.from({ length: count }, (_, i) => ({
    slot: i + 1,
    zone: 'smtp.example.com',
    target: `mx${i + 1}`,
    address: `192.0.${i + 1}.1`,
    family: 4,
    profile,
  }))
export const poolOf = (slots: readonly number[], name = 'p'): WatchedPool => ({
  name: `${name}.smtp.example.com`,
  members: slots.map((slot) => ({ weight: 1, row: slot, slots: [slot] })),
})
export const slotsOf = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1)
export const slotNumber = (address: string): number => Number(address.split('.')[2])
export const atMs = 60_000
