// Settings of probing that are this host's, and no zone's: where its probes come from, and how many may fly.

import type { z } from 'zod'
import { formatAddress, parseAddress, parseEndpoint } from '../lib/ip.ts'
import { defaultFlightLimits, type FlightLimits } from '../probe/schedule/in-flight-limiter.ts'
import type { ProbeSourceAddresses } from '../probe/smtp/profile.ts'
import { closedMap, integer, leaf, oneOrMany } from '../zonefile/leaf.ts'

export interface ProbingSettings {
  /** For profiles that name none themselves. */
  readonly source: ProbeSourceAddresses
  readonly limits: FlightLimits
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

export const probeSource: z.ZodType<readonly SourceAddress[]> = oneOrMany(sourceAddress).refine(
  (list) => new Set(list.map(({ family }) => family)).size === list.length,
  { message: 'expected one address of a family' },
)

export interface ProbeLimitValues {
  readonly in_flight?: number | undefined
  readonly per_host?: number | undefined
  readonly per_network?: number | undefined
}

export const probeLimits: z.ZodType<ProbeLimitValues> = closedMap({
  in_flight: integer('a count', 1, 60_000).optional(),
  per_host: integer('a count', 1, 1000).optional(),
  per_network: integer('a count', 1, 10_000).optional(),
})

export function probingOf(
  sources: readonly SourceAddress[] = [],
  limits: ProbeLimitValues = {},
): ProbingSettings {
  const ofFamily = (wanted: 4 | 6): string | null =>
    sources.find(({ family }) => family === wanted)?.address ?? null
  const { total, perHost, perNetwork } = defaultFlightLimits
  return {
    source: { ipv4: ofFamily(4), ipv6: ofFamily(6) },
    limits: {
      total: limits.in_flight ?? total,
      perHost: limits.per_host ?? perHost,
      perNetwork: limits.per_network ?? perNetwork,
    },
  }
}

// `canaries`: addresses that tell the server whether it is cut off itself (health/isolation.ts).

interface CanaryEndpoint {
  readonly address: string
  readonly port: number
}

const mostCanaries = 16

const canary: z.ZodType<CanaryEndpoint> = leaf({
  expected: 'ADDRESS:PORT such as 192.0.2.1:53 or [2001:db8::1]:53',
  fallback: '192.0.2.1:53',
  read(value) {
    const endpoint = typeof value === 'string' ? parseEndpoint(value.trim()) : null
    return endpoint?.port ? endpoint : null
  },
})

export const canaries: z.ZodType<readonly CanaryEndpoint[]> = oneOrMany(canary).refine(
  (list) => list.length <= mostCanaries,
  { message: `expected at most ${mostCanaries}` },
)
