// Warnings of names in records: those that do not exist, have no address, are aliases, run in a circle, are addresses, or are
// no names of hosts. As those of BIND's named-checkzone, where that has them.

import { parseAddress } from '../../../lib/ip.ts'
import {
  countLabels,
  isAtOrBelow,
  isWildcard,
  keyOfName,
  type Name,
  type NameKey,
  nameToBareText,
  nameToText,
  parentKey,
} from '../../../wire/name.ts'
import { namesInRdata } from '../../../wire/rdata/names.ts'
import { RRType, typeToText } from '../../../wire/rrtype.ts'
import type { RRset, Zone } from '../../zone.ts'
import type { Compilation } from '../compilation.ts'
import { isDoubled, isHostName } from '../names.ts'
import { type OwnerDraft, type Owners, pathOfRdata, pathOfSet } from '../owners.ts'
import type { ProblemCode } from '../problem.ts'

interface CheckedSet {
  readonly draft: OwnerDraft
  readonly set: RRset
}

/** A name in a record. */
interface NameUse {
  readonly type: number
  readonly role: 'host' | 'alias'
  readonly name: Name
  /** The owner of the record. */
  readonly from: NameKey
}

interface Doubt {
  readonly code: ProblemCode
  /** What follows the type and the name. */
  readonly why: string
}

/** Warns of names in records that lead nowhere, or where senders and resolvers do not follow. */
export function checkNames(
  compilation: Compilation,
  { draft, set }: CheckedSet,
  known: KnownNames,
): void {
  const from = draft.key
  for (const [i, rdata] of set.rdata.entries()) {
    for (const { role, name } of namesInRdata(set.type, rdata)) {
      const isAlias = role === 'alias' || aliasLike.includes(set.type)
      if (role === 'other' && !isAlias) continue
      const use = { type: set.type, role: isAlias ? 'alias' : 'host', name, from } as const
      const doubt = doubtOf(compilation, use, known)
      if (doubt === null) continue
      const message = `${typeToText(set.type)} ${nameToText(name)} ${doubt.why}`
      compilation.problems.warn(doubt.code, pathOfRdata(draft, set.type, i), message)
    }
  }
}

/** Types whose name is to exist, with records of any type. */
const aliasLike: readonly number[] = [RRType.PTR, RRType.NAPTR]

/** Types whose names are hosts (RFC 1123 §2.1): BIND refuses others, and so do some senders. */
const hostTypes: readonly number[] = [RRType.MX, RRType.NS, RRType.SRV]

function doubtOf(compilation: Compilation, use: NameUse, known: KnownNames): Doubt | null {
  const { apexKey } = compilation
  const key = keyOfName(use.name)
  if (key.length <= 1) return null
  if (nameToBareText(use.name).includes('://'))
    return { code: 'points-at-nothing', why: 'is made of a URL, expected the name of a host alone' }
  const address = addressIn(key, apexKey)
  if (address !== null) {
    const expected = use.type === RRType.CNAME ? `A or AAAA ${address}` : 'the name of a host'
    return { code: 'address-as-name', why: `is an address, expected ${expected}` }
  }
  // That it is doubled is told of already.
  if (isDoubled(use.name, compilation.apex)) return null
  const doubt =
    use.role === 'alias'
      ? doubtOfAlias(compilation, use, known)
      : doubtOfHost(compilation, use, known)
  if (doubt !== null) return doubt
  if (!hostTypes.includes(use.type) || isHostName(nameToBareText(use.name))) return null
  const why = 'is no name of a host, expected letters, digits and hyphens (RFC 1123 §2.1)'
  return { code: 'not-a-host-name', why }
}

/** The address that a name spells, without or with the zone behind it; null: none. */
function addressIn(key: NameKey, apexKey: NameKey): string | null {
  // Of a million names most are told apart by their first label.
  if (!/^(\d{1,3}$|[0-9a-f]*:)/.test(key.slice(1, 1 + key.charCodeAt(0)))) return null
  const inZone = isAtOrBelow(key, apexKey) ? key.slice(0, -apexKey.length) : key
  for (const labels of [inZone, key]) {
    const text = labelsOf(labels).join('.')
    if (parseAddress(text) !== null) return text
  }
  return null
}

function labelsOf(key: NameKey): readonly string[] {
  const labels: string[] = []
  for (let at = 0; key.charCodeAt(at) > 0; at += 1 + key.charCodeAt(at))
    labels.push(key.slice(at + 1, at + 1 + key.charCodeAt(at)))
  return labels
}

function doubtOfHost(
  { apexKey, source }: Compilation,
  { name, from }: NameUse,
  known: KnownNames,
): Doubt | null {
  const description = describeName(known, name, { apexKey, from })
  switch (description) {
    case 'alias':
      return {
        code: 'points-at-alias',
        why: 'is an alias, expected a name with addresses (RFC 2181 §10.3)',
      }
    case 'nothing': {
      const hint = dotHint(known, keyOfName(name), apexKey)
      return {
        code: 'points-at-nothing',
        why: `has no address in this zone, ${source.zone}${hint || ', expected A or AAAA there'}`,
      }
    }
    case 'address':
    case 'elsewhere':
      return null
    default:
      return description satisfies never
  }
}

