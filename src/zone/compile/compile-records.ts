// Compiles `records:`, the addresses and TLSA records of targets, and the SOA to RRsets and steered
// sets by owner name. Each keeps its path in the document for later checks.

import { nearest } from '../../lib/suggest-name.ts'
import type { Policy, SteeredSet } from '../../steer/policy.ts'
import { isAtOrBelow, keyOfName, type Name, type NameKey, nameToText } from '../../wire/name.ts'
import { namesInRdata } from '../../wire/rdata/names.ts'
import { parseRdata } from '../../wire/rdata/parse.ts'
import type { Rdata } from '../../wire/rdata/rdata.ts'
import { isMetaType, RRType, typeFromText, typeToText } from '../../wire/rrtype.ts'
import type { RRset } from '../zone.ts'
import { type Compilation, warnUnusualTtl } from './compilation.ts'
import {
  compileSteeredAddresses,
  compileSteeredMx,
  compileSteeredSrv,
  targetAddressSets,
} from './compile-steered.ts'
import type { TargetDraft } from './compile-targets.ts'
import { exchangeLimits } from './exchange-addresses.ts'
import { isDoubled, readName } from './names.ts'
import type { DocumentPath, ProblemCode } from './problem.ts'
import type { PlainSource, RecordSource } from './zone-source.ts'

/** An owner name with its sets by type, before the nodes of the zone are built. */
export interface OwnerDraft {
  readonly owner: Name
  readonly key: NameKey
  readonly path: DocumentPath
  readonly sets: Map<number, SetDraft>
}

export interface SetDraft {
  readonly set: RRset | SteeredSet
  readonly path: DocumentPath
  /** The path of each rdata of an RRset; empty for a steered set. */
  readonly rdataPaths: readonly DocumentPath[]
}

export type Owners = Map<NameKey, OwnerDraft>

interface RecordInputs {
  readonly targets: ReadonlyMap<string, TargetDraft>
  readonly policies: ReadonlyMap<string, Policy>
  readonly soa: RRset
}

/** Types that only a signer creates (RRSIG, NSEC, NSEC3, NSEC3PARAM), and meta types. */
const isForbidden = (type: number): boolean => [46, 47, 50, 51].includes(type) || isMetaType(type)

export function compileRecords(compilation: Compilation, inputs: RecordInputs): Owners {
  const owners: Owners = new Map()
  const { source, apex, problems } = compilation
  openOwner(owners, apex, ['records', '@']).sets.set(RRType.SOA, {
    set: inputs.soa,
    path: ['soa'],
    rdataPaths: [],
  })
  const limits = exchangeLimits(compilation, inputs.policies)
  for (const [name, draft] of inputs.targets) {
    const { sets } = openOwner(owners, draft.target.owner, ['targets', name])
    for (const set of targetAddressSets(compilation, draft, limits.get(name) ?? Infinity)) {
      sets.set(set.type, { set, path: ['targets', name], rdataPaths: [] })
    }
  }
  for (const { owner, ...draft } of compileTlsa(compilation, inputs.policies)) {
    addSet(compilation, openOwner(owners, owner, draft.path), draft)
  }
  const textOfOwner = new Map<NameKey, string>()
  for (const [text, types] of source.records) {
    const path = ['records', text]
    const owner = readOwner(compilation, text)
    if (!owner) continue
    const draft = openOwner(owners, owner.name, path, owner.key)
    const other = textOfOwner.get(draft.key)
    if (other !== undefined)
      problems.refuse('duplicate-owner', path, `the same name as records.${other}`, 'key')
    textOfOwner.set(draft.key, text)
    for (const [typeText, record] of types) {
      addRecord(compilation, { draft, path: [...path, typeText], typeText, record, inputs })
    }
  }
  return owners
}

