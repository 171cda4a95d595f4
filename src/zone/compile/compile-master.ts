// Compiles the records of a master file into the owners that `records:`, targets and the SOA have made. What the YAML
// gives comes first: the apex has the NS of `records:` where there are any, and any other set is given in one place.

import { nameToText } from '../../wire/name.ts'
import { RRType, typeToText } from '../../wire/rrtype.ts'
import type { Compilation } from './compilation.ts'
import { addSet, isOwnerOfZone, openOwner, type Owners, pathOfSet } from './owners.ts'
import { type DocumentPath, pathOfPlace } from './problem.ts'
import { joinRRset } from './rrset.ts'
import type { MasterSet } from './zone-source.ts'

export function compileMaster(compilation: Compilation, owners: Owners): void {
  const { source, input } = compilation
  for (const [key, { name, sets }] of input.masterRecords ?? source.master ?? []) {
    let isChecked = false
    for (const set of sets) {
      const { type } = set
      const place = set.rdata[0]?.place ?? 0
      const path = pathOfPlace(place)
      // One report for each owner is enough.
      if (!isChecked && !isOwnerOfZone(compilation, path, { name, key })) break
      isChecked = true
      const draft = openOwner(owners, name, place, key)
      const existing = draft.sets.get(type)
      const other = pathOfSet(draft, type)
      if (existing?.kind === 'plain' && other[0] === 'records') {
        reportBoth(compilation, path, { owner: nameToText(name), type, key, other })
        continue
      }
      addSet(compilation, draft, { place, ...joinMasterSet(compilation, path, set) })
    }
  }
}

/** The same one for all sets of one record, which most sets are. */
const none: readonly DocumentPath[] = []

const joinMasterSet = (
  compilation: Compilation,
  path: DocumentPath,
  set: MasterSet,
): ReturnType<typeof joinRRset> =>
  joinRRset(compilation, path, {
    set,
    rdataPaths: set.rdata.length === 1 ? none : set.rdata.map(({ place }) => pathOfPlace(place)),
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
