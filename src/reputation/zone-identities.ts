// What the pools of a zone have watched of how their members look from outside, with every default filled in.

import type { CheckedAddress, ReputationProfile } from './findings.ts'
import type { CompiledTarget } from '../zone/compile/compile.ts'
import type { IdentitySource, ZoneSource } from '../zone/compile/zone-source.ts'

/**
 * The identities (greeting, PTR, DNS lists) that the pools of a zone have watched: one for each
 * address of each member. `zone`: its name without the final dot.
 */
export const listIdentities = (
  zone: string,
  source: ZoneSource,
  targets: readonly CompiledTarget[],
): readonly CheckedAddress[] =>
  targets.flatMap(({ target, memberships }) =>
    memberships.flatMap(({ pool, member }) => {
      const identity = source.pools.get(pool)?.identity
      if (!identity) return []
      const profile = identityProfile(identity)
      return target.addresses.map(({ text }) => ({
        zone,
        pool,
        target: target.name,
        exchange: `${target.name}.${zone}`.toLowerCase(),
        address: text,
        weight: member.weight,
        profile,
      }))
    }),
  )

const identityProfile = ({
  greeting,
  ptr,
  intervalMs,
  dnsbl,
}: IdentitySource): ReputationProfile => ({
  greeting: greeting ?? true,
  ptr,
  intervalMs,
  lists: dnsbl?.lists ?? [],
  holdMs: dnsbl?.holdMs ?? 0,
  agree: dnsbl?.agree ?? 1,
  listedShare: dnsbl?.listedShare ?? 1,
})
