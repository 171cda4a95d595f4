// Which serial a zone has. It is of the content: what the zone contains has one serial, on every
// instance and after every restart, and what is changed has a greater one (RFC 1982). Health moves
// none.
//
//   soa.serial in the file      that one, as it is
//   content as before           the serial that it had; a greater one that the store has for it
//   other content               with a store: one more than the greatest of the zone, so that all
//                               instances choose the same. Alone: when the file was last changed,
//                               which is the same after a restart without memory; one more than
//                               before where that is not greater
//   nothing known of the zone   when the file was last changed
//   soa.serial_after            whatever is chosen is greater than that
//
// A signed zone answers a serial that also moves with time (signing-grid.ts). Whether it is signed, and how often it is
// signed anew, is part of its content: what is chosen for other content is as much greater as it takes for the serial that
// is answered not to go back.
//
// What is known: the serials of the load before or, at start, of the state file, and those in the
// store.

import { turnsAt } from './signing-grid.ts'

/** The serial of a zone, with the content that it stands for. */
export interface ZoneSerial {
  readonly serial: number
  /** Time between two turns of the serial that is answered, seconds; absent: that is `serial`. */
  readonly gridSeconds?: number | undefined
  /** Digest of what the zone contains, 16 base64url characters. */
  readonly digest: string
}

/** By name of the zone, without the final dot and in lower case. */
export type ZoneSerials = ReadonlyMap<string, ZoneSerial>

/** Whether serial `a` is greater than `b` in serial number arithmetic (RFC 1982 §3.2). */
export function isAfter(a: number, b: number): boolean {
  const distance = (a - b) >>> 0
  return distance > 0 && distance < 0x8000_0000
}

/** The greater of the two; `b` where they cannot be compared, half of the circle apart. */
export const laterOf = (a: number, b: number): number => (isAfter(a, b) ? a : b)

export const serialAfter = (serial: number): number => (serial + 1) >>> 0

/** What is known before zone files are read: plain data, since they are read in another thread. */
export interface KnownSerials {
  /** Those of this instance. */
  readonly own: ZoneSerials
  /** Those of all instances, as the store has them; null: this instance stands alone. */
  readonly shared: ZoneSerials | null
}

export const noSerials: KnownSerials = { own: new Map(), shared: null }

/** A zone that wants a serial. */
interface SerialRequest {
  readonly digest: string
  /** `soa.serial`. */
  readonly explicit?: number | undefined
  /** `soa.serial_after`. */
  readonly after?: number | undefined
  /** When its file was last changed, in milliseconds since 1970. */
  readonly changedMs: number
  /** As of `ZoneSerial`. */
  readonly gridSeconds?: number | undefined
}

/** A load in the making. Its serials count once the load is put in force. */
export interface SerialRound {
  assign(zone: string, request: SerialRequest): number
  /** The serials after this load; those of zones that were removed are kept, the last 20,000. */
  close(): ZoneSerials
}

const maxKept = 20_000

/** `wallMs`: now. */
export function beginSerials({ own, shared }: KnownSerials, wallMs: number): SerialRound {
  const next = new Map<string, ZoneSerial>()
  return {
    assign(zone, request) {
      const { digest, explicit, gridSeconds } = request
      const before = own.get(zone)
      const ahead = turnsOf(before?.gridSeconds, wallMs) - turnsOf(gridSeconds, wallMs)
      const floor = before && laterOf(before.serial, (before.serial + ahead) >>> 0)
      const known = { own: before, floor, shared: shared?.get(zone), isShared: shared !== null }
      const serial = explicit ?? chooseSerial(request, known, wallMs)
      // A serial that was set back by hand is served so; what comes after it is after all of them.
      const kept = explicit === undefined ? serial : laterOf(explicit, latest(known) ?? explicit)
      next.set(zone, { serial: kept, digest, ...(gridSeconds && { gridSeconds }) })
      return serial
    },
    close: () =>
      new Map([...[...own].filter(([zone]) => !next.has(zone)), ...next].slice(-maxKept)),
  }
}

const turnsOf = (gridSeconds: number | undefined, wallMs: number): number =>
  gridSeconds === undefined ? 0 : turnsAt(gridSeconds, Math.floor(wallMs / 1000))

interface KnownOfZone {
  readonly own: ZoneSerial | undefined
  /** Other content than `own` has a greater serial than this. */
  readonly floor: number | undefined
  readonly shared: ZoneSerial | undefined
  readonly isShared: boolean
}

function chooseSerial(request: SerialRequest, known: KnownOfZone, wallMs: number): number {
  const { digest, after } = request
  const { own, floor, shared, isShared } = known
  const isOurs = own?.digest === digest
  const least = isOurs ? own.serial : floor
  const isGreater = (serial: number): boolean => least === undefined || isAfter(serial, least)
  if (shared?.digest === digest && isGreater(shared.serial)) return shared.serial
  // Two instances may have chosen one serial for different contents.
  const isClash = shared !== undefined && shared.digest !== digest && shared.serial === own?.serial
  if (isOurs && !isClash) return own.serial
  const changed = serialOfTime(request, wallMs)
  const last = latest(known)
  if (last === undefined) return changed
  // The order of serials is not transitive: compared with each.
  const isTimeGreater = isGreater(changed) && (!shared || isAfter(changed, shared.serial))
  const next = isTimeGreater && !isShared ? changed : serialAfter(last)
  const isTooLow = after !== undefined && !isAfter(next, after)
  return isTooLow && isTimeGreater ? changed : next
}

const latest = ({ floor, shared }: KnownOfZone): number | undefined =>
  floor !== undefined && shared ? laterOf(floor, shared.serial) : (floor ?? shared?.serial)

/** Files that say that they are older come from archives without times: 2020-01-01. */
const earliestSeconds = 1_577_836_800
/** From where the seconds after `soa.serial_after` are counted: 2025-01-01. */
const epochSeconds = 1_735_689_600

/**
 * The time of the last change in seconds, or now where the file has no time that can be; as many
 * seconds after `after` where that is not less.
 */
function serialOfTime({ changedMs, after }: SerialRequest, wallMs: number): number {
  const now = Math.floor(wallMs / 1000)
  const changed = Math.floor(changedMs / 1000)
  const seconds = changed >= earliestSeconds && changed <= now ? changed : now
  if (after === undefined || isAfter(seconds >>> 0, after)) return seconds >>> 0
  return (after + 1 + Math.max(0, seconds - epochSeconds)) >>> 0
}
