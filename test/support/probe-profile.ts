import type { ProbeProfile } from '../../src/probe/profile.ts'

/** A profile with everything at a tenth of its default, so that tests of silence are short. */
export const quickProfile = (changes: Partial<ProbeProfile> = {}): ProbeProfile => ({
  name: 'inbound',
  port: 25,
  level: 'ehlo',
  ehlo: 'probe.example.com',
  intervalMs: 1000,
  fastIntervalMs: 200,
  connectTimeoutMs: 500,
  bannerTimeoutMs: 1000,
  commandTimeoutMs: 500,
  fall: 3,
  rise: 2,
  slowStartSeconds: 0,
  ...changes,
})
