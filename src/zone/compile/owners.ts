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
import { type DocumentPath, pathOfPlace } from './problem.ts'

/** An owner name with its sets, before the nodes of the zone are built. */
export interface OwnerDraft {
  readonly owner: Name
  readonly key: NameKey
  readonly place: Place
  /** By type. The node of the owner has the same map: a zone may have a million of them. */
  readonly sets: Map<number, RRset | SteeredSet>
  /** Of the sets that are not written where the owner is; most owners of a master file have none. */
  places: readonly SetPlace[]
}

/** Where something is written: its path, or a place of the master file, of which there may be a million. */
type Place = DocumentPath | number

const pathOf = (place: Place): DocumentPath =>
  typeof place === 'number' ? pathOfPlace(place) : place

/** Where a set is written. */
interface SetPlace {
  readonly type: number
  readonly place: Place
  /** The path of each rdata of an RRset; empty: it is that of the set. */
  readonly rdataPaths: readonly DocumentPath[]
}

export interface SetDraft extends Omit<SetPlace, 'type'> {
  readonly set: RRset | SteeredSet
}

export type Owners = Map<NameKey, OwnerDraft>

/** The draft of this owner name, made if there is none yet. */
export function openOwner(
  owners: Owners,
  owner: Name,
  place: Place,
  key: NameKey = keyOfName(owner),
): OwnerDraft {
  const existing = owners.get(key)
  if (existing) return existing
  const draft = { owner, key, place, sets: new Map(), places: noPlaces }
  owners.set(key, draft)
  return draft
}

const noPlaces: readonly SetPlace[] = []

/** Puts a set in the place of the one of its type, if there is one. */
export function putSet(draft: OwnerDraft, { set, place, rdataPaths }: SetDraft): void {
  const { type } = set
  const others = draft.places.filter((other) => other.type !== type)
  const isOfOwner = place === draft.place && rdataPaths.length === 0
  if (!isOfOwner) draft.places = [...others, { type, place, rdataPaths }]
  else if (others.length < draft.places.length) draft.places = others
  draft.sets.set(type, set)
}

/** Where the set of a type is written. */
export const pathOfSet = ({ places, place }: OwnerDraft, type: number): DocumentPath =>
  pathOf(places.find((one) => one.type === type)?.place ?? place)

export const pathOfOwner = ({ place }: OwnerDraft): DocumentPath => pathOf(place)

/** Where the rdata with index `i` of the set of a type is written. */
export function pathOfRdata(draft: OwnerDraft, type: number, i: number): DocumentPath {
  const own = draft.places.find((one) => one.type === type)
  return own?.rdataPaths[i] ?? pathOf(own?.place ?? draft.place)
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
  const { set } = draft
  const path = pathOf(draft.place)
  const existing = owner.sets.get(set.type)
  if (!existing) {
    putSet(owner, draft)
    return
  }
  const type = typeToText(set.type)
  if (existing.kind === 'target-address') {
    const { name } = existing.target
    const message = `target ${name} owns the ${type} of this name by its addresses: expected this one among targets.${name}.addresses, or another name`
    problems.refuse('address-clash', path, message, 'key')
  } else if (existing.kind === 'exchange-slot' || set.kind === 'exchange-slot') {
    const message = `slots stand for A and AAAA of this name, and ${type} is given too`
    problems.refuse('address-clash', path, message, 'key')
  } else if (existing.kind === 'steered-address' || set.kind === 'steered-address') {
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
