// Compiles a zone file to the Zone that the answering path reads, or reports every problem in it.
//
//   targets → pools → policies → records → TLSA of relays → nodes → checks across all of them
//
// Independent of the order in the file: targets, members and nodes are sorted by name.

import { parseAddress } from '../../lib/ip.ts'
import { gridSecondsOf } from '../../lib/signing-grid.ts'
import { compileMtaSts, type DomainPolicy } from '../mta-sts/compile-mta-sts.ts'
import type { Member, Target } from '../../steer/policy.ts'
import {
  keyOfName,
  type Name,
  type NameKey,
  nameToText,
  parentKey,
  rootName,
} from '../../wire/name.ts'
import { readUint16 } from '../../wire/octets.ts'
import { parseRdata } from '../../wire/rdata/parse.ts'
import { RRType, typeToText } from '../../wire/rrtype.ts'
import { createDenialChain } from '../denial-chain.ts'
import type { RRset, Zone, ZoneNode, ZoneSigning } from '../zone.ts'
import { checkAcross } from './check/check-across.ts'
import { checkSteering } from './check/check-steering.ts'
import { checkTargets } from './check/check-targets.ts'
import { checkSpf } from './check/check-spf.ts'
import { checkSpfReach } from './check/check-spf-reach.ts'
import { checkTlsa } from './check/check-tlsa.ts'
import {
  type Compilation,
  type CompileInput,
  warnHighSteeredTtl,
  warnLowTtl,
} from './compilation.ts'
import { compileMaster } from './compile-master.ts'
import { compilePools } from './compile-pools.ts'
import { compileRecords } from './compile-records.ts'
import { compileSteering } from './compile-steering.ts'
import { compileTargets } from './compile-targets.ts'
import { compileRelayTlsa } from './compile-tlsa.ts'
import { readName } from './names.ts'
import type { Owners } from './owners.ts'
import {
  createProblems,
  type DocumentPath,
  type Problem,
  type ProblemCode,
  type Problems,
} from './problem.ts'

export interface CompiledZone {
  /** null: at least one problem is an error. */
  readonly zone: Zone | null
  /** Empty if the zone's name is bad. */
  readonly targets: readonly CompiledTarget[]
  readonly policies: readonly DomainPolicy[]
  readonly problems: readonly Problem[]
}

export interface CompiledTarget {
  readonly target: Target
  readonly memberships: readonly { readonly pool: string; readonly member: Member }[]
}

const defaultMinTtlSeconds = 5

/** The bound of `dnssec.validity`. */
const maxValidityDays = 30

export function compileZone(input: CompileInput): CompiledZone {
  const problems = createProblems()
  const { source } = input
  const apex = readApex(source.zone, problems)
  if (!apex) return { zone: null, targets: [], policies: [], problems: problems.list }
  const minTtl = source.minTtl ?? Math.min(defaultMinTtlSeconds, source.ttl)
  const compilation = { input, source, apex, apexKey: keyOfName(apex), minTtl, problems }
  checkTtls(compilation)
  const targets = compileTargets(compilation)
  const pools = compilePools(compilation, targets)
  const policies = compileSteering(compilation, pools)
  const soa = compileSoa(compilation)
  const owners = compileRecords(compilation, { targets, policies, soa })
  compileMaster(compilation, owners)
  compileRelayTlsa(compilation, owners)
  const domainPolicies = compileMtaSts(compilation, owners)
  const nodes = buildNodes(owners, apex)
  checkAcross(compilation, owners, nodes)
  const signing = compileSigning(compilation, owners, nodes)
  const compiled = [...targets.values()].map(({ target, memberships }) => ({ target, memberships }))
  const spfTexts = checkSpf(compilation, owners)
  const zone = assemble(compilation, soa, nodes, signing)
  // After an error, most of what seems unused is used in what the error left out.
  if (!hasErrors(problems)) {
    checkUsage(compilation)
    checkTargets(compilation)
    checkSteering(compilation)
    checkTlsa(compilation, owners)
    checkSpfReach(compilation, zone, spfTexts, targets)
  }
  return {
    zone: hasErrors(problems) ? null : zone,
    targets: compiled,
    policies: domainPolicies,
    problems: problems.list,
  }
}

