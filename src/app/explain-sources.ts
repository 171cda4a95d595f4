// What `/explain` is made of, put together: the zones, health, places and overrides in force, as workers have them.

import type { OverrideSources } from '../metrics/override-metrics.ts'
import { type Explaining, type Explanation, explain } from '../explain/explain.ts'
import type { DatabaseView } from '../explain/client-view.ts'
import type { MemberParts, OverrideNote, ProbeNote } from '../explain/pool-view.ts'
import type { Question } from '../explain/question.ts'
import type { PlaceKeeper } from '../geo/place-keeper.ts'
import { createLocate } from '../geo/places.ts'
import type { Override } from '../health/overrides.ts'
import type { HealthReader } from '../health/table.ts'
import type { Random } from '../lib/clock.ts'
import type { MemberState } from '../weights/member-state.ts'
import type { WatchedState } from '../watch/watched-state.ts'
import { createScopes } from '../steer/scope/scope-cache.ts'
import type { Catalog } from '../zone/zone.ts'

interface ExplainerSources {
  readonly catalog: () => Catalog
  readonly health: HealthReader
  readonly places: Pick<PlaceKeeper, 'current' | 'states'>
  readonly states: () => readonly WatchedState[]
  readonly overrides: OverrideSources
  readonly random: Random
}

const draws = 10_000

export type Explainer = (question: Question) => Explanation

export function createExplainer(sources: ExplainerSources): Explainer {
  const { catalog, health, places, random } = sources
  const scopes = createScopes()
  let networks: ReturnType<PlaceKeeper['current']> | null = null
  return (question) => {
    if (networks !== places.current()) scopes.use((networks = places.current()))
    const explaining: Explaining = {
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
    built: facts?.buildSeconds ? isoTime(facts.buildSeconds * 1000) : null,
  }))

function membersByRow({ watch }: OverrideSources): (row: number) => MemberParts | null {
  const overrides = watch.overrides()
  const parts = new Map(watch.states().map((one) => [one.member.row, partsOf(one, overrides)]))
  return (row) => parts.get(row) ?? null
}

function partsOf(
  { member, warmUpShare, overrideShare, feedback, reputation }: MemberState,
  overrides: readonly Override[],
): MemberParts {
  const its = overrides.filter(
    ({ zone, target, pool }) =>
      zone === member.zone && target === member.target && (pool ?? member.pool) === member.pool,
  )
  const override = overrideShare
  return { warmUp: warmUpShare, override, feedback, reputation, overrides: its.map(overrideNote) }
}

const overrideNote = ({ id, action, untilMs, why, by }: Override): OverrideNote => ({
  id,
  kind: action.kind,
  until: untilMs === null ? null : isoTime(untilMs),
  why,
  by,
})

/** Held: its last probe passed, and would read like a contradiction. */
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

const isoTime = (wallMs: number): string => new Date(wallMs).toISOString()
