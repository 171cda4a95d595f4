import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  type Allocation,
  beginAllocation,
  createAllocation,
} from '../../src/zonefile/allocation.ts'

const limits = { slots: 6, rows: 6, targets: 4 }

interface Taken {
  readonly slots: (number | null)[]
  readonly after: Allocation
}

function take(before: Allocation, keys: readonly string[]): Taken {
  const round = beginAllocation(before)
  const slots = keys.map((key) => round.takeSlot(key))
  return { slots, after: round.close() }
}

it('leaves slot 0 to addresses that are not probed, and gives target 0 to a target', () => {
  const round = beginAllocation(createAllocation(limits))
  expect([round.takeSlot('a'), round.takeTargetIndex('a')]).toEqual([1, 0])
})

it('gives null once all are taken', () => {
  const round = beginAllocation(createAllocation(limits))
  expect(['a', 'b', 'c', 'd', 'e', 'f'].map((key) => round.takeSlot(key))).toEqual([
    1,
    2,
    3,
    4,
    5,
    null,
  ])
})

it('gives released slots out again only after all fresh ones, oldest first', () => {
  const first = take(createAllocation(limits), ['a', 'b']).after
  const second = take(first, ['b']).after
  expect(second.slots.released).toEqual([1])
  const third = take(second, []).after
  expect(third.slots.released).toEqual([1, 2])
  const fourth = take(third, ['c', 'd', 'e', 'b'])
  expect(fourth.slots).toEqual([3, 4, 5, 1])
  expect(fourth.after.slots.released).toEqual([2])
})

it('changes nothing for a round that is not put in force', () => {
  const { after } = take(createAllocation(limits), ['a'])
  take(after, ['b'])
  expect(after.slots.released).toEqual([])
  expect(take(after, ['c', 'a']).slots).toEqual([2, 1])
})

it('keeps every index unique and in bounds, and changes none while it is in use', () => {
  const keys = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'), {
    maxLength: 7,
  })
  fc.assert(
    fc.property(fc.array(keys, { maxLength: 12 }), (loads) => {
      let allocation = createAllocation(limits)
      let before = new Map<string, number | null>()
      for (const load of loads) {
        const { slots, after } = take(allocation, load)
        const now = new Map(slots.map((place, i) => [load[i] as string, place]))
        allocation = after
        const places = [...now.values()].filter((place) => place !== null)
        expect(new Set(places).size).toBe(places.length)
        expect(places.every((place) => place > 0 && place < limits.slots)).toBe(true)
        // None is refused while one is free that neither this load nor the one in force names.
        const named = new Set([...places, ...before.values()].filter((place) => place !== null))
        if (places.length < load.length) expect(named.size).toBe(limits.slots - 1)
        for (const [key, place] of now) {
          const old = before.get(key) ?? null
          if (old !== null) expect(place).toBe(old)
        }
        expect(allocation.slots.released.some((slot) => places.includes(slot))).toBe(false)
        before = now
      }
    }),
  )
})

it('gives rows from 1 on, one for each member, and the same one over reloads', () => {
  const first = beginAllocation(createAllocation({ ...limits, rows: 3 }))
  expect(['z p a', 'z p b', 'z p a', 'z q a'].map((key) => first.takeRow(key))).toEqual([
    1,
    2,
    1,
    null,
  ])
  const second = beginAllocation(first.close())
  expect(['z q a', 'z p b'].map((key) => second.takeRow(key))).toEqual([null, 2])
  // The place of a, which no zone named, is free by now.
  expect(beginAllocation(second.close()).takeRow('z q a')).toBe(1)
})
