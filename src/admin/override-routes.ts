// GET, POST and DELETE of /overrides.

import type { Override, OverrideAction, OverrideWeight } from '../health/overrides.ts'
import { suggestName } from '../lib/suggest-name.ts'
import type { MemberState } from '../weights/member-state.ts'
import { json, type Reply, refuse, type WriteAccess, type Writes } from './request.ts'
import type { OverrideSources } from '../metrics/override-metrics.ts'
import { isoTime } from '../lib/clock.ts'

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

// The target that an operator means: `mx3`, or `mx3.smtp.example.com` where several zones have an mx3.

interface NamedTarget {
  readonly zone: string
  readonly target: string
}

type FoundTarget<Target extends NamedTarget> =
  | { readonly kind: 'found'; readonly found: Target }
  | { readonly kind: 'refused'; readonly reply: Reply }

export function findTarget<Target extends NamedTarget>(
  targets: readonly Target[],
  name: string,
  zone: string | null,
): FoundTarget<Target> {
  const wanted = canonical(name)
  const inZone = zone === null ? targets : targets.filter((one) => one.zone === canonical(zone))
  const matching = inZone.filter((one) => isCalled(one, wanted))
  const [found, second] = matching
  if (found && !second) return { kind: 'found', found }
  if (found) {
    const names = matching.slice(0, 5).map(qualified).join(', ')
    const message = `several zones have it: ${names}; give the zone, or the whole name`
    return { kind: 'refused', reply: refuse(409, 'ambiguous-target', message) }
  }
  const zones = new Set(targets.map((one) => one.zone))
  if (zone !== null && !zones.has(canonical(zone))) {
    const message = `unknown zone ${JSON.stringify(zone)}, ${suggestName('zone', zones, zone)}`
    return { kind: 'refused', reply: refuse(404, 'unknown-zone', message) }
  }
  const names = new Set(inZone.map(wanted.includes('.') ? qualified : (one) => one.target))
  const message = `unknown target ${JSON.stringify(name)}, ${suggestName('target', names, wanted)}`
  return { kind: 'refused', reply: refuse(404, 'unknown-target', message) }
}

const isCalled = (one: NamedTarget, name: string): boolean =>
  one.target.toLowerCase() === name || qualified(one).toLowerCase() === name

const canonical = (name: string): string => name.toLowerCase().replace(/\.$/, '')

const qualified = ({ zone, target }: NamedTarget): string => `${target}.${zone}`

// What a POST to /overrides says → the override that is meant, or why it is none.
//
//   { "target": "mx3", "kind": "drain", "seconds": 7200, "why": "kernel update" }
//   zone, pool: where the name alone is not enough, or less than every pool is meant
//   until: a time instead of seconds; only `disable` may go without an end
//   factor | weight | share: of kind `weight`, exactly one

interface OverrideRequest {
  readonly target: string
  readonly zone: string | null
  readonly pool: string | null
  readonly action: OverrideAction
  readonly why: string
  readonly by: string
  readonly untilMs: Override['untilMs']
  readonly isForced: boolean
}

type RequestRead =
  | { readonly kind: 'request'; readonly request: OverrideRequest }
  | { readonly kind: 'refused'; readonly reply: Reply }

type Fields = Readonly<Record<string, unknown>>

/** A year and a day: what is longer belongs in the zone file. */
const longestSeconds = 366 * 86_400

const keys: readonly string[] = [
  'target',
  'zone',
  'pool',
  'kind',
  'factor',
  'weight',
  'share',
  'seconds',
  'until',
  'why',
  'by',
  'force',
]

/** Thrown within this file alone: the first thing that is wrong. */
class Refusal extends Error {
  readonly reply: Reply
  constructor(code: string, message: string) {
    super(message)
    this.reply = refuse(400, code, message)
  }
}

function readOverrideRequest(body: unknown, wallMs: number): RequestRead {
  try {
    return { kind: 'request', request: readFields(body, wallMs) }
  } catch (error) {
    if (error instanceof Refusal) return { kind: 'refused', reply: error.reply }
    throw error
  }
}

