// The times of roll-overs (RFC 6781 §4.1), as far as they are known: T0 Publish, T1 the DS is due, T2 it was seen at every name
// server of the parent, T3 the change, T4 the end.
//
// |           | csk, ksk                      | zsk                           | algorithm                                 |
// |-----------|-------------------------------|-------------------------------|-------------------------------------------|
// | first     |                               |                               | Activate, a copy from now                 |
// | T0        | Publish, a copy from now      | Publish, a copy from now      | Publish, the longest TTL after Activate   |
// | T1        | T0 + DNSKEY TTL: Sync of both |                               | as csk                                    |
// | T2        | DSPublish                     |                               | as csk                                    |
// | T3        | T2 + DS TTL: Activate new,    | T0 + DNSKEY TTL: Activate new,| T2 + DS TTL: Delete old                   |
// |           | Inactive old                  | Inactive old                  |                                           |
// | T4        | T3 + longest TTL: Delete old  | T3 + longest TTL: Delete old  | T3 + DNSKEY TTL: Inactive old             |
//
// A margin is added to each TTL. No time is set so early that the files could not be copied to every instance before.

import type { Algorithm } from '../algorithms.ts'
import type { KeyFlags } from '../dnskey.ts'
import { isEntryPoint, type KeyTimes, noTimes, type TimedKey } from '../key-set.ts'
import { refusedRollover, type Rollover, type RolloverRefused } from './standing.ts'

/** All in milliseconds. Of the TTLs, how much later secondaries follow is a part. */
export interface RolloverWaits {
  readonly dnskeyTtlMs: number
  /** The longest of any set in the zone, DNSKEY included. */
  readonly longestTtlMs: number
  /** For caches that keep records a little longer, and clocks that differ. */
  readonly marginMs: number
  /** In which files are copied to every instance. */
  readonly copyMs: number
  /** Whether times that are set already may become earlier. */
  readonly canShorten: boolean
}

export interface NewKey {
  readonly algorithm: Algorithm
  readonly flags: KeyFlags
  readonly times: KeyTimes
}

/** Keys whose times are to be others. What makes a key come stands before what makes one go: so they are written. */
export interface Change<Key extends TimedKey> {
  readonly key: Key
  readonly times: KeyTimes
}

/** What is to be written. */
export interface Plan<Key extends TimedKey> {
  readonly created: readonly NewKey[]
  readonly changed: readonly Change<Key>[]
}

/** What is to be rolled; null: all that has to be, of the algorithm that there is. */
export interface RolloverWanted {
  readonly part: 'ksk' | 'zsk' | null
  readonly algorithm: Algorithm | null
}

/** A roll-over of keys that stand and are settled. */
export function beginRollover<Key extends TimedKey>(
  keys: readonly Key[],
  { part, algorithm }: RolloverWanted,
  waits: RolloverWaits,
  nowMs: number,
): Plan<Key> | RolloverRefused {
  const other = algorithm !== null && keys.some((key) => key.algorithm !== algorithm)
  if (other && part !== null) {
    const why = 'another algorithm replaces all keys: leave out --ksk and --zsk'
    return refusedRollover('rollover-wrong-kind', why)
  }
  if (other) return beginAlgorithm(keys, algorithm, waits, nowMs)
  const isSplit = keys.some((key) => !isEntryPoint(key))
  if (isSplit && part === null) {
    const why = 'the zone has keys of two kinds: give --ksk or --zsk'
    return refusedRollover('rollover-wrong-kind', why)
  }
  if (!isSplit && part !== null) {
    const why = 'one key signs all of the zone: leave out --ksk and --zsk'
    return refusedRollover('rollover-wrong-kind', why)
  }
  const outgoing = keys.filter((key) => isEntryPoint(key) === (part !== 'zsk'))
  const first = outgoing[0] as Key
  const publishMs = nowMs + waits.copyMs
  const times = { ...noTimes, createdMs: nowMs, publishMs }
  const created = { algorithm: first.algorithm, flags: first.flags, times }
  const dueMs = publishMs + waits.dnskeyTtlMs + waits.marginMs
  if (part !== 'zsk') {
    const entry = { ...created, times: { ...times, syncPublishMs: dueMs } }
    return { created: [entry], changed: withoutSync(outgoing, dueMs) }
  }
  const signing = { ...created, times: { ...times, activateMs: dueMs } }
  return { created: [signing], changed: sendAway(outgoing, dueMs, dueMs + longest(waits)) }
}

const longest = ({ longestTtlMs, marginMs }: RolloverWaits): number => longestTtlMs + marginMs

function beginAlgorithm<Key extends TimedKey>(
  keys: readonly Key[],
  algorithm: Algorithm,
  waits: RolloverWaits,
  nowMs: number,
): Plan<Key> {
  const activateMs = nowMs + waits.copyMs
  const publishMs = activateMs + longest(waits)
  const dueMs = publishMs + waits.dnskeyTtlMs + waits.marginMs
  const roles = new Set(keys.map(({ flags }) => flags).sort((a, b) => b - a))
  const created = Array.from(roles, (flags) => {
    const times = { ...noTimes, createdMs: nowMs, activateMs, publishMs }
    const syncPublishMs = flags === 257 ? dueMs : null
    return { algorithm, flags, times: { ...times, syncPublishMs } }
  })
  return { created, changed: withoutSync(keys, dueMs) }
}

/** The CDS of the old keys ends when those of the new begin, where there are any. */
const withoutSync = <Key extends TimedKey>(keys: readonly Key[], atMs: number): Change<Key>[] =>
  keys
    .filter(({ times }) => times.syncPublishMs !== null && times.syncDeleteMs === null)
    .map((key) => ({ key, times: { ...key.times, syncDeleteMs: atMs } }))

