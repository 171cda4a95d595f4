// What a computation has read of the health table, so that another change of the table, of which there are many with
// thousands of targets, does not end what does not depend on it.

import type { HealthReader, SlotState, Standing } from '../../health/table.ts'

/** Values of each slot, and of each row. */
const slotValues = 4
const rowValues = 3

/** Slots and rows, and the values that they had. */
export class HealthInputs {
  readonly #slots: Int32Array
  readonly #rows: Int32Array
  readonly #values: Float64Array

  constructor(slots: ReadonlySet<number>, rows: ReadonlySet<number>, health: HealthReader) {
    this.#slots = Int32Array.from(slots)
    this.#rows = Int32Array.from(rows)
    const values: number[] = []
    for (const slot of slots)
      values.push(
        health.state(slot),
        health.factor(slot),
        health.holdSeconds(slot),
        health.fellAtSeconds(slot),
      )
    for (const row of rows)
      values.push(health.standing(row), health.share(row), health.rowHoldSeconds(row))
    this.#values = Float64Array.from(values)
  }

  /** Whether the values are in `health` what they were. */
  areIn(health: HealthReader): boolean {
    const values = this.#values
    let at = 0
    for (let i = 0; i < this.#slots.length; i++, at += slotValues) {
      const slot = this.#slots[i] as number
      if (
        health.state(slot) !== values[at] ||
        health.factor(slot) !== values[at + 1] ||
        health.holdSeconds(slot) !== values[at + 2] ||
        health.fellAtSeconds(slot) !== values[at + 3]
      )
        return false
    }
    for (let i = 0; i < this.#rows.length; i++, at += rowValues) {
      const row = this.#rows[i] as number
      if (
        health.standing(row) !== values[at] ||
        health.share(row) !== values[at + 1] ||
        health.rowHoldSeconds(row) !== values[at + 2]
      )
        return false
    }
    return true
  }
}

/** A health table that notes which slots and rows are read. */
export class RecordingHealth implements HealthReader {
  readonly #health: HealthReader
  readonly #slots = new Set<number>()
  readonly #rows = new Set<number>()

  constructor(health: HealthReader) {
    this.#health = health
  }

  /** What was read since the last call, with the values that it has now. */
  take(): HealthInputs {
    const inputs = new HealthInputs(this.#slots, this.#rows, this.#health)
    this.#slots.clear()
    this.#rows.clear()
    return inputs
  }

  generation(): number {
    return this.#health.generation()
  }

  beats(): number {
    return this.#health.beats()
  }

  state(slot: number): SlotState {
    this.#slots.add(slot)
    return this.#health.state(slot)
  }

  factor(slot: number): number {
    this.#slots.add(slot)
    return this.#health.factor(slot)
  }

  holdSeconds(slot: number): number {
    this.#slots.add(slot)
    return this.#health.holdSeconds(slot)
  }

  fellAtSeconds(slot: number): number {
    this.#slots.add(slot)
    return this.#health.fellAtSeconds(slot)
  }

  standing(row: number): Standing {
    this.#rows.add(row)
    return this.#health.standing(row)
  }

  share(row: number): number {
    this.#rows.add(row)
    return this.#health.share(row)
  }

  rowHoldSeconds(row: number): number {
    this.#rows.add(row)
    return this.#health.rowHoldSeconds(row)
  }
}
