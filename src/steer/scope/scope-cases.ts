// A case: given which networks and ASNs of the rules hold, the rule that clients of each place get.

import type { Conditions, Policy } from '../policy.ts'
import type { Place, PlaceTree } from './place-networks.ts'
import { asnCondition, internalCondition, networkCondition } from './scope-marks.ts'

export interface Case {
  /** Place → index of its rule, or `internalChoice`. */
  readonly choices: Int16Array
  /** The only choice there is; null: several. */
  readonly only: number | null
  /** Choice → the set of places that have another one, as a row of bits. */
  readonly others: ReadonlyMap<number, Int32Array>
}

export interface CaseBook {
  readonly cases: readonly Case[]
  /** The number of the case in which these conditions hold, and no other of networks and ASNs. */
  caseOf(holding: bigint): number
}

/** The one ladder of the MTAs themselves, whatever the rules. */
export const internalChoice = -1

export function createCaseBook(policy: Policy, { places, setWords }: PlaceTree): CaseBook {
  const cases: Case[] = []
  const byHolding = new Map<bigint, number>()
  const byChoices = new Map<string, number>()
  return {
    cases,
    caseOf(holding) {
      const known = byHolding.get(holding)
      if (known !== undefined) return known
      const choices = Int16Array.from(places, (place) => choose(policy, holding, place))
      const key = choices.join()
      const number = byChoices.get(key) ?? cases.push(caseFrom(choices, setWords)) - 1
      byChoices.set(key, number)
      byHolding.set(holding, number)
      return number
    },
  }
}

function choose({ rules }: Policy, holding: bigint, place: Place): number {
  if (holding & internalCondition) return internalChoice
  const index = rules.findIndex(
    ({ when }, rule) => when === null || holds(when, rule, holding, place),
  )
  return index < 0 ? rules.length - 1 : index
}

/** As steer/select/match.ts has it, for a network in place of a client. */
// oxlint-disable-next-line max-params -- what a rule is asked about has these parts
function holds(when: Conditions, rule: number, holding: bigint, place: Place): boolean {
  return (
    includes(when.continents, place.continent) &&
    includes(when.countries, place.country) &&
    (when.asns === null || (holding & asnCondition(rule)) !== 0n) &&
    (when.networks === null || (holding & networkCondition(rule)) !== 0n)
  )
}

const includes = (wanted: readonly string[] | null, actual: string | null): boolean =>
  wanted === null || (actual !== null && wanted.includes(actual))

function caseFrom(choices: Int16Array, setWords: number): Case {
  const others = new Map<number, Int32Array>()
  for (const choice of new Set(choices)) {
    const row = new Int32Array(setWords)
    for (const [place, its] of choices.entries())
      if (its !== choice) row[place >> 5] = (row[place >> 5] as number) | (1 << (place & 31))
    others.set(choice, row)
  }
  return { choices, only: others.size === 1 ? (choices[0] as number) : null, others }
}
