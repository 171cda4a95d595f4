// A steered zone built by hand: two dual-stacked targets and one with IPv4 alone, each address with its own slot.

import { hashText } from '../../src/lib/hash.ts'
import type { Member, Policy, Pool, SteeredSet, Target } from '../../src/steer/policy.ts'
import type { Name } from '../../src/wire/name.ts'
import { nameOf, rdataOf } from './zone-builder.ts'

export const steeredApex: Name = nameOf('smtp.test.')

export const targetOf = (name: string, index: number, families: readonly (4 | 6)[]): Target => ({
  name,
  index,
  owner: nameOf(name, steeredApex),
  region: null,
  rack: null,
  regionGroup: index,
  rackGroup: index,
  hash: hashText(name),
  warmup: null,
  addresses: families.map((family) => ({
    family,
    text: family === 4 ? `203.0.113.${index}` : `2001:db8::${index}`,
    rdata: rdataOf(
      family === 4
        ? [203, 0, 113, index]
        : [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, index],
    ),
  })),
})

/** Slots are ten times the target's index, plus the place of the address. */
export const memberOf = (target: Target, weight = 1): Member => ({
  target,
  weight,
  slots: target.addresses.map((_, i) => target.index * 10 + i),
  row: target.index,
})

export const poolOf = (name: string, members: readonly Member[]): Pool => ({
  name,
  members,
  panic: 0,
  minHealthy: 0,
  spill: 'all',
  isSpread: false,
})

export const policyOf = (
  pools: readonly Pool[],
  onAllDown: 'all' | 'servfail' = 'all',
): Policy => ({
  name: 'inbound',
  hash: hashText('inbound'),
  rules: [{ when: null, pools }],
  onAllDown: { kind: onAllDown },
})

export const steeredMx = (policy: Policy): SteeredSet => ({
  kind: 'steered-mx',
  type: 15,
  mode: 'ladder',
  ladder: 4,
  internal: [],
  sticky: false,
  policy,
  ttl: 60,
  minTtl: 5,
})

export const steeredAddresses = (policy: Policy, type: 1 | 28, answers: number): SteeredSet => ({
  kind: 'steered-address',
  type,
  answers,
  sticky: false,
  policy,
  ttl: 60,
  minTtl: 5,
})

/** What a target's own name holds: a set for each family it has. */
export function targetSets(member: Member): Record<string, SteeredSet> {
  const setOf = (type: number): SteeredSet => ({
    kind: 'target-address',
    type,
    ttl: 60,
    minTtl: 5,
    target: member.target,
    answers: Infinity,
    memberships: [member],
  })
  const families = new Set(member.target.addresses.map((address) => address.family))
  return {
    ...(families.has(4) ? { A: setOf(1) } : {}),
    ...(families.has(6) ? { AAAA: setOf(28) } : {}),
  }
}
