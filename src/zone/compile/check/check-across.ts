// Checks across owner names and sets. Combinations that the RFCs forbid are errors; warnings are
// for names in records that have no address or are aliases, as those of BIND's named-checkzone.

import {
  isAtOrBelow,
  keyOfName,
  type Name,
  type NameKey,
  nameToText,
  parentKey,
} from '../../../wire/name.ts'
import { namesInRdata } from '../../../wire/rdata/names.ts'
import { RRType, typeToText } from '../../../wire/rrtype.ts'
import type { Zone } from '../../zone.ts'
import type { Compilation } from '../compilation.ts'
import { compileNetworks } from '../compile-steering.ts'
import type { OwnerDraft, Owners, SetDraft } from '../owners.ts'
import type { DocumentPath, Problems } from '../problem.ts'

export function checkAcross(compilation: Compilation, owners: Owners, nodes: Zone['nodes']): void {
  const { problems, source, apexKey } = compilation
  compileNetworks(problems, ['internal'], source.internal)
  if (!owners.get(apexKey)?.sets.has(RRType.NS)) {
    const message =
      'the zone has no NS at its apex, expected the servers that the parent zone delegates to'
    problems.refuse(
      'no-apex-ns',
      source.records.has('@') ? ['records', '@'] : ['records'],
      message,
      'key',
    )
  }
  for (const draft of owners.values()) {
    checkAliases(compilation, draft)
    checkAncestors(compilation, draft, owners)
    for (const set of draft.sets.values()) {
      checkNames(compilation, { from: draft.key, draft: set }, { owners, nodes })
    }
  }
}

/** RFC 1034 §3.6.2: an owner name with a CNAME has no other data. */
function checkAliases({ problems, apexKey }: Compilation, draft: OwnerDraft): void {
  const cname = draft.sets.get(RRType.CNAME)
  if (!cname || draft.sets.size === 1) return
  const others = [...draft.sets.keys()].filter((type) => type !== RRType.CNAME).map(typeToText)
  const place = draft.key === apexKey ? 'the apex' : 'this name'
  problems.refuse(
    'cname-beside-other-data',
    cname.path,
    `${place} has a CNAME and ${others.sort().join(', ')}, expected the CNAME alone`,
    'key',
  )
}

/**
 * Names below a DNAME cannot exist (RFC 6672 §2.4); names below a delegation belong to the child
 * zone.
 */
function checkAncestors(compilation: Compilation, draft: OwnerDraft, owners: Owners): void {
  const { problems, apexKey } = compilation
  if (draft.key === apexKey) return
  checkAtCut(compilation, draft)
  for (let key = parentKey(draft.key); isAtOrBelow(key, apexKey); key = parentKey(key)) {
    const above = owners.get(key)
    const dname = above?.sets.get(RRType.DNAME)
    if (above && dname) {
      const message = `the DNAME at ${nameToText(above.owner)} takes the place of this name, expected no data below it`
      problems.refuse('dname-with-data-below', draft.path, message, 'key')
    }
    if (above && key !== apexKey && above.sets.has(RRType.NS)) {
      checkBelowCut(compilation, draft, nameToText(above.owner))
    }
    if (key === apexKey) return
  }
}

const isGlueType = (type: number): boolean => type === RRType.A || type === RRType.AAAA

const isCutType = (type: number): boolean => type === RRType.NS || type === RRType.DS

/** A delegation may have NS and DS and, as glue, addresses; other types are never answered. */
function checkAtCut({ problems }: Compilation, draft: OwnerDraft): void {
  if (!draft.sets.has(RRType.NS)) return
  for (const [type, { set, path }] of draft.sets) {
    if (set.kind !== 'plain') refuseBelow(problems, draft, path, nameToText(draft.owner))
    else if (!isCutType(type) && !isGlueType(type)) {
      problems.warn(
        'occluded',
        path,
        `${typeToText(type)} at a delegation is never answered: the child owns it`,
        'key',
      )
    }
  }
}

/** Below a delegation only addresses are answered, as glue. `cut`: the name of the delegation. */
function checkBelowCut({ problems }: Compilation, draft: OwnerDraft, cut: string): void {
  for (const [type, { set, path }] of draft.sets) {
    if (set.kind !== 'plain') {
      refuseBelow(problems, draft, path, cut)
      return
    }
    if (isGlueType(type)) continue
    problems.warn(
      'occluded',
      path,
      `${typeToText(type)} is never answered: the name is below the delegation ${cut}`,
      'key',
    )
  }
}

function refuseBelow(problems: Problems, draft: OwnerDraft, path: DocumentPath, cut: string): void {
  const message = `${nameToText(draft.owner)} is steered, but the delegation ${cut} gives it away`
  problems.refuse('below-delegation', path, message, 'key')
}

interface CheckedSet {
  /** The owner. */
  readonly from: NameKey
  readonly draft: SetDraft
}

/**
 * Warns of names in records (exchanges, servers, SRV targets) without an address in the zone, and
 * of aliases.
 */
function checkNames(
  { problems, apexKey, source }: Compilation,
  { from, draft: { set, path, rdataPaths } }: CheckedSet,
  known: KnownNames,
): void {
  if (set.kind !== 'plain') return
  for (const [i, rdata] of set.rdata.entries()) {
    const rdataPath = rdataPaths[i] ?? path
    for (const { role, name } of namesInRdata(set.type, rdata)) {
      if (role === 'alias' || role === 'other') continue
      const description = describeName(known, name, { apexKey, from })
      const named = `${typeToText(set.type)} ${nameToText(name)}`
      if (description === 'alias') {
        const message = `${named} is an alias, expected a name with addresses (RFC 2181 §10.3)`
        problems.warn('points-at-alias', rdataPath, message)
      } else if (description === 'nothing') {
        problems.warn(
          'points-at-nothing',
          rdataPath,
          `${named} has no address in this zone, ${source.zone}`,
        )
      }
    }
  }
}

/**
 * What the zone has for a name in one of its records. `elsewhere`: the name is outside the zone, or
 * below a delegation.
 */
type NameDescription = 'address' | 'alias' | 'nothing' | 'elsewhere'

interface KnownNames {
  readonly owners: Owners
  /** Empty non-terminals included. */
  readonly nodes: Zone['nodes']
}

const wildcard = '\u0001*'

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
  { owners, nodes }: KnownNames,
  key: NameKey,
  apexKey: NameKey,
): NameDescription {
  let closest: NameKey | null = null
  for (let at = key; ; at = parentKey(at)) {
    if (at !== key && owners.get(at)?.sets.has(RRType.DNAME)) return 'alias'
    if (closest === null && nodes.has(at)) closest = at
    if (at === apexKey) break
  }
  if (closest === null || closest === key) return 'nothing'
  const source = owners.get(wildcard + closest)
  return source ? describeOwner(source) : 'nothing'
}
