// The name of a probed endpoint that is the same in every instance and over reloads: slots are neither.

import type { ProbeProfile } from '../probe/smtp/profile.ts'

interface ProbedEndpoint {
  readonly address: string
  readonly profile: ProbeProfile
}

/** Endpoints with the same key are probed alike in every respect; the profile's name does not matter. */
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

/** Endpoints with the same dialogue key have the same dialogue: what is known of one holds for the other. */
export function dialogueKey({ address, profile }: ProbedEndpoint): string {
  const { port, level, ehlo, expect, proxy, source } = profile
  const parts = [address, port, level, ehlo]
  const oddities = [
    expect.banner.length + expect.ehlo.length > 0 && JSON.stringify(expect),
    proxy !== 'none' && proxy,
    (source.ipv4 ?? source.ipv6) !== null && `${source.ipv4} ${source.ipv6}`,
    level === 'rcpt' && `${profile.recipient} ${profile.sender}`,
    (level === 'tls' || level === 'rcpt') && profile.rounds,
    (level === 'tls' || profile.tls.mode === 'implicit') && tlsKey(profile.tls),
  ]
  return [...parts, ...oddities.filter((part) => part !== false)].join('|')
}

function tlsKey({ mode, serverName, minVersion, tlsa, ...rest }: ProbeProfile['tls']): string {
  const records = tlsa.map(
    ({ usage, selector, matchingType, data }) =>
      `${usage} ${selector} ${matchingType} ${Array.from(data).join()}`,
  )
  const { isRequired, warningDays, criticalDays } = rest
  return [mode, serverName, minVersion, isRequired, warningDays, criticalDays, ...records].join(' ')
}
