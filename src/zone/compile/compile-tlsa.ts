// TLSA records of `tlsa:` of targets (RFC 6698), and what is doubtful about TLSA in a zone.
//
//   owner                     records
//   `_25._tcp.<target>`       those of the target (RFC 7672 §2.2.1)
//   `_<port>._tcp.<target>`   the same, for the port of every steered SRV that has it (RFC 7673 §3.1)
//   `_25._tcp.<relay>`        for a steered address name, or an exchange slot: those of all targets that it can answer
//
// They are RRsets, not steered: certificates do not depend on health, and a sender that has an address in its cache
// compares the certificate of a target that is down by now.

import type { Policy, Target } from '../../steer/policy.ts'
import { isWildcard, keyOfName, type NameKey, nameToText, rootName } from '../../wire/name.ts'
import type { Rdata } from '../../wire/rdata/rdata.ts'
import { RRType } from '../../wire/rrtype.ts'
import { octetsText, smtpTlsaKey, warnPartial, warnUncovered } from './check/check-tlsa.ts'
import type { Compilation } from './compilation.ts'
import { readName } from './names.ts'
import { addSet, openOwner, type Owners, pathOfRdata, pathOfSet } from './owners.ts'
import { checkRRset, compileRRset } from './rrset.ts'
import type { DocumentPath } from './problem.ts'
import type { MemberSource, PlainSource, TargetSource, ZoneSource } from './zone-source.ts'

export const smtpPort = 25

/** TLSA sets of all relays of a zone together; each may have 60,000 octets. */
const relayOctetsLimit = 16_777_216

/** Adds the TLSA sets at the names of targets. */
export function compileTargetTlsa(compilation: Compilation, owners: Owners): void {
  const { source, apex } = compilation
  const ports = tlsaPorts(source)
  for (const [name, target] of source.targets) {
    if (!target.tlsa) continue
    const path = ['targets', name, 'tlsa']
    const data = tlsaData(target)
    const compiled = compileRRset(compilation, path, RRType.TLSA, { kind: 'plain', data })
    for (const port of ports.get(name) ?? []) {
      const owner = readName(`_${port}._tcp.${name}`, apex)
      if (owner.kind !== 'name') continue
      addSet(compilation, openOwner(owners, owner.name, path), { place: path, ...compiled })
    }
  }
}

/** Each text with its path below `tlsa`. */
function tlsaData({ tlsa = [], tlsaNext }: TargetSource): PlainSource['data'] {
  if (tlsaNext === undefined) return dataAt(tlsa, [])
  const current = tlsa.slice(0, tlsa.length - tlsaNext.length)
  return [...dataAt(current, ['current']), ...dataAt(tlsaNext, ['next'])]
}

const dataAt = (texts: readonly string[], at: DocumentPath): PlainSource['data'] =>
  texts.map((text, i) => ({ text, at: texts.length > 1 ? [...at, i] : at }))

/** The ports at which a target has its `tlsa:`, by the name of the target. */
export function tlsaPorts(source: ZoneSource): ReadonlyMap<string, ReadonlySet<number>> {
  const ports = new Map<string, Set<number>>()
  for (const name of source.targets.keys()) ports.set(name, new Set([smtpPort]))
  const records = [...source.records.values()].flatMap((types) => [...types.values()])
  for (const record of records) {
    if (record.kind !== 'steered-srv') continue
    for (const { target } of membersOf(source, record.steer)) ports.get(target)?.add(record.port)
  }
  return ports
}

/** All members that a steering can select, those of its backup pool included. */
export function membersOf(
  { steering, pools, onAllDown }: ZoneSource,
  policy: string,
): readonly MemberSource[] {
  const names = (steering.get(policy) ?? []).flatMap((rule) => rule.pools)
  if (onAllDown.kind === 'backup') names.push(onAllDown.pool)
  return [...new Set(names)].flatMap((pool) => pools.get(pool)?.members ?? [])
}

/**
 * Names of the targets whose `tlsa:` stands together at the steered address names of a steering. Empty unless a target that
 * can be answered has some. Those of weight 0 are among them, so that their weight may be raised while the set is in caches.
 */
export function unitedTargets(source: ZoneSource, policy: string): readonly string[] {
  const { targets } = source
  const members = membersOf(source, policy).filter(({ target }) => targets.get(target)?.tlsa)
  const isNeeded = members.some(
    ({ target, weight }) => (weight ?? targets.get(target)?.weight ?? 1) > 0,
  )
  return isNeeded ? [...new Set(members.map(({ target }) => target))] : []
}

