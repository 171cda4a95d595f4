// The end of a roll-over that its operator does not want. It is safe while no resolver can have a DS of the new key: what the parent
// has can be asked for, but a parent that was told to change may do so later, and change back unseen. So the request is taken back
// first, and the key leaves when a day and the TTL of the DS have passed without one at the parent.

import { isEntryPoint, type TimedKey } from '../key-set.ts'
import { type Change, type RolloverWaits } from './plan.ts'
import { refusedRollover, type Rollover, type RolloverRefused } from './standing.ts'

/** For how long a parent may take to act on what it read or was told, and to change back. */
export const settleMs = 86_400_000

export type Abort<Key extends TimedKey> =
  /** The last changes: the keys leave by themselves. */
  | { readonly kind: 'aborted'; readonly changed: readonly Change<Key>[] }
  /** To be aborted again at `untilMs`. */
  | {
      readonly kind: 'settling'
      readonly changed: readonly Change<Key>[]
      readonly untilMs: number
    }
  | RolloverRefused

/** What is known of the parent. */
export interface ParentSeen {
  /** Whether any of its name servers has the DS of a new key; null: it could not be asked, or not wholly. */
  readonly hasNewDs: boolean | null
  readonly dsTtlMs: number
}

export function abortRollover<Key extends TimedKey>(
  roll: Rollover<Key>,
  parent: ParentSeen,
  waits: RolloverWaits,
  nowMs: number,
): Abort<Key> {
  const copiedMs = nowMs + waits.copyMs
  if (roll.kind === 'zsk') {
    const isLate = roll.incoming.some(({ times }) => (times.activateMs ?? Infinity) <= copiedMs)
    return isLate
      ? refusedRollover(
          'rollover-too-late',
          'the new key signs before every instance could be told',
        )
      : { kind: 'aborted', changed: undo(roll, waits, nowMs) }
  }
  const entries = roll.incoming.filter(isEntryPoint)
  const told = entries.filter(({ times }) => (times.syncPublishMs ?? Infinity) <= copiedMs)
  const wasSeen = entries.some(({ times }) => times.dsPublishMs !== null)
  if (wasSeen || (parent.hasNewDs === true && told.length === 0)) {
    const why = 'the parent has the DS of the new key: let the roll-over end, then begin one back'
    return refusedRollover('rollover-at-parent', why)
  }
  const isHidden = entries.every(({ times }) => (times.publishMs ?? 0) > copiedMs)
  if (parent.hasNewDs === null && !isHidden) {
    const why = 'the parent may have the DS of the new key, and could not be asked'
    return refusedRollover('rollover-at-parent', why)
  }
  if (told.length === 0) return { kind: 'aborted', changed: undo(roll, waits, nowMs) }
  const waitMs = waits.copyMs + settleMs + parent.dsTtlMs + waits.marginMs
  const backMs = Math.max(...told.map(({ times }) => times.syncDeleteMs ?? Infinity))
  if (parent.hasNewDs === true || backMs === Infinity) {
    const { changed, syncDeleteMs } = takeBack(roll, nowMs)
    return { kind: 'settling', changed, untilMs: syncDeleteMs + waitMs }
  }
  return nowMs < backMs + waitMs
    ? { kind: 'settling', changed: [], untilMs: backMs + waitMs }
    : // A cache may have the DS of the new key from a moment ago, if the parent took longer than its day.
      { kind: 'aborted', changed: undo(roll, waits, nowMs, parent.dsTtlMs) }
}

/** CDS and CDNSKEY name the old keys again. */
function takeBack<Key extends TimedKey>(
  { incoming, outgoing }: Rollover<Key>,
  nowMs: number,
): { readonly changed: readonly Change<Key>[]; readonly syncDeleteMs: number } {
  const entries = incoming.filter(isEntryPoint)
  const begins = entries.map(({ times }) => (times.syncPublishMs ?? nowMs) + 1000)
  const syncDeleteMs = Math.max(nowMs, ...begins)
  const stay = outgoing.map((key) => ({ key, times: { ...key.times, syncDeleteMs: null } }))
  const go = entries.map((key) => ({ key, times: { ...key.times, syncDeleteMs } }))
  return { syncDeleteMs, changed: [...stay, ...go] }
}

/** `stayMs`: for how long the keys are in DNSKEY yet, once the files are copied. */
function undo<Key extends TimedKey>(
  { kind, incoming, outgoing }: Rollover<Key>,
  waits: RolloverWaits,
  nowMs: number,
  stayMs = 0,
): readonly Change<Key>[] {
  const copiedMs = nowMs + waits.copyMs
  const stay = { inactiveMs: null, deleteMs: null, syncDeleteMs: null }
  return [
    ...outgoing.map((key) => ({ key, times: { ...key.times, ...stay } })),
    ...incoming.map((key) => {
      const times = { ...key.times, syncPublishMs: null, syncDeleteMs: null }
      const publishMs = times.publishMs ?? 0
      // No instance has it in DNSKEY before it has these times.
      if (publishMs > copiedMs)
        return { key, times: { ...times, publishMs: null, activateMs: null, deleteMs: copiedMs } }
      const deleteMs = Math.max(copiedMs + stayMs, publishMs + 1000)
      if (kind !== 'algorithm') return { key, times: { ...times, activateMs: null, deleteMs } }
      // Caches that have its DNSKEY want its signatures.
      const inactiveMs = deleteMs + waits.dnskeyTtlMs + waits.marginMs
      return { key, times: { ...times, inactiveMs, deleteMs } }
    }),
  ]
}