const sendAway = <Key extends TimedKey>(
  keys: readonly Key[],
  inactiveMs: number,
  deleteMs: number,
): Change<Key>[] => keys.map((key) => ({ key, times: { ...key.times, inactiveMs, deleteMs } }))

/** When the DS of the keys that come is due at the parent: at the time that is set, or may be. -Infinity: it has no part. */
export function parentDueAt<Key extends TimedKey>(
  roll: Rollover<Key>,
  waits: RolloverWaits,
): number {
  const entries = roll.incoming.filter(isEntryPoint)
  return Math.max(...entries.map(({ times }) => times.syncPublishMs ?? dueAt(roll, waits)))
}

/** When the DS of the keys that come may be put into the parent: every cache that has DNSKEY has them. */
function dueAt<Key extends TimedKey>(
  { incoming }: Rollover<Key>,
  { dnskeyTtlMs, marginMs }: RolloverWaits,
): number {
  return Math.max(...incoming.map(({ times }) => times.publishMs ?? 0)) + dnskeyTtlMs + marginMs
}

/**
 * What is missing before the parent has its part, such as in a roll-over that was begun by hand; and with shorter waits than it was
 * begun with, what can be earlier. Without changes there is nothing to write.
 */
export function prepareRollover<Key extends TimedKey>(
  roll: Rollover<Key>,
  waits: RolloverWaits,
  nowMs: number,
): readonly Change<Key>[] {
  const soonestMs = Math.max(dueAt(roll, waits), nowMs + waits.copyMs)
  if (roll.kind === 'zsk') return switchSigners(roll, waits, nowMs, soonestMs)
  const entries = roll.incoming.filter(isEntryPoint)
  const dues = entries.flatMap(({ times }) => times.syncPublishMs ?? [])
  const setMs = dues.length < entries.length ? Infinity : Math.min(...dues)
  const dueMs = soonerOf(setMs, soonestMs, waits)
  const come = entries
    .filter(({ times }) => times.syncPublishMs !== dueMs || times.syncDeleteMs !== null)
    .map((key) => ({
      key,
      times: { ...key.times, syncPublishMs: dueMs, syncDeleteMs: null },
    }))
  const open = roll.outgoing.filter(({ times }) => times.inactiveMs === null)
  const late = open.filter(({ times }) => (times.syncDeleteMs ?? 0) > dueMs)
  const go = late.map((key) => ({ key, times: { ...key.times, syncDeleteMs: dueMs } }))
  return [...come, ...go, ...withoutSync(open, dueMs)]
}

/** The last times, once the parent has the new DS at every name server and not the old one. `seenMs`: since when. */
export function completeRollover<Key extends TimedKey>(
  roll: Rollover<Key>,
  { seenMs, dsTtlMs }: { readonly seenMs: number; readonly dsTtlMs: number },
  waits: RolloverWaits,
  nowMs: number,
): readonly Change<Key>[] {
  const outOfCachesMs = Math.max(seenMs + dsTtlMs + waits.marginMs, dueAt(roll, waits))
  const soonestMs = Math.max(outOfCachesMs, nowMs + waits.copyMs)
  const marked = ({ key, times }: Change<Key>): Change<Key> =>
    roll.incoming.includes(key) && isEntryPoint(key)
      ? { key, times: { ...times, dsPublishMs: seenMs } }
      : { key, times }
  if (roll.kind !== 'algorithm') return switchSigners(roll, waits, nowMs, soonestMs).map(marked)
  const deletes = roll.outgoing.map(({ times }) => times.deleteMs ?? Infinity)
  const deleteMs = soonerOf(Math.min(...deletes), soonestMs, waits)
  const inactiveMs = deleteMs + waits.dnskeyTtlMs + waits.marginMs
  return [
    ...roll.incoming.map((key) => marked({ key, times: key.times })),
    ...sendAway(roll.outgoing, inactiveMs, deleteMs),
  ]
}

/**
 * A time that was set stays, since instances may go by it, or becomes an earlier one that every instance learns in time. Infinity:
 * none was set.
 */
const soonerOf = (setMs: number, soonestMs: number, { canShorten }: RolloverWaits): number =>
  setMs === Infinity || canShorten ? Math.min(setMs, soonestMs) : setMs

const earliest = (times: readonly (number | null)[]): number =>
  Math.min(...times.map((ms) => ms ?? Infinity))

/** At one time the keys that come sign, and the others no longer do. */
function switchSigners<Key extends TimedKey>(
  { incoming, outgoing }: Rollover<Key>,
  waits: RolloverWaits,
  nowMs: number,
  soonestMs: number,
): readonly Change<Key>[] {
  const copiedMs = nowMs + waits.copyMs
  const switchMs = soonerOf(
    earliest(incoming.map(({ times }) => times.activateMs)),
    soonestMs,
    waits,
  )
  // Where a roll-over by hand has made the new key active already, the old one still has to be told of.
  const setMs = earliest(outgoing.map(({ times }) => times.inactiveMs))
  const inactiveMs = soonerOf(setMs, Math.max(switchMs, copiedMs), waits)
  const endMs = earliest(outgoing.map(({ times }) => times.deleteMs))
  const deleteMs = soonerOf(endMs, Math.max(inactiveMs + longest(waits), copiedMs), waits)
  return [
    ...incoming.map((key) => ({ key, times: { ...key.times, activateMs: switchMs } })),
    ...sendAway(outgoing, inactiveMs, deleteMs),
  ]
}
