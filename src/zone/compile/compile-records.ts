// `records:`, the addresses of targets and the SOA → sets by owner, each with its path for later checks.

import { isAtOrBelow, keyOfName, nameToText, type Name, type NameKey } from '../../wire/name.ts'
import { RRType, isMetaType, typeFromText, typeToText } from '../../wire/rrtype.ts'
import type { Policy, SteeredSet } from '../../steer/policy.ts'
import type { Compilation } from './compilation.ts'
import { compileRRset } from './compile-rrset.ts'
import {
  compileSteeredAddresses,
  compileSteeredMx,
  compileSteeredSrv,
  targetAddressSets,
} from './compile-steered.ts'
import type { TargetDraft } from './compile-targets.ts'
import { compileTlsa } from './compile-tlsa.ts'
import { exchangeLimits } from './exchange-addresses.ts'
import { nearest } from '../../lib/suggest-name.ts'
import { isDoubled, readName } from './names.ts'
import type { DocumentPath } from './problem.ts'
import type { RecordSource } from './zone-source.ts'
import type { RRset } from '../zone.ts'

export interface OwnerDraft {
  readonly owner: Name
  readonly key: NameKey
  readonly path: DocumentPath
  readonly sets: Map<number, Placed>
}

export interface Placed {
  readonly set: RRset | SteeredSet
  readonly path: DocumentPath
  /** Of a plain set: where each of its rdata stands. */
  readonly places: readonly DocumentPath[]
}

export type Owners = Map<NameKey, OwnerDraft>

export interface RecordInputs {
  readonly targets: ReadonlyMap<string, TargetDraft>
  readonly policies: ReadonlyMap<string, Policy>
  readonly soa: RRset
}

/** Types that only a signer or a message makes: RRSIG, NSEC, NSEC3, NSEC3PARAM, meta types. */
const isForbidden = (type: number): boolean => [46, 47, 50, 51].includes(type) || isMetaType(type)

export function compileRecords(compilation: Compilation, inputs: RecordInputs): Owners {
  const owners: Owners = new Map()
  const { source, apex, problems } = compilation
  const soaPath = ['soa']
  openOwner(owners, apex, ['records', '@']).sets.set(RRType.SOA, {
    set: inputs.soa,
    path: soaPath,
    places: [],
  })
  const limits = exchangeLimits(compilation, inputs.policies)
  for (const [name, draft] of inputs.targets) {
    const { sets } = openOwner(owners, draft.target.owner, ['targets', name])
    for (const set of targetAddressSets(compilation, draft, limits.get(name) ?? Infinity)) {
      sets.set(set.type, { set, path: ['targets', name], places: [] })
    }
  }
  for (const { owner, ...placed } of compileTlsa(compilation, inputs.policies)) {
    place(compilation, openOwner(owners, owner, placed.path), placed)
  }
  const given = new Map<NameKey, string>()
  for (const [text, types] of source.records) {
    const path = ['records', text]
    const owner = readOwner(compilation, text)
    if (!owner) continue
    const draft = openOwner(owners, owner.name, path, owner.key)
    const twin = given.get(draft.key)
    if (twin !== undefined)
      problems.refuse('duplicate-owner', path, `the same name as records.${twin}`, 'key')
    given.set(draft.key, text)
    for (const [typeText, record] of types) {
      addRecord(compilation, { draft, path: [...path, typeText], typeText, record, inputs })
    }
  }
  return owners
}

function openOwner(
  owners: Owners,
  owner: Name,
  path: DocumentPath,
  key: NameKey = keyOfName(owner),
): OwnerDraft {
  const known = owners.get(key)
  if (known) return known
  const draft = { owner, key, path, sets: new Map() }
  owners.set(key, draft)
  return draft
}

interface ReadOwner {
  readonly name: Name
  readonly key: NameKey
}

function readOwner({ apex, apexKey, problems }: Compilation, text: string): ReadOwner | null {
  const path = ['records', text]
  const parsed = readName(text, apex)
  if (parsed.kind === 'bad') {
    problems.refuse('bad-name', path, `bad owner name: ${parsed.why}`, 'key')
    return null
  }
  const key = keyOfName(parsed.name)
  if (!isAtOrBelow(key, apexKey)) {
    const message = `${nameToText(parsed.name)} is not in the zone, expected a name at or below ${nameToText(apex)}`
    problems.refuse('out-of-zone', path, message, 'key')
    return null
  }
  if (isDoubled(parsed.name, apex)) {
    problems.warn(
      'doubled-zone',
      path,
      `this is ${nameToText(parsed.name)}: is a final dot missing?`,
      'key',
    )
  }
  return { name: parsed.name, key }
}

interface Addition {
  readonly draft: OwnerDraft
  readonly path: DocumentPath
  readonly typeText: string
  readonly record: RecordSource
  readonly inputs: RecordInputs
}

function addRecord(compilation: Compilation, addition: Addition): void {
  const { draft, path, typeText, record, inputs } = addition
  if (record.kind === 'steered-address') {
    const sets = compileSteeredAddresses(compilation, path, record, inputs.policies)
    for (const set of sets) place(compilation, draft, { set, path, places: [] })
    return
  }
  const type = readType(compilation, path, typeText)
  if (type === null) return
  if (record.kind === 'plain') {
    place(compilation, draft, { path, ...compileRRset(compilation, path, type, record) })
  } else if (record.kind === 'steered-srv') {
    const set = compileSteeredSrv(compilation, path, record, inputs.policies)
    if (set) place(compilation, draft, { set, path, places: [] })
  } else if (type === RRType.MX) {
    const set = compileSteeredMx(compilation, path, record, inputs.policies)
    if (set) place(compilation, draft, { set, path, places: [] })
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
  const type = typeFromText(text)
  if (type === undefined) {
    const meant = nearest(text, ['address', ...Object.keys(RRType)])
    const hint = meant ? `did you mean ${meant}?` : 'expected a type such as MX, or TYPEn'
    problems.refuse(
      'unknown-type',
      path,
      `unknown record type ${JSON.stringify(text)}, ${hint}`,
      'key',
    )
    return null
  }
  if (type === RRType.SOA) {
    problems.refuse(
      'forbidden-type',
      path,
      'the SOA is given by `soa:`, not among the records',
      'key',
    )
    return null
  }
  if (isForbidden(type)) {
    problems.refuse(
      'forbidden-type',
      path,
      `${typeToText(type)} cannot be given in a zone file`,
      'key',
    )
    return null
  }
  return type
}

/** Puts the set at its owner, unless one of its type is there. */
function place({ problems }: Compilation, draft: OwnerDraft, placed: Placed): void {
  const { set, path } = placed
  const there = draft.sets.get(set.type)
  if (!there) {
    draft.sets.set(set.type, placed)
    return
  }
  const type = typeToText(set.type)
  if (there.set.kind === 'target-address') {
    const message = `target ${there.set.target.name} owns the ${type} of this name by its addresses`
    problems.refuse('address-clash', path, message, 'key')
  } else if (there.set.kind === 'steered-address' || set.kind === 'steered-address') {
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