const hasErrors = ({ list }: Problems): boolean => list.some(({ severity }) => severity === 'error')

function readApex(text: string, problems: Problems): Name | null {
  const parsed = readName(text.endsWith('.') ? text : `${text}.`, Uint8Array.of(0))
  if (parsed.kind === 'bad') {
    problems.refuse('bad-name', ['zone'], `bad zone name: ${parsed.why}`)
    return null
  }
  if (parsed.name.length > 1) return parsed.name
  problems.refuse(
    'bad-name',
    ['zone'],
    'the root is no zone to steer, expected a name such as smtp.example.com',
  )
  return null
}

function checkTtls({ source, problems }: Compilation): void {
  const { ttl, minTtl } = source
  if (minTtl !== undefined && minTtl > ttl) {
    problems.refuse(
      'min-ttl-above-ttl',
      ['min_ttl'],
      `min_ttl is ${minTtl}, expected at most ttl, ${ttl}`,
    )
  }
  warnLowTtl(problems, ['ttl'], ttl)
  if (source.targets.size > 0) warnHighSteeredTtl(problems, ['ttl'], ttl)
}

/** null: the zone is not signed. */
function compileSigning(
  compilation: Compilation,
  owners: Owners,
  nodes: Zone['nodes'],
): ZoneSigning | null {
  const { apexKey, source } = compilation
  const { dnssec } = source
  if (dnssec === undefined) return null
  refuseOwnKeys(compilation, owners)
  return {
    chain: createDenialChain(apexKey, nodes),
    validitySeconds: dnssec.validity,
    dnskeyTtl: dnssec.dnskeyTtl,
    isUnsigning: dnssec.isUnsigning,
    isSerialFixed: source.soa.serial !== undefined,
    foreignKeys: readForeignKeys(compilation, dnssec.foreignKeys),
  }
}

/** What the keys of a signed zone bring to its apex. */
const typesOfKeys: readonly number[] = [RRType.DNSKEY, RRType.CDS, RRType.CDNSKEY]

function refuseOwnKeys({ apexKey, problems }: Compilation, owners: Owners): void {
  for (const type of typesOfKeys) {
    if (!owners.get(apexKey)?.sets.has(type)) continue
    const message = `the zone is signed, and has ${typeToText(type)} records of its own: its keys bring them, expected none`
    problems.refuse('forbidden-type', ['dnssec'], message, 'key')
  }
}

/** DNSKEY rdata, each key once. */
function readForeignKeys(
  { apex, problems }: Compilation,
  texts: readonly string[],
): readonly Uint8Array[] {
  const keys: Uint8Array[] = []
  for (const [i, text] of texts.entries()) {
    const path = ['dnssec', 'foreign_keys', i]
    const parsed = parseRdata(RRType.DNSKEY, text, apex)
    if (parsed.kind === 'bad') problems.refuse('bad-rdata', path, `DNSKEY: ${parsed.why}`)
    else {
      const { octets } = parsed.rdata
      const why = unusable(octets)
      if (why !== null) problems.refuse('bad-rdata', path, why)
      else if (!keys.some((key) => Buffer.compare(key, octets) === 0)) keys.push(octets)
    }
  }
  return keys
}

/** Octets of the public keys of those algorithms that zones are signed with (RFC 6605 §4, RFC 8080 §3). */
const publicOctets: ReadonlyMap<number, number> = new Map([
  [13, 64],
  [15, 32],
])

/**
 * Why DNSKEY rdata cannot stand beside own keys: every set has to be signed with each algorithm of DNSKEY (RFC 4035 §2.2),
 * also those that are answered here.
 */
function unusable(dnskey: Uint8Array): string | null {
  const flags = readUint16(dnskey, 0)
  const algorithm = dnskey[3] as number
  if (flags !== 256 && flags !== 257) return `flags ${flags}, expected 256 or 257`
  if (dnskey[2] !== 3) return `protocol ${dnskey[2]}, expected 3`
  const expected = publicOctets.get(algorithm)
  if (expected === undefined)
    return `algorithm ${algorithm}, with which nothing is signed here, expected 13 or 15: both signers need the same one (RFC 8901 §5)`
  const length = dnskey.length - 4
  return length === expected
    ? null
    : `a public key of ${length} octets, expected ${expected} for algorithm ${algorithm}`
}

