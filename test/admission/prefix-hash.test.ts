// HalfSipHash-1-3 against the same rounds written down plainly, and what the rate limiter needs of it.

import { createHash } from 'node:crypto'

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { type HashSeed, prefixHash } from '../../src/admission/prefix-limits.ts'
import { parseAddress } from '../../src/lib/ip.ts'

const addressOf = (text: string): Uint8Array => parseAddress(text)?.octets as Uint8Array

/** The paper's algorithm over octets: 32-bit words read little-endian, the length in the last octet. */
function plain(seed: HashSeed, words: readonly number[]): number {
  const v = new Uint32Array([seed[0], seed[1], seed[0] ^ 0x6c796765, seed[1] ^ 0x74656462])
  const add = (a: number, b: number): number => (v[a] = (v[a] as number) + (v[b] as number))
  const turn = (a: number, by: number): number =>
    (v[a] = ((v[a] as number) << by) | ((v[a] as number) >>> (32 - by)))
  const mix = (a: number, b: number): number => (v[a] = (v[a] as number) ^ (v[b] as number))
  const round = (): void => {
    for (const step of ['add01', 'turn1:5', 'mix10', 'turn0:16', 'add23', 'turn3:8', 'mix32'])
      act(step)
    for (const step of ['add03', 'turn3:7', 'mix30', 'add21', 'turn1:13', 'mix12', 'turn2:16'])
      act(step)
  }
  const act = (step: string): void => {
    const [, verb, a, rest] = /^(add|mix|turn)(\d):?(\d+)$/.exec(step) as unknown as string[]
    const [to, by] = [Number(a), Number(rest)]
    if (verb === 'add') add(to, by)
    else if (verb === 'mix') mix(to, by)
    else turn(to, by)
  }
  for (const word of words) {
    v[3] = (v[3] as number) ^ word
    round()
    v[0] = (v[0] as number) ^ word
  }
  v[2] = (v[2] as number) ^ 0xff
  for (let i = 0; i < 3; i++) round()
  return ((v[1] as number) ^ (v[3] as number)) >>> 0
}

describe('prefixHash', () => {
  test('is HalfSipHash-1-3 of the masked words, and of family and length', () => {
    const seed: HashSeed = [0x8badf00d, 0xfeedface]
    const v4 = addressOf('203.0.113.201')
    const v6 = addressOf('2001:db8:1234:5678:9abc:def0:fedc:ba98')
    const cases: [Uint8Array, number, number[]][] = [
      [v4, 32, [0xcb0071c9, 0x04000020]],
      [v4, 24, [0xcb007100, 0x04000018]],
      [v4, 20, [0xcb007000, 0x04000014]],
      [v4, 18, [0xcb004000, 0x04000012]],
      [v6, 128, [0x20010db8, 0x12345678, 0x9abcdef0, 0xfedcba98, 0x10000080]],
      [v6, 64, [0x20010db8, 0x12345678, 0x10000040]],
      [v6, 56, [0x20010db8, 0x12345600, 0x10000038]],
      [v6, 48, [0x20010db8, 0x12340000, 0x10000030]],
      [v6, 32, [0x20010db8, 0x10000020]],
    ]
    for (const [address, prefixLength, words] of cases)
      expect([prefixLength, prefixHash(seed, address, prefixLength)]).toEqual([
        prefixLength,
        plain(seed, words),
      ])
  })

  test('depends on the prefix alone', () => {
    const octets = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
    )
    fc.assert(
      fc.property(octets, fc.nat(127), fc.nat(127), (address, cut, flipped) => {
        const bits = address.length * 8
        const prefixLength = (cut % bits) + 1
        const bit = flipped % bits
        const other = Uint8Array.from(address)
        other[bit >> 3] = (other[bit >> 3] as number) ^ (0x80 >> (bit & 7))
        const isSame =
          prefixHash([5, 6], address, prefixLength) === prefixHash([5, 6], other, prefixLength)
        expect(isSame).toBe(bit >= prefixLength)
      }),
    )
  })

  test('spreads neighbours evenly over the table, by another pattern for every seed', () => {
    const buckets = 1024
    const found = [1, 2].map((seed) => {
      const count = new Uint32Array(buckets)
      const address = addressOf('10.0.0.0')
      const order: number[] = []
      for (let i = 0; i < 64 * buckets; i++) {
        address.set([10, i >> 16, (i >> 8) & 255, i & 255])
        const bucket = prefixHash([seed, 77], address, 32) % buckets
        count[bucket] = (count[bucket] as number) + 1
        order.push(bucket)
      }
      return { count, order }
    })
    for (const { count } of found) {
      // Chi squared with 1023 degrees of freedom: mean 1023, σ 45.
      const chi2 = count.reduce((sum, n) => sum + (n - 64) ** 2 / 64, 0)
      expect(Math.abs(chi2 - 1023)).toBeLessThan(5 * 45)
    }
    const [one, two] = found
    const same = one?.order.filter((bucket, i) => bucket === two?.order[i]).length ?? 0
    // 64 expected by chance, σ 8.
    expect(same).toBeLessThan(64 + 5 * 8)
  })

  test('prefixes that share a bucket under one seed do not under others', () => {
    const mask = 0xffff
    const byPlace = new Map<number, Uint8Array>()
    const meeting: [Uint8Array, Uint8Array][] = []
    for (let i = 0; meeting.length < 200; i++) {
      const address = Uint8Array.from(createHash('md5').update(String(i)).digest().subarray(0, 4))
      const place = prefixHash([1, 2], address, 32) & mask
      const before = byPlace.get(place)
      if (before !== undefined) meeting.push([before, address])
      byPlace.set(place, address)
    }
    const again = meeting.filter(
      ([a, b]) => ((prefixHash([3, 4], a, 32) ^ prefixHash([3, 4], b, 32)) & mask) === 0,
    )
    expect(again).toHaveLength(0)
  })
})
