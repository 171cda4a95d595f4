// What each key of a zone does at a time: pure, so that every instance that has the same files and the right time does
// the same.
//
// | state     | when                      | in DNSKEY | signs DNSKEY (257) | signs data |
// |-----------|---------------------------|-----------|--------------------|------------|
// | hidden    | now < Publish             | –         | –                  | –          |
// | published | Publish ≤ now < Activate  | yes       | yes                | –          |
// | active    | Activate ≤ now < Inactive | yes       | yes                | yes        |
// | retired   | Inactive ≤ now < Delete   | yes       | yes                | –          |
// | gone      | Delete ≤ now              | –         | –                  | –          |
//
// Where an algorithm has an active key of 256, its keys of 257 sign DNSKEY alone; otherwise they sign all.
//
// A change of algorithm needs signatures of the new one before its key is in DNSKEY, and of the old one after its key has
// left it (RFC 6781 §4.1.4). So a key whose algorithm is not in DNSKEY signs data from Activate to Inactive, hidden or
// gone as it may be.
//
// Every set has to be signed with every algorithm of DNSKEY (RFC 4035 §2.2). Keys that cannot do that are refused.

import type { Algorithm } from './algorithms.ts'
import type { KeyFlags } from './dnskey.ts'

/** When a key changes its state, in milliseconds since 1970; null: never. The fields of BIND's key files. */
export interface KeyTimes {
  readonly createdMs: number | null
  /** null with an `activateMs`: since ever, as in BIND. */
  readonly publishMs: number | null
  readonly activateMs: number | null
  readonly inactiveMs: number | null
  readonly deleteMs: number | null
  readonly syncPublishMs: number | null
  readonly syncDeleteMs: number | null
  /** When every name server of the parent was seen with the DS of the key. It changes nothing of what the key does. */
  readonly dsPublishMs: number | null
  /**
   * No time but seconds: the longest TTL of any DS that the parent was seen with since the key was made, or the zone was to become
   * unsigned.
   */
  readonly dsTtlSeconds: number | null
}

/** No time is set. */
export const noTimes: KeyTimes = {
  createdMs: null,
  publishMs: null,
  activateMs: null,
  inactiveMs: null,
  deleteMs: null,
  syncPublishMs: null,
  syncDeleteMs: null,
  dsPublishMs: null,
  dsTtlSeconds: null,
}

export type KeyState = 'hidden' | 'published' | 'active' | 'retired' | 'gone'

/** What of a key decides what it does. */
export interface TimedKey {
  readonly algorithm: Algorithm
  readonly flags: KeyFlags
  readonly tag: number
  /** DNSKEY rdata. */
  readonly dnskey: Uint8Array
  readonly times: KeyTimes
}

/** The keys of a zone at a time, each list in the order of algorithm, flags and tag. */
export interface KeyRoles<Key extends TimedKey> {
  readonly kind: 'roles'
  /** Those of the DNSKEY set. */
  readonly published: readonly Key[]
  /** Those that sign the DNSKEY set. */
  readonly keySigners: readonly Key[]
  /** Those that sign every other set. */
  readonly dataSigners: readonly Key[]
  /** Those with flags 257 that the parent is to name: of which there are CDS and CDNSKEY (RFC 7344 §3). */
  readonly synced: readonly Key[]
  /** When any of these lists changes next, in milliseconds since 1970; null: never. */
  readonly nextEventMs: number | null
}

/** `why` is for people. */
export interface RefusedKeys {
  readonly kind: 'refused'
  readonly code: 'dnssec-no-key' | 'key-algorithm-gap' | 'key-response'
  readonly why: string
}

export function keyStateAt({ times }: { readonly times: KeyTimes }, nowMs: number): KeyState {
  const { publishMs, activateMs, inactiveMs, deleteMs } = times
  const publishedMs = publishMs ?? (activateMs === null ? Infinity : -Infinity)
  if (nowMs >= (deleteMs ?? Infinity)) return 'gone'
  if (nowMs < publishedMs) return 'hidden'
  if (nowMs >= (inactiveMs ?? Infinity)) return 'retired'
  return nowMs >= (activateMs ?? Infinity) ? 'active' : 'published'
}