function assemble(
  { apex, apexKey, input }: Compilation,
  soa: RRset,
  nodes: Zone['nodes'],
  signing: ZoneSigning | null,
): Zone {
  let labelCount = 0
  for (let at = 0; apex[at]; at += 1 + (apex[at] ?? 0)) labelCount++
  const minimum = readMinimum(soa)
  const negativeSoa: RRset = { ...soa, type: RRType.SOA, ttl: Math.min(soa.ttl, minimum) }
  return { apex, apexKey, labelCount, serial: input.serial, negativeSoa, nodes, signing }
}

/** MINIMUM, the last field of the SOA. */
function readMinimum(soa: RRset): number {
  const octets = soa.rdata[0]?.octets ?? new Uint8Array(4)
  return new DataView(octets.buffer, octets.byteOffset).getUint32(octets.length - 4)
}

/** Warns of what is defined and never used, most often because of a misspelled name elsewhere. */
function checkUsage({ source, problems }: Compilation): void {
  const used = usedNames(source)
  const warn = (code: ProblemCode, path: DocumentPath, message: string): void =>
    problems.warn(code, path, `${message}, or not here`, 'key')
  for (const [name, { weight }] of source.targets) {
    if (!used.targets.has(name)) {
      const message = `target ${name} is in no pool, expected it in one`
      warn('unused-target', ['targets', name], message)
    } else if (weight !== undefined && !used.targetWeights.has(name)) {
      const message = `the weight is never used: every pool gives target ${name} one of its own, expected it there`
      warn('unused-weight', ['targets', name, 'weight'], message)
    }
  }
  for (const name of source.probes.keys()) {
    if (used.probes.has(name)) continue
    const message = `probe ${name} is used by no pool, expected probe: ${name} in one`
    warn('unused-probe', ['probes', name], message)
  }
  for (const name of source.pools.keys()) {
    if (used.pools.has(name)) continue
    const message = `pool ${name} is used by no steering, expected it in a rule`
    warn('unused-pool', ['pools', name], message)
  }
  for (const name of source.steering.keys()) {
    if (used.policies.has(name)) continue
    const message = `steering ${name} is used by no record, expected MX: { steer: ${name} } at a name`
    warn('unused-policy', ['steering', name], message)
  }
}

/** Names that something else in the zone file refers to. */
function usedNames(source: Compilation['source']) {
  const members = [...source.pools.values()].flatMap((pool) => pool.members)
  const withoutWeight = members.filter((member) => member.weight === null)
  const records = [...source.records.values()].flatMap((types) => [...types.values()])
  return {
    targets: new Set(members.map((member) => member.target)),
    targetWeights: new Set(withoutWeight.map((member) => member.target)),
    probes: new Set([...source.pools.values()].map((pool) => pool.probe)),
    pools: new Set([
      ...records.flatMap((record) => (record.kind === 'spf' ? record.pools : [])),
      ...[...source.steering.values()].flat().flatMap((rule) => rule.pools),
      ...(source.onAllDown.kind === 'backup' ? [source.onAllDown.pool] : []),
    ]),
    policies: new Set(
      [...records, ...source.slots].map((one) => ('steer' in one ? one.steer : null)),
    ),
  }
}

