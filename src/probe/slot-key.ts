// The name of a probed endpoint that is the same in every instance and over reloads: slots are neither.

import type { ProbeProfile } from './profile.ts'

interface Endpoint {
  readonly address: string
  readonly profile: ProbeProfile
}

/** Endpoints with the same key are probed alike in every respect; the profile's name does not matter. */
export function slotKey(endpoint: Endpoint): string {
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
export function dialogueKey({ address, profile }: Endpoint): string {
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

/** A share of the whole in [0, 1) that depends on the text alone and is spread evenly: FNV-1a, then mixed. */
export function hashShare(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}
