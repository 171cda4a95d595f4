// What an offline key has signed for a time, and which keys sign all else then. Pure, so that every instance that has the same files
// and the right time does the same.
//
// What signs has to be in DNSKEY of every cache: a key whose time Activate has come signs only once it has been in the DNSKEY set of the
// response for its TTL and an hour, whatever its file says. Until then the keys sign that did. So a response that comes late makes a
// roll-over late, and no answer wrong.

import { RRType } from '../../wire/rrtype.ts'
import type { Zone } from '../../zone/zone.ts'
import { deleteDs } from '../dnskey.ts'
import { keyTimeText } from '../key-file.ts'
import {
  isEntryPoint,
  type KeyState,
  keyStateAt,
  type RefusedKeys,
  type TimedKey,
} from '../key-set.ts'
import type { GivenSet, KeyPeriod, KeyResponse } from './response.ts'

type PublicKey = Pick<TimedKey, 'algorithm' | 'flags' | 'tag' | 'dnskey'>

/** The response in force, and what is known of the time before it. */
export interface OfflineKeys {
  readonly response: KeyResponse
  /** Keys with flags 257 whose `.key` is here. */
  readonly entryPoints: readonly PublicKey[]
  /** DNSKEY rdata that this process first had in a response, in base64, and when, milliseconds since 1970. Others were there before. */
  readonly newSinceMs: ReadonlyMap<string, number>
}

/** A response as it takes the place of `before`. */
export function takenOver(
  { response, entryPoints }: Omit<OfflineKeys, 'newSinceMs'>,
  before: OfflineKeys | undefined,
  nowMs: number,
): OfflineKeys {
  const newSinceMs = new Map<string, number>()
  const known = new Set(before?.response.periods.flatMap(dnskeysOf).map(idOf))
  for (const id of new Set(response.periods.flatMap(dnskeysOf).map(idOf))) {
    const sinceMs = before?.newSinceMs.get(id) ?? (before && !known.has(id) ? nowMs : undefined)
    if (sinceMs !== undefined) newSinceMs.set(id, sinceMs)
  }
  return { response, entryPoints, newSinceMs }
}

const idOf = (dnskey: Uint8Array): string => Buffer.from(dnskey).toString('base64')

/** For instances that take over the file some minutes later, and caches that keep records a little longer. */
const marginMs = 3_600_000

export interface OfflineRoles<Key extends TimedKey> {
  readonly period: KeyPeriod
  /** A signature of the period is not valid yet, or no longer: it cannot be answered with. */
  readonly hasLapsed: boolean
  /** Empty: there is none for an algorithm of DNSKEY, and nothing can be answered with. */
  readonly dataSigners: readonly Key[]
  /** When any of this changes, milliseconds since 1970; null: never. */
  readonly nextEventMs: number | null
}

/**
 * The period for a time: the last that has begun, or the first. One that cannot be answered with is left out, as long as there is one
 * before it that can: signatures of DNSKEY are valid for longer than their period.
 */
export function periodAt(
  keys: readonly TimedKey[],
  { periods }: KeyResponse,
  nowMs: number,
): KeyPeriod {
  const begun = periods.filter(({ fromMs }, i) => i === 0 || fromMs <= nowMs)
  const signable = begun.filter((period) => lacksSigner(keys, period) === null)
  const usable = signable.findLast((period) => !hasLapsedAt(period, nowMs))
  return usable ?? signable.at(-1) ?? begun.at(-1) ?? periods[0]
}

const hasLapsedAt = ({ validFromMs, validUntilMs }: KeyPeriod, nowMs: number): boolean =>
  nowMs < validFromMs || nowMs >= validUntilMs

const dnskeysOf = ({ sets }: KeyPeriod): readonly Uint8Array[] =>
  sets.find(({ type }: GivenSet) => type === RRType.DNSKEY)?.rdatas ?? []

export const isInPeriod = (period: KeyPeriod, { dnskey }: Pick<TimedKey, 'dnskey'>): boolean =>
  dnskeysOf(period).some((one) => Buffer.compare(one, dnskey) === 0)

export function offlineRolesAt<Key extends TimedKey>(
  keys: readonly Key[],
  offline: OfflineKeys,
  nowMs: number,
): OfflineRoles<Key> {
  const period = periodAt(keys, offline.response, nowMs)
  const present = keys.filter((key) => !isEntryPoint(key) && isInPeriod(period, key))
  const algorithms = [...new Set(present.map(({ algorithm }) => algorithm))].sort((a, b) => a - b)
  const dataSigners = algorithms.flatMap((algorithm) => {
    const own = present.filter((key) => key.algorithm === algorithm)
    return signersOf(own, offline, nowMs)
  })
  return {
    period,
    hasLapsed: hasLapsedAt(period, nowMs),
    dataSigners: lacksSigner(keys, period) === null ? dataSigners : [],
    nextEventMs: nextEvent(keys, offline, nowMs),
  }
}

/** Of keys of one algorithm that are in DNSKEY: the active ones, as far as caches have them; else those that caches have. */
function signersOf<Key extends TimedKey>(
  present: readonly Key[],
  offline: OfflineKeys,
  nowMs: number,
): readonly Key[] {
  const settled = present.filter((key) => nowMs >= settledAt(key, offline, nowMs))
  const isActive = (key: Key): boolean => keyStateAt(key, nowMs) === 'active'
  const choices = [settled.filter(isActive), settled, present.filter(isActive), present]
  return (choices.find((some) => some.length > 0) ?? []).toSorted((a, b) => a.tag - b.tag)
}