/** The nodes of the zone, empty non-terminals included, sorted by key. */
function buildNodes(owners: Owners, apex: Name): ReadonlyMap<NameKey, ZoneNode> {
  const apexKey = keyOfName(apex)
  const nodes = new Map<NameKey, ZoneNode>()
  const sorted = [...owners.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
  for (const { owner, key, sets } of sorted) {
    const isDelegation = key !== apexKey && sets.has(RRType.NS)
    nodes.set(key, { owner, sets: sets.size > 1 ? sortedByType(sets) : sets, isDelegation })
  }
  for (const { owner, key } of sorted) addAncestors(nodes, owner, key, apexKey)
  return nodes
}

const sortedByType = (sets: ZoneNode['sets']): ZoneNode['sets'] =>
  new Map([...sets].sort(([a], [b]) => a - b))

/** Adds empty non-terminals: a name between an owner and the apex exists (RFC 8020 §2). */
export function addAncestors(
  nodes: Map<NameKey, ZoneNode>,
  owner: Name,
  key: NameKey,
  apexKey: NameKey,
): void {
  let [name, at] = [owner, key]
  while (at !== apexKey) {
    const length = 1 + (name[0] ?? 0)
    at = parentKey(at)
    if (nodes.has(at)) return
    name = name.slice(length)
    nodes.set(at, { owner: name, sets: new Map(), isDelegation: false })
  }
}

/** RFC 1035 §3.3.13. */
function compileSoa(compilation: Compilation): RRset {
  const { source, input } = compilation
  const { refresh, retry, minimum = source.ttl } = source.soa
  const expire = expireOf(compilation)
  checkSerial(compilation)
  const mname = readSoaName(compilation, 'mname')
  const rname = readSoaName(compilation, 'rname')
  const octets = new Uint8Array(mname.length + rname.length + 20)
  octets.set(mname, 0)
  octets.set(rname, mname.length)
  const numbers = new DataView(octets.buffer, mname.length + rname.length)
  for (const [i, value] of [input.serial, refresh, retry, expire, minimum].entries()) {
    numbers.setUint32(4 * i, value)
  }
  const rdata = { octets, compressible: [0, mname.length] }
  return { kind: 'plain', type: RRType.SOA, ttl: source.ttl, rdata: [rdata] }
}

function checkSerial({ source: { soa, dnssec }, problems }: Compilation): void {
  const { serial } = soa
  if (serial === undefined) return
  if (soa.serial_after !== undefined) {
    const message = 'the serial is given, so that none is chosen: expected serial or serial_after'
    problems.refuse('serial-conflict', ['soa', 'serial_after'], message)
  }
  if (dnssec === undefined) return
  const message = `the zone is signed, and its serial stands while signatures are made anew: it cannot be transferred. Expected no serial, or serial_after: ${serial}`
  problems.warn('dnssec-serial', ['soa', 'serial'], message)
}

const defaultExpireSeconds = 604_800

/** A secondary that has lost its primaries is to end before the signatures that it has do (RFC 6781 §4.4.1). */
function expireOf({ source: { soa, dnssec }, problems }: Compilation): number {
  if (dnssec === undefined) return soa.expire ?? defaultExpireSeconds
  const { validity } = dnssec
  const longest = validity - gridSecondsOf(validity)
  const { expire = Math.min(longest, defaultExpireSeconds) } = soa
  if (expire <= longest) return expire
  const enough = Math.ceil((expire * 12) / 11 / 86_400)
  const orLonger = enough <= maxValidityDays ? `, or dnssec: { validity: ${enough}d }` : ''
  const message = `a secondary would serve its copy for ${expire} s, and its signatures are valid for ${longest} s: expected at most ${longest}${orLonger}`
  problems.warn('dnssec-expire', ['soa', 'expire'], message)
  return expire
}

/** The root, after reporting the problem, where the name is bad. */
function readSoaName({ source, apex, problems }: Compilation, key: 'mname' | 'rname'): Name {
  const text = source.soa[key]
  const path = ['soa', key]
  if (text.length > 1 && text.includes('@')) {
    const zone = nameToText(apex)
    const right = text
      .replace(/\\?@/, '.')
      .replaceAll('\\', '')
      .replace(/\.?$/, '.')
      .replace(`.${zone}${zone}`, `.${zone}`)
    problems.refuse('bad-name', path, `a name has no @, expected ${right}`)
    return rootName
  }
  if (key === 'mname' && parseAddress(text) !== null)
    problems.warn('address-as-name', path, `${text} is an address, expected the name of a host`)
  const parsed = readName(text, apex)
  if (parsed.kind === 'name') return parsed.name
  problems.refuse('bad-name', path, `bad name: ${parsed.why}`)
  return rootName
}
