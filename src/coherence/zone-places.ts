// Where the file of a zone says what is judged only with what is beyond the file: keys, and what caches may hold.

import type { DocumentPath } from '../zone/compile/problem.ts'
import type { ZoneSource } from '../zone/compile/zone-source.ts'
import type { Zone } from '../zone/zone.ts'
import type { Diagnostic } from '../zonefile/diagnostic.ts'
import type { ConfigDocument } from '../zonefile/document.ts'

/** Where a file says that its zone is signed, or else what its zone is. */
export type ZonePlace = Pick<Diagnostic, 'file' | 'line' | 'column' | 'path' | 'excerpt'>

/**
 * By name of the zone, without the final dot and in lower case; followed by ` mta_sts`, or by a space and the name of a
 * target, where its policies and the TLSA of that target are.
 */
export type ZonePlaces = ReadonlyMap<string, ZonePlace>

interface NamedZone {
  /** Without final dot and in lower case. */
  readonly name: string
  readonly source: ZoneSource
  readonly zone: Zone
}

/** Beyond so many targets of a zone their TLSA have no place of their own: each costs an excerpt. */
const placedTargets = 1000

export function placesOfZone(
  document: ConfigDocument | null,
  { name, source, zone }: NamedZone,
): ZonePlaces {
  const withTlsa = [...source.targets].filter(([, { tlsa }]) => tlsa).slice(0, placedTargets)
  const paths: readonly (readonly [string, DocumentPath])[] = [
    [name, [zone.signing === null ? 'zone' : 'dnssec']],
    ...(source.mtaSts ? [[`${name} mta_sts`, ['mta_sts']] as const] : []),
    ...withTlsa.map(([target]) => [`${name} ${target}`, ['targets', target, 'tlsa']] as const),
  ]
  return new Map(
    paths.flatMap(([key, path]) => {
      const place = placeOfPath(document, path)
      return place === null ? [] : [[key, place] as const]
    }),
  )
}

function placeOfPath(document: ConfigDocument | null, path: DocumentPath): ZonePlace | null {
  const [found] =
    document?.toDiagnostics([
      { severity: 'error', code: 'dnssec-dropped', path, at: 'value', message: '' },
    ]) ?? []
  if (found === undefined) return null
  const { file, line, column, path: text, excerpt } = found
  return { file, line, column, path: text, excerpt }
}
