// Nobody is eligible in any pool of the rule: what `on_all_down` says (docs/adr/0002-fail-open.md).
//
//   servfail    SERVFAIL
//   backup      who is eligible in the named pool; if nobody there either, everyone, that pool last
//   last_good   who went down last; if nobody ever did, everyone
//   all         everyone
//
// Last good: the last set of members that was not empty. Its members died last, and those that died together are told
// apart by how the probes happened to fall, so everyone counts who went down within a minute of the last one.

import type { HealthReader } from '../../health/table.ts'
import { isOut } from '../../health/table.ts'
import { fellAt } from './everyone.ts'
import type { Family } from './everyone.ts'
import type { Policy, Pool } from '../policy.ts'

export const togetherSeconds = 60

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
export const poolsOfEveryone = ({ onAllDown }: Policy, pools: readonly Pool[]): readonly Pool[] =>
  onAllDown.kind === 'backup' && !pools.includes(onAllDown.pool)
    ? [...pools, onAllDown.pool]
    : pools
