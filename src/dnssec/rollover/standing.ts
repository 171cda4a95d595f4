// Where the keys of a zone stand between two roll-overs, from their times alone: no other state is kept, so that a
// roll-over can be begun by hand and gone on with by command, or be left half written.
//
// | of the keys that are not over           | it is                                                    |
// |-----------------------------------------|----------------------------------------------------------|
// | all stand, none comes or leaves         | settled                                                  |
// | one comes, others stand                 | a roll-over whose last times are not set                 |
// | one comes or has come, the others leave | one whose times are all set: it ends by itself           |
// | some leave, none came                   | the end of one, or one that was aborted                  |

import { isEntryPoint, keyStateAt, type TimedKey } from '../key-set.ts'

export type RolloverKind = 'csk' | 'ksk' | 'zsk' | 'algorithm'

/** A roll-over whose last times are not set. */
export interface Rollover<Key extends TimedKey> {
  readonly kind: RolloverKind
  /** Of an algorithm all keys that it has, else those of the kind; at least one each. */
  readonly outgoing: readonly Key[]
  readonly incoming: readonly Key[]
}

/** Codes are stable; `why` is for people. */
export interface RolloverRefused {
  readonly kind: 'refused'
  readonly code: RolloverRefusal
  readonly why: string
}

export type RolloverRefusal =
  | 'rollover-unclear'
  | 'rollover-none'
  | 'rollover-under-way'
  | 'rollover-wrong-kind'
  | 'rollover-at-parent'
  | 'rollover-too-late'
  | 'rollover-offline'

export const refusedRollover = (code: RolloverRefusal, why: string): RolloverRefused => ({
  kind: 'refused',
  code,
  why,
})

export type Standing<Key extends TimedKey> =
  | { readonly kind: 'settled'; readonly keys: readonly Key[] }
  | { readonly kind: 'rolling'; readonly roll: Rollover<Key> }
  | {
      readonly kind: 'finishing'
      /** null: none came, so that its leaving is all there is. */
      readonly roll: Rollover<Key> | null
      /** When the last key that leaves does nothing any more, milliseconds since 1970. */
      readonly untilMs: number
    }
  | RolloverRefused

/** Whether the key does nothing, and will not again. */
const isOver = (key: TimedKey, nowMs: number): boolean =>
  keyStateAt(key, nowMs) === 'gone' && nowMs >= (key.times.inactiveMs ?? -Infinity)

/** A key whose end is planned. */
const isLeaving = ({ times: { inactiveMs, deleteMs } }: TimedKey): boolean =>
  inactiveMs !== null || deleteMs !== null

/** Neither published nor active, now or later: it takes no part. */
const isIdle = ({ times: { publishMs, activateMs } }: TimedKey): boolean =>
  publishMs === null && activateMs === null

const endOf = ({ times: { inactiveMs, deleteMs } }: TimedKey): number =>
  Math.max(inactiveMs ?? 0, deleteMs ?? Infinity)

/** `isOffline`: the keys with flags 257 are kept elsewhere, and stand. */
export function standingAt<Key extends TimedKey>(
  keys: readonly Key[],
  nowMs: number,
  isOffline = false,
): Standing<Key> {
  const present = keys.filter((key) => !isOver(key, nowMs) && !isIdle(key))
  const staying = present.filter((key) => !isLeaving(key))
  const leaving = present.filter(isLeaving)
  if (!isOffline && !staying.some(isEntryPoint))
    return refusedRollover('rollover-unclear', 'no key with flags 257 is there to stay')
  const roll = findRollover(staying, leaving)
  if (roll !== null && 'code' in roll) return roll
  if (leaving.length > 0) {
    const untilMs = Math.max(...leaving.map(endOf))
    if (untilMs === Infinity)
      return refusedRollover('rollover-unclear', 'a key has a time Inactive, and none Delete')
    // A roll-over beside keys that leave: theirs, unless it still has keys to send away.
    if (roll === null || roll.outgoing.every(isLeaving)) return { kind: 'finishing', roll, untilMs }
  }
  return roll === null ? { kind: 'settled', keys: staying } : { kind: 'rolling', roll }
}

