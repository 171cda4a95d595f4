// The points in time at which signatures of a zone are made anew, which its serial follows: secondaries ask for a zone
// again only when its serial has moved, and signatures end.
//
// A signed zone answers the serial of its content (zone-serials.ts) plus the count of grid points that have passed. So
// the serial moves with content and with time, each upwards; of two contents at one time the newer one has the greater
// serial on whatever instance; and all instances answer the same without telling each other of the time. The greater one
// of content and time would not do: serials by date, such as 2026112801, are greater than any time.

/** Signatures are made anew when so large a part of their validity has passed. */
const gridsPerValidity = 12

/** From where points are counted: 2025-01-01. */
const epochSeconds = 1_735_689_600

/** The time between two points, seconds. */
export const gridSecondsOf = (validitySeconds: number): number =>
  Math.floor(validitySeconds / gridsPerValidity)

/** The last point that has passed, seconds since the epoch. */
export const gridPointAt = (gridSeconds: number, nowSeconds: number): number =>
  epochSeconds + Math.floor((nowSeconds - epochSeconds) / gridSeconds) * gridSeconds

/** How many points have passed: what the serial is greater by. */
export const turnsAt = (gridSeconds: number, nowSeconds: number): number =>
  Math.max(0, Math.floor((nowSeconds - epochSeconds) / gridSeconds))

/** What decides whether the serial of a zone moves with time. */
interface Signing {
  readonly validitySeconds: number
  /** It is the one that the zone file gives, as it is. */
  readonly isSerialFixed: boolean
}

interface ZoneWithSerial {
  /** That of its content. */
  readonly serial: number
  /** null: the zone is not signed. */
  readonly signing: Signing | null
}

/** The serial that a zone answers. */
export function answeredSerial({ serial, signing }: ZoneWithSerial, nowSeconds: number): number {
  if (signing === null || signing.isSerialFixed) return serial
  return (serial + turnsAt(gridSecondsOf(signing.validitySeconds), nowSeconds)) >>> 0
}

/** When a serial of these zones moves next by itself, seconds since the epoch; Infinity: never. */
export function nextTurn(zones: Iterable<ZoneWithSerial>, nowSeconds: number): number {
  let next = Infinity
  for (const { signing } of zones) {
    if (signing === null || signing.isSerialFixed) continue
    const gridSeconds = gridSecondsOf(signing.validitySeconds)
    next = Math.min(next, gridPointAt(gridSeconds, nowSeconds) + gridSeconds)
  }
  return next
}
