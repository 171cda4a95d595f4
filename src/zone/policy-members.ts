// The members that a policy can ever select.

import type { Member, Policy } from '../steer/policy.ts'

/** Those of all its rules and of its backup pool, each pool once. */
export function membersOf({ rules, onAllDown }: Policy): readonly Member[] {
  const pools = new Set(rules.flatMap((rule) => rule.pools))
  if (onAllDown.kind === 'backup') pools.add(onAllDown.pool)
  return [...pools].flatMap((pool) => pool.members)
}
