// How long a dialogue and its parts may take beside what the profile says.

import type { ProbeProfile } from './profile.ts'

const hardDeadlineMs = 20_000
export const handshakeTimeoutMs = 10_000
export const quitTimeoutMs = 2000

/** 20 s, or what the first phases may take together; a handshake and the commands after it get 10 s more. */
export function hardLimitMs(profile: ProbeProfile): number {
  const { level, tls, connectTimeoutMs, bannerTimeoutMs, commandTimeoutMs } = profile
  const sumMs = connectTimeoutMs + bannerTimeoutMs + commandTimeoutMs
  const isLong = level === 'tls' || level === 'rcpt' || tls.mode === 'implicit'
  return Math.max(hardDeadlineMs, sumMs) + (isLong ? handshakeTimeoutMs : 0)
}