function findRollover<Key extends TimedKey>(
  staying: readonly Key[],
  leaving: readonly Key[],
): Rollover<Key> | RolloverRefused | null {
  const numbers = [...new Set([...staying, ...leaving].map(({ algorithm }) => algorithm))]
  if (numbers.length > 1) return algorithmRollover(staying, leaving)
  const rolls = [257, 256].flatMap((flags) => {
    const isOfIt = (key: Key): boolean => key.flags === flags
    const found = sameAlgorithm(staying.filter(isOfIt), leaving.filter(isOfIt))
    return found === null ? [] : [found]
  })
  const [first = null, second] = rolls
  if (second !== undefined)
    return refusedRollover('rollover-unclear', 'keys of both kinds are being replaced at once')
  if (first === null || 'code' in first) return first
  const isSplit = [...staying, ...leaving].some((key) => !isEntryPoint(key))
  const entry = isSplit ? 'ksk' : 'csk'
  return { ...first, kind: first.incoming.some(isEntryPoint) ? entry : 'zsk' }
}

/** An algorithm that has keys which stay comes where it signs since later than the other, or where the other leaves. */
function algorithmRollover<Key extends TimedKey>(
  staying: readonly Key[],
  leaving: readonly Key[],
): Rollover<Key> | RolloverRefused | null {
  const unclear = refusedRollover(
    'rollover-unclear',
    'the zone has keys of two algorithms, and their times do not say which is to stay',
  )
  const stays = [...new Set(staying.map(({ algorithm }) => algorithm))]
  const [only] = stays
  if (stays.length === 1) {
    const outgoing = leaving.filter(({ algorithm }) => algorithm !== only)
    if (outgoing.length < leaving.length) return unclear
    // Keys that never were in caches with a DS leave by an abort.
    const signsSinceMs = activeSince(staying)
    const wasFirst = activeSince(outgoing) < signsSinceMs
    return wasFirst ? { kind: 'algorithm', outgoing, incoming: staying } : null
  }
  const [a, b] = stays.map((number) => staying.filter(({ algorithm }) => algorithm === number))
  if (stays.length > 2 || a === undefined || b === undefined) return unclear
  const [sinceA, sinceB] = [activeSince(a), activeSince(b)]
  if (sinceA === sinceB) return unclear
  const [outgoing, incoming] = sinceA < sinceB ? [a, b] : [b, a]
  // The last times of some are written, and those of the others are not yet.
  const sent = leaving.filter((key) => key.algorithm === outgoing[0]?.algorithm)
  return sent.length < leaving.length
    ? unclear
    : { kind: 'algorithm', outgoing: [...outgoing, ...sent], incoming }
}

const activeSince = (keys: readonly TimedKey[]): number =>
  Math.min(...keys.filter(isEntryPoint).map(({ times }) => times.activateMs ?? Infinity))

/** Keys of one algorithm and of the same flags. */
function sameAlgorithm<Key extends TimedKey>(
  staying: readonly Key[],
  leaving: readonly Key[],
): Omit<Rollover<Key>, 'kind'> | RolloverRefused | null {
  const coming = staying.filter(isComing)
  const lastMs = Math.max(...coming.map(comesAt))
  const incoming = coming.filter((key) => comesAt(key) === lastMs)
  const outgoing = [
    ...staying.filter((key) => !incoming.includes(key)),
    // Keys that never were to sign leave by an abort.
    ...leaving.filter(({ times }) => times.activateMs !== null),
  ]
  if (incoming.length > 1) {
    const tags = incoming.map(({ tag }) => tag).join(' and ')
    const why = `keys ${tags} are both to become active: set Delete of one`
    return refusedRollover('rollover-unclear', why)
  }
  if (incoming.length === 0 || outgoing.length === 0) return null
  return lastMs === Infinity && outgoing.every(isLeaving)
    ? refusedRollover('rollover-unclear', 'a key comes while the one before it leaves')
    : { incoming, outgoing }
}

/** Made beside another: it was published before it is active, or has yet to become so. A first key is both at once. */
const isComing = ({ times: { publishMs, activateMs } }: TimedKey): boolean =>
  publishMs !== null && (activateMs === null || activateMs > publishMs)

const comesAt = ({ times: { activateMs } }: TimedKey): number => activateMs ?? Infinity
