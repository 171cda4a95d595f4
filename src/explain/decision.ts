// The decision for a client as a list of facts to compare: everything that affects the answer, and
// nothing that does not, such as the names of pools and rules.

import type { HealthReader } from '../health/table.ts'
import { isoDay } from '../lib/clock.ts'
import type { Family } from '../steer/select/last-resort.ts'
import { getsFixedLadder, matchRule, ruleIndexOf } from '../steer/select/match.ts'
import type { Member, Pool, SelectedSet, Target } from '../steer/policy.ts'
import { familyOf } from '../steer/select/select-addresses.ts'
import { canonicalLadder } from '../steer/select/select-mx.ts'
import type { Locus } from '../steer/selection.ts'

const fixedLadderFact = 'fixed ladder'

/** Fact → value, in the order of display. */
type Decision = ReadonlyMap<string, string>

/** The part of the policy that decides for the client: `rule 1` (numbered from 1) or `internal`. */
export function ruleLabel(set: SelectedSet, locus: Locus): string {
  if (getsFixedLadder(set, locus)) return 'internal'
  return `rule ${ruleIndexOf(set, locus) + 1}`
}

export function decisionOf(set: SelectedSet, locus: Locus, health: HealthReader): Decision {
  const facts = new Map<string, string>([['ttl', `${set.ttl} s`]])
  if (getsFixedLadder(set, locus)) {
    facts.set(fixedLadderFact, fixedLadder(set))
    return facts
  }
  facts.set('min_ttl', `${set.minTtl} s`)
  for (const [fact, value] of selectionFacts(set)) facts.set(fact, value)
  const pools = matchRule(set.policy, locus).pools
  for (const [i, pool] of pools.entries())
    addPool(facts, set, pool, { health, as: `pool ${i + 1}` })
  const { onAllDown } = set.policy
  facts.set('on_all_down', onAllDown.kind)
  if (onAllDown.kind === 'backup')
    addPool(facts, set, onAllDown.pool, { health, as: 'backup pool' })
  return facts
}

function fixedLadder(set: SelectedSet): string {
  if (set.kind !== 'steered-mx' && set.kind !== 'exchange-slot') return ''
  const selection = canonicalLadder(set)
  return selection.kind === 'selected'
    ? selection.rungs.map(({ target }) => target.name).join(' ')
    : selection.kind
}

function selectionFacts(set: SelectedSet): readonly (readonly [string, string])[] {
  // Sticky draws are keyed by the name of the policy, so a change of the name changes them.
  const sticky = set.kind !== 'steered-srv' && set.sticky ? `by ${set.policy.name}` : 'no'
  switch (set.kind) {
    case 'steered-mx':
      return [
        ['mode', set.mode],
        ['ladder', String(set.ladder)],
        ['sticky', sticky],
      ]
    case 'steered-address':
      return [
        ['answers', set.answers === Infinity ? 'all' : String(set.answers)],
        ['sticky', sticky],
      ]
    case 'exchange-slot':
      return [
        ['slot', `${set.rung + 1} of ${set.ladder}`],
        ['epoch', `${set.epochSeconds} s`],
        ['sticky', sticky],
      ]
    case 'steered-srv':
      return [
        ['answers', String(set.answers)],
        ['port', String(set.port)],
      ]
    default:
      return set satisfies never
  }
}

function addPool(
  facts: Map<string, string>,
  set: SelectedSet,
  pool: Pool,
  { health, as }: { readonly health: HealthReader; readonly as: string },
): void {
  const family = set.kind === 'steered-address' ? familyOf(set.type) : null
  const members = pool.members.filter(
    ({ target }) => family === null || target.addresses.some((one) => one.family === family),
  )
  facts.set(as, members.map((one) => weightText(one, health)).join(', ') || 'nobody')
  facts.set(`${as} panic`, String(pool.panic))
  facts.set(`${as} min_healthy`, String(pool.minHealthy))
  facts.set(`${as} spill`, pool.minHealthy > 0 ? pool.spill : 'all')
  facts.set(`${as} spread`, String(pool.isSpread))
  for (const { target } of members) addTarget(facts, target, family, pool.isSpread)
}

function weightText({ target, weight, row }: Member, health: HealthReader): string {
  const share = health.share(row)
  return `${target.name} ${weight}${share === 1 ? '' : ` × ${Number(share.toPrecision(3))}`}`
}

function addTarget(
  facts: Map<string, string>,
  { name, region, rack, warmup, addresses }: Target,
  family: Family,
  isSpread: boolean,
): void {
  if (isSpread) facts.set(`${name} stands in`, `region ${region ?? '–'}, rack ${rack ?? '–'}`)
  if (warmup) {
    const { fromMs, days, curve, start } = warmup
    const text = `from ${isoDay(fromMs)}, ${days} days, ${curve} from ${start}`
    facts.set(`${name} warm-up`, text)
  } else facts.set(`${name} warm-up`, 'none')
  if (family === null) return
  const texts = addresses.filter((one) => one.family === family).map(({ text }) => text)
  facts.set(`${name} addresses`, texts.join(' '))
}

/**
 * One text a fact that differs, as `ttl: 60 s → 30 s`. Details of a pool or target that only one
 * side has are left out: the facts of its pool show already that it was added or removed.
 */
export function changesBetween(before: Decision, after: Decision): readonly string[] {
  const facts = new Set([...before.keys(), ...after.keys()])
  // The fixed ladder of internal networks overrules all other facts but the TTL.
  const isFixed = before.has(fixedLadderFact) !== after.has(fixedLadderFact)
  return [...facts].flatMap((fact) => {
    if (isFixed && fact !== fixedLadderFact && fact !== 'ttl') return []
    const [was, is] = [before.get(fact), after.get(fact)]
    if (was === is) return []
    const isDetail = / (warm-up|stands in|addresses)$| (panic|min_healthy|spill|spread)$/.test(fact)
    if ((was === undefined || is === undefined) && isDetail) return []
    return [`${fact}: ${was ?? 'none'} → ${is ?? 'none'}`]
  })
}
