// Answers `/explain` in a thread of its own, from the zones, health and GeoIP databases that workers
// use; what only this thread knows of members and addresses is sent to it when it asks.

import type { AdminCounters } from '../admin/admin-counters.ts'
import {
  createExplainWorker,
  type ExplainWorker,
  type ExplainWorkerOptions,
} from '../admin/explaining/explain-worker.ts'
import type { NoteKeys, Notes } from '../admin/explaining/messages.ts'
import type { DatabaseView } from '../explain/client-view.ts'
import type { MemberFactors, OverrideNote, ProbeNote } from '../explain/pool-view.ts'
import type { PlaceKeeper } from '../geo/place-keeper.ts'
import type { Override } from '../health/overrides.ts'
import { type Clock, isoTime } from '../lib/clock.ts'
import type { OverrideControl } from '../metrics/override-metrics.ts'
import type { Workers } from '../transport/worker/workers.ts'
import type { WatchedState } from '../watch/watched-state.ts'
import type { MemberState } from '../weights/member-state.ts'
import { logAdminEvent } from './event-sources.ts'
import type { Log } from './log.ts'

interface ExplainSources {
  readonly workers: Pick<Workers, 'catalog'>
  readonly healthBuffer: SharedArrayBuffer
  readonly places: Pick<PlaceKeeper, 'current' | 'states'>
  readonly states: () => readonly WatchedState[]
  readonly overrides: OverrideControl
  readonly counters: AdminCounters
  readonly clock: Clock
  readonly log: Log
}

/** What a simulation may take; another one meanwhile is refused. */
const simulationLimits = { deadlineMs: 2000, startingMs: 6000, waiting: 0 }

/** The threads are started by the first question; simulations have one of their own. */
export function startExplainWorker(sources: ExplainSources): ExplainWorker {
  const options = workerOptions(sources)
  const explaining = createExplainWorker(options)
  const simulating = createExplainWorker({ ...options, ...simulationLimits })
  return {
    explain: (asked) => (asked.kind === 'what-if' ? simulating : explaining).explain(asked),
    async close() {
      await Promise.all([explaining.close(), simulating.close()])
    },
  }
}

const workerOptions = (sources: ExplainSources): ExplainWorkerOptions => {
  const { workers, healthBuffer, places, counters, clock, log } = sources
  return {
    healthBuffer,
    clock,
    world: () => ({
      catalog: workers.catalog(),
      places: places.current(),
      databases: databaseViews(places),
    }),
    notes: (keys) => notesOf(sources, keys),
    onExit: (why, backoffMs) =>
      logAdminEvent(log, { kind: 'exited', thread: 'explain', why, backoffMs }),
    onRestart() {
      counters.add('explainRestarts')
      logAdminEvent(log, { kind: 'restarted', thread: 'explain' })
    },
  }
}

function notesOf({ overrides, states }: ExplainSources, { rows, slots }: NoteKeys): Notes {
  const [wantedRows, wantedSlots] = [new Set(rows), new Set(slots)]
  const members = overrides.watch.states().filter(({ member }) => wantedRows.has(member.row))
  const inForce = members.length > 0 ? overrides.watch.overrides() : []
  return {
    members: new Map(members.map((state) => [state.member.row, memberParts(state, inForce)])),
    probes: probesBySlot(states().filter(({ slot }) => wantedSlots.has(slot))),
  }
}

const databaseViews = (places: Pick<PlaceKeeper, 'states'>): readonly DatabaseView[] =>
  places.states().map(({ database, facts }) => ({
    database,
    type: facts?.type ?? null,
    built: isoTime(facts?.buildSeconds ? facts.buildSeconds * 1000 : null),
  }))

function memberParts(
  { member, warmUpShare, overrideShare, feedback, reputation }: MemberState,
  overrides: readonly Override[],
): MemberFactors {
  const ofMember = overrides.filter(
    ({ zone, target, pool }) =>
      zone === member.zone && target === member.target && (pool ?? member.pool) === member.pool,
  )
  return {
    warmUp: warmUpShare,
    override: overrideShare,
    feedback,
    reputation,
    overrides: ofMember.map(overrideNote),
  }
}

const overrideNote = ({ id, action, untilMs, why, by }: Override): OverrideNote => ({
  id,
  kind: action.kind,
  until: isoTime(untilMs),
  why,
  by,
})

/**
 * A held target gets a reason of its own, since that of its last probe, which passed, would
 * contradict its state.
 */
export const probesBySlot = (
  states: readonly Pick<WatchedState, 'slot' | 'sinceMs' | 'isHeld' | 'reason'>[],
): ReadonlyMap<number, ProbeNote> =>
  new Map(
    states.map(({ slot, sinceMs, isHeld, reason }) => [
      slot,
      { reason: isHeld ? 'held-for-flapping' : reason, since: isoTime(sinceMs) },
    ]),
  )
