import { type ProbeProfile, profileDefaults } from '../../src/probe/smtp/profile.ts'

/** A profile with everything at a tenth of its default, so that tests of silence are short. */
export const quickProfile = (changes: Partial<ProbeProfile> = {}): ProbeProfile => ({
  ...profileDefaults,
  name: 'inbound',
  port: 25,
  ehlo: 'probe.example.com',
  intervalMs: 1000,
  fastIntervalMs: 200,
  connectTimeoutMs: 500,
  bannerTimeoutMs: 1000,
  commandTimeoutMs: 500,
  slowAfterMs: 1000,
  ...changes,
})
