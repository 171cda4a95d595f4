// Keys of probed endpoints, the same in every instance and over reloads; slot numbers are neither. They identify votes in
// the shared store and states in the state file.

import type { ProbeProfile } from '../probe/smtp/profile.ts'

interface ProbedEndpoint {
  readonly address: string
  readonly profile: ProbeProfile
}

/** Key of an endpoint and everything that its state depends on: the dialogue, intervals, timeouts, thresholds. */
export function slotKey(endpoint: ProbedEndpoint): string {
  const { profile } = endpoint
  return [
    dialogueKey(endpoint),
    profile.intervalMs,
    profile.fastIntervalMs,
    profile.slowIntervalMs,
    profile.connectTimeoutMs,
    profile.bannerTimeoutMs,
    profile.commandTimeoutMs,
    profile.slowAfterMs,
    profile.fall,
    profile.rise,
    profile.slowStartSeconds,
  ].join('|')
}

/** Key of an endpoint and its dialogue. What is known under one key holds after a reload that changes only timing. */
export function dialogueKey({ address, profile }: ProbedEndpoint): string {
  const { port, level, ehlo, expect, proxy, source } = profile
  const parts = [address, port, level, ehlo]
  const extensions = [
    expect.banner.length + expect.ehlo.length > 0 && JSON.stringify(expect),
    proxy !== 'none' && proxy,
    (source.ipv4 ?? source.ipv6) !== null && `${source.ipv4} ${source.ipv6}`,
    level === 'rcpt' && `${profile.recipient} ${profile.sender}`,
    (level === 'tls' || level === 'rcpt') && profile.rounds,
    (level === 'tls' || profile.tls.mode === 'implicit') && tlsKey(profile.tls),
  ]
  return [...parts, ...extensions.filter((part) => part !== false)].join('|')
}

function tlsKey({
  mode,
  serverName,
  slotNames,
  minVersion,
  tlsa,
  ...rest
}: ProbeProfile['tls']): string {
  const records = tlsa.map(
    ({ usage, selector, matchingType, data }) =>
      `${usage} ${selector} ${matchingType} ${Array.from(data).join()}`,
  )
  const { isRequired, warningDays, criticalDays } = rest
  const fields = [mode, serverName, minVersion, isRequired, warningDays, criticalDays]
  return [...fields, ...records, ...slotNames].join(' ')
}
