// From a `probes:` entry to the profile for one address of one target: defaults of the zone filled
// in, and for TLS the target's name and TLSA records; and to the endpoint that is probed, where
// that differs from the served address.

import { formatAddress, parseAddress } from '../lib/ip.ts'
import type { ProbeProfile, SenderTls } from '../probe/smtp/profile.ts'
import type { TlsaRecord } from '../health/tls-report.ts'
import { keyOfName, type Name, type NameKey, nameToBareText } from '../wire/name.ts'
import { parseRdata } from '../wire/rdata/parse.ts'
import type { Rdata } from '../wire/rdata/rdata.ts'
import { RRType } from '../wire/rrtype.ts'
import { membersOf, smtpPort, tlsaPorts, unitedTargets } from '../zone/compile/compile-tlsa.ts'
import { readName, readProbeEndpoint } from '../zone/compile/names.ts'
import type { ProbeSource, ZoneSource } from '../zone/compile/zone-source.ts'

const defaultFastIntervalMs = 5000
const dayMs = 86_400_000

interface ProbedEndpoint {
  readonly profile: ProbeProfile
  /** What senders expect of TLS there, whether the probe looks at TLS or not. */
  readonly senderTls: SenderTls
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
  const senderTls = expectedTls(source, served.target, profile.port)
  return {
    senderTls,
    address: endpoint?.address ?? served.address,
    profile: {
      ...profile,
      port: endpoint?.port ?? profile.port,
      tls: isTls ? { ...profile.tls, ...senderTls } : profile.tls,
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
  slotNames: [],
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
 * What TLS has to present: the exchange's name, and the TLSA records by which senders judge it: those at its own name
 * (`_25._tcp.mx1`); where there are none, those of a steered address name that it is behind.
 */
function expectedTls(source: ZoneSource, target: string, port: number): SenderTls {
  const nothing = { serverName: null, slotNames: [], tlsa: [] }
  const apex = readName(source.zone.replace(/\.?$/, '.'), Uint8Array.of(0))
  if (apex.kind !== 'name') return nothing
  const exchange = readName(target, apex.name)
  const owner = readName(`_${port}._tcp.${target}`, apex.name)
  if (exchange.kind !== 'name' || owner.kind !== 'name') return nothing
  const serverName = nameToBareText(exchange.name)
  const index = tlsaIndexes.get(source) ?? indexTlsa(source, apex.name)
  tlsaIndexes.set(source, index)
  const own = index.byOwner.get(keyOfName(owner.name))
  const behind = port === smtpPort ? index.behindRelays.get(target) : undefined
  const slotNames = port === smtpPort ? (index.slotNames.get(target) ?? []) : []
  return { serverName, slotNames, tlsa: own ?? behind ?? [] }
}

interface TlsaIndex {
  /** At names of targets, and of records by hand. */
  readonly byOwner: ReadonlyMap<NameKey, readonly TlsaRecord[]>
  /** At a steered address name that a target is behind, by its name. */
  readonly behindRelays: ReadonlyMap<string, readonly TlsaRecord[]>
  /** Exchange slots that a target is behind, by its name. */
  readonly slotNames: ReadonlyMap<string, readonly string[]>
}

/** Kept, since each address of a zone asks. */
const tlsaIndexes = new WeakMap<ZoneSource, TlsaIndex>()

function indexTlsa(source: ZoneSource, apex: Name): TlsaIndex {
  const byOwner = new Map<NameKey, readonly TlsaRecord[]>()
  const put = (owner: string, records: readonly TlsaRecord[]): void => {
    const name = readName(owner, apex)
    if (name.kind !== 'name' || records.length === 0) return
    const key = keyOfName(name.name)
    byOwner.set(key, [...(byOwner.get(key) ?? []), ...records])
  }
  for (const [target, ports] of tlsaPorts(source)) {
    const records = tlsaOfTarget(source, target, apex)
    for (const port of ports) put(`_${port}._tcp.${target}`, records)
  }
  for (const [owner, types] of source.records) {
    for (const [type, record] of types) {
      if (!/^(TLSA|TYPE52)$/i.test(type) || record.kind !== 'plain') continue
      put(
        owner,
        record.data.flatMap(({ text }) => readTlsa(text, apex)),
      )
    }
  }
  for (const [key, { sets }] of source.master ?? []) {
    const set = sets.find(({ type }) => type === RRType.TLSA)
    if (set) byOwner.set(key, [...(byOwner.get(key) ?? []), ...set.rdata.map(toTlsa)])
  }
  return {
    byOwner,
    behindRelays: indexRelays(source, apex, byOwner),
    slotNames: indexSlots(source, apex),
  }
}

function indexSlots(source: ZoneSource, apex: Name): ReadonlyMap<string, readonly string[]> {
  const ofTargets = new Map<string, readonly string[]>()
  for (const { steer, names } of source.slots) {
    const texts = names.flatMap((text) => {
      const parsed = readName(text, apex)
      return parsed.kind === 'name' ? [nameToBareText(parsed.name)] : []
    })
    for (const target of new Set(membersOf(source, steer).map((member) => member.target)))
      ofTargets.set(target, [...(ofTargets.get(target) ?? []), ...texts])
  }
  return ofTargets
}

/** By target, the records of the first steered address name that it is behind. Those by hand come before those of targets. */
function indexRelays(
  source: ZoneSource,
  apex: Name,
  byOwner: ReadonlyMap<NameKey, readonly TlsaRecord[]>,
): ReadonlyMap<string, readonly TlsaRecord[]> {
  const ofTargets = new Map<string, readonly TlsaRecord[]>()
  for (const { owner, steer } of steeredAddressNames(source)) {
    const behind = membersOf(source, steer).filter(({ target }) => !ofTargets.has(target))
    if (behind.length === 0) continue
    const name = readName(`_${smtpPort}._tcp${owner === '@' ? '' : `.${owner}`}`, apex)
    const byHand = name.kind === 'name' ? byOwner.get(keyOfName(name.name)) : undefined
    const records =
      byHand ?? unitedTargets(source, steer).flatMap((target) => tlsaOfTarget(source, target, apex))
    if (records.length > 0) for (const { target } of behind) ofTargets.set(target, records)
  }
  return ofTargets
}

/** Names that answer addresses of the targets of a steering, as they are written. */
const steeredAddressNames = ({
  records,
  slots,
}: ZoneSource): readonly { readonly owner: string; readonly steer: string }[] => [
  ...[...records].flatMap(([owner, types]) => {
    const record = types.get('address')
    return record?.kind === 'steered-address' ? [{ owner, steer: record.steer }] : []
  }),
  ...slots.flatMap(({ names, steer }) => names.map((owner) => ({ owner, steer }))),
]

const tlsaOfTarget = ({ targets }: ZoneSource, target: string, apex: Name): readonly TlsaRecord[] =>
  (targets.get(target)?.tlsa ?? []).flatMap((text) => readTlsa(text, apex))

/** Empty: it is no TLSA record. */
function readTlsa(text: string, apex: Name): readonly TlsaRecord[] {
  const parsed = parseRdata(RRType.TLSA, text, apex)
  return parsed.kind === 'rdata' ? [toTlsa(parsed.rdata)] : []
}

function toTlsa({ octets }: Rdata): TlsaRecord {
  const [usage = 0, selector = 0, matchingType = 0] = octets
  return { usage, selector, matchingType, data: octets.subarray(3) }
}
