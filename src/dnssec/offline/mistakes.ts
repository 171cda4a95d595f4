// What is wrong with the response of an offline key, now or later, in view of the keys that are here.

import { join } from 'node:path'

import { type Name, nameToText } from '../../wire/name.ts'
import type { Diagnostic } from '../../zonefile/diagnostic.ts'
import {
  keyDiagnostic,
  keyFileName,
  keyTimeText,
  type PublicZoneKey,
  responseFileName,
  type ZoneKey,
} from '../key-file.ts'
import { isEntryPoint } from '../key-set.ts'
import { type OfflineKeys, offlineRefusal } from './periods.ts'

/** So long before its end a response is asked for. */
export const responseDueMs: number = 21 * 86_400_000

/** A public key whose private one is kept offline, and no response of it is here. */
export function lackingResponse(folder: string, key: PublicZoneKey): Diagnostic {
  const message = `the file .private of the same name is missing beside it; of a key that is kept offline, ${responseFileName(key.zone)} has to be here`
  return keyDiagnostic(join(folder, `${keyFileName(key)}.key`), 0, 'key-pair', message)
}

interface OfflineZone {
  readonly zone: Name
  readonly folder: string
  readonly keys: readonly ZoneKey[]
  readonly offline: OfflineKeys
  readonly nowMs: number
  /**
   * Whether there is nothing better: the process starts, or what is in force has run out as well. Then a response that has run out is a
   * warning, since answers without DO are worth something.
   */
  readonly isAllThereIs: boolean
}

export function offlineMistakes(zone: OfflineZone): readonly Diagnostic[] {
  return [...endOf(zone), ...unusedKeys(zone)]
}

function endOf({
  zone,
  folder,
  keys,
  offline,
  nowMs,
  isAllThereIs,
}: OfflineZone): readonly Diagnostic[] {
  const refusal = offlineRefusal(keys, offline, nowMs)
  if (refusal === null) return []
  const { atMs, refused, isByTime } = refusal
  if (isByTime && atMs - nowMs > responseDueMs) return []
  const name = nameToText(zone)
  const when = atMs > nowMs ? ` from ${keyTimeText(atMs)} (UTC) on` : ''
  const next = `"mxsteer keys request ${name}" begins the next one`
  const message = `${name} cannot be answered to resolvers that validate${when}: ${refused.why}; ${next}`
  const file = join(folder, responseFileName(zone))
  const diagnostic = keyDiagnostic(file, 0, 'key-response', message)
  const isError = atMs <= nowMs && !(isByTime && isAllThereIs)
  return [isError ? diagnostic : { ...diagnostic, severity: 'warning' }]
}

/** Whoever breaks into this host has it, for nothing. */
const unusedKeys = ({ folder, keys }: OfflineZone): readonly Diagnostic[] =>
  keys.filter(isEntryPoint).map((key) => {
    const file = join(folder, `${keyFileName(key)}.private`)
    const message = 'not used, since a response of the key is here: keep the private key offline'
    return { ...keyDiagnostic(file, 0, 'key-response', message), severity: 'warning' }
  })
