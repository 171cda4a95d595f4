// Handlers of GET, POST, PATCH and DELETE of /overrides.

import type { ShortPool } from '../explain/client-moves.ts'
import { keyOfOverride, type Override } from '../health/overrides.ts'
import { bareName } from '../lib/bare-name.ts'
import { isoTime } from '../lib/clock.ts'
import { suggestName } from '../lib/suggest-name.ts'
import type { OverrideControl } from '../metrics/override-metrics.ts'
import type { EndedOverrides } from '../weights/ended-overrides.ts'
import type { MemberState } from '../weights/member-state.ts'
import { findTarget, isCalled } from './find-target.ts'
import { type OverrideRequest, readChange, readOverride } from './override-body.ts'
import {
  endedView,
  type OverridePreview,
  overrideView,
  overrideViews,
  poolPreviews,
} from './override-view.ts'
import { json, refuse, type Reply } from './reply.ts'
import type { AdminRequest } from './route.ts'

export interface OverrideSources {
  readonly overrides: OverrideControl
  readonly overrideEffects: OverrideEffects
  readonly endedOverrides: Pick<EndedOverrides, 'list'>
}

/**
 * The overrides in force, each with the time until when caches may lead to its target by what this instance answered, those
 * that ended in the last day, and whether those in force survive a restart (`lasting`).
 */
export function listOverrides({ overrides, endedOverrides }: OverrideSources): Reply {
  const { watch, exposedUntilMs } = overrides
  const inForce = watch.overrides()
  const targets = new Map(
    watch.states().map(({ member }) => [`${member.zone} ${member.target}`, member.targetIndex]),
  )
  return json({
    lasting: watch.isLasting,
    overrides: overrideViews(overrides).map((row) => {
      const index = targets.get(`${row.zone} ${row.target}`)
      const exposedUntil = index === undefined ? null : isoTime(exposedUntilMs(index))
      return { ...row, exposedUntil }
    }),
    ended: endedOverrides.list(inForce).map(endedView),
  })
}

/**
 * Sets the override of the body: 201 with what it replaced, until when the target may be cached, and warnings, or a
 * refusal. The parameter `ask=yes` refuses what would take a pool below its `min_healthy`, and says where clients
 * would go. With the parameter `dry_run` nothing is set: 200 with what it would come to.
 */
export async function setOverride(
  sources: OverrideSources,
  { body, parameters, session }: AdminRequest,
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
  const request = { ...read.value, by: session?.name ?? read.value.by, isAsking }
  const of = { zone, target, targetIndex }
  return parameters.has('dry_run') ? preview(sources, of, request) : apply(sources, of, request)
}

/** What the override would come to. */
async function preview(
  { overrides, overrideEffects }: OverrideSources,
  { zone, target, targetIndex }: OverriddenTarget,
  { pool, action, why, by, untilMs, isForced }: OverrideRequest,
): Promise<Reply> {
  const { watch } = overrides
  const setMs = overrides.wallMs()
  const override = { id: '', zone, target, pool, action, why, by, setMs, untilMs }
  const states = watch.states()
  const emptied = watch.emptiedBy(override)
  const short = overrideEffects.shortPools(override)
  const key = keyOfOverride(override)
  const replaced = watch.overrides().find((one) => keyOfOverride(one) === key)
  const view: OverridePreview = {
    override: overrideView(override),
    replaced: replaced === undefined ? null : overrideView(replaced),
    refusal: isForced
      ? null
      : emptied.length > 0
        ? { code: 'would-empty-pool', message: emptyPoolText(states, override, emptied) }
        : short.length > 0
          ? { code: 'below-min-healthy', message: textOf(short) }
          : null,
    pools: poolPreviews(states, watch.preview(override), pool),
    short,
    exposedUntil: isoTime(overrides.exposedUntilMs(targetIndex)),
    lasting: isLasting(await overrideEffects.kept(), watch.isLasting),
  }
  return json(view)
}

