import { expect, test } from 'vitest'
import { createPlaceCache } from '../../src/geo/place-cache.ts'
import { seeded } from '../steer/arrange.ts'

const place = (asn: number) => ({ continent: null, country: null, asn })
const address = (...first: number[]): Uint8Array =>
  Uint8Array.from({ length: 16 }, (_, i) => first[i] ?? 0)

test('what shares the unit is found, whatever the rest of the address', () => {
  const cache = createPlaceCache()
  cache.put(Uint8Array.of(11, 0, 0, 1), place(1))
  cache.put(address(0x20, 1, 6, 7, 8, 9, 1), place(2))
  expect(cache.get(Uint8Array.of(11, 0, 0, 200))).toEqual(place(1))
  expect(cache.get(address(0x20, 1, 6, 7, 8, 9, 200, 1))).toEqual(place(2))
  expect(cache.get(Uint8Array.of(0x20, 1, 6, 7))).toBeNull()
})

// About 25 of these fall in the same cell, so both halves of the key must be compared.
test.each([
  ['first', 0],
  ['second', 3],
])('100,000 networks that differ in the %s half of the key are not taken for it', (_, from) => {
  const random = seeded(3)
  const cache = createPlaceCache()
  const known = address(0x20, 1, 6, 7, 8, 9)
  cache.put(known, place(7))
  let wrong = 0
  for (let i = 0; i < 100_000; i++) {
    const other = Uint8Array.from(known)
    for (let at = from; at < from + 3; at++) other[at] = Math.floor(random() * 256)
    const same = other.every((octet, at) => octet === known[at])
    if (!same && cache.get(other) !== null) wrong++
  }
  expect(wrong).toBe(0)
})
