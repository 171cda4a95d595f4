// Checks across owners and sets: what a zone must not hold together (refused), and what BIND's zone checker
// would warn of as well: names that records point at, without an address or at an alias.

import {
  isAtOrBelow,
  keyOfName,
  type Name,
  type NameKey,
  nameToText,
  parentKey,
} from '../../wire/name.ts'
import { namesInRdata } from '../../wire/rdata/names.ts'
import { RRType, typeToText } from '../../wire/rrtype.ts'
import type { Zone } from '../zone.ts'
import type { Compilation } from './compilation.ts'
import type { OwnerDraft, Owners, Placed } from './compile-records.ts'
import { compileNetworks } from './compile-steering.ts'
import type { DocumentPath, Problems } from './problem.ts'

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
    for (const placed of draft.sets.values()) {
      checkNames(compilation, { from: draft.key, placed }, { owners, nodes })
    }
  }
}

/** RFC 1034 §3.6.2: a CNAME has its name for itself. */
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

/** Names below a DNAME do not exist (RFC 6672 §2.4), names below a delegation are the child's. */
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

interface Naming {
  readonly from: NameKey
  readonly placed: Placed
}

function checkNames(
  { problems, apexKey, source }: Compilation,
  { from, placed: { set, path, places } }: Naming,
  known: KnownNames,
): void {
  if (set.kind !== 'plain') return
  for (const [i, rdata] of set.rdata.entries()) {
    const where = places[i] ?? path
    for (const { role, name } of namesInRdata(set.type, rdata)) {
      if (role === 'alias' || role === 'other') continue
      const found = describeName(known, name, { apexKey, from })
      const named = `${typeToText(set.type)} ${nameToText(name)}`
      if (found === 'alias') {
        const message = `${named} is an alias, expected a name with addresses (RFC 2181 §10.3)`
        problems.warn('points-at-alias', where, message)
      } else if (found === 'nothing') {
        problems.warn(
          'points-at-nothing',
          where,
          `${named} has no address in this zone, ${source.zone}`,
        )
      }
    }
  }
}

// What the zone itself says of a name that one of its records points at.

/** elsewhere: not for this zone to know. */
type NameDescription = 'address' | 'alias' | 'nothing' | 'elsewhere'

interface KnownNames {
  readonly owners: Owners
  /** With the empty non-terminals. */
  readonly nodes: Zone['nodes']
}

const wildcard = '\u0001*'

/** `from` is the owner of the record: below a delegation only its own servers need an address here, as glue. */
function describeName(
  { owners, nodes }: KnownNames,
  name: Name,
  { apexKey, from }: { apexKey: NameKey; from: NameKey },
): NameDescription {
  const key = keyOfName(name)
  if (!isAtOrBelow(key, apexKey)) return 'elsewhere'
  const own = owners.get(key)
  const absent = absentBelowCut(owners, key, { apexKey, from })
  if (own && own.sets.size > 0) {
    const description = describeOwner(own)
    return description === 'nothing' ? (absent ?? 'nothing') : description
  }
  if (absent) return absent
  return describeThroughAncestors({ owners, nodes }, key, apexKey)
}

function describeOwner({ sets }: OwnerDraft): NameDescription {
  if (sets.has(RRType.CNAME)) return 'alias'
  return sets.has(RRType.A) || sets.has(RRType.AAAA) ? 'address' : 'nothing'
}

/** null: the name is not at or below a delegation. */
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

/** A DNAME above makes it an alias; else a wildcard at the closest encloser speaks for it (RFC 4592 §3.3.1). */
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
