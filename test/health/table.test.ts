import { expect, test } from 'vitest'

import { createHealthTable, SlotState, slotLimit, Standing } from '../../src/health/table.ts'

test('a new table: slot 0 is up, every other one unknown with its whole weight, every row as configured', () => {
  const table = createHealthTable()
  for (const slot of [0, 1, slotLimit - 1]) {
    const { state, factor, holdSeconds, fellAtSeconds } = table
    expect([state(slot), factor(slot), holdSeconds(slot), fellAtSeconds(slot)]).toEqual([
      slot === 0 ? SlotState.up : SlotState.unknown,
      1,
      Infinity,
      0,
    ])
    const { standing, share, rowHoldSeconds } = table
    expect([standing(slot), share(slot), rowHoldSeconds(slot)]).toEqual([
      Standing.normal,
      1,
      Infinity,
    ])
  }
})