/** The state of a key, since when, and what comes next; null: it was always so, or nothing comes. */
export interface KeyPhase {
  readonly state: KeyState
  readonly sinceMs: number | null
  readonly next: { readonly state: KeyState; readonly atMs: number } | null
}

export function keyPhaseAt(key: TimedKey, nowMs: number): KeyPhase {
  const state = keyStateAt(key, nowMs)
  let sinceMs: number | null = null
  let before = keyStateAt(key, -Infinity)
  for (const atMs of eventsOf([key])) {
    const after = keyStateAt(key, atMs)
    if (after === before) continue
    if (atMs > nowMs) return { state, sinceMs, next: { state: after, atMs } }
    sinceMs = atMs
    before = after
  }
  return { state, sinceMs, next: null }
}

export const isInDnskey = (key: TimedKey, nowMs: number): boolean =>
  ['published', 'active', 'retired'].includes(keyStateAt(key, nowMs))

/** Whether a key that is not in DNSKEY signs, if its algorithm needs it. */
function signsUnseen({ times }: TimedKey, nowMs: number): boolean {
  const { activateMs, inactiveMs, deleteMs } = times
  const hasLeft = nowMs >= (deleteMs ?? Infinity)
  // Without Inactive a key that is gone was not meant to go on signing.
  const untilMs = inactiveMs ?? (hasLeft ? -Infinity : Infinity)
  return nowMs >= (activateMs ?? Infinity) && nowMs < untilMs
}

/** Whether the parent is to name a key with flags 257 that is in DNSKEY. */
export const isSyncedAt = (
  { times: { syncPublishMs, syncDeleteMs } }: TimedKey,
  nowMs: number,
): boolean => nowMs >= (syncPublishMs ?? Infinity) && nowMs < (syncDeleteMs ?? Infinity)

/** When an answer changes next because of keys, CDS and CDNSKEY included. */
function nextChange(keys: readonly TimedKey[], nowMs: number): number | null {
  const syncs = keys.flatMap(({ times }) => [times.syncPublishMs, times.syncDeleteMs])
  const later = [...eventsOf(keys), ...syncs].filter((ms) => ms !== null && ms > nowMs) as number[]
  return later.length === 0 ? null : Math.min(...later)
}

/** What the keys of one zone do at a time. */
export function keyRolesAt<Key extends TimedKey>(
  keys: readonly Key[],
  nowMs: number,
): KeyRoles<Key> | RefusedKeys {
  const sorted = keys.toSorted(
    (a, b) => a.algorithm - b.algorithm || b.flags - a.flags || a.tag - b.tag,
  )
  const published = sorted.filter((key) => isInDnskey(key, nowMs))
  const active = sorted.filter((key) => keyStateAt(key, nowMs) === 'active')
  if (!active.some(isEntryPoint)) return refused('dnssec-no-key', 'no key with flags 257 is active')
  const gap = algorithmGap(published, active)
  if (gap !== null) return refused('key-algorithm-gap', gap)
  const inDnskey = new Set(published.map(({ algorithm }) => algorithm))
  const signing = sorted.filter((key) =>
    inDnskey.has(key.algorithm) ? active.includes(key) : signsUnseen(key, nowMs),
  )
  return {
    kind: 'roles',
    published,
    keySigners: published.filter(isEntryPoint),
    dataSigners: dataSignersOf(signing),
    synced: published.filter((key) => isEntryPoint(key) && isSyncedAt(key, nowMs)),
    nextEventMs: nextChange(keys, nowMs),
  }
}

const refused = (code: RefusedKeys['code'], why: string): RefusedKeys => ({
  kind: 'refused',
  code,
  why,
})

/** Whether a DS of the parent names the key: the SEP flag (RFC 4034 §2.1.1). */
export const isEntryPoint = ({ flags }: Pick<TimedKey, 'flags'>): boolean => flags === 257

/** Those that a DS is to name: the DS of a key that is retired or gone is one that the parent should not have any more. */
export const keysForParent = <Key extends TimedKey>(
  keys: readonly Key[],
  nowMs: number,
): readonly Key[] =>
  keys.filter((key) => isEntryPoint(key) && !['retired', 'gone'].includes(keyStateAt(key, nowMs)))

