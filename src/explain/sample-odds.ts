// The probability with which each entry is drawn, k of n: what drawSample (sampling.ts) and dealSample (spread.ts) do
// by chance.

import type { Target } from '../steer/policy.ts'

export interface Entry {
  readonly target: Target
  readonly address: string
  readonly weight: number
}

/** In the order of the entries: k·w/W, at most 1; what is cut off there goes to the others, in proportion. */
export function sampleOdds(
  entries: readonly { readonly weight: number }[],
  places: number,
): readonly number[] {
  if (places >= entries.length) return entries.map(() => 1)
  const certain = new Set<object>()
  for (let before = -1; before < certain.size && certain.size < places;) {
    before = certain.size
    const bar = weightOf(entries, certain) / (places - certain.size)
    for (const one of entries)
      if (!certain.has(one) && one.weight >= bar && certain.size < places) certain.add(one)
  }
  const left = places - certain.size
  const whole = weightOf(entries, certain)
  return entries.map((one) => (certain.has(one) ? 1 : left === 0 ? 0 : (left * one.weight) / whole))
}

const weightOf = (
  entries: readonly { readonly weight: number }[],
  without: ReadonlySet<object>,
): number => entries.reduce((sum, one) => sum + (without.has(one) ? 0 : one.weight), 0)

type GroupOf = (entry: Entry) => unknown

const ofTarget: GroupOf = ({ target }) => target
const levels: readonly GroupOf[] = [
  ({ target }) => target.regionGroup,
  ({ target }) => target.rackGroup,
  ofTarget,
]

/** As places are dealt to regions, theirs to racks, theirs to targets, theirs to addresses. */
export const dealOdds = (
  entries: readonly Entry[],
  isSpread: boolean,
  places: number,
): readonly number[] => dealAmong(entries, isSpread ? levels : [ofTarget], places)

function dealAmong(
  entries: readonly Entry[],
  [groupOf, ...below]: readonly GroupOf[],
  places: number,
): readonly number[] {
  if (places === 0) return entries.map(() => 0)
  if (groupOf === undefined || places >= entries.length) return sampleOdds(entries, places)
  const groups = [...Map.groupBy(entries, groupOf).values()].map((members) => ({
    members,
    weight: members.reduce((sum, one) => sum + one.weight, 0),
  }))
  const { rounds, left } = wholeRounds(
    groups.map(({ members }) => members.length),
    places,
  )
  const open = groups.filter(({ members }) => members.length > rounds)
  const more = left === 0 ? open.map(() => 0) : sampleOdds(open, left)
  const odds = new Map<Entry, number>()
  for (const group of groups) {
    const { members } = group
    const one = more[open.indexOf(group)] ?? 0
    const base = dealAmong(members, below, Math.min(members.length, rounds))
    const extra = one === 0 ? base : dealAmong(members, below, rounds + 1)
    for (const [i, member] of members.entries())
      odds.set(member, (1 - one) * (base[i] as number) + one * (extra[i] as number))
  }
  return entries.map((entry) => odds.get(entry) as number)
}

/** One place a round to each group that has anyone left; how many rounds go round, and what is left for one more. */
function wholeRounds(
  sizes: readonly number[],
  places: number,
): { readonly rounds: number; readonly left: number } {
  let left = places
  for (let rounds = 0; ; rounds++) {
    const open = sizes.filter((size) => size > rounds).length
    if (open === 0) return { rounds, left: 0 }
    if (open > left) return { rounds, left }
    left -= open
  }
}
