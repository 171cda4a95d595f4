// Handlers of GET, POST and DELETE of /overrides.

import type { ShortPool } from '../explain/client-moves.ts'
import type { Override } from '../health/overrides.ts'
import { isoTime } from '../lib/clock.ts'
import { suggestName } from '../lib/suggest-name.ts'
import type { OverrideControl } from '../metrics/override-metrics.ts'
import type { MemberState } from '../weights/member-state.ts'
import { canonicalName, findTarget, isCalled } from './find-target.ts'
import { type OverrideRequest, readOverride } from './override-body.ts'
import { json, refuse, type Reply } from './reply.ts'
import type { AdminRequest } from './route.ts'

interface OverrideSources {
  readonly overrides: OverrideControl
  readonly overrideEffects: OverrideEffects
}

/** The overrides in force, and whether they survive a restart (`lasting`). */
export const listOverrides = ({ watch }: OverrideControl): Reply =>
  json({ lasting: watch.isLasting, overrides: watch.overrides().map(overrideView) })

/**
 * Sets the override of the body: 201 with what it replaced, until when the target may be cached, and warnings, or a
 * refusal. The parameter `ask=yes` refuses what would take a pool below its `min_healthy`, and says where clients
 * would go.
 */
export async function setOverride(
  sources: OverrideSources,
  { body, parameters }: AdminRequest,
): Promise<Reply> {
  const read = readOverride(body, sources.overrides.wallMs())
  if (read.kind === 'refused') return read.reply
  const { watch } = sources.overrides
  const members = watch.states().map(({ member }) => member)
  const targets = new Map(members.map((one) => [`${one.zone} ${one.target}`, one]))
  const lookup = findTarget([...targets.values()], read.value.target, read.value.zone)
  if (lookup.kind === 'refused') return lookup.reply
  const { zone, target, targetIndex } = lookup.target
  const pools = members.filter((one) => one.targetIndex === targetIndex).map((one) => one.pool)
  const { pool } = read.value
  if (pool !== null && !pools.includes(pool)) {
    const message = `${target} is in no pool ${JSON.stringify(pool)}, ${suggestName('pool', pools, pool)}`
    return refuse(404, 'unknown-pool', message)
  }
  const isAsking = parameters.get('ask') === 'yes' && !read.value.isForced
  return apply(sources, { zone, target, targetIndex }, { ...read.value, isAsking })
}

interface OverriddenTarget {
  readonly zone: string
  readonly target: string
  readonly targetIndex: number
}

async function apply(
  { overrides, overrideEffects }: OverrideSources,
  { zone, target, targetIndex }: OverriddenTarget,
  { pool, action, why, by, untilMs, isForced, isAsking }: OverrideRequest & { isAsking: boolean },
): Promise<Reply> {
  const { watch } = overrides
  const setMs = overrides.wallMs()
  const override = { id: overrides.newId(), zone, target, pool, action, why, by, setMs, untilMs }
  // Before it is set: afterwards nothing would change any more.
  const short = shortPoolWarnings(overrideEffects, override)
  const message = short.map((one) => one.message).join('; ')
  // What would leave no eligible member is refused as that, by the watch.
  const isEmptying = short.some((one) => 'usable' in one && one.usable === 0)
  if (isAsking && short.length > 0 && !isEmptying) return refuse(409, 'below-min-healthy', message)
  const result = watch.set(override, isForced)
  switch (result.kind) {
    case 'set': {
      const exposedUntil = isoTime(overrides.exposedUntilMs(targetIndex))
      const { replaced } = result
      const kept = await overrideEffects.kept()
      const view = {
        override: overrideView(override),
        replaced: replaced && overrideView(replaced),
        exposedUntil,
        lasting: isLasting(kept, watch.isLasting),
        warnings: [...keptWarnings(kept), ...short],
      }
      return json(view, 201)
    }
    case 'full':
      return refuse(
        409,
        'too-many-overrides',
        'there are as many overrides as there may be; undo some',
      )
    case 'would-empty':
      return refuse(409, 'would-empty-pool', emptyPoolText(watch.states(), override, result.pools))
    default:
      return result satisfies never
  }
}

/**
 * Names the pools that would be left without an eligible target, and why each of their other
 * targets is out.
 */
function emptyPoolText(
  states: readonly MemberState[],
  { zone, target }: Override,
  pools: readonly string[],
): string {
  const others = states.filter(
    ({ member }) => member.zone === zone && member.target !== target && pools.includes(member.pool),
  )
  const reasons = others.slice(0, 8).map(({ member, out }) => `${member.target} is ${out}`)
  const rest = reasons.length > 0 ? ` (${reasons.join(', ')})` : ''
  const which = pools.length > 1 ? 'pools' : 'pool'
  return `nobody eligible would be left in ${which} ${pools.join(', ')}${rest}; force it if that is meant`
}

