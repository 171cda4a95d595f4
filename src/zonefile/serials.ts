// SOA serials of zones whose file gives none: they change when the file's content changes, and only
// increase (RFC 1982).
//
// The serial is the time in Unix seconds, so that it increases over restarts without being stored;
// where that is not greater than the last serial, it is the last serial + 1.

/** The last serial of each zone: plain data, since zone files are read in a thread of their own. */
export type Serials = ReadonlyMap<string, KeptSerial>

interface KeptSerial {
  readonly serial: number
  readonly contentHash: string
}

/** A load in the making. Its serials count once the load is put in force. */
export interface SerialRound {
  /** `explicit`: the serial in the zone file, which is used as it is. */
  assignSerial(zone: string, contentHash: string, explicit?: number): number
  /** The serials after this load. */
  close(): Serials
}

const maxKept = 20_000

export function beginSerials(kept: Serials, wallMs: number): SerialRound {
  const next = new Map<string, KeptSerial>()
  return {
    assignSerial(zone, contentHash, explicit) {
      const serial = explicit ?? nextSerial(kept.get(zone), contentHash, wallMs)
      next.set(zone, { serial, contentHash })
      return serial
    },
    // Zones that were removed are kept too, since a later load may bring them back.
    close: () => new Map([...kept, ...next].slice(-maxKept)),
  }
}

function nextSerial(before: KeptSerial | undefined, contentHash: string, wallMs: number): number {
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
