// Names that have left their zones, as operators see them: one for all types that are kept of it.

import { typeToText } from '../wire/rrtype.ts'
import type { Uncovered } from './departures.ts'
import type { DepartedSet } from './name-memory.ts'

/** A name that is kept, or was. */
export interface DepartedName {
  /** Without its final dot. */
  readonly name: string
  readonly types: readonly string[]
  /** When the last of its types is released, milliseconds since 1970. */
  readonly untilMs: number
}

export const departedNames = (sets: Iterable<DepartedSet>): readonly DepartedName[] =>
  [...Map.groupBy(sets, ({ owner }) => owner)].map(([owner, ofName]) => ({
    name: owner.replace(/\.$/, ''),
    types: [...new Set(ofName.map(({ type }) => typeToText(type)))],
    untilMs: Math.max(...ofName.map(({ untilMs }) => untilMs)),
  }))

/** Why a name that has left its zone is not answered as before. */
export const uncoveredTexts: Readonly<Record<Uncovered | 'zone-removed', string>> = {
  dropped: 'the zone says on_removed: drop',
  alias: 'the name has a CNAME now',
  delegated: 'a delegation or DNAME gives the name away now',
  'other-addresses': 'other addresses are given for the name now',
  'too-many': 'too many names have left the zone',
  'zone-removed': 'the zone is not served any more',
}