/** The draft of this owner name, made if there is none yet. */
export function openOwner(
  owners: Owners,
  owner: Name,
  path: DocumentPath,
  key: NameKey = keyOfName(owner),
): OwnerDraft {
  const existing = owners.get(key)
  if (existing) return existing
  const draft = { owner, key, path, sets: new Map() }
  owners.set(key, draft)
  return draft
}

export interface OwnerName {
  readonly name: Name
  readonly key: NameKey
}

function readOwner(compilation: Compilation, text: string): OwnerName | null {
  const path = ['records', text]
  const parsed = readName(text, compilation.apex)
  if (parsed.kind === 'bad') {
    compilation.problems.refuse('bad-name', path, `bad owner name: ${parsed.why}`, 'key')
    return null
  }
  const owner = { name: parsed.name, key: keyOfName(parsed.name) }
  return isOwnerOfZone(compilation, path, owner) ? owner : null
}

/** false: the name is not in the zone, which is reported. */
export function isOwnerOfZone(
  { apex, apexKey, problems }: Compilation,
  path: DocumentPath,
  { name, key }: OwnerName,
): boolean {
  if (!isAtOrBelow(key, apexKey)) {
    const message = `${nameToText(name)} is not in the zone, expected a name at or below ${nameToText(apex)}`
    problems.refuse('out-of-zone', path, message, 'key')
    return false
  }
  if (isDoubled(name, apex)) {
    problems.warn(
      'doubled-zone',
      path,
      `this is ${nameToText(name)}: is a final dot missing?`,
      'key',
    )
  }
  return true
}

/** One key of an owner's map: a record type, or `address`. */
interface TypeEntry {
  readonly draft: OwnerDraft
  readonly path: DocumentPath
  readonly typeText: string
  readonly record: RecordSource
  readonly inputs: RecordInputs
}

function addRecord(compilation: Compilation, entry: TypeEntry): void {
  const { draft, path, typeText, record, inputs } = entry
  if (record.kind === 'steered-address') {
    const sets = compileSteeredAddresses(compilation, path, record, inputs.policies)
    for (const set of sets) addSet(compilation, draft, { set, path, rdataPaths: [] })
    return
  }
  const type = readType(compilation, path, typeText)
  if (type === null) return
  if (record.kind === 'plain') {
    addSet(compilation, draft, { path, ...compileRRset(compilation, path, type, record) })
  } else if (record.kind === 'steered-srv') {
    const set = compileSteeredSrv(compilation, path, record, inputs.policies)
    if (set) addSet(compilation, draft, { set, path, rdataPaths: [] })
  } else if (type === RRType.MX) {
    const set = compileSteeredMx(compilation, path, record, inputs.policies)
    if (set) addSet(compilation, draft, { set, path, rdataPaths: [] })
  } else {
    compilation.problems.refuse(
      'not-steerable',
      path,
      `${typeText} cannot be steered, expected MX, SRV or address`,
      'key',
    )
  }
}

function readType({ problems }: Compilation, path: DocumentPath, text: string): number | null {
  const read = readRecordType(text, ['address', ...Object.keys(RRType)])
  if (read.kind === 'bad') {
    problems.refuse(read.code, path, read.message, 'key')
    return null
  }
  if (read.type === RRType.SOA) {
    problems.refuse(
      'forbidden-type',
      path,
      'the SOA is given by `soa:`, not among the records',
      'key',
    )
    return null
  }
  return read.type
}

type RecordType =
  | { readonly kind: 'type'; readonly type: number }
  | { readonly kind: 'bad'; readonly code: ProblemCode; readonly message: string }

/** `known`: words that one that is no type may be a misspelling of. */
export function readRecordType(
  text: string,
  known: readonly string[] = Object.keys(RRType),
): RecordType {
  const type = typeFromText(text)
  if (type === undefined) {
    const suggestion = nearest(text, known)
    const hint = suggestion ? `did you mean ${suggestion}?` : 'expected a type such as MX, or TYPEn'
    const message = `unknown record type ${JSON.stringify(text.slice(0, 64))}, ${hint}`
    return { kind: 'bad', code: 'unknown-type', message }
  }
  if (!isForbidden(type)) return { kind: 'type', type }
  const message = `${typeToText(type)} cannot be given in a zone file`
  return { kind: 'bad', code: 'forbidden-type', message }
}

