// From a `probes:` entry to the profile for one address of one target: defaults of the zone filled
// in, and for TLS the target's name and TLSA records; and to the endpoint that is probed, where
// that differs from the served address.

import { formatAddress, parseAddress } from '../lib/ip.ts'
import type { ProbeProfile } from '../probe/smtp/profile.ts'
import type { TlsaRecord } from '../health/tls-report.ts'
import { keyOfName, nameToText, type Name, type NameKey } from '../wire/name.ts'
import { parseRdata } from '../wire/rdata/parse.ts'
import { RRType } from '../wire/rrtype.ts'
import { readName, readProbeEndpoint } from '../zone/compile/names.ts'
import type { ProbeSource, ZoneSource } from '../zone/compile/zone-source.ts'

const defaultFastIntervalMs = 5000
const dayMs = 86_400_000

interface ProbedEndpoint {
  readonly profile: ProbeProfile
  /** The address that is probed. */
  readonly address: string
}

interface ServedAddress {
  /** Name of the probe. */
  readonly probe: string
  readonly target: string
  readonly address: string
}

/** null: the zone has no such probe. `zone`: its name without the final dot. */
export function resolveProbe(
  source: ZoneSource,
  served: ServedAddress,
  zone: string,
): ProbedEndpoint | null {
  const probe = source.probes.get(served.probe)
  if (!probe) return null
  const profile = profileOf(probe, served.probe, zone)
  const isTls = profile.level === 'tls' || profile.tls.mode === 'implicit'
  const endpoint = probeEndpoint(source, served)
  return {
    address: endpoint?.address ?? served.address,
    profile: {
      ...profile,
      port: endpoint?.port ?? profile.port,
      tls: isTls
        ? { ...profile.tls, ...expectedTls(source, served.target, profile.port) }
        : profile.tls,
    },
  }
}

function profileOf(probe: ProbeSource, name: string, zone: string): ProbeProfile {
  const { level, sources, intervalMs } = probe
  return {
    ...sharedFields(probe),
    name,
    rounds: probe.rounds ?? (level === 'rcpt' ? 'mail' : 'ehlo'),
    slowIntervalMs: level === 'rcpt' ? probe.rcptIntervalMs : probe.tlsIntervalMs,
    ehlo: probe.ehlo ?? `probe.${zone}`,
    tls: tlsOf(probe),
    source: { ipv4: addressOfFamily(sources, 4), ipv6: addressOfFamily(sources, 6) },
    recipient: probe.recipient ?? null,
    fastIntervalMs: probe.fastIntervalMs ?? Math.min(intervalMs, defaultFastIntervalMs),
    slowStartSeconds: probe.slowStartMs / 1000,
  }
}

/** The fields that source and profile have in common. */
const sharedFields = (probe: ProbeSource) => ({
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

const addressOfFamily = (texts: readonly string[], family: 4 | 6): string | null =>
  texts.find((text) => parseAddress(text)?.family === family) ?? null

/** The endpoint of `probe_at` for this address; null: it is probed where it is served. */
function probeEndpoint(
  { targets }: ZoneSource,
  { target, address }: ServedAddress,
): ReturnType<typeof readProbeEndpoint> {
  for (const [servedText, endpoint] of targets.get(target)?.probeAt ?? []) {
    const parsed = parseAddress(servedText)
    if (parsed && formatAddress(parsed.octets) === address) return readProbeEndpoint(endpoint)
  }
  return null
}

/**
 * What TLS has to present: the exchange's name, and the TLSA records that the zone has for it
 * (`_25._tcp.mx1`).
 */
function expectedTls(
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
  return { serverName, tlsa: tlsaAt(source, owner.name, apex.name) }
}

/** The TLSA records of `records:` at an owner name. */
function tlsaAt(source: ZoneSource, owner: Name, apex: Name): readonly TlsaRecord[] {
  const index = tlsaIndexes.get(source) ?? indexTlsa(source, apex)
  tlsaIndexes.set(source, index)
  return index.get(keyOfName(owner)) ?? []
}

/** Kept, since each address of a zone asks. */
const tlsaIndexes = new WeakMap<ZoneSource, ReadonlyMap<NameKey, readonly TlsaRecord[]>>()

/** The TLSA records of `records:` by owner name. */
function indexTlsa({ records }: ZoneSource, apex: Name): Map<NameKey, TlsaRecord[]> {
  const index = new Map<NameKey, TlsaRecord[]>()
  for (const [text, types] of records) {
    for (const [type, record] of types) {
      if (!/^(TLSA|TYPE52)$/i.test(type) || record.kind !== 'plain') continue
      const name = text === '@' ? null : readName(text, apex)
      if (name?.kind !== 'name') continue
      const key = keyOfName(name.name)
      const read = record.data.flatMap(({ text: rdata }) => readTlsa(rdata, apex))
      index.set(key, [...(index.get(key) ?? []), ...read])
    }
  }
  return index
}

/** Empty: it is no TLSA record. */
function readTlsa(text: string, apex: Name): readonly TlsaRecord[] {
  const parsed = parseRdata(RRType.TLSA, text, apex)
  if (parsed.kind !== 'rdata') return []
  const { octets } = parsed.rdata
  const [usage = 0, selector = 0, matchingType = 0] = octets
  return [{ usage, selector, matchingType, data: octets.subarray(3) }]
}
