// Two steered sets of one name: for whom they decide differently, and who is chosen how often before and after.

import type { SelectedSet } from '../steer/policy.ts'
import type { Locus } from '../steer/selection.ts'
import { type Classes, type Part, type SteeredSide, classesOf, locusOf } from './client-classes.ts'
import type { Comparing } from './compare.ts'
import { changesBetween, choiceOf, decisionOf } from './decision.ts'
import { type Expected, expectedOf } from './shares.ts'

export interface ClientsDifference {
  /** Everyone of them gets the same, before and after. */
  readonly clients: readonly string[]
  /** The rule before and after, from 1. */
  readonly rules: { readonly before: string; readonly after: string }
  readonly changes: readonly string[]
  /** By formula on both sides, or drawn: then a point more or less says nothing. */
  readonly isExact: boolean
  readonly shares: readonly ShareChange[]
}

/** Of first choices; 0: it is not among them. */
export interface ShareChange {
  readonly target: string
  readonly before: number
  readonly after: number
}

const draws = 20_000

export function compareSteered(
  comparing: Comparing,
  before: SelectedSet,
  after: SelectedSet,
): readonly ClientsDifference[] {
  const classes = classesOf([sideOf(before), sideOf(after)], comparing.places)
  const differences = choicesOf(classes, before, after).flatMap(
    ({ combinations }): ClientsDifference[] => {
      const locus = locusOf(combinations[0] ?? [])
      const [was, is] = [comparing.before.health, comparing.after.health]
      const changes = changesBetween(decisionOf(before, locus, was), decisionOf(after, locus, is))
      const wasKind = before.kind === after.kind ? [] : [`kind: ${before.kind} → ${after.kind}`]
      if (changes.length + wasKind.length === 0) return []
      return [
        {
          clients: clientLabels(classes, combinations),
          rules: { before: choiceOf(before, locus), after: choiceOf(after, locus) },
          changes: [...wasKind, ...changes],
          ...shareChanges(comparing, before, after, locus),
        },
      ]
    },
  )
  return differences.toSorted((a, b) => Number(isRest(a)) - Number(isRest(b)))
}

const everyoneElse = 'everyone else'
const isRest = ({ clients }: ClientsDifference): boolean => clients.includes(everyoneElse)

const sideOf = (set: SelectedSet): SteeredSide => ({
  policy: set.policy,
  internal: set.kind === 'steered-mx' ? set.internal : [],
})

type Combination = readonly Part[]

/** Combinations by what is chosen for them on both sides. */
function choicesOf(
  { places, asns, networks }: Classes,
  before: SelectedSet,
  after: SelectedSet,
): readonly { readonly combinations: readonly Combination[] }[] {
  const all = places.flatMap((place) =>
    asns.flatMap((asn) => networks.map((network): Combination => [place, asn, network])),
  )
  const groups = Map.groupBy(all, (combination) => {
    const locus = locusOf(combination)
    return `${choiceOf(before, locus)} → ${choiceOf(after, locus)}`
  })
  return [...groups.values()].map((combinations) => ({ combinations }))
}

/** As few words as say it: a part stands alone where all that it can be combined with is among them. */
function clientLabels(
  { places, asns, networks }: Classes,
  combinations: readonly Combination[],
): readonly string[] {
  const total = places.length * asns.length * networks.length
  if (combinations.length === total) return ['everyone']
  const labels: string[] = []
  let left = combinations
  for (const parts of [networks, asns, places]) {
    // What nothing names comes last.
    for (const part of parts.toSorted(
      (a, b) => Number(a.label === null) - Number(b.label === null),
    )) {
      const having = combinations.filter((one) => one.includes(part))
      if (having.length < total / parts.length) continue
      if (!having.some((one) => left.includes(one))) continue
      labels.push(part.label ?? `every other ${wordOf(parts, { places, asns })}`)
      left = left.filter((one) => !one.includes(part))
    }
  }
  const rest = left.map((one) => {
    const named = one.flatMap(({ label }) => (label === null ? [] : [label]))
    return named.length > 0 ? named.join(' and ') : everyoneElse
  })
  return [...labels, ...new Set(rest)]
}

const wordOf = (
  parts: readonly Part[],
  { places, asns }: Pick<Classes, 'places' | 'asns'>,
): string => (parts === places ? 'place' : parts === asns ? 'ASN' : 'network')

// oxlint-disable-next-line max-params -- two sets, for whom, and what with
function shareChanges(
  { before: was, after: is, random }: Comparing,
  before: SelectedSet,
  after: SelectedSet,
  locus: Locus,
): Pick<ClientsDifference, 'isExact' | 'shares'> {
  const old = expectedOf(before, locus, { health: was.health, random }, draws)
  const fresh = expectedOf(after, locus, { health: is.health, random }, draws)
  const [oldShares, freshShares] = [byName(old), byName(fresh)]
  return {
    isExact: old.draws === 'exact' && fresh.draws === 'exact',
    shares: [...new Set([...oldShares.keys(), ...freshShares.keys()])].toSorted().map((target) => ({
      target,
      before: oldShares.get(target) ?? 0,
      after: freshShares.get(target) ?? 0,
    })),
  }
}

const byName = ({ shares }: Expected): ReadonlyMap<string, number> =>
  new Map([...shares].map(([{ name }, share]) => [name, share]))
