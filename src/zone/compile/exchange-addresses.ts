// How many addresses an exchange's own name answers. Senders try five addresses in all (Postfix:
// smtp_mx_address_limit, after sorting by preference; Exim: hosts_max_try), so an exchange with
// five would use up the ladder. Hence the limit for a target that a steered MX can list beside
// others:
//
//   targets on the ladder   addresses of each   so that five addresses reach
//   1                       all                 1 target
//   2                       3                   2
//   3 and more              2                   3: 2 + 2 + 1
//
// The limit is divided between the families of a target, with at least one address each, since a
// sender may have only one of them. `answers` of the target overrides it. Which addresses are
// answered is drawn anew for every answer.

import type { Policy, Target } from '../../steer/policy.ts'
import type { Compilation } from './compilation.ts'

const addressesSendersTry = 5
const targetsToReach = 3

/**
 * Addresses of both families together in an answer for a target's name, by target name; absent: all
 * of them.
 */
export function exchangeLimits(
  { source }: Compilation,
  policies: ReadonlyMap<string, Policy>,
): ReadonlyMap<string, number> {
  const limits = new Map<string, number>()
  const records = [...source.records.values()].flatMap((types) => [...types.values()])
  const ladders = [
    ...records.filter((record) => record.kind === 'steered-mx'),
    ...source.slots.map(({ steer, names }) => ({ steer, ladder: names.length })),
  ]
  for (const { steer, ladder } of ladders) {
    for (const rule of policies.get(steer)?.rules ?? []) {
      const names = rule.pools.flatMap((pool) => pool.members.map(({ target }) => target.name))
      const onLadder = Math.min(targetsToReach, ladder, new Set(names).size)
      const limit = onLadder > 1 ? Math.ceil(addressesSendersTry / onLadder) : Infinity
      for (const name of names) limits.set(name, Math.min(limits.get(name) ?? Infinity, limit))
    }
  }
  return limits
}

/** Divides the limit between the families; Infinity: all addresses are answered. */
export function answersByFamily(
  target: Target,
  limit: number,
): { readonly 4: number; readonly 6: number } {
  const ipv6 = target.addresses.filter((address) => address.family === 6).length
  const ipv4 = target.addresses.length - ipv6
  if (target.addresses.length <= limit) return { 4: Infinity, 6: Infinity }
  if (ipv4 === 0 || ipv6 === 0) return { 4: limit, 6: limit }
  const part6 = Math.max(1, Math.min(ipv6, Math.floor(limit / 2), limit - 1))
  const part4 = Math.max(1, Math.min(ipv4, limit - part6))
  return { 4: part4, 6: Math.max(part6, Math.min(ipv6, limit - part4)) }
}