/** Adds a set to its owner. If the owner has one of the same type, that is reported. */
export function addSet({ problems }: Compilation, owner: OwnerDraft, draft: SetDraft): void {
  const { set, path } = draft
  const existing = owner.sets.get(set.type)
  if (!existing) {
    owner.sets.set(set.type, draft)
    return
  }
  const type = typeToText(set.type)
  if (existing.set.kind === 'target-address') {
    const message = `target ${existing.set.target.name} owns the ${type} of this name by its addresses`
    problems.refuse('address-clash', path, message, 'key')
  } else if (existing.set.kind === 'steered-address' || set.kind === 'steered-address') {
    problems.refuse(
      'address-clash',
      path,
      `address stands for A and AAAA, and ${type} is given too`,
      'key',
    )
  } else {
    problems.refuse('duplicate-type', path, `${type} is given twice at this name`, 'key')
  }
}

// `tlsa:` of targets: TLSA records at `_25._tcp.<target>`, and at the port of every steered SRV
// that has the target (RFC 7672 §2.2.1, RFC 7673 §3.1). They are RRsets, not steered: certificates
// do not depend on health, and a sender that has the exchange in its cache queries them while the
// target is down.

interface TlsaDraft extends SetDraft {
  readonly owner: Name
  readonly set: RRset
}

const smtpPort = 25

function compileTlsa(
  compilation: Compilation,
  policies: ReadonlyMap<string, Policy>,
): readonly TlsaDraft[] {
  const ports = portsByTarget(compilation, policies)
  const drafts: TlsaDraft[] = []
  for (const [name, { tlsa }] of compilation.source.targets) {
    if (!tlsa) continue
    const path = ['targets', name, typeToText(RRType.TLSA).toLowerCase()]
    const data = tlsa.map((text, i) => ({ text, at: tlsa.length > 1 ? [i] : [] }))
    const compiled = compileRRset(compilation, path, RRType.TLSA, { kind: 'plain', data })
    for (const port of new Set([smtpPort, ...(ports.get(name) ?? [])])) {
      const owner = readName(`_${port}._tcp.${name}`, compilation.apex)
      if (owner.kind === 'name') drafts.push({ owner: owner.name, path, ...compiled })
    }
  }
  return drafts
}

/** Ports of the steered SRV sets by target name. */
function portsByTarget(
  { source }: Compilation,
  policies: ReadonlyMap<string, Policy>,
): ReadonlyMap<string, ReadonlySet<number>> {
  const ports = new Map<string, Set<number>>()
  const records = [...source.records.values()].flatMap((types) => [...types.values()])
  for (const record of records) {
    if (record.kind !== 'steered-srv') continue
    for (const name of targetsOf(policies.get(record.steer))) {
      ports.set(name, (ports.get(name) ?? new Set()).add(record.port))
    }
  }
  return ports
}

/** Names of the targets that a policy can select. */
function targetsOf(policy: Policy | undefined): readonly string[] {
  if (!policy) return []
  const { rules, onAllDown } = policy
  const pools = rules.flatMap((rule) => rule.pools)
  if (onAllDown.kind === 'backup') pools.push(onAllDown.pool)
  return pools.flatMap((pool) => pool.members.map((member) => member.target.name))
}

/** Of the 65,535 octets of a message the rest is for question, owner names and OPT. */
const rrsetOctetsLimit = 60_000

/** Compressed owner name, type, class, TTL and RDLENGTH of a record. */
const recordOverheadOctets = 12

interface CompiledRRset {
  readonly set: RRset
  readonly rdataPaths: readonly DocumentPath[]
}

