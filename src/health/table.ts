// The health table: what answering workers read of health, in shared memory, so that a change of health
// copies no zone and sends no message. One writer (the control thread), any number of readers.
//
// A slot is one address as one probe profile sees it. Slot 0 is always up: pools without a probe.
// Layout: Int32 [generation, beats]; then per slot: state (Int32), factor (Float32), hold (Float32).
// Readers may see a slot between two writes; each field by itself is never torn, and a decision on a mix of
// old and new health is as good as one made a moment earlier or later.

/** unknown: no verdict yet, taken as up. suspect: failing, not yet down. */
export const SlotState = { unknown: 0, up: 1, suspect: 2, down: 3 } as const
export type SlotState = (typeof SlotState)[keyof typeof SlotState]

export const slotLimit = 65_536

export interface HealthReader {
  /** Moves with every change of any slot. */
  generation(): number
  /** Moves every second while the writer lives; 0: it does not tell. */
  beats(): number
  state(slot: number): SlotState
  /** Share of the configured weight that the slot is worth, 0…1 (slow start, shedding). */
  factor(slot: number): number
  /** Soonest that the slot could change, in seconds from the last probe; Infinity where it never does. Caps the TTL. */
  holdSeconds(slot: number): number
}

export interface HealthWriter extends HealthReader {
  readonly buffer: SharedArrayBuffer
  set(slot: number, state: SlotState, factor: number, holdSeconds: number): void
  beat(): void
}

export const healthTableOctets = (slots: number): number => 8 + slots * 12

/** Opens the table over its shared memory; the same memory may be opened in any thread. */
export function openHealthTable(buffer: SharedArrayBuffer): HealthWriter {
  const slots = Math.floor((buffer.byteLength - 8) / 12)
  const head = new Int32Array(buffer, 0, 2)
  const states = new Int32Array(buffer, 8, slots)
  const factors = new Float32Array(buffer, 8 + slots * 4, slots)
  const holds = new Float32Array(buffer, 8 + slots * 8, slots)
  return {
    buffer,
    generation: () => Atomics.load(head, 0),
    beats: () => Atomics.load(head, 1),
    state: (slot) => (states[slot] ?? SlotState.unknown) as SlotState,
    factor: (slot) => factors[slot] ?? 1,
    holdSeconds: (slot) => holds[slot] ?? Infinity,
    set(slot, state, factor, holdSeconds) {
      states[slot] = state
      factors[slot] = factor
      holds[slot] = holdSeconds
      Atomics.add(head, 0, 1)
    },
    beat() {
      Atomics.add(head, 1, 1)
    },
  }
}

/** A fresh table: every slot unknown and worth its whole weight; slot 0 up for ever. */
export function createHealthTable(slots: number = slotLimit): HealthWriter {
  const table = openHealthTable(new SharedArrayBuffer(healthTableOctets(slots)))
  for (let slot = 0; slot < slots; slot++) table.set(slot, SlotState.unknown, 1, Infinity)
  table.set(0, SlotState.up, 1, Infinity)
  return table
}
