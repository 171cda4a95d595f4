// A compiled zone → the identities that its pools want watched: one for each address of each member.

import type { IdentityProfile, WatchedIdentity } from '../reputation/profile.ts'
import type { CompiledTarget } from '../zone/compile/compile.ts'
import type { IdentitySource, ZoneSource } from '../zone/compile/zone-source.ts'

/** `zone`: without final dot. */
export const watchedIdentities = (
  zone: string,
  source: ZoneSource,
  targets: readonly CompiledTarget[],
): readonly WatchedIdentity[] =>
  targets.flatMap(({ target, memberships }) =>
    memberships.flatMap(({ pool, member }) => {
      const identity = source.pools.get(pool)?.identity
      if (!identity) return []
      const profile = profileOf(identity)
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

const profileOf = ({ greeting, ptr, intervalMs, dnsbl }: IdentitySource): IdentityProfile => ({
  greeting: greeting ?? true,
  ptr,
  intervalMs,
  lists: dnsbl?.lists ?? [],
  holdMs: dnsbl?.holdMs ?? 0,
  agree: dnsbl?.agree ?? 1,
  listedShare: dnsbl?.listedShare ?? 1,
})