function readFields(body: unknown, wallMs: number): OverrideRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new Refusal('bad-field', 'the body must be a JSON object')
  const fields = body as Fields
  const unknown = Object.keys(fields).find((key) => !keys.includes(key))
  if (unknown !== undefined) {
    const shown = JSON.stringify(unknown.slice(0, 40))
    throw new Refusal('unknown-field', `unknown field ${shown}, expected ${keys.join(', ')}`)
  }
  const action = readAction(fields)
  return {
    target: text(fields, 'target', 255) ?? missing('target'),
    zone: text(fields, 'zone', 255),
    pool: text(fields, 'pool', 255),
    action,
    why: text(fields, 'why', 200) ?? '',
    by: text(fields, 'by', 100) ?? '',
    untilMs: readEnd(fields, action, wallMs),
    isForced: flag(fields, 'force'),
  }
}

function readAction(fields: Fields): OverrideAction {
  const { kind } = fields
  if (kind === 'weight') return { kind, weight: readWeight(fields) }
  const stray = ['factor', 'weight', 'share'].find((key) => fields[key] !== undefined)
  if (stray) throw new Refusal('bad-field', `${stray} goes with kind weight only`)
  if (kind === 'drain' || kind === 'disable' || kind === 'up') return { kind }
  throw new Refusal('bad-field', 'kind: expected drain, disable, up or weight')
}

function readWeight({ factor, weight, share }: Fields): OverrideWeight {
  const given = [factor, weight, share].filter((value) => value !== undefined)
  if (given.length !== 1)
    throw new Refusal('bad-field', 'kind weight: give one of factor, weight, share')
  if (isWithin(factor, 0, 100)) return { unit: 'factor', value: factor }
  if (isWithin(weight, 0, 65_535)) return { unit: 'absolute', value: weight }
  if (isWithin(share, 0, 0.99)) return { unit: 'share', value: share }
  const bounds = 'factor: 0 to 100; weight: 0 to 65535; share: 0 to 0.99'
  throw new Refusal('bad-field', `a weight out of bounds; ${bounds}`)
}

const isWithin = (value: unknown, least: number, most: number): value is number =>
  typeof value === 'number' && value >= least && value <= most

function readEnd(
  { seconds, until }: Fields,
  { kind }: OverrideAction,
  wallMs: number,
): number | null {
  if (seconds !== undefined && until !== undefined)
    throw new Refusal('bad-field', 'give seconds or until, not both')
  if (seconds === undefined && until === undefined) {
    if (kind === 'disable') return null
    throw new Refusal('no-end', `${kind} needs an end: seconds, or until`)
  }
  const untilMs =
    typeof until === 'string'
      ? Date.parse(until)
      : typeof seconds === 'number'
        ? wallMs + seconds * 1000
        : NaN
  const isLater = untilMs > wallMs && untilMs <= wallMs + longestSeconds * 1000
  if (isLater) return Math.round(untilMs)
  const expected = 'seconds: above 0; until: a time such as 2026-12-01T08:00:00Z'
  throw new Refusal('bad-end', `${expected}; within ${longestSeconds / 86_400} days from now`)
}

function missing(key: string): never {
  throw new Refusal('bad-field', `${key} is missing`)
}

// Control, format, line and paragraph separators, unpaired surrogates: it is printed to terminals.
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u

function text(fields: Fields, key: string, limit: number): string | null {
  const value = fields[key]
  if (value === undefined || value === null) return null
  if (typeof value === 'string' && value.length <= limit && !unprintable.test(value)) return value
  throw new Refusal('bad-field', `${key}: expected printable text of at most ${limit} characters`)
}

function flag(fields: Fields, key: string): boolean {
  const value = fields[key] ?? false
  if (typeof value === 'boolean') return value
  throw new Refusal('bad-field', `${key}: expected true or false`)
}
