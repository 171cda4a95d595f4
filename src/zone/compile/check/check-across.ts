// Checks across owner names and sets: combinations that the RFCs forbid, and what a delegation hides.

import { isAtOrBelow, nameToText, parentKey } from '../../../wire/name.ts'
import { RRType, typeToText } from '../../../wire/rrtype.ts'
import type { Zone } from '../../zone.ts'
import type { Compilation } from '../compilation.ts'
import { compileNetworks } from '../compile-steering.ts'
import { type OwnerDraft, type Owners, pathOfOwner, pathOfSet } from '../owners.ts'
import type { DocumentPath, Problems } from '../problem.ts'
import { checkNames, checkOwnerName } from './check-names.ts'

export function checkAcross(compilation: Compilation, owners: Owners, nodes: Zone['nodes']): void {
  const { problems, source, apexKey } = compilation
  compileNetworks(problems, ['internal'], source.internal)
  if (!owners.get(apexKey)?.sets.has(RRType.NS)) {
    const message =
      'the zone has no NS at its apex, expected the servers that the parent zone delegates to, such as "@": { NS: [ns1, ns2] }'
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
    checkOwnerName(compilation, draft)
    for (const set of draft.sets.values()) {
      if (set.kind === 'plain') checkNames(compilation, { draft, set }, { owners, nodes })
    }
  }
}

/** RFC 1034 §3.6.2: an owner name with a CNAME has no other data. */
function checkAliases({ problems, apexKey }: Compilation, draft: OwnerDraft): void {
  const cname = draft.sets.get(RRType.CNAME)
  if (cname === undefined || draft.sets.size === 1) return
  const others = [...draft.sets.keys()].filter((type) => type !== RRType.CNAME).map(typeToText)
  const [place, expected] =
    draft.key === apexKey
      ? ['the apex', 'A and AAAA, or address: { steer: … }, in place of the CNAME']
      : ['this name', 'the CNAME alone']
  problems.refuse(
    'cname-beside-other-data',
    pathOfSet(draft, RRType.CNAME),
    `${place} has a CNAME and ${others.sort().join(', ')}, expected ${expected}`,
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
      problems.refuse('dname-with-data-below', pathOfOwner(draft), message, 'key')
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
  for (const [type, { kind }] of draft.sets) {
    const path = pathOfSet(draft, type)
    if (kind !== 'plain') refuseBelow(problems, draft, path, nameToText(draft.owner))
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
  for (const [type, { kind }] of draft.sets) {
    const path = pathOfSet(draft, type)
    if (kind !== 'plain') {
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
