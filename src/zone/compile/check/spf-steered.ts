// Names in SPF records whose answers have but a part of the hosts behind them: steered ones, and those of targets with
// several addresses.

import type { Directive } from '../../../spf/spf-record.ts'
import type { Policy, SteeredSet, Target } from '../../../steer/policy.ts'
import { RRType } from '../../../wire/rrtype.ts'
import { membersOf } from '../../policy-members.ts'
import type { ZoneSource } from '../zone-source.ts'
import type { SendingAddress } from './spf-addresses.ts'
import type { SpfAnswers, SpfSet } from './spf-answers.ts'

export interface Led {
  readonly directive: Directive
  /** For people: what is behind the name, and why an answer has but a part of it. */
  readonly what: string
  readonly addresses: readonly SendingAddress[]
  readonly pools: readonly string[]
}

export interface Known {
  readonly answers: SpfAnswers
  /** Names of the pools with a target, by its name. */
  readonly poolsOf: ReadonlyMap<string, readonly string[]>
}

export type Found = 'nothing' | 'elsewhere' | readonly Omit<Led, 'directive'>[]

export function indexPools({ pools }: ZoneSource): Known['poolsOf'] {
  const found = new Map<string, string[]>()
  for (const [pool, { members }] of pools)
    for (const target of new Set(members.map((member) => member.target))) {
      const names = found.get(target) ?? []
      names.push(pool)
      found.set(target, names)
    }
  return found
}

/** The partial sets behind a name; none: every answer has all. `nothing`: it has no such records. */
export function leadsTo(known: Known, kind: 'a' | 'mx' | 'exists', domain: string): Found {
  if (kind !== 'mx') return behindHost(known, domain, kind === 'a' ? ['A', 'AAAA'] : ['A'])
  const set = known.answers.setAt(domain, 'MX')
  if (set === 'none') return 'nothing'
  if (set === 'elsewhere') return set
  const answer = known.answers.answer({ type: 'MX', name: domain })
  const exchanges = answer.kind === 'found' ? answer.data : []
  const behind = exchanges.map((name) => behindHost(known, name, ['A', 'AAAA']))
  return [...partial(known, set), ...behind.flatMap((one) => (typeof one === 'string' ? [] : one))]
}

function behindHost(known: Known, name: string, types: readonly ('A' | 'AAAA')[]): Found {
  const sets = types.map((type) => ({ type, set: known.answers.setAt(name, type) }))
  if (sets.every(({ set }) => set === 'none')) return 'nothing'
  if (sets.some(({ set }) => set === 'elsewhere')) return 'elsewhere'
  return sets.flatMap(({ type, set }) => {
    const isPartial = known.answers.answer({ type, name }).kind === 'unknown'
    return isPartial ? partial(known, set) : []
  })
}

function partial(
  { poolsOf: poolsOfTarget }: Known,
  set: SpfSet,
): readonly Omit<Led, 'directive'>[] {
  if (typeof set === 'string' || set.kind === 'plain' || set.kind === 'steered-srv') return []
  const targets = targetsOf(set)
  const family = set.type === RRType.MX ? null : set.type === RRType.A ? 4 : 6
  const addresses = targets.flatMap(({ name, addresses: all }) =>
    all
      .filter((one) => family === null || one.family === family)
      .map(({ text }) => ({ target: name, address: text })),
  )
  const pools =
    set.kind === 'target-address' ? (poolsOfTarget.get(set.target.name) ?? []) : poolsOf(set.policy)
  return [{ what: describe(set, targets.length), addresses, pools }]
}

type Answered = Exclude<SteeredSet, { readonly kind: 'steered-srv' }>

const targetsOf = (set: Answered): readonly Target[] =>
  set.kind === 'target-address'
    ? [set.target]
    : [...new Set(membersOf(set.policy).map(({ target }) => target))]

function describe(set: Answered, count: number): string {
  switch (set.kind) {
    case 'steered-mx':
      return set.ladder < count
        ? `a steered MX, whose answers name ${set.ladder} of ${count} targets at most and none that is drained`
        : 'a steered MX, whose answers name no target that is down or drained'
    case 'steered-address':
      return `steered addresses, of which an answer has ${Math.min(set.answers, count)} at most and none of a target that is drained`
    case 'exchange-slot':
      return 'a slot, whose answers have the addresses of one target and none of one that is drained'
    case 'target-address':
      return `the addresses of target ${set.target.name}, of which an answer has those that are up`
    default:
      return set satisfies never
  }
}

function poolsOf({ rules, onAllDown }: Policy): readonly string[] {
  const pools = rules.flatMap((rule) => rule.pools)
  if (onAllDown.kind === 'backup') pools.push(onAllDown.pool)
  return [...new Set(pools.map(({ name }) => name))]
}
