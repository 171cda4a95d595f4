// A `probes:` entry → the profile that the prober takes, its zone's defaults filled in.

import type { ProbeProfile } from '../probe/profile.ts'
import type { ZoneSource } from '../zone/zone-source.ts'

const defaultFastIntervalMs = 5000

/** null: there is no such probe. */
export function profileOf(source: ZoneSource, name: string, zone: string): ProbeProfile | null {
  const probe = source.probes.get(name)
  if (!probe) return null
  const { slowStartMs, fastIntervalMs, ehlo, ...same } = probe
  return {
    ...same,
    name,
    ehlo: ehlo ?? `probe.${zone}`,
    fastIntervalMs: fastIntervalMs ?? Math.min(probe.intervalMs, defaultFastIntervalMs),
    slowStartSeconds: slowStartMs / 1000,
  }
}
