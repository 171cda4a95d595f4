// Compiles the records of a master file into the owners that `records:`, targets and the SOA have made. What the YAML
// gives comes first: the apex has the NS of `records:` where there are any, and any other set is given in one place.

import { nameToText } from '../../wire/name.ts'
import { RRType, typeToText } from '../../wire/rrtype.ts'
import type { Compilation } from './compilation.ts'
import { addSet, isOwnerOfZone, openOwner, type Owners } from './owners.ts'
import type { DocumentPath } from './problem.ts'
import { joinRRset } from './rrset.ts'
import type { MasterSet } from './zone-source.ts'

/** The path of what stands at a place of the master file. */
export const pathOfPlace = (place: number): DocumentPath => ['records_file', place]

export function compileMaster(compilation: Compilation, owners: Owners): void {
  for (const [key, { name, sets }] of compilation.source.master ?? []) {
    let isChecked = false
    for (const set of sets) {
      const { type } = set
      const path = pathOfPlace(set.places[0] ?? 0)
      // One report for each owner is enough.
      if (!isChecked && !isOwnerOfZone(compilation, path, { name, key })) break
      isChecked = true
      const draft = openOwner(owners, name, path, key)
      const existing = draft.sets.get(type)
      if (existing?.set.kind === 'plain' && existing.path[0] === 'records') {
        reportBoth(compilation, path, { owner: nameToText(name), type, key, other: existing.path })
        continue
      }
      addSet(compilation, draft, { path, ...joinMasterSet(compilation, path, set) })
    }
  }
}

const joinMasterSet = (
  compilation: Compilation,
  path: DocumentPath,
  { type, ttl, rdata, places }: MasterSet,
): ReturnType<typeof joinRRset> =>
  joinRRset(compilation, path, {
    set: { kind: 'plain', type, ttl, rdata },
    rdataPaths: places.length === 1 ? [path] : places.map(pathOfPlace),
  })

interface GivenTwice {
  readonly owner: string
  readonly key: string
  readonly type: number
  /** Its path in `records:`. */
  readonly other: DocumentPath
}

/** One set of two halves would have a TTL and records that no single place shows. */
function reportBoth(
  { problems, apexKey }: Compilation,
  path: DocumentPath,
  { owner, key, type, other }: GivenTwice,
): void {
  const where = other.join('.')
  if (type === RRType.NS && key === apexKey) {
    const message = `the NS of the zone are those of ${where}: these are left out`
    return problems.warn('superseded', path, message, 'key')
  }
  const message = `the ${typeToText(type)} of ${owner} is given by ${where} too, expected in one place`
  problems.refuse('duplicate-type', path, message, 'key')
}
