// The owner names of a zone while it is compiled, with the sets of each, from whichever part of the zone file they come.

import type { SteeredSet } from '../../steer/policy.ts'
import {
  isAtOrBelow,
  keyOfName,
  type Name,
  type NameKey,
  nameToBareText,
  nameToText,
} from '../../wire/name.ts'
import { typeToText } from '../../wire/rrtype.ts'
import type { RRset } from '../zone.ts'
import type { Compilation } from './compilation.ts'
import { isDoubled } from './names.ts'
import type { DocumentPath } from './problem.ts'

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

/** false: the name is not in the zone, which is reported. */
export function isOwnerOfZone(
  { apex, apexKey, problems }: Compilation,
  path: DocumentPath,
  { name, key }: OwnerName,
): boolean {
  if (!isAtOrBelow(key, apexKey)) {
    const isLabel = nameToText(name).indexOf('.') === nameToText(name).length - 1
    const hint = isLabel ? `, such as ${nameToBareText(name)} without its final dot` : ''
    const message = `${nameToText(name)} is not in the zone, expected a name at or below ${nameToText(apex)}${hint}`
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
    const { name } = existing.set.target
    const message = `target ${name} owns the ${type} of this name by its addresses: expected this one among targets.${name}.addresses, or another name`
    problems.refuse('address-clash', path, message, 'key')
  } else if (existing.set.kind === 'exchange-slot' || set.kind === 'exchange-slot') {
    const message = `slots stand for A and AAAA of this name, and ${type} is given too`
    problems.refuse('address-clash', path, message, 'key')
  } else if (existing.set.kind === 'steered-address' || set.kind === 'steered-address') {
    problems.refuse(
      'address-clash',
      path,
      `address stands for A and AAAA, and ${type} is given too`,
      'key',
    )
  } else {
    problems.refuse(
      'duplicate-type',
      path,
      `${type} is given twice at this name, expected its records in one list`,
      'key',
    )
  }
}