function algorithmGap(published: readonly TimedKey[], active: readonly TimedKey[]): string | null {
  for (const { algorithm } of published) {
    const isOfIt = (key: TimedKey): boolean => key.algorithm === algorithm
    if (!published.some((key) => isOfIt(key) && isEntryPoint(key)))
      return `algorithm ${algorithm} is in DNSKEY, and no key of it with flags 257 signs DNSKEY`
    if (!active.some(isOfIt))
      return `algorithm ${algorithm} is in DNSKEY, and no key of it is active to sign the zone`
  }
  return null
}

/** Of each algorithm the keys of 256, or those of 257 where there are none. */
const dataSignersOf = <Key extends TimedKey>(signing: readonly Key[]): readonly Key[] =>
  signing.filter(
    (key) =>
      !isEntryPoint(key) ||
      !signing.some((other) => other.algorithm === key.algorithm && !isEntryPoint(other)),
  )

/**
 * What the keys do at a time that nobody prepared: where they would be refused, what they did before. They go on signing
 * so, since an answer without the signatures that the parent's DS asks for is worth nothing. null: they never did.
 */
export function keyRolesInForce<Key extends TimedKey>(
  keys: readonly Key[],
  nowMs: number,
): KeyRoles<Key> | null {
  const past = eventsOf(keys)
    .filter((ms) => ms <= nowMs)
    .toReversed()
  for (const atMs of [nowMs, ...past, -Infinity]) {
    const roles = keyRolesAt(keys, atMs)
    if (roles.kind === 'refused') continue
    return { ...roles, nextEventMs: nextChange(keys, nowMs) }
  }
  return null
}

/** The times at which keys change their state, ascending. */
const eventsOf = (keys: readonly TimedKey[]): readonly number[] =>
  keys
    .flatMap(({ times }) => [times.publishMs, times.activateMs, times.inactiveMs, times.deleteMs])
    .filter((ms) => ms !== null)
    .sort((a, b) => a - b)

/** The first time from `nowMs` on at which the keys will be refused if nobody does anything; null: never. */
export function firstRefusal(
  keys: readonly TimedKey[],
  nowMs: number,
): { readonly atMs: number; readonly refused: RefusedKeys } | null {
  for (const atMs of [nowMs, ...eventsOf(keys).filter((ms) => ms > nowMs)]) {
    const roles = keyRolesAt(keys, atMs)
    if (roles.kind === 'refused') return { atMs, refused: roles }
  }
  return null
}

/**
 * The first time from `nowMs` on at which the keys sign with none of an algorithm that DNSKEY has by keys of other signers;
 * null: never. Times at which the keys are refused anyway are left out.
 */
export function firstForeignGap(
  keys: readonly TimedKey[],
  foreign: readonly number[],
  nowMs: number,
): { readonly atMs: number; readonly algorithm: number } | null {
  for (const atMs of [nowMs, ...eventsOf(keys).filter((ms) => ms > nowMs)]) {
    const roles = keyRolesAt(keys, atMs)
    if (roles.kind === 'refused') continue
    const lacking = foreign.find(
      (one) => !roles.dataSigners.some(({ algorithm }) => algorithm === one),
    )
    if (lacking !== undefined) return { atMs, algorithm: lacking }
  }
  return null
}

/**
 * Keys of `before` that are missing in `after` although they are in DNSKEY, or sign: answers in caches and the DS of the
 * parent may still need them. A key leaves by its time Delete.
 */
export function vanishedKeys<Key extends TimedKey>(
  before: readonly Key[],
  after: readonly Pick<TimedKey, 'dnskey'>[],
  nowMs: number,
): readonly Key[] {
  const idOf = ({ dnskey }: Pick<TimedKey, 'dnskey'>): string =>
    Buffer.from(dnskey).toString('latin1')
  const present = new Set(after.map(idOf))
  return before.filter(
    (key) => !present.has(idOf(key)) && (isInDnskey(key, nowMs) || signsUnseen(key, nowMs)),
  )
}