/** Rdata is parsed from presentation form; bad rdata is reported and left out. */
function compileRRset(
  compilation: Compilation,
  path: DocumentPath,
  type: number,
  source: PlainSource,
): CompiledRRset {
  const { problems } = compilation
  const rdata: Rdata[] = []
  const rdataPaths: DocumentPath[] = []
  for (const { text, at } of source.data) {
    const rdataPath = [...path, ...at]
    const parsed = parseRdata(type, text, compilation.apex)
    if (parsed.kind === 'bad') {
      problems.refuse('bad-rdata', rdataPath, `bad ${typeToText(type)}: ${parsed.why}`)
      continue
    }
    rdata.push(parsed.rdata)
    rdataPaths.push(rdataPath)
  }
  if (source.ttl !== undefined) warnUnusualTtl(problems, [...path, 'ttl'], source.ttl)
  const ttl = source.ttl ?? compilation.source.ttl
  return joinRRset(compilation, path, { set: { kind: 'plain', type, ttl, rdata }, rdataPaths })
}

/** The set as it is served, each record once, after what is wrong with it was reported. */
export function joinRRset(
  compilation: Compilation,
  path: DocumentPath,
  given: CompiledRRset,
): CompiledRRset {
  const { type } = given.set
  const [only] = given.set.rdata
  if (only && given.set.rdata.length === 1) {
    warnDoubled(compilation, given.rdataPaths[0] ?? path, type, only)
    checkRRset(compilation, path, type, given.set.rdata)
    return given
  }
  const seen = new Set<string>()
  const rdata: Rdata[] = []
  const rdataPaths: DocumentPath[] = []
  for (const [i, one] of given.set.rdata.entries()) {
    const rdataPath = given.rdataPaths[i] ?? path
    const octets = Buffer.from(one.octets).toString('latin1')
    if (seen.has(octets)) {
      const message = 'the same record twice: served once'
      compilation.problems.warn('duplicate-record', rdataPath, message)
      continue
    }
    seen.add(octets)
    warnDoubled(compilation, rdataPath, type, one)
    rdata.push(one)
    rdataPaths.push(rdataPath)
  }
  checkRRset(compilation, path, type, rdata)
  return { set: { ...given.set, rdata }, rdataPaths }
}

function warnDoubled(
  compilation: Compilation,
  path: DocumentPath,
  type: number,
  rdata: Rdata,
): void {
  const doubled = namesInRdata(type, rdata).find(({ name }) => isDoubled(name, compilation.apex))
  if (!doubled) return
  const message = `this names ${nameToText(doubled.name)}: is a final dot missing?`
  compilation.problems.warn('doubled-zone', path, message)
}

/** Checks the rdata of an RRset together. */
function checkRRset(
  { problems }: Compilation,
  path: DocumentPath,
  type: number,
  rdata: readonly Rdata[],
): void {
  if ((type === RRType.CNAME || type === RRType.DNAME) && rdata.length > 1) {
    problems.refuse(
      'several-aliases',
      path,
      `a name has at most one ${typeToText(type)}, got ${rdata.length}`,
      'key',
    )
  }
  if (type === RRType.MX && rdata.length > 1 && rdata.some(isNullMx)) {
    problems.refuse(
      'null-mx-beside-others',
      path,
      'a null MX says that there is no mail, expected it alone',
      'key',
    )
  }
  const octets = rdata.reduce((sum, one) => sum + recordOverheadOctets + one.octets.length, 0)
  if (octets > rrsetOctetsLimit) {
    problems.refuse(
      'rrset-too-large',
      path,
      `${octets} octets do not fit into an answer, expected at most ${rrsetOctetsLimit}`,
      'key',
    )
  }
}

/** RFC 7505 §3: the exchange is the root, whatever the preference. */
const isNullMx = ({ octets }: Rdata): boolean => octets.length === 3 && octets[2] === 0
