// Compiles `records:`, the addresses of targets, and the SOA to RRsets and steered
// sets by owner name. Each keeps its path in the document for later checks.

import { nearest } from '../../lib/suggest-name.ts'
import type { Policy } from '../../steer/policy.ts'
import { keyOfName, type NameKey } from '../../wire/name.ts'
import { isMetaType, RRType, typeFromText, typeToText } from '../../wire/rrtype.ts'
import type { RRset } from '../zone.ts'
import type { Compilation } from './compilation.ts'
import {
  compileSteeredAddresses,
  compileSteeredMx,
  compileSteeredSrv,
  targetAddressSets,
} from './compile-steered.ts'
import { compileSlots } from './compile-slots.ts'
import type { TargetDraft } from './compile-targets.ts'
import { compileTargetTlsa } from './compile-tlsa.ts'
import { exchangeLimits } from './exchange-addresses.ts'
import { readName } from './names.ts'
import {
  addSet,
  isOwnerOfZone,
  openOwner,
  type OwnerDraft,
  type OwnerName,
  type Owners,
  putSet,
} from './owners.ts'
import type { DocumentPath, ProblemCode } from './problem.ts'
import { compileRRset } from './rrset.ts'
import { compileSpf } from './texts/compile-spf.ts'
import type { RecordSource } from './zone-source.ts'

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
  const atApex = openOwner(owners, apex, ['records', '@'])
  putSet(atApex, { set: inputs.soa, place: ['soa'], rdataPaths: [] })
  const limits = exchangeLimits(compilation, inputs.policies)
  for (const [name, draft] of inputs.targets) {
    const path = ['targets', name]
    const owner = openOwner(owners, draft.target.owner, path)
    for (const set of targetAddressSets(compilation, draft, limits.get(name) ?? Infinity)) {
      putSet(owner, { set, place: path, rdataPaths: [] })
    }
  }
  compileTargetTlsa(compilation, owners)
  const textOfOwner = new Map<NameKey, string>()
  for (const [text, types] of source.records) {
    const path = ['records', text]
    const owner = readOwner(compilation, text)
    if (!owner) continue
    const draft = openOwner(owners, owner.name, path, owner.key)
    const other = textOfOwner.get(draft.key)
    if (other !== undefined) {
      const message = `the same name as records.${other}, expected all its records there`
      problems.refuse('duplicate-owner', path, message, 'key')
    }
    textOfOwner.set(draft.key, text)
    for (const [typeText, record] of types) {
      addRecord(compilation, { draft, path: [...path, typeText], typeText, record, inputs })
    }
    for (const [typeText, source] of types) {
      if (source.kind !== 'spf') continue
      const { targets } = inputs
      compileSpf(compilation, owners, { draft, path: [...path, typeText], source, targets })
    }
  }
  compileSlots(compilation, owners, { ...inputs, limits })
  return owners
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
  // Beside the other records of the owner: when they are there.
  if (record.kind === 'spf') return
  if (record.kind === 'steered-address' && typeText !== 'address') {
    const message = `${typeText} cannot be steered by itself: write "address" in its place, for A and AAAA together`
    return compilation.problems.refuse('not-steerable', path, message, 'key')
  }
  if (record.kind === 'steered-address') {
    const sets = compileSteeredAddresses(compilation, path, record, inputs.policies)
    for (const set of sets) addSet(compilation, draft, { set, place: path, rdataPaths: [] })
    return
  }
  const type = readType(compilation, path, typeText)
  if (type === null) return
  if (record.kind === 'plain') {
    addSet(compilation, draft, { place: path, ...compileRRset(compilation, path, type, record) })
  } else if (record.kind === 'steered-srv') {
    const set = compileSteeredSrv(compilation, path, record, inputs.policies)
    if (set) addSet(compilation, draft, { set, place: path, rdataPaths: [] })
  } else if (type === RRType.MX) {
    const set = compileSteeredMx(compilation, path, record, inputs.policies)
    if (set) addSet(compilation, draft, { set, place: path, rdataPaths: [] })
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
  const read = readRecordType(text, ['address', 'spf', ...Object.keys(RRType)])
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
    const hint = suggestion
      ? `did you mean ${suggestion}?`
      : /^(?:ALIAS|ANAME)$/i.test(text)
        ? 'expected A and AAAA, or address: { steer: … }'
        : 'expected a type such as MX, or TYPEn'
    const message = `unknown record type ${JSON.stringify(text.slice(0, 64))}, ${hint}`
    return { kind: 'bad', code: 'unknown-type', message }
  }
  if (!isForbidden(type)) return { kind: 'type', type }
  const message = `${typeToText(type)} cannot be given in a zone file`
  return { kind: 'bad', code: 'forbidden-type', message }
}
