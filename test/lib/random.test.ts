// The generator against the reference values of its authors' programs, and against the statistics of random numbers.

import { expect, test } from 'vitest'
import { createRandom } from '../../src/lib/random.ts'

/** From state 1, 2, 3, 4: as xoshiro128plus.c and xoshiro128starstar.c (https://prng.di.unimi.it) print them. */
const plus = [
  5, 12_295, 25_178_119, 27_286_542, 39_879_690, 1_140_358_681, 3_276_312_097, 4_110_231_701,
  399_823_256, 2_144_435_200,
]
const starStar = [
  11_520, 0, 5_927_040, 70_819_200, 2_031_721_883, 1_637_235_492, 1_287_239_034, 3_734_860_849,
  3_729_100_597, 4_258_142_804,
]

test('both halves are those of the reference', () => {
  const random = createRandom(Int32Array.of(1, 2, 3, 4))
  for (const [i, upper] of plus.entries()) {
    const number = random() * 2 ** 32
    expect(Math.floor(number)).toBe(upper)
    expect((number - upper) * 2 ** 21).toBe((starStar[i] as number) >>> 11)
  }
})

test('another seed gives other numbers and is not changed; a seed of zeros is refused', () => {
  const seed = Int32Array.of(1, 2, 3, 5)
  const [a, b] = [createRandom(seed), createRandom(seed)]
  expect(Array.from({ length: 5 }, a)).toEqual(Array.from({ length: 5 }, b))
  expect([...seed]).toEqual([1, 2, 3, 5])
  const other = createRandom(Int32Array.of(1, 2, 3, 4))
  expect(other()).not.toBe(createRandom(seed)())
  expect(() => createRandom(new Int32Array(4))).toThrow('not all of them 0')
  expect(() => createRandom(Int32Array.of(1, 2, 3))).toThrow('four words')
})

/** The deviation of χ² from its expected value, in standard deviations, for so many numbers in equal bins. */
function deviation(boxOf: (random: () => number) => number, boxes: number): number {
  const random = createRandom(Int32Array.of(0x1234, -77, 0x7fff_ffff, 42))
  const counts = new Float64Array(boxes)
  const each = 200
  for (let i = 0; i < boxes * each; i++) {
    const box = boxOf(random)
    counts[box] = (counts[box] as number) + 1
  }
  const chi = counts.reduce((sum, count) => sum + (count - each) ** 2 / each, 0)
  return (chi - (boxes - 1)) / Math.sqrt(2 * (boxes - 1))
}

test.each<[what: string, boxOf: (random: () => number) => number, boxes: number]>([
  ['its upper bits', (random) => random() * 4096, 4096],
  ['bits 21 to 33, across both halves', (random) => ((random() * 2 ** 21) % 1) * 4096, 4096],
  ['its last bits', (random) => ((random() * 2 ** 41) % 1) * 4096, 4096],
  ['two in a row', (random) => Math.floor(random() * 64) * 64 + random() * 64, 4096],
  [
    'the upper bits of one with the last ones of the same',
    (random) => {
      const number = random()
      return Math.floor(number * 64) * 64 + ((number * 2 ** 47) % 1) * 64
    },
    4096,
  ],
  [
    'four in a row',
    (random) =>
      [random, random, random, random].reduce((box, one) => box * 8 + Math.floor(one() * 8), 0),
    4096,
  ],
])('%s fall evenly', (_, boxOf, boxes) => {
  expect(Math.abs(deviation((random) => Math.floor(boxOf(random)), boxes))).toBeLessThan(5)
})
