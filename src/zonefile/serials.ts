// Serials for zones whose file gives none: they move when the file's content does, and only forward.
//
// RFC 1982: serials are a circle of 2³². The time in seconds is a serial that goes on moving forward over
// restarts without anything kept on disk; where edits came faster, or an operator gave one, it is the last + 1.

import type { Clock } from '../lib/clock.ts'

export interface SerialRound {
  /** `given`: the file's own, which wins. */
  serialOf(zone: string, contentHash: string, given?: number): number
  commit(): void
}

export interface SerialKeeper {
  /** A round counts only once it is committed: a rejected load moves no serial. */
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
        serialOf(zone, contentHash, given) {
          const serial = given ?? nextSerial(kept.get(zone), contentHash, clock.wallMs())
          next.set(zone, { serial, contentHash })
          return serial
        },
        commit() {
          // Zones that went are remembered for as long as they may come back in a later load of this process.
          kept = new Map([...kept, ...next].slice(-rememberedLimit))
        },
      }
    },
  }
}

const rememberedLimit = 20_000

function nextSerial(before: Kept | undefined, contentHash: string, wallMs: number): number {
  const now = Math.floor(wallMs / 1000) >>> 0
  if (!before) return now
  if (before.contentHash === contentHash) return before.serial
  return isAfter(now, before.serial) ? now : (before.serial + 1) >>> 0
}

/** Whether `a` follows `b` on the circle (RFC 1982 §3.2). */
export function isAfter(a: number, b: number): boolean {
  const distance = (a - b) >>> 0
  return distance > 0 && distance < 0x8000_0000
}
