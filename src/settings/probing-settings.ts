// Settings of probing that belong to this host rather than to a zone: source addresses, limits of
// concurrent dialogues, and the canaries that show whether this host is cut off.

import type { z } from 'zod'
import { formatAddress, parseAddress, parseEndpoint } from '../lib/ip.ts'
import { defaultInFlightLimits, type InFlightLimits } from '../probe/schedule/in-flight-limiter.ts'
import type { ProbeSourceAddresses } from '../probe/smtp/profile.ts'
import { closedMap, integer, leaf, oneOrMany } from '../zonefile/leaf.ts'

export interface ProbingSettings {
  /** Used by probes whose profile has no `source`. */
  readonly source: ProbeSourceAddresses
  readonly limits: InFlightLimits
}

export interface SourceAddress {
  readonly address: string
  readonly family: 4 | 6
}

const sourceAddress: z.ZodType<SourceAddress> = leaf({
  expected: 'an IPv4 or IPv6 address of this host',
  fallback: '192.0.2.1',
  read(value) {
    const parsed = typeof value === 'string' ? parseAddress(value.trim()) : null
    return parsed && { address: formatAddress(parsed.octets), family: parsed.family }
  },
})

/** At most one address of each family. */
export const probeSource: z.ZodType<readonly SourceAddress[]> = oneOrMany(sourceAddress).refine(
  (list) => new Set(list.map(({ family }) => family)).size === list.length,
  { message: 'expected one address of a family' },
)

/** `probe_limits:` of mxsteer.yaml: concurrent dialogues in all, to a host, to a /24 or /56. */
export interface ProbeLimitValues {
  readonly in_flight?: number | undefined
  readonly per_host?: number | undefined
  readonly per_network?: number | undefined
}

export const probeLimits: z.ZodType<ProbeLimitValues> = closedMap(
  {
    in_flight: integer('a count', 1, 60_000).optional(),
    per_host: integer('a count', 1, 1000).optional(),
    per_network: integer('a count', 1, 10_000).optional(),
  },
  '{ in_flight: 4000 }',
)

export function probingSettings(
  sources: readonly SourceAddress[] = [],
  limits: ProbeLimitValues = {},
): ProbingSettings {
  const addressOfFamily = (family: 4 | 6): string | null =>
    sources.find((source) => source.family === family)?.address ?? null
  const { total, perHost, perNetwork } = defaultInFlightLimits
  return {
    source: { ipv4: addressOfFamily(4), ipv6: addressOfFamily(6) },
    limits: {
      total: limits.in_flight ?? total,
      perHost: limits.per_host ?? perHost,
      perNetwork: limits.per_network ?? perNetwork,
    },
  }
}

interface CanaryEndpoint {
  readonly address: string
  readonly port: number
}

const maxCanaries = 16

const canary: z.ZodType<CanaryEndpoint> = leaf({
  expected: 'ADDRESS:PORT such as 192.0.2.1:53 or [2001:db8::1]:53',
  fallback: '192.0.2.1:53',
  read(value) {
    const endpoint = typeof value === 'string' ? parseEndpoint(value.trim()) : null
    return endpoint?.port ? endpoint : null
  },
})

/** Canaries: their reachability shows whether this host itself is cut off (health/isolation.ts). */
export const canaries: z.ZodType<readonly CanaryEndpoint[]> = oneOrMany(canary).refine(
  (list) => list.length <= maxCanaries,
  { message: `expected at most ${maxCanaries}` },
)
