// The health table: the health that answering workers read, in shared memory, so that a change of health copies no zone
// and sends no message. One writer (the control thread), any number of readers.
//
//   slot   one address as one probe profile sees it; slot 0 is always up, for pools without a probe
//   row    one member of one pool, as operators and warm-up set it; row 0 is as configured
//
// The weight of a member in a selection is configured × share of its row × factor of its slots (effective-weight.ts).
// Layout: Int32 [generation, slots, rows, beats], then one column each, Int32 or Float32: per slot state, factor, hold,
// fall time; per row standing, share, hold. A reader may see a row between two writes; each field by itself is never torn,
// and a selection from a mix of old and new health is as good as one made a moment earlier or later.

/** State of a slot. unknown: no verdict yet; eligible, after those known to be up. suspect: failing, not yet down. */
export const SlotState = { unknown: 0, up: 1, suspect: 2, down: 3 } as const
export type SlotState = (typeof SlotState)[keyof typeof SlotState]

/**
 * Administrative standing of a member. normal: the health of its addresses decides. forced: up regardless of health.
 * drained, disabled: out, also in panic and when failing open, unless no other member is left; a disabled one is
 * used only if there is no drained one either.
 */
export const Standing = { normal: 0, drained: 1, disabled: 2, forced: 3 } as const
export type Standing = (typeof Standing)[keyof typeof Standing]

/** Whether the standing takes the member out. */
export const isOut = (standing: Standing): boolean =>
  standing === Standing.drained || standing === Standing.disabled

export const slotLimit = 65_536
/** Largest number of rows; equal to the number of slots. */
const rowLimit: number = slotLimit

/** What answering workers read. Slots and rows out of range read as the defaults. */
export interface HealthReader {
  /** Changes with every change of any slot or row. */
  generation(): number
  /** Increases every second while the writer is alive; 0 if the writer does not maintain it. */
  beats(): number
  state(slot: number): SlotState
  /** Share of the configured weight that the slot gets, 0…1 (slow start, shedding). */
  factor(slot: number): number
  /** Earliest possible change of the slot, in seconds from the last probe; Infinity if it never changes. Caps the TTL. */
  holdSeconds(slot: number): number
  /** When the slot last went down, in whole seconds on the writer's clock; 0 if it never did. */
  fellAtSeconds(slot: number): number
  standing(row: number): Standing
  /** Multiplies the configured weight, 0 or more (warm-up, override, feedback, reputation). */
  share(row: number): number
  /** Earliest change of the row (override expires, warm-up step), in seconds from when it was written. Caps the TTL. */
  rowHoldSeconds(row: number): number
}

/** What the control thread writes. */
export interface HealthWriter extends HealthReader {
  readonly buffer: SharedArrayBuffer
  set(slot: number, state: SlotState, factor: number, holdSeconds: number): void
  /** Increments `beats`, the sign of life of the writing thread. */
  beat(): void
  /** Sets `fellAtSeconds`: whole seconds above 0, or 0 to clear it. */
  setFell(slot: number, atSeconds: number): void
  setRow(row: number, standing: Standing, share: number, holdSeconds?: number): void
}

const headOctets = 16
const slotColumns = 4
const rowColumns = 3

const healthTableOctets = (slots: number, rows: number): number =>
  headOctets + 4 * (slots * slotColumns + rows * rowColumns)

interface Columns {
  readonly head: Int32Array
  readonly states: Int32Array
  readonly factors: Float32Array
  readonly holds: Float32Array
  readonly falls: Int32Array
  readonly standings: Int32Array
  readonly shares: Float32Array
  readonly rowHolds: Float32Array
}

function columnsOf(buffer: SharedArrayBuffer): Columns {
  const head = new Int32Array(buffer, 0, 4)
  const [, slots = 0, rows = 0] = head
  const slotAt = (column: number): number => headOctets + 4 * slots * column
  const rowAt = (column: number): number => slotAt(slotColumns) + 4 * rows * column
  return {
    head,
    states: new Int32Array(buffer, slotAt(0), slots),
    factors: new Float32Array(buffer, slotAt(1), slots),
    holds: new Float32Array(buffer, slotAt(2), slots),
    falls: new Int32Array(buffer, slotAt(3), slots),
    standings: new Int32Array(buffer, rowAt(0), rows),
    shares: new Float32Array(buffer, rowAt(1), rows),
    rowHolds: new Float32Array(buffer, rowAt(2), rows),
  }
}

/** Opens the table in existing shared memory; any thread can open the same memory. */
export function openHealthTable(buffer: SharedArrayBuffer): HealthWriter {
  const { head, states, factors, holds, falls, standings, shares, rowHolds } = columnsOf(buffer)
  let generation = -1
  return {
    buffer,
    // An atomic load is a function call; while the value is unchanged there is nothing that it would have to order.
    generation: () => (head[0] === generation ? generation : (generation = Atomics.load(head, 0))),
    beats: () => head[3] as number,
    state: (slot) => (states[slot] ?? SlotState.unknown) as SlotState,
    factor: (slot) => factors[slot] ?? 1,
    holdSeconds: (slot) => holds[slot] ?? Infinity,
    fellAtSeconds: (slot) => falls[slot] ?? 0,
    standing: (row) => (standings[row] ?? Standing.normal) as Standing,
    share: (row) => shares[row] ?? 1,
    rowHoldSeconds: (row) => rowHolds[row] ?? Infinity,
    set(slot, state, factor, holdSeconds) {
      states[slot] = state
      factors[slot] = factor
      holds[slot] = holdSeconds
      Atomics.add(head, 0, 1)
    },
    beat() {
      Atomics.add(head, 3, 1)
    },
    setFell(slot, atSeconds) {
      falls[slot] = atSeconds
    },
    setRow(row, standing, share, holdSeconds = Infinity) {
      standings[row] = standing
      shares[row] = share
      rowHolds[row] = holdSeconds
      Atomics.add(head, 0, 1)
    },
  }
}

/** A new table: every slot unknown with its whole weight, slot 0 up for ever, every row as configured. */
export function createHealthTable(
  slots: number = slotLimit,
  rows: number = rowLimit,
): HealthWriter {
  const buffer = new SharedArrayBuffer(healthTableOctets(slots, rows))
  new Int32Array(buffer, 0, 4).set([0, slots, rows])
  // The memory of columns that begin with 0 is not touched, and not taken before it is used.
  const { factors, holds, shares, rowHolds } = columnsOf(buffer)
  factors.fill(1)
  holds.fill(Infinity)
  shares.fill(1)
  rowHolds.fill(Infinity)
  const table = openHealthTable(buffer)
  table.set(0, SlotState.up, 1, Infinity)
  return table
}