/**
 * Adds the TLSA sets of relays, where the zone file gives nothing else at that name. To be called when all other records
 * are there.
 */
export function compileRelayTlsa(compilation: Compilation, owners: Owners): void {
  const unions = new Map<Policy, Union>()
  let octets = 0
  for (const relay of owners.values()) {
    const set = relay.sets.get(RRType.A) ?? relay.sets.get(RRType.AAAA)
    const isRelay = set?.kind === 'steered-address' || set?.kind === 'exchange-slot'
    if (!isRelay || isWildcard(relay.owner)) continue
    const { policy } = set
    const path = pathOfSet(relay, set.type)
    const union = unions.get(policy) ?? uniteTlsa(compilation, owners, { policy, path })
    unions.set(policy, union)
    const name = readName(`_${smtpPort}._tcp.${nameToText(relay.owner)}`, rootName)
    if (union.rdata.length === 0 || name.kind !== 'name') continue
    if (isGivenByHand(owners, relay.key)) {
      warnUncovered(compilation, owners.get(keyOfName(name.name)), union.ofTargets)
      continue
    }
    octets += sizeOf(union.rdata)
    if (octets > relayOctetsLimit) {
      const message = `the TLSA records of all steered names have more than ${relayOctetsLimit} octets together, expected fewer names or records`
      compilation.problems.refuse('rrset-too-large', path, message, 'key')
      return
    }
    const { rdata, rdataPaths } = union
    addSet(compilation, openOwner(owners, name.name, path), {
      set: { kind: 'plain', type: RRType.TLSA, ttl: compilation.source.ttl, rdata },
      place: path,
      rdataPaths,
    })
  }
}

/**
 * Whether the operator has said what is at `_25._tcp.<relay>`: TLSA, an alias, a wildcard for it, or a delegation. That
 * comes first. `key`: the relay.
 */
function isGivenByHand(owners: Owners, key: NameKey): boolean {
  const has = (at: NameKey, ...types: readonly number[]): boolean => {
    const sets = owners.get(at)?.sets
    return types.some((type) => sets?.has(type))
  }
  const { TLSA, CNAME, DNAME, NS } = RRType
  const tcp = `\u0004_tcp${key}`
  return (
    has(smtpTlsaKey(key), TLSA, CNAME, NS) ||
    has(`\u0001*${tcp}`, TLSA, CNAME) ||
    has(tcp, DNAME, NS) ||
    has(key, DNAME)
  )
}

/** The TLSA records of the targets of a policy. */
interface Union {
  /** Each once, in canonical order (RFC 4034 §6.3). */
  readonly rdata: readonly Rdata[]
  /** Where a target has each of them. */
  readonly rdataPaths: readonly DocumentPath[]
  readonly ofTargets: ReadonlyMap<string, readonly Rdata[]>
}

interface SteeredBy {
  readonly policy: Policy
  /** Of the set that it steers. */
  readonly path: DocumentPath
}

function uniteTlsa(compilation: Compilation, owners: Owners, { policy, path }: SteeredBy): Union {
  const ofTargets = new Map<string, readonly Rdata[]>()
  const paths = new Map<string, DocumentPath>()
  for (const target of unitedTargets(compilation.source, policy.name)) {
    const name = readName(`_${smtpPort}._tcp.${target}`, compilation.apex)
    const draft = name.kind === 'name' ? owners.get(keyOfName(name.name)) : null
    const set = draft?.sets.get(RRType.TLSA)
    if (!draft || set?.kind !== 'plain') continue
    ofTargets.set(target, set.rdata)
    for (const [i, one] of set.rdata.entries())
      paths.set(octetsText(one), pathOfRdata(draft, RRType.TLSA, i))
  }
  const byOctets = new Map([...ofTargets.values()].flat().map((one) => [octetsText(one), one]))
  const sorted = [...byOctets].sort(([a], [b]) => (a < b ? -1 : 1))
  const rdata = sorted.map(([, one]) => one)
  const rdataPaths = sorted.map(([octets]) => paths.get(octets) ?? path)
  checkRRset(compilation, path, RRType.TLSA, rdata)
  const has = ({ name }: Target): boolean => ofTargets.has(name)
  const consequence =
    'senders that use DANE defer mail to it unless its certificate matches one of theirs'
  warnPartial(compilation, { policy, path }, { has, consequence })
  return { rdata, rdataPaths, ofTargets }
}

const sizeOf = (rdata: readonly Rdata[]): number =>
  rdata.reduce((sum, { octets }) => sum + octets.length, 0)
