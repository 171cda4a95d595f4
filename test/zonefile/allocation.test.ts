import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createAllocation } from '../../src/zonefile/allocation.ts'

const limits = { slots: 6, rows: 6, targets: 4 }

function take(
  allocation: ReturnType<typeof createAllocation>,
  keys: readonly string[],
): (number | null)[] {
  const round = allocation.begin()
  const indexes = keys.map((key) => round.takeSlot(key))
  round.commit()
  return indexes
}

it('leaves slot 0 to addresses that are not probed, and gives target 0 to a target', () => {
  const round = createAllocation(limits).begin()
  expect([round.takeSlot('a'), round.takeTargetIndex('a')]).toEqual([1, 0])
})

it('gives null once all are taken', () => {
  const round = createAllocation(limits).begin()
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
  const allocation = createAllocation(limits)
  take(allocation, ['a', 'b'])
  take(allocation, ['b'])
  expect(allocation.releasedSlots()).toEqual([1])
  take(allocation, [])
  expect(allocation.releasedSlots()).toEqual([1, 2])
  expect(take(allocation, ['c', 'd', 'e', 'b'])).toEqual([3, 4, 5, 1])
  expect(allocation.releasedSlots()).toEqual([2])
})

it('forgets a round that was not committed', () => {
  const allocation = createAllocation(limits)
  take(allocation, ['a'])
  allocation.begin().takeSlot('b')
  expect(allocation.releasedSlots()).toEqual([])
  expect(take(allocation, ['c', 'a'])).toEqual([2, 1])
})

it('keeps every index unique and in bounds, and changes none while it is in use', () => {
  const keys = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'), {
    maxLength: 7,
  })
  fc.assert(
    fc.property(fc.array(keys, { maxLength: 12 }), (loads) => {
      const allocation = createAllocation(limits)
      let before = new Map<string, number | null>()
      for (const load of loads) {
        const now = new Map(take(allocation, load).map((place, i) => [load[i] as string, place]))
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
        expect(allocation.releasedSlots().some((slot) => places.includes(slot))).toBe(false)
        before = now
      }
    }),
  )
})

it('gives rows from 1 on, one for each member, and the same one over reloads', () => {
  const allocation = createAllocation({ ...limits, rows: 3 })
  const first = allocation.begin()
  expect(['z p a', 'z p b', 'z p a', 'z q a'].map((key) => first.takeRow(key))).toEqual([
    1,
    2,
    1,
    null,
  ])
  first.commit()
  const second = allocation.begin()
  expect(['z q a', 'z p b'].map((key) => second.takeRow(key))).toEqual([null, 2])
  second.commit()
  // The place of a, which no zone named, is free by now.
  expect(allocation.begin().takeRow('z q a')).toBe(1)
})