/**
 * Undoes the override with the id `name`, or else those of the target of that name: all, or those
 * of the parameters `kind` (several with commas), `zone` and `pool`. The parameter `by` goes to the
 * log.
 */
export async function undoOverrides(
  { overrides: { watch }, overrideEffects }: OverrideSources,
  { name, parameters }: AdminRequest,
): Promise<Reply> {
  const by = (parameters.get('by') ?? '').slice(0, 100)
  const list = watch.overrides()
  const withId = list.filter((one) => one.id === name)
  const undone = withId.length > 0 ? withId : ofTarget(list, name, parameters)
  const zones = new Set(undone.map(({ zone }) => zone))
  if (zones.size > 1) {
    const message = `several zones have it: ${[...zones].join(', ')}; give the zone, or the whole name`
    return refuse(409, 'ambiguous-target', message)
  }
  if (undone.length === 0) {
    // A known target without an override: suggesting the name of another one would get that one
    // undone.
    if (watch.states().some(({ member }) => isCalled(member, canonicalName(name))))
      return refuse(404, 'no-such-override', `${canonicalName(name)} has no such override`)
    const names = new Set(list.flatMap(({ id, target }) => [id, target]))
    const message = `no such override of ${JSON.stringify(name.slice(0, 255))}, ${suggestName('override', names, name)}`
    return refuse(404, 'no-such-override', message)
  }
  for (const { id } of undone) watch.undo(id, by)
  const warnings = keptWarnings(await overrideEffects.kept())
  return json({ undone: undone.map(overrideView), warnings })
}

function ofTarget(
  list: readonly Override[],
  name: string,
  parameters: URLSearchParams,
): readonly Override[] {
  const kinds = parameters.get('kind')?.split(',')
  const zone = parameters.get('zone')
  const pool = parameters.get('pool')
  return list.filter(
    (one) =>
      isCalled(one, canonicalName(name)) &&
      (!kinds || kinds.includes(one.action.kind)) &&
      (zone === null || one.zone === canonicalName(zone)) &&
      (pool === null || one.pool === pool),
  )
}

/** An override as JSON: times in ISO 8601, the weight under the field that sets it in POST. */
export function overrideView(one: Override): object {
  const { id, zone, target, pool, action, why, by, setMs, untilMs } = one
  const weight =
    action.kind === 'weight' ? { [weightFields[action.weight.unit]]: action.weight.value } : {}
  const times = { set: isoTime(setMs), until: isoTime(untilMs) }
  return { id, zone, target, pool, kind: action.kind, ...weight, why, by, ...times }
}

const weightFields = { factor: 'factor', absolute: 'weight', share: 'share' } as const

// Warnings: what an operator should know of an override beside that it is in force. That it is kept nowhere, and where
// clients go when a pool is left with less than its `min_healthy`.

/** Where overrides are kept, once what changed has been written. */
export type OverrideKept =
  | { readonly kind: 'kept' }
  /** Meant to be forgotten by a restart: there is neither a store nor a state file. */
  | { readonly kind: 'memory' }
  | { readonly kind: 'unwritten'; readonly file: string; readonly why: string }
  | { readonly kind: 'store-away'; readonly why: string }

/** What an override comes to beyond this moment and this pool. */
export interface OverrideEffects {
  /** Pools that it takes below `min_healthy`; empty for one that takes no target out. */
  readonly shortPools: (override: Override) => readonly (ShortPool & { readonly message: string })[]
  /** Resolves within some seconds. */
  readonly kept: () => Promise<OverrideKept>
}

/** Codes are a contract (docs/operations.md). */
type OverrideWarning =
  | ({ readonly code: 'below-min-healthy'; readonly message: string } & ShortPool)
  | { readonly code: 'not-kept' | 'not-shared'; readonly message: string }

const shortPoolWarnings = (
  effects: OverrideEffects,
  override: Override,
): readonly OverrideWarning[] =>
  effects.shortPools(override).map((one) => ({ code: 'below-min-healthy', ...one }))

/** Empty where it is kept, or not meant to be. */
function keptWarnings(kept: OverrideKept): readonly OverrideWarning[] {
  switch (kept.kind) {
    case 'kept':
    case 'memory':
      return []
    case 'unwritten': {
      const message = `in force, but ${kept.file} cannot be written (${kept.why}): a restart forgets it; make the folder writable`
      return [{ code: 'not-kept', message }]
    }
    case 'store-away': {
      const message = `in force on this instance alone, the store is out of reach (${kept.why}): the others have it once the store is back`
      return [{ code: 'not-shared', message }]
    }
    default:
      return kept satisfies never
  }
}

/** Whether an override survives a restart, given where it is kept. `isMeantTo`: there is a store or a state file. */
const isLasting = (kept: OverrideKept, isMeantTo: boolean): boolean =>
  isMeantTo && kept.kind === 'kept'
