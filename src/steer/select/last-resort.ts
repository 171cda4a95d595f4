// Candidates regardless of their health: for panic, and for answers where no member is eligible (all-down.ts).
//
//   tier        members                               weight
//   weighted    those not out whose weight is not 0   configured × share
//   standing    those not out                         configured
//   drained     the drained ones too                  configured
//   all         the disabled ones too                 configured
//
// A tier is used only where the one before it has no candidate: a selection is never empty (law 1 of CONTRIBUTING,
// docs/adr/0002-fail-open.md). Members of configured weight 0 take no part, unless a rule has no others: `zeroWeight`.

import { type HealthReader, isOut, SlotState, Standing } from '../../health/table.ts'
import { addCandidate, type Candidates } from '../draw/candidates.ts'
import type { Member, Policy, Pool, Target } from '../policy.ts'

/** Address family of the candidates; null: members as a whole. */
export type Family = 4 | 6 | null

export const tiers = ['weighted', 'standing', 'drained', 'all'] as const

type Tier = (typeof tiers)[number]

interface LastResort {
  readonly health: HealthReader
  readonly tier: Tier
  /** Used in place of a configured weight of 0. */
  readonly zeroWeight: number
  /** Seconds since the epoch: only what went down then or later takes part; 0: everything does. */
  readonly downSince: number
}

/** Appends the pool's members, or their addresses of `family`, that take part in this tier. */
export function addAll(
  candidates: Candidates,
  pool: Pool,
  family: Family,
  lastResort: LastResort,
): void {
  for (let i = 0; i < pool.members.length; i++) {
    const member = pool.members[i] as Member
    const weight = weightIn(member, lastResort)
    if (!(weight > 0)) continue
    if (family !== null) addAddresses(candidates, member, i, family, weight, lastResort)
    else if (downAt(member, null, lastResort.health) >= lastResort.downSince)
      addCandidate(candidates, weight, i, 0)
  }
}

function addAddresses(
  candidates: Candidates,
  { target, slots }: Member,
  index: number,
  family: 4 | 6,
  weight: number,
  { health, downSince }: LastResort,
): void {
  const count = countFamily(target, family)
  for (let a = 0; a < target.addresses.length; a++) {
    if (target.addresses[a]?.family !== family) continue
    if (downSince > 0 && slotDownAt(health, slots[a]) < downSince) continue
    addCandidate(candidates, weight / count, index, a)
  }
}

function weightIn(member: Member, { health, tier, zeroWeight }: LastResort): number {
  const configured = member.weight || zeroWeight
  const standing = health.standing(member.row)
  switch (tier) {
    case 'weighted':
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

/** When the last of the member's addresses went down, seconds since the epoch; 0: none is down. */
function downAt({ target, slots }: Member, family: Family, health: HealthReader): number {
  let latest = 0
  for (let i = 0; i < slots.length; i++) {
    if (family === null || target.addresses[i]?.family === family)
      latest = Math.max(latest, slotDownAt(health, slots[i]))
  }
  return latest
}

const slotDownAt = (health: HealthReader, slot: number = 0): number =>
  health.state(slot) === SlotState.down ? health.fellAtSeconds(slot) : 0

/** The weight to use in place of 0: 0 itself, or 1 where no member of any pool has a higher one. */
export function zeroWeightOf(pools: readonly Pool[]): number {
  for (const pool of pools) for (const member of pool.members) if (member.weight > 0) return 0
  return 1
}

export const hasFamily = (target: Target, family: 4 | 6): boolean => countFamily(target, family) > 0

function countFamily(target: Target, family: 4 | 6): number {
  let count = 0
  for (const address of target.addresses) if (address.family === family) count++
  return count
}

/** Members that went down this close together are taken to have failed together. */
const togetherSeconds = 60

/**
 * For `last_good`: since when, in seconds since the epoch, a member must have gone down to belong to the last set that
 * was not empty; 0: no member went down. Members that fail together are seen to fail one by one, as their probes are
 * due, so all that went down within a minute of the last one belong to it.
 */
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
        latest = Math.max(latest, downAt(member, family, health))
    }
  }
  return latest === 0 ? 0 : Math.max(1, latest - togetherSeconds)
}

/** The pools to answer from where health is ignored: those of the rule, then the backup pool of the policy. */
export const lastResortPools = ({ onAllDown }: Policy, pools: readonly Pool[]): readonly Pool[] =>
  onAllDown.kind === 'backup' && !pools.includes(onAllDown.pool)
    ? [...pools, onAllDown.pool]
    : pools
