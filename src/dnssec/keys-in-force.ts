// The keys of all zones as they cross to answering threads, and what they do there as time goes by.
//
// A thread gets the keys once for each reading of the folder, with their times: no message and no file is needed when a
// key changes its state.

import type { NameKey } from '../wire/name.ts'
import type { ZoneKeys } from './key-folder.ts'
import { isEntryPoint, keyRolesInForce, type KeyTimes, type TimedKey } from './key-set.ts'
import { type OfflineKeys, offlineRolesAt } from './offline/periods.ts'
import {
  type SigningKey,
  type SigningKeyData,
  signingKeyData,
  signingKeyFrom,
} from './signing-key.ts'
import type { KeysInForce, KeysOf } from './zone-signer.ts'

/** The keys of one zone as plain data. It holds private keys: it is neither logged nor kept. */
export interface ZoneKeysData {
  readonly apexKey: NameKey
  readonly keys: readonly (SigningKeyData & { readonly times: KeyTimes })[]
  /** Absent: the keys with flags 257 are here as well. */
  readonly offline?: OfflineKeys
}

export const zoneKeysData = (
  zones: ZoneKeys,
  offline: ReadonlyMap<NameKey, OfflineKeys> = new Map(),
): readonly ZoneKeysData[] =>
  Array.from(zones, ([apexKey, all]) => {
    const response = offline.get(apexKey)
    // No private key goes where nothing is signed with it.
    const keys = all.filter((key) => response === undefined || !isEntryPoint(key))
    const data = keys.map((key) => ({ ...signingKeyData(key), times: key.times }))
    return { apexKey, keys: data, ...(response && { offline: response }) }
  })

/** What the keys do, in the thread that they were sent to. */
export function keysInForce(data: readonly ZoneKeysData[]): KeysOf {
  const zones = new Map(
    data.map(({ apexKey, keys, offline }) => [
      apexKey,
      { keys: keys.map((key) => ({ ...signingKeyFrom(key), times: key.times })), offline },
    ]),
  )
  return (apexKey, nowMs) => {
    const zone = zones.get(apexKey)
    if (zone === undefined) return null
    return zone.offline === undefined
      ? keysHere(zone.keys, nowMs)
      : keysBesideOffline(zone.keys, zone.offline, nowMs)
  }
}

type Key = SigningKey & TimedKey

function keysHere(keys: readonly Key[], nowMs: number): KeysInForce | null {
  const roles = keyRolesInForce(keys, nowMs)
  if (roles === null) return null
  const { keySigners, dataSigners, nextEventMs } = roles
  const published = roles.published.map(({ dnskey }) => dnskey)
  const synced = roles.synced.map(({ dnskey }) => dnskey)
  const apex = { kind: 'here', published, synced, keySigners } as const
  return { apex, dataSigners, untilMs: nextEventMs ?? Infinity }
}

function keysBesideOffline(keys: readonly Key[], offline: OfflineKeys, nowMs: number): KeysInForce {
  const { period, hasLapsed, dataSigners, nextEventMs } = offlineRolesAt(keys, offline, nowMs)
  const apex = { kind: 'offline', sets: period.sets, hasLapsed } as const
  return { apex, dataSigners, untilMs: nextEventMs ?? Infinity }
}