const textOf = (short: readonly { readonly message: string }[]): string =>
  short.map((one) => one.message).join('; ')

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
  // What would leave no eligible member is refused as that, by the watch.
  const isEmptying = short.some((one) => 'usable' in one && one.usable === 0)
  if (isAsking && short.length > 0 && !isEmptying)
    return refuse(409, 'below-min-healthy', textOf(short))
  const result = watch.set(override, isForced)
  switch (result.kind) {
    case 'set': {
      const exposedUntil = isoTime(overrides.exposedUntilMs(targetIndex))
      const { replaced } = result
      const kept = await overrideEffects.kept()
      const view = {
        override: overrideView(override, overrides.fleetExposure()(override)),
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
  { name, parameters, session }: AdminRequest,
): Promise<Reply> {
  const by = session?.name ?? (parameters.get('by') ?? '').slice(0, 100)
  const found = findOverrides(watch, name, parameters)
  if (found.kind === 'refused') return found.reply
  for (const { id } of found.overrides) watch.undo(id, by)
  const warnings = keptWarnings(await overrideEffects.kept())
  return json({ undone: found.overrides.map((one) => overrideView(one)), warnings })
}

/**
 * Gives the override with the id `name`, or the only one of the target of that name, another end, or another reason. As every
 * new order it has an id and an author of its own, and ends the one before.
 */
export async function extendOverride(
  { overrides, overrideEffects }: OverrideSources,
  { name, parameters, body, session }: AdminRequest,
): Promise<Reply> {
  const { watch } = overrides
  const found = findOverrides(watch, name, parameters)
  if (found.kind === 'refused') return found.reply
  const [before, second] = found.overrides
  if (before === undefined || second !== undefined) {
    const ids = found.overrides.map(({ id, action }) => `${id} (${action.kind})`).join(', ')
    const message = `it has several overrides: give the kind, or one of the ids ${ids}`
    return refuse(409, 'ambiguous-override', message)
  }
  const setMs = overrides.wallMs()
  const read = readChange(body, before, setMs)
  if (read.kind === 'refused') return read.reply
  const { untilMs, why, by } = read.value
  const author = session?.name ?? by
  const override = { ...before, id: overrides.newId(), why, by: author, setMs, untilMs }
  // Nothing of what is in force changes, so nothing is left empty by it.
  watch.set(override, true)
  const kept = await overrideEffects.kept()
  const lasting = isLasting(kept, watch.isLasting)
  const view = overrideView(override, overrides.fleetExposure()(override))
  return json({ override: view, lasting, warnings: keptWarnings(kept) })
}

type OverridesFound =
  | { readonly kind: 'found'; readonly overrides: readonly Override[] }
  /** 404 no-such-override, 409 ambiguous-target. */
  | { readonly kind: 'refused'; readonly reply: Reply }

function findOverrides(
  watch: Pick<OverrideControl['watch'], 'overrides' | 'states'>,
  name: string,
  parameters: URLSearchParams,
): OverridesFound {
  const list = watch.overrides()
  const withId = list.filter((one) => one.id === name)
  const found = withId.length > 0 ? withId : ofTarget(list, name, parameters)
  const zones = new Set(found.map(({ zone }) => zone))
  if (zones.size > 1) {
    const message = `several zones have it: ${[...zones].join(', ')}; give the zone, or the whole name`
    return { kind: 'refused', reply: refuse(409, 'ambiguous-target', message) }
  }
  if (found.length > 0) return { kind: 'found', overrides: found }
  return { kind: 'refused', reply: refuse(404, 'no-such-override', missingText(watch, name)) }
}

function missingText(
  watch: Pick<OverrideControl['watch'], 'overrides' | 'states'>,
  name: string,
): string {
  // A known target without an override: suggesting the name of another one would get that one undone.
  if (watch.states().some(({ member }) => isCalled(member, bareName(name))))
    return `${bareName(name)} has no such override`
  const names = new Set(watch.overrides().flatMap(({ id, target }) => [id, target]))
  return `no such override of ${JSON.stringify(name.slice(0, 255))}, ${suggestName('override', names, name)}`
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
      isCalled(one, bareName(name)) &&
      (!kinds || kinds.includes(one.action.kind)) &&
      (zone === null || one.zone === bareName(zone)) &&
      (pool === null || one.pool === pool),
  )
}

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
