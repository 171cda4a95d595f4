import { expect, it } from 'vitest'
import { createSerialKeeper, isAfter } from '../../src/zonefile/serials.ts'

function keeperAt(start: number) {
  const clock = { seconds: start }
  const keeper = createSerialKeeper({ wallMs: () => clock.seconds * 1000 })
  const serial = (hash: string, given?: number): number => {
    const round = keeper.begin()
    const value = round.assignSerial('zone', hash, given)
    round.commit()
    return value
  }
  return { clock, keeper, serial }
}

it('starts at the time and stays while the content does', () => {
  const { clock, serial } = keeperAt(1000)
  expect(serial('a')).toBe(1000)
  clock.seconds = 2000
  expect([serial('a'), serial('b'), serial('c')]).toEqual([1000, 2000, 2001])
})

it('does not go back with the clock', () => {
  const { clock, serial } = keeperAt(1000)
  serial('a')
  clock.seconds = 10
  expect(serial('b')).toBe(1001)
})

it('takes the serial of the file as it is, and goes on from it', () => {
  const { serial } = keeperAt(1000)
  expect([serial('a', 7), serial('b', 5), serial('c', 2026112101), serial('d')]).toEqual([
    7, 5, 2026112101, 2026112102,
  ])
})

it('goes round the circle of 32 bits', () => {
  const { serial } = keeperAt(3_000_000_000)
  serial('a', 0xffff_ffff)
  expect(serial('b')).toBe(0)
})

it('compares as RFC 1982 does', () => {
  // The examples of RFC 1982 §5.2, at 32 bits.
  expect([isAfter(1, 0), isAfter(44, 0), isAfter(100, 0), isAfter(100, 44)]).toEqual([
    true,
    true,
    true,
    true,
  ])
  expect([isAfter(0, 0xffff_ff00), isAfter(0xffff_ff00, 0), isAfter(5, 5)]).toEqual([
    true,
    false,
    false,
  ])
})

it('forgets a round that was not committed', () => {
  const { clock, keeper, serial } = keeperAt(1000)
  serial('a')
  clock.seconds = 1500
  keeper.begin().assignSerial('zone', 'b')
  expect(serial('a')).toBe(1000)
})
