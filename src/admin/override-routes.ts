// GET, POST and DELETE of /overrides.

import type { Override } from '../health/overrides.ts'
import type { MemberState } from '../weights/member-state.ts'
import type { MemberWatch } from '../weights/members.ts'
import { suggestName } from '../lib/suggest-name.ts'
import { canonical, findTarget, isCalled } from './find-target.ts'
import { type OverrideRequest, readOverrideRequest } from './override-request.ts'
import { type Reply, json } from './reply.ts'
import { type WriteAccess, type Writes, refuse } from './write-request.ts'

export interface OverrideSources {
  readonly watch: MemberWatch
  /** When the last answer that names a target leaves the caches; 0: it never was in one. */
  readonly exposedUntilMs: (targetIndex: number) => number
  readonly wallMs: () => number
  readonly newId: () => string
}

export const overridesReply = ({ watch }: OverrideSources): Reply =>
  json({ lasting: watch.isLasting, overrides: watch.overrides().map(overrideView) })

export const overrideWrites = (sources: OverrideSources, access: WriteAccess): Writes => ({
  path: '/overrides',
  access,
  post(body) {
    const read = readOverrideRequest(body, sources.wallMs())
    return read.kind === 'request' ? setOne(sources, read.request) : read.reply
  },
  remove: (name, parameters) => removeSome(sources, name, parameters),
})

function setOne(sources: OverrideSources, request: OverrideRequest): Reply {
  const { watch } = sources
  const members = watch.states().map(({ member }) => member)
  const targets = new Map(members.map((one) => [`${one.zone} ${one.target}`, one]))
  const sought = findTarget([...targets.values()], request.target, request.zone)
  if (sought.kind === 'refused') return sought.reply
  const { zone, target, targetIndex } = sought.found
  const pools = members.filter((one) => one.targetIndex === targetIndex).map((one) => one.pool)
  const { pool, action, why, by, untilMs, isForced } = request
  if (pool !== null && !pools.includes(pool)) {
    const message = `${target} is in no pool ${JSON.stringify(pool)}, ${suggestName('pool', pools, pool)}`
    return refuse(404, 'unknown-pool', message)
  }
  const setMs = sources.wallMs()
  const override = { id: sources.newId(), zone, target, pool, action, why, by, setMs, untilMs }
  const outcome = watch.set(override, isForced)
  switch (outcome.kind) {
    case 'set': {
      const exposedUntil = isoTime(sources.exposedUntilMs(targetIndex))
      const { replaced } = outcome
      const view = {
        override: overrideView(override),
        replaced: replaced && overrideView(replaced),
      }
      return json({ ...view, exposedUntil, lasting: watch.isLasting }, 201)
    }
    case 'full':
      return refuse(
        409,
        'too-many-overrides',
        'there are as many overrides as there may be; undo some',
      )
    case 'would-empty':
      return refuse(409, 'would-empty-pool', wouldEmpty(watch.states(), override, outcome.pools))
    default:
      return outcome satisfies never
  }
}

/** Names the pools, and why nobody else in them is eligible. */
function wouldEmpty(
  states: readonly MemberState[],
  { zone, target }: Override,
  pools: readonly string[],
): string {
  const others = states.filter(
    ({ member }) => member.zone === zone && member.target !== target && pools.includes(member.pool),
  )
  const told = others.slice(0, 8).map(({ member, out }) => `${member.target} is ${out}`)
  const rest = told.length > 0 ? ` (${told.join(', ')})` : ''
  const which = pools.length > 1 ? 'pools' : 'pool'
  return `nobody eligible would be left in ${which} ${pools.join(', ')}${rest}; force it if that is meant`
}

/** By id, or all of a target, of `kind`, `zone` and `pool` where those are given. */
function removeSome(sources: OverrideSources, name: string, parameters: URLSearchParams): Reply {
  const { watch } = sources
  const by = (parameters.get('by') ?? '').slice(0, 100)
  const list = watch.overrides()
  const meant = list.filter((one) => one.id === name)
  const found = meant.length > 0 ? meant : ofTarget(list, name, parameters)
  const zones = new Set(found.map(({ zone }) => zone))
  if (zones.size > 1) {
    const message = `several zones have it: ${[...zones].join(', ')}; give the zone, or the whole name`
    return refuse(409, 'ambiguous-target', message)
  }
  if (found.length === 0) {
    // A target without one is no slip of the pen: naming another here would have that one undone.
    if (watch.states().some(({ member }) => isCalled(member, canonical(name))))
      return refuse(404, 'no-such-override', `${canonical(name)} has no such override`)
    const words = list.flatMap(({ id, target }) => [id, target])
    const message = `no such override of ${JSON.stringify(name.slice(0, 255))}, ${suggestName('override', new Set(words), name)}`
    return refuse(404, 'no-such-override', message)
  }
  for (const { id } of found) watch.undo(id, by)
  return json({ undone: found.map(overrideView) })
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
      isCalled(one, canonical(name)) &&
      (!kinds || kinds.includes(one.action.kind)) &&
      (zone === null || one.zone === canonical(zone)) &&
      (pool === null || one.pool === pool),
  )
}

export function overrideView(one: Override): object {
  const { id, zone, target, pool, action, why, by, setMs, untilMs } = one
  const weight =
    action.kind === 'weight' ? { [weightField[action.weight.unit]]: action.weight.value } : {}
  const times = { set: isoTime(setMs), until: isoTime(untilMs) }
  return { id, zone, target, pool, kind: action.kind, ...weight, why, by, ...times }
}

/** As a POST says it. */
const weightField = { factor: 'factor', absolute: 'weight', share: 'share' } as const

/** 0 and null: none. */
export const isoTime = (wallMs: number | null): string | null =>
  wallMs ? new Date(wallMs).toISOString() : null
