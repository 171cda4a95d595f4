// Whoever could take part at all, whatever their health: for panic, and for answers where nobody is eligible.
//
//   tier        who                                    weight
//   weighty     not out, and worth anything            configured × share
//   standing    not out                                configured
//   drained     the drained ones too                   configured
//   all         the disabled ones too                  configured
//
// Each tier is asked only where the one before has nobody: a selection is never empty (design law 1 in
// docs/adr/0002-fail-open.md). Configured weight 0 takes no part, unless a rule has nothing else: `zeroWeight`.

import { type HealthReader, isOut, SlotState, Standing } from '../../health/table.ts'
import { type Candidates, addCandidate } from '../draw/candidates.ts'
import type { Member, Policy, Pool, Target } from '../policy.ts'

/** null: members as wholes. */
export type Family = 4 | 6 | null

export const tiers = ['weighty', 'standing', 'drained', 'all'] as const

type Tier = (typeof tiers)[number]

interface Fallback {
  readonly health: HealthReader
  readonly tier: Tier
  /** Stands in for a configured weight of 0. */
  readonly zeroWeight: number
  /** Only who went down at that second or later; 0: whoever. */
  readonly fellSince: number
}

export function addAll(ballot: Candidates, pool: Pool, family: Family, fallback: Fallback): void {
  for (let i = 0; i < pool.members.length; i++) {
    const member = pool.members[i] as Member
    const weight = weightIn(member, fallback)
    if (!(weight > 0)) continue
    if (family === null) {
      if (fellAt(member, null, fallback.health) >= fallback.fellSince)
        addCandidate(ballot, weight, i, 0)
    } else {
      enterAllOf(ballot, member, i, { family, weight, fallback })
    }
  }
}

function enterAllOf(
  ballot: Candidates,
  { target, slots }: Member,
  index: number,
  { family, weight, fallback }: { family: 4 | 6; weight: number; fallback: Fallback },
): void {
  const count = countFamily(target, family)
  for (let a = 0; a < target.addresses.length; a++) {
    if (target.addresses[a]?.family !== family) continue
    if (fallback.fellSince > 0 && fellTime(fallback.health, slots[a]) < fallback.fellSince) continue
    addCandidate(ballot, weight / count, index, a)
  }
}

function weightIn(member: Member, { health, tier, zeroWeight }: Fallback): number {
  const configured = member.weight || zeroWeight
  const standing = health.standing(member.row)
  switch (tier) {
    case 'weighty':
      return isOut(standing) ? 0 : configured * health.share(member.row)
    case 'standing':
      return isOut(standing) ? 0 : configured
    case 'drained':
      return standing === Standing.disabled ? 0 : configured
    case 'all':
      return configured
    default:
      return tier satisfies never
  }
}

/** When the last of the member's addresses went down; 0: never, or it is not down. */
function fellAt({ target, slots }: Member, family: Family, health: HealthReader): number {
  let latest = 0
  for (let i = 0; i < slots.length; i++) {
    if (family === null || target.addresses[i]?.family === family)
      latest = Math.max(latest, fellTime(health, slots[i]))
  }
  return latest
}

const fellTime = (health: HealthReader, slot: number = 0): number =>
  health.state(slot) === SlotState.down ? health.fellAtSeconds(slot) : 0

/** The weight that stands in for 0: 0 itself, or 1 where no member of any pool has more. */
export function zeroWeightOf(pools: readonly Pool[]): number {
  for (const pool of pools) for (const member of pool.members) if (member.weight > 0) return 0
  return 1
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

// Nobody is eligible in any pool of the rule: what `on_all_down` says (docs/adr/0002-fail-open.md).
//
//   servfail    SERVFAIL
//   backup      who is eligible in the named pool; if nobody there either, everyone, that pool last
//   last_good   who went down last; if nobody ever did, everyone
//   all         everyone
//
// Last good: the last set of members that was not empty. Its members died last, and those that died together are told
// apart by how the probes happened to fall, so everyone counts who went down within a minute of the last one.

const togetherSeconds = 60

/** Since when who went down counts as last good; 0: nothing is known of anyone. */
export function lastGoodSince(
  pools: readonly Pool[],
  family: Family,
  health: HealthReader,
): number {
  let latest = 0
  for (const pool of pools) {
    for (const member of pool.members) {
      const isCandidate = member.weight * health.share(member.row) > 0
      if (isCandidate && !isOut(health.standing(member.row)))
        latest = Math.max(latest, fellAt(member, family, health))
    }
  }
  return latest === 0 ? 0 : Math.max(1, latest - togetherSeconds)
}

/** The pools of everyone: those of the rule, then the backup. */
export const lastResortPools = ({ onAllDown }: Policy, pools: readonly Pool[]): readonly Pool[] =>
  onAllDown.kind === 'backup' && !pools.includes(onAllDown.pool)
    ? [...pools, onAllDown.pool]
    : pools