/** When every cache that has DNSKEY has a key that is in the period of `nowMs`; -Infinity: since the response began. */
function settledAt(
  key: TimedKey,
  { response: { periods }, newSinceMs }: OfflineKeys,
  nowMs: number,
): number {
  let sinceMs = -Infinity
  for (const period of periods) {
    if (period.fromMs > nowMs && period !== periods[0]) break
    if (!isInPeriod(period, key)) sinceMs = Infinity
    else if (sinceMs === Infinity) sinceMs = period.fromMs
  }
  const inCachesMs = Math.max(sinceMs, newSinceMs.get(idOf(key.dnskey)) ?? -Infinity)
  return inCachesMs + longestTtlMs(periods) + marginMs
}

const longestTtlMs = (periods: readonly KeyPeriod[]): number =>
  Math.max(...periods.flatMap(({ sets }) => sets.map(({ ttlSeconds }) => ttlSeconds * 1000)))

function nextEvent(
  keys: readonly TimedKey[],
  { response: { periods }, newSinceMs }: OfflineKeys,
  nowMs: number,
): number | null {
  const settleMs = longestTtlMs(periods) + marginMs
  const ofKeys = keys.flatMap(({ times }) => [times.activateMs, times.inactiveMs, times.deleteMs])
  const ofPeriods = periods.flatMap(({ fromMs, validFromMs, validUntilMs }) => [
    fromMs,
    fromMs + settleMs,
    validFromMs,
    validUntilMs,
  ])
  const ofNews = Array.from(newSinceMs.values(), (ms) => ms + settleMs)
  const later = [...ofKeys, ...ofPeriods, ...ofNews].filter((ms) => ms !== null && ms > nowMs)
  return later.length === 0 ? null : Math.min(...(later as number[]))
}

export interface OfflineRefusal {
  readonly atMs: number
  readonly refused: RefusedKeys
  /** Another response mends it, and else time alone has brought it; false: a key is missing here. */
  readonly isByTime: boolean
}

/**
 * The first time from `nowMs` on at which the zone cannot be answered rightly, and why; that a later period cannot be used counts when it
 * begins. null: never, which no response comes to, since each ends.
 */
export function offlineRefusal(
  keys: readonly TimedKey[],
  { response: { periods } }: OfflineKeys,
  nowMs: number,
): OfflineRefusal | null {
  const start = Math.max(
    0,
    periods.findLastIndex(({ fromMs }) => fromMs <= nowMs),
  )
  for (const [i, period] of periods.entries()) {
    if (i < start) continue
    const beginsMs = i === start ? nowMs : period.fromMs
    const lacks = lacksSigner(keys, period)
    if (lacks !== null) return refusedFrom(beginsMs, lacks, false)
    if (beginsMs < period.validFromMs) {
      const from = keyTimeText(period.validFromMs)
      return refusedFrom(beginsMs, `the signatures of DNSKEY begin only ${from} (UTC)`)
    }
    if (period.validUntilMs < (periods[i + 1]?.fromMs ?? Infinity)) {
      const why = 'the signatures of DNSKEY end that the key has made which is kept offline'
      return refusedFrom(Math.max(nowMs, period.validUntilMs), why)
    }
  }
  return null
}

const refusedFrom = (atMs: number, why: string, isByTime = true): OfflineRefusal => ({
  atMs,
  refused: { kind: 'refused', code: 'key-response', why },
  isByTime,
})

/** What a key with flags 257 does in the period of `nowMs`. */
export function offlineStateAt(
  key: PublicKey,
  keys: readonly TimedKey[],
  { response }: OfflineKeys,
  nowMs: number,
): KeyState {
  if (isInPeriod(periodAt(keys, response, nowMs), key)) return 'active'
  const isLater = response.periods.some((one) => one.fromMs > nowMs && isInPeriod(one, key))
  return isLater ? 'hidden' : 'gone'
}

/** Every algorithm of DNSKEY needs a key here that signs the zone. */
function lacksSigner(keys: readonly TimedKey[], period: KeyPeriod): string | null {
  const present = keys.filter((key) => !isEntryPoint(key) && isInPeriod(period, key))
  const algorithms = new Set(dnskeysOf(period).map((dnskey) => dnskey[3] as number))
  const lacking = [...algorithms].find((one) => !present.some(({ algorithm }) => algorithm === one))
  return lacking === undefined
    ? null
    : `no key here with flags 256 and algorithm ${lacking} is in the DNSKEY set of line ${period.line}`
}

/** What the zone file asks for, and the response in force does not have: each a sentence. */
export function unansweredWishes(
  { signing }: Zone,
  keys: readonly TimedKey[],
  { response }: OfflineKeys,
  nowMs: number,
): readonly string[] {
  if (signing === null) return []
  const period = periodAt(keys, response, nowMs)
  const wishes: string[] = []
  const next = 'it takes a response to the next request'
  if (signing.foreignKeys.some((dnskey) => !isInPeriod(period, { dnskey })))
    wishes.push(`not every key of "foreign_keys" is in DNSKEY, which is signed offline: ${next}`)
  const cds = period.sets.find(({ type }) => type === RRType.CDS)
  const asksToDrop = cds?.rdatas.some((rdata) => Buffer.compare(rdata, deleteDs.cds) === 0) ?? false
  if (signing.isUnsigning && !asksToDrop)
    wishes.push(
      'CDS, which is signed offline, does not ask the parent to drop its DS: "keys sign --unsign" makes one that does',
    )
  if (period.sets.some(({ ttlSeconds }) => ttlSeconds !== signing.dnskeyTtl))
    wishes.push(`"dnskey_ttl" is another than that of DNSKEY, which is signed offline: ${next}`)
  return wishes
}
