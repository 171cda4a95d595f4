// Failing open: everyone who could take part at all, by the configured weight and whatever their health.
// Weight 0 takes no part, unless a rule has nothing else: a selection is never empty (design law 1 in
// docs/adr/0002-fail-open.md).

import { enter } from './ballot.ts'
import type { Ballot } from './ballot.ts'
import type { Pool, Target } from './policy.ts'

export function enterAllMembers(ballot: Ballot, pool: Pool, zeroWeight = 0): void {
  for (let i = 0; i < pool.members.length; i++) {
    const weight = pool.members[i]?.weight || zeroWeight
    if (weight > 0) enter(ballot, weight, i, 0)
  }
}

export function enterAllAddresses(ballot: Ballot, pool: Pool, family: 4 | 6, zeroWeight = 0): void {
  for (let i = 0; i < pool.members.length; i++) {
    const { weight: configured = 0, target } = pool.members[i] ?? {}
    const weight = configured || zeroWeight
    if (!target || !(weight > 0)) continue
    const count = countFamily(target, family)
    for (let a = 0; a < target.addresses.length; a++)
      if (target.addresses[a]?.family === family) enter(ballot, weight / count, i, a)
  }
}

/** The weight that stands in for 0: 0 itself, or 1 where no member of any pool has more. */
export function zeroWeightOf(pools: readonly Pool[]): number {
  return pools.some((pool) => pool.members.some((member) => member.weight > 0)) ? 0 : 1
}

export const hasFamily = (target: Target, family: 4 | 6): boolean => {
  for (const address of target.addresses) if (address.family === family) return true
  return false
}

function countFamily(target: Target, family: 4 | 6): number {
  let count = 0
  for (const address of target.addresses) if (address.family === family) count++
  return count
}
