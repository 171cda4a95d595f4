// Answers `/explain` from the zones, health, GeoIP databases and overrides in force, which are also
// what workers use.

import type { DatabaseView } from '../explain/client-view.ts'
import { type ExplainContext, type Explanation, explain } from '../explain/explain.ts'
import type { MemberFactors, OverrideNote, ProbeNote } from '../explain/pool-view.ts'
import type { Question } from '../explain/question.ts'
import type { PlaceKeeper } from '../geo/place-keeper.ts'
import { createLocate } from '../geo/places.ts'
import type { Override } from '../health/overrides.ts'
import type { HealthReader } from '../health/table.ts'
import { isoTime, type Random } from '../lib/clock.ts'
import type { OverrideControl } from '../metrics/override-metrics.ts'
import { createScopes } from '../steer/scope/scope-cache.ts'
import type { WatchedState } from '../watch/watched-state.ts'
import type { MemberState } from '../weights/member-state.ts'
import type { Catalog } from '../zone/zone.ts'

interface ExplainSources {
  readonly catalog: () => Catalog
  readonly health: HealthReader
  readonly places: Pick<PlaceKeeper, 'current' | 'states'>
  readonly states: () => readonly WatchedState[]
  readonly overrides: OverrideControl
  readonly random: Random
}

/** Draws of the client's own answer, from which its shares are counted. */
const draws = 10_000

export type Explain = (question: Question) => Explanation

export function createExplain(sources: ExplainSources): Explain {
  const { catalog, health, places, random } = sources
  const scopes = createScopes()
  let networks: ReturnType<PlaceKeeper['current']> | null = null
  return (question) => {
    if (networks !== places.current()) scopes.use((networks = places.current()))
    const explaining: ExplainContext = {
      catalog: catalog(),
      health,
      locate: createLocate(networks),
      scopes,
      places: networks,
      databases: databaseViews(places),
      random,
      draws,
      memberOf: membersByRow(sources.overrides),
      probeOf: probesBySlot(sources.states()),
    }
    return explain(explaining, question)
  }
}

const databaseViews = (places: Pick<PlaceKeeper, 'states'>): readonly DatabaseView[] =>
  places.states().map(({ database, facts }) => ({
    database,
    type: facts?.type ?? null,
    built: isoTime(facts?.buildSeconds ? facts.buildSeconds * 1000 : null),
  }))

/** By the member's row in the health table. */
function membersByRow({ watch }: OverrideControl): (row: number) => MemberFactors | null {
  const overrides = watch.overrides()
  const byRow = new Map(
    watch.states().map((state) => [state.member.row, memberParts(state, overrides)]),
  )
  return (row) => byRow.get(row) ?? null
}

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
export function probesBySlot(
  states: readonly Pick<WatchedState, 'slot' | 'sinceMs' | 'isHeld' | 'reason'>[],
): (slot: number) => ProbeNote | null {
  const notes = new Map(
    states.map(({ slot, sinceMs, isHeld, reason }) => [
      slot,
      { reason: isHeld ? 'held-for-flapping' : reason, since: isoTime(sinceMs) },
    ]),
  )
  return (slot) => notes.get(slot) ?? null
}
