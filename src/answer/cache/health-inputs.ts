// What a computation has read of the health table, so that another change of the table, of which there are many with
// thousands of targets, does not end what does not depend on it.

import type { HealthReader, SlotState, Standing } from '../../health/table.ts'
import type { Pool } from '../../steer/policy.ts'

/** What is read of a slot or a row. */
const columns = [
  'state',
  'factor',
  'holdSeconds',
  'fellAtSeconds',
  'standing',
  'share',
  'rowHoldSeconds',
] as const

type Column = (typeof columns)[number]

/** By column: the slots or rows that were read, and the values that they had. */
type Values = Readonly<Record<Column, Map<number, number>>>

/** Values of the health table that something was computed from. */
export class HealthInputs {
  readonly #columns: readonly Column[]
  readonly #indexes: Int32Array
  readonly #values: Float64Array

  constructor(values: Values) {
    const all = columns.flatMap((column) =>
      [...values[column]].map(([index, value]) => ({ column, index, value })),
    )
    this.#columns = all.map(({ column }) => column)
    this.#indexes = Int32Array.from(all, ({ index }) => index)
    this.#values = Float64Array.from(all, ({ value }) => value)
  }

  /** Whether `health` has all of these values now. */
  areIn(health: HealthReader): boolean {
    for (let i = 0; i < this.#columns.length; i++) {
      const column = this.#columns[i] as Column
      if (health[column](this.#indexes[i] as number) !== this.#values[i]) return false
    }
    return true
  }
}

/**
 * A health table that notes what is read of it. A value that was read is read again as it was then, whatever has changed:
 * so what is computed follows from the inputs, even while another thread writes.
 */
export class RecordingHealth implements HealthReader {
  readonly #health: HealthReader
  readonly #values: Values

  constructor(health: HealthReader) {
    this.#health = health
    const maps = columns.map((column) => [column, new Map<number, number>()] as const)
    this.#values = Object.fromEntries(maps) as Record<Column, Map<number, number>>
  }

  /** What was read since the last call; what follows is read anew. */
  take(): HealthInputs {
    const inputs = new HealthInputs(this.#values)
    for (const column of columns) this.#values[column].clear()
    return inputs
  }

  /** Reads all that a selection from these pools can read, for whichever client. */
  readPools(pools: readonly Pool[]): void {
    for (const { members } of pools)
      for (const { row, slots } of members) {
        this.standing(row)
        this.share(row)
        this.rowHoldSeconds(row)
        for (const slot of slots) {
          this.state(slot)
          this.factor(slot)
          this.holdSeconds(slot)
          this.fellAtSeconds(slot)
        }
      }
  }

  readonly generation = (): number => this.#health.generation()
  readonly beats = (): number => this.#health.beats()
  readonly state = (slot: number): SlotState => this.#read('state', slot) as SlotState
  readonly factor = (slot: number): number => this.#read('factor', slot)
  readonly holdSeconds = (slot: number): number => this.#read('holdSeconds', slot)
  readonly fellAtSeconds = (slot: number): number => this.#read('fellAtSeconds', slot)
  readonly standing = (row: number): Standing => this.#read('standing', row) as Standing
  readonly share = (row: number): number => this.#read('share', row)
  readonly rowHoldSeconds = (row: number): number => this.#read('rowHoldSeconds', row)

  #read(column: Column, index: number): number {
    const known = this.#values[column].get(index)
    if (known !== undefined) return known
    const value: number = this.#health[column](index)
    this.#values[column].set(index, value)
    return value
  }
}
