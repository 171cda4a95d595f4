import { expect, it } from 'vitest'
import { beginSerials, isAfter, type Serials } from '../../src/zonefile/serials.ts'

function keeperAt(start: number) {
  const clock = { seconds: start }
  let kept: Serials = new Map()
  const begin = () => beginSerials(kept, clock.seconds * 1000)
  const serial = (hash: string, given?: number): number => {
    const round = begin()
    const value = round.assignSerial('zone', hash, given)
    kept = round.close()
    return value
  }
  return { clock, begin, serial }
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

it('changes nothing for a round that is not put in force', () => {
  const { clock, begin, serial } = keeperAt(1000)
  serial('a')
  clock.seconds = 1500
  const round = begin()
  round.assignSerial('zone', 'b')
  round.close()
  expect(serial('a')).toBe(1000)
})
