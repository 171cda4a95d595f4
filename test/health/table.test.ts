import { expect, test } from 'vitest'

import { createHealthTable, SlotState, slotLimit, Standing } from '../../src/health/table.ts'

test('a new table: slot 0 is up, every other one unknown with its whole weight, every row as configured', () => {
  const table = createHealthTable()
  expect(table.state(0)).toBe(SlotState.up)
  for (const slot of [1, slotLimit - 1]) expect(table.state(slot)).toBe(SlotState.unknown)
  for (const index of [0, 1, slotLimit - 1]) {
    expect([table.factor(index), table.holdSeconds(index)]).toEqual([1, Infinity])
    expect(table.fellAtSeconds(index)).toBe(0)
    expect([table.share(index), table.rowHoldSeconds(index)]).toEqual([1, Infinity])
    expect(table.standing(index)).toBe(Standing.normal)
  }
})
