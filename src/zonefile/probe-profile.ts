// A `probes:` entry → the profile that the prober takes for one address of one target, its zone's defaults and
// the target's own matters filled in: name and TLSA records for TLS, and where it is probed if not where it is
// served.

import { formatAddress, parseAddress } from '../lib/ip.ts'
import type { ProbeProfile } from '../probe/smtp/profile.ts'
import type { TlsaRecord } from '../health/tls-report.ts'
import { keyOfName, nameToText, type Name } from '../wire/name.ts'
import { parseRdata } from '../wire/rdata/parse.ts'
import { RRType } from '../wire/rrtype.ts'
import { readName, readProbePlace } from '../zone/compile/names.ts'
import type { ProbeSource, ZoneSource } from '../zone/compile/zone-source.ts'

const defaultFastIntervalMs = 5000
const dayMs = 86_400_000

interface Probed {
  readonly profile: ProbeProfile
  readonly address: string
}

interface Wanted {
  readonly probe: string
  readonly target: string
  /** As it is served. */
  readonly address: string
}

/** null: there is no such probe. `zone`: without final dot. */
export function probedAs(source: ZoneSource, wanted: Wanted, zone: string): Probed | null {
  const probe = source.probes.get(wanted.probe)
  if (!probe) return null
  const profile = profileOf(probe, wanted.probe, zone)
  const isTls = profile.level === 'tls' || profile.tls.mode === 'implicit'
  const place = placeOf(source, wanted)
  return {
    address: place?.address ?? wanted.address,
    profile: {
      ...profile,
      port: place?.port ?? profile.port,
      tls: isTls
        ? { ...profile.tls, ...expectedOf(source, wanted.target, profile.port) }
        : profile.tls,
    },
  }
}

function profileOf(probe: ProbeSource, name: string, zone: string): ProbeProfile {
  const { level, sources, intervalMs } = probe
  return {
    ...sameInBoth(probe),
    name,
    rounds: probe.rounds ?? (level === 'rcpt' ? 'mail' : 'ehlo'),
    slowIntervalMs: level === 'rcpt' ? probe.rcptIntervalMs : probe.tlsIntervalMs,
    ehlo: probe.ehlo ?? `probe.${zone}`,
    tls: tlsOf(probe),
    source: { ipv4: ofFamily(sources, 4), ipv6: ofFamily(sources, 6) },
    recipient: probe.recipient ?? null,
    fastIntervalMs: probe.fastIntervalMs ?? Math.min(intervalMs, defaultFastIntervalMs),
    slowStartSeconds: probe.slowStartMs / 1000,
  }
}

const sameInBoth = (probe: ProbeSource) => ({
  port: probe.port,
  level: probe.level,
  expect: probe.expect,
  proxy: probe.proxy,
  sender: probe.sender,
  fall: probe.fall,
  rise: probe.rise,
  intervalMs: probe.intervalMs,
  connectTimeoutMs: probe.connectTimeoutMs,
  bannerTimeoutMs: probe.bannerTimeoutMs,
  commandTimeoutMs: probe.commandTimeoutMs,
  slowAfterMs: probe.slowAfterMs,
})

const tlsOf = ({ tls, port, ...probe }: ProbeSource): ProbeProfile['tls'] => ({
  mode: tls ?? (port === 465 ? 'implicit' : 'starttls'),
  serverName: null,
  minVersion: probe.tlsMin,
  isRequired: probe.requireTls,
  warningDays: probe.certWarningMs / dayMs,
  criticalDays: probe.certCriticalMs / dayMs,
  tlsa: [],
})

const ofFamily = (texts: readonly string[], family: 4 | 6): string | null =>
  texts.find((text) => parseAddress(text)?.family === family) ?? null

function placeOf(
  { targets }: ZoneSource,
  { target, address }: Wanted,
): ReturnType<typeof readProbePlace> {
  for (const [served, place] of targets.get(target)?.probeAt ?? []) {
    const parsed = parseAddress(served)
    if (parsed && formatAddress(parsed.octets) === address) return readProbePlace(place)
  }
  return null
}

/** The exchange's name, and the TLSA records that the zone itself has for it: `_25._tcp.mx1`. */
function expectedOf(
  source: ZoneSource,
  target: string,
  port: number,
): { serverName: string | null; tlsa: readonly TlsaRecord[] } {
  const apex = readName(source.zone.replace(/\.?$/, '.'), Uint8Array.of(0))
  if (apex.kind !== 'name') return { serverName: null, tlsa: [] }
  const exchange = readName(target, apex.name)
  const owner = readName(`_${port}._tcp.${target}`, apex.name)
  if (exchange.kind !== 'name' || owner.kind !== 'name') return { serverName: null, tlsa: [] }
  const serverName = nameToText(exchange.name).replace(/\.$/, '').toLowerCase()
  return { serverName, tlsa: recordsAt(source, owner.name, apex.name) }
}

function recordsAt({ records }: ZoneSource, owner: Name, apex: Name): readonly TlsaRecord[] {
  const found: TlsaRecord[] = []
  for (const [text, types] of records) {
    const name = text === '@' ? null : readName(text, apex)
    if (name?.kind !== 'name' || keyOfName(name.name) !== keyOfName(owner)) continue
    for (const [type, record] of types) {
      if (!/^(TLSA|TYPE52)$/i.test(type) || record.kind !== 'plain') continue
      for (const { text } of record.data) {
        const parsed = parseRdata(RRType.TLSA, text, apex)
        if (parsed.kind === 'rdata') found.push(readTlsa(parsed.rdata.octets))
      }
    }
  }
  return found
}

const readTlsa = (octets: Uint8Array): TlsaRecord => ({
  usage: octets[0] ?? 0,
  selector: octets[1] ?? 0,
  matchingType: octets[2] ?? 0,
  data: octets.subarray(3),
})