function doubtOfAlias(
  { apexKey, source }: Compilation,
  { type, name, from }: NameUse,
  known: KnownNames,
): Doubt | null {
  const key = keyOfName(name)
  if (!isAtOrBelow(key, apexKey)) return null
  if (type === RRType.CNAME && isCircle(known.owners, from))
    return {
      code: 'alias-circle',
      why: 'leads back here: no resolver finds anything, expected another name',
    }
  // A DNAME stands for what is below its target: that alone need not have records.
  if (type === RRType.DNAME && known.nodes.has(key)) return null
  if (hasRecords(known, key, apexKey)) return null
  const hint = dotHint(known, key, apexKey)
  return {
    code: 'points-at-nothing',
    why: `does not exist in this zone, ${source.zone}${hint || ', expected records there'}`,
  }
}

/** CNAMEs that are followed: more than resolvers do (Unbound 12, BIND 16). */
const maxAliases = 20

function isCircle(owners: Owners, from: NameKey): boolean {
  let at = from
  for (let steps = 0; steps < maxAliases; steps++) {
    const set = owners.get(at)?.sets.get(RRType.CNAME)
    const target = set?.kind === 'plain' ? set.rdata[0] : undefined
    if (target === undefined) return false
    at = keyOfName(target.octets)
    if (at === from) return true
  }
  return false
}

function hasRecords({ owners, nodes }: KnownNames, key: NameKey, apexKey: NameKey): boolean {
  const owner = owners.get(key)
  if (owner && owner.sets.size > 0) return true
  if (absentBelowCut(owners, key, { apexKey, from: key }) === 'elsewhere') return true
  const above = ancestry({ owners, nodes }, key, apexKey)
  return above.isRedirected || above.wildcard !== null
}

/** `in1.example.net` in place of `in1.example.net.`: more labels, of which the last is nothing in this zone. */
function dotHint({ nodes }: KnownNames, key: NameKey, apexKey: NameKey): string {
  const depth = countLabels(key) - countLabels(apexKey)
  if (depth < 2) return ''
  let top = key
  for (let i = 1; i < depth; i++) top = parentKey(top)
  return nodes.has(top) ? '' : ': is a final dot missing?'
}

/** A steered address name is what senders and clients are pointed at. */
export function checkOwnerName({ problems }: Compilation, draft: OwnerDraft): void {
  const { owner, sets } = draft
  const steered = sets.get(RRType.A) ?? sets.get(RRType.AAAA)
  if (steered?.kind !== 'steered-address' || isWildcard(owner)) return
  if (isHostName(nameToBareText(owner))) return
  const message = `${nameToText(owner)} is no name of a host, expected letters, digits and hyphens (RFC 1123 §2.1)`
  const path = pathOfSet(draft, steered.type).slice(0, -1)
  problems.warn('not-a-host-name', path, message, 'key')
}

/**
 * What the zone has for a name in one of its records. `elsewhere`: the name is outside the zone, or
 * below a delegation.
 */
type NameDescription = 'address' | 'alias' | 'nothing' | 'elsewhere'

export interface KnownNames {
  readonly owners: Owners
  /** Empty non-terminals included. */
  readonly nodes: Zone['nodes']
}

const wildcardLabel = '\u0001*'

/**
 * `from` is the owner of the record: at a delegation only the names of its own NS need an address
 * here, as glue.
 */
function describeName(
  { owners, nodes }: KnownNames,
  name: Name,
  { apexKey, from }: { apexKey: NameKey; from: NameKey },
): NameDescription {
  const key = keyOfName(name)
  if (!isAtOrBelow(key, apexKey)) return 'elsewhere'
  const owner = owners.get(key)
  const absent = absentBelowCut(owners, key, { apexKey, from })
  if (owner && owner.sets.size > 0) {
    const description = describeOwner(owner)
    return description === 'nothing' ? (absent ?? 'nothing') : description
  }
  if (absent) return absent
  return describeThroughAncestors({ owners, nodes }, key, apexKey)
}

function describeOwner({ sets }: OwnerDraft): NameDescription {
  if (sets.has(RRType.CNAME)) return 'alias'
  return sets.has(RRType.A) || sets.has(RRType.AAAA) ? 'address' : 'nothing'
}

/** The description of a name without data at or below a delegation; null: it is neither. */
function absentBelowCut(
  owners: Owners,
  key: NameKey,
  { apexKey, from }: { apexKey: NameKey; from: NameKey },
): NameDescription | null {
  for (let at = key; at !== apexKey; at = parentKey(at)) {
    if (owners.get(at)?.sets.has(RRType.NS)) return at === from ? 'nothing' : 'elsewhere'
  }
  return null
}

/**
 * A DNAME above makes the name an alias; else it has the data of the wildcard at the closest
 * encloser (RFC 4592 §3.3.1).
 */
function describeThroughAncestors(
  known: KnownNames,
  key: NameKey,
  apexKey: NameKey,
): NameDescription {
  const { isRedirected, wildcard } = ancestry(known, key, apexKey)
  if (isRedirected) return 'alias'
  return wildcard === null ? 'nothing' : describeOwner(wildcard)
}

interface Ancestry {
  /** Whether there is a DNAME above. */
  readonly isRedirected: boolean
  /** The wildcard that the name has the data of; null: the name exists, or there is none. */
  readonly wildcard: OwnerDraft | null
}

function ancestry({ owners, nodes }: KnownNames, key: NameKey, apexKey: NameKey): Ancestry {
  let closest: NameKey | null = null
  for (let at = key; ; at = parentKey(at)) {
    if (at !== key && owners.get(at)?.sets.has(RRType.DNAME))
      return { isRedirected: true, wildcard: null }
    if (closest === null && nodes.has(at)) closest = at
    if (at === apexKey) break
  }
  const source = closest === null || closest === key ? null : owners.get(wildcardLabel + closest)
  return { isRedirected: false, wildcard: source ?? null }
}
