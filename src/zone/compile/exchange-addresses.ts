// How many of its addresses an exchange's own name answers. Senders try five addresses in all (Postfix:
// smtp_mx_address_limit, after sorting by preference; Exim: hosts_max_try), so an exchange with five of them would
// be the whole ladder. Hence, for a target that a steered MX can name beside others:
//
//   targets on the ladder   addresses of each   so that five addresses reach
//   1                       all                 1 target
//   2                       3                   2
//   3 and more              2                   3: 2 + 2 + 1
//
// Of a target with both families each family gets its part, and one at least: a sender may have only one of them.
// `answers` of the target overrules this. Which of the addresses is drawn anew for every answer.

import type { Policy, Target } from '../../steer/policy.ts'
import type { Compilation } from './compilation.ts'

const triedBySenders = 5
const wantedTargets = 3

/** Target → addresses of its name in one answer, of both families together; absent: all. */
export function exchangeLimits(
  { source }: Compilation,
  policies: ReadonlyMap<string, Policy>,
): ReadonlyMap<string, number> {
  const limits = new Map<string, number>()
  const records = [...source.records.values()].flatMap((types) => [...types.values()])
  for (const record of records) {
    if (record.kind !== 'steered-mx') continue
    for (const rule of policies.get(record.steer)?.rules ?? []) {
      const names = rule.pools.flatMap((pool) => pool.members.map(({ target }) => target.name))
      const onLadder = Math.min(wantedTargets, record.ladder, new Set(names).size)
      const limit = onLadder > 1 ? Math.ceil(triedBySenders / onLadder) : Infinity
      for (const name of names) limits.set(name, Math.min(limits.get(name) ?? Infinity, limit))
    }
  }
  return limits
}

export function answersByFamily(
  target: Target,
  limit: number,
): { readonly 4: number; readonly 6: number } {
  const six = target.addresses.filter((address) => address.family === 6).length
  const four = target.addresses.length - six
  if (target.addresses.length <= limit) return { 4: Infinity, 6: Infinity }
  if (four === 0 || six === 0) return { 4: limit, 6: limit }
  const ofSix = Math.max(1, Math.min(six, Math.floor(limit / 2), limit - 1))
  const ofFour = Math.max(1, Math.min(four, limit - ofSix))
  return { 4: ofFour, 6: Math.max(ofSix, Math.min(six, limit - ofFour)) }
}
