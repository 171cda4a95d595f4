// The keys of all zones as they cross to answering threads, and what they do there as time goes by.
//
// A thread gets the keys once for each reading of the folder, with their times: no message and no file is needed when a
// key changes its state.

import type { NameKey } from '../wire/name.ts'
import type { ZoneKeys } from './key-folder.ts'
import { keyRolesInForce, type KeyTimes, type TimedKey } from './key-set.ts'
import {
  type SigningKey,
  type SigningKeyData,
  signingKeyData,
  signingKeyFrom,
} from './signing-key.ts'
import type { KeysOf } from './zone-signer.ts'

/** The keys of one zone as plain data. It holds private keys: it is neither logged nor kept. */
export interface ZoneKeysData {
  readonly apexKey: NameKey
  readonly keys: readonly (SigningKeyData & { readonly times: KeyTimes })[]
}

export const zoneKeysData = (zones: ZoneKeys): readonly ZoneKeysData[] =>
  Array.from(zones, ([apexKey, keys]) => ({
    apexKey,
    keys: keys.map((key) => ({ ...signingKeyData(key), times: key.times })),
  }))

/** What the keys do, in the thread that they were sent to. */
export function keysInForce(data: readonly ZoneKeysData[]): KeysOf {
  const zones = new Map<NameKey, readonly (SigningKey & TimedKey)[]>(
    data.map(({ apexKey, keys }) => [
      apexKey,
      keys.map((key) => ({ ...signingKeyFrom(key), times: key.times })),
    ]),
  )
  return (apexKey, nowMs) => {
    const roles = keyRolesInForce(zones.get(apexKey) ?? [], nowMs)
    if (roles === null) return null
    const { keySigners, dataSigners, nextEventMs } = roles
    const published = roles.published.map(({ dnskey }) => dnskey)
    const synced = roles.synced.map(({ dnskey }) => dnskey)
    return { published, synced, keySigners, dataSigners, untilMs: nextEventMs ?? Infinity }
  }
}
