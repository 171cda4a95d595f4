// SOA serials of zones whose file gives none: they change when the file's content changes, and only
// increase (RFC 1982).
//
// The serial is the time in Unix seconds, so that it increases over restarts without being stored;
// where that is not greater than the last serial, it is the last serial + 1.

import type { Clock } from '../lib/clock.ts'

export interface SerialRound {
  /** `explicit`: the serial in the zone file, which is used as it is. */
  assignSerial(zone: string, contentHash: string, explicit?: number): number
  commit(): void
}

export interface SerialKeeper {
  /**
   * Starts a load. Its serials count only once it is committed, so that a rejected load changes
   * none.
   */
  begin(): SerialRound
}

interface Kept {
  readonly serial: number
  readonly contentHash: string
}

export function createSerialKeeper(clock: Pick<Clock, 'wallMs'>): SerialKeeper {
  let kept: ReadonlyMap<string, Kept> = new Map()
  return {
    begin() {
      const next = new Map<string, Kept>()
      return {
        assignSerial(zone, contentHash, explicit) {
          const serial = explicit ?? nextSerial(kept.get(zone), contentHash, clock.wallMs())
          next.set(zone, { serial, contentHash })
          return serial
        },
        commit() {
          // Zones that were removed are kept too, since a later load may bring them back.
          kept = new Map([...kept, ...next].slice(-maxKept))
        },
      }
    },
  }
}

const maxKept = 20_000

function nextSerial(before: Kept | undefined, contentHash: string, wallMs: number): number {
  const now = Math.floor(wallMs / 1000) >>> 0
  if (!before) return now
  if (before.contentHash === contentHash) return before.serial
  return isAfter(now, before.serial) ? now : (before.serial + 1) >>> 0
}

/** Whether serial `a` is greater than `b` in serial number arithmetic (RFC 1982 §3.2). */
export function isAfter(a: number, b: number): boolean {
  const distance = (a - b) >>> 0
  return distance > 0 && distance < 0x8000_0000
}
