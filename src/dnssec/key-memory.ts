// What a start has to know of the process before it: which zones were signed, and with which public keys, so that a file
// that is missing then is refused as it is while the server runs.

import { hash } from 'node:crypto'

import type { RememberedKey, SignedZone, SignedZones } from '../persistence/state-format.ts'
import { type Name, type NameKey, nameToBareText } from '../wire/name.ts'
import type { Zone } from '../zone/zone.ts'
import { keyTagOf } from './dnskey.ts'
import { noTimes, type TimedKey } from './key-set.ts'
import type { OfflineKeys } from './offline/periods.ts'
import type { GivenSet } from './offline/response.ts'

/** So many keys of a zone are remembered, as the schema of the state file has it. */
const maxRememberedKeys = 64

/** The signed ones among these zones. */
export function rememberZones(
  zones: readonly Zone[],
  keysOf: (apexKey: NameKey) => readonly TimedKey[],
): SignedZones {
  const signed = new Map<string, SignedZone>()
  for (const { apex, apexKey, signing } of zones) {
    if (signing === null) continue
    const keys = keysOf(apexKey).slice(0, maxRememberedKeys).map(rememberKey)
    signed.set(nameToBareText(apex), { isUnsigning: signing.isUnsigning, keys })
  }
  return signed
}

/**
 * Digest of the public keys and of what their times say, equal on all instances that sign alike; empty: no zone is signed. Of no
 * private key.
 */
export function digestKeys(
  zones: ReadonlyMap<NameKey, readonly TimedKey[]>,
  offline: ReadonlyMap<NameKey, OfflineKeys>,
): string {
  const lines = [...zones].flatMap(([apexKey, keys]) =>
    keys.map(({ dnskey, times }) =>
      JSON.stringify([
        apexKey,
        Buffer.from(dnskey).toString('base64'),
        { ...times, createdMs: null },
      ]),
    ),
  )
  for (const [apexKey, { response }] of offline)
    for (const { fromMs, sets } of response.periods)
      lines.push(JSON.stringify([apexKey, fromMs, sets.map(textsOf)]))
  return lines.length === 0 ? '' : hash('sha256', lines.sort().join('\n'), 'base64url')
}

const textsOf = ({ rdatas, signatures }: GivenSet): readonly string[] =>
  [...rdatas, ...signatures].map((octets) => Buffer.from(octets).toString('base64'))

const rememberKey = ({ dnskey, times }: TimedKey): RememberedKey => ({
  dnskey: Buffer.from(dnskey).toString('base64'),
  publishMs: times.publishMs,
  activateMs: times.activateMs,
  inactiveMs: times.inactiveMs,
  deleteMs: times.deleteMs,
})

/** A key as far as it is remembered. */
export type KnownKey = TimedKey & { readonly zone: Name }

/** The keys of a zone as they were; those of algorithms that are no more known are left out. */
export function rememberedKeys(apex: Name, { keys }: SignedZone): readonly KnownKey[] {
  return keys.flatMap(({ dnskey: text, ...times }) => {
    const dnskey = Buffer.from(text, 'base64')
    const flags = dnskey.length > 4 ? dnskey.readUInt16BE(0) : 0
    const algorithm = dnskey[3]
    if (flags !== 256 && flags !== 257) return []
    if (algorithm !== 13 && algorithm !== 15) return []
    const known = { zone: apex, algorithm, flags, tag: keyTagOf(dnskey), dnskey } as const
    return [{ ...known, times: { ...noTimes, ...times } }]
  })
}
