// What keys do at a time: the table of states, the usual roll-overs step by step, and what is refused.

import { describe, expect, test } from 'vitest'

import {
  firstForeignGap,
  firstRefusal,
  keyRolesAt,
  keyRolesInForce,
  keyStateAt,
  noTimes,
  type TimedKey,
  vanishedKeys,
} from '../../src/dnssec/key-set.ts'

/** A key whose times are small numbers: `{ P: 10, A: 20, I: 30, D: 40 }`. */
function key(
  tag: number,
  { P, A, I, D }: Partial<Record<'P' | 'A' | 'I' | 'D', number>>,
  { flags = 257, algorithm = 13 }: { flags?: 256 | 257; algorithm?: 13 | 15 } = {},
): TimedKey {
  const given = { publishMs: P, activateMs: A, inactiveMs: I, deleteMs: D }
  const times = { ...noTimes }
  for (const [name, ms] of Object.entries(given))
    if (ms !== undefined) Object.assign(times, { [name]: ms })
  return { tag, flags, algorithm, times, dnskey: Uint8Array.of(flags & 1, algorithm, tag) }
}

/** `published/keySigners/dataSigners` as tags, or the code of the refusal. */
function rolesAt(keys: readonly TimedKey[], now: number): string {
  const roles = keyRolesAt(keys, now)
  if (roles.kind === 'refused') return roles.code
  const tags = (list: readonly TimedKey[]): string => list.map(({ tag }) => tag).join(' ')
  return [roles.published, roles.keySigners, roles.dataSigners].map(tags).join(' / ')
}

describe('the state of a key', () => {
  test.each([
    [{ P: 10, A: 20, I: 30, D: 40 }, 'hidden published active retired gone'],
    [{ A: 20, I: 30, D: 40 }, 'published published active retired gone'],
    [{ P: 10, A: 20 }, 'hidden published active active active'],
    [{ P: 10 }, 'hidden published published published published'],
    [{ P: 10, A: 20, D: 40 }, 'hidden published active active gone'],
    [{ P: 20, A: 10, I: 40, D: 30 }, 'hidden hidden active gone gone'],
    [{ P: 10, A: 10, I: 40, D: 40 }, 'hidden active active active gone'],
    [{}, 'hidden hidden hidden hidden hidden'],
  ])('%j', (times, states) => {
    expect([9, 10, 20, 30, 40].map((now) => keyStateAt(key(1, times), now)).join(' ')).toBe(states)
  })
})

describe('a roll-over of', () => {
  test('one key that signs all', () => {
    const keys = [key(1, { A: 0, I: 30, D: 40 }), key(2, { P: 10, A: 30 })]
    expect([0, 10, 29, 30, 39, 40].map((now) => rolesAt(keys, now))).toEqual([
      '1 / 1 / 1',
      '1 2 / 1 2 / 1',
      '1 2 / 1 2 / 1',
      '1 2 / 1 2 / 2',
      '1 2 / 1 2 / 2',
      '2 / 2 / 2',
    ])
    expect([0, 10, 30, 40].map((now) => nextEvent(keys, now))).toEqual([10, 30, 40, null])
  })

  test('the key of 256 beside one of 257', () => {
    const zsk = { flags: 256 } as const
    const keys = [
      key(1, { A: 0 }),
      key(2, { A: 0, I: 30, D: 40 }, zsk),
      key(3, { P: 10, A: 30 }, zsk),
    ]
    expect([0, 10, 30, 40].map((now) => rolesAt(keys, now))).toEqual([
      '1 2 / 1 / 2',
      '1 2 3 / 1 / 2',
      '1 2 3 / 1 / 3',
      '1 3 / 1 / 3',
    ])
  })

  test('one key to two, and back', () => {
    const keys = [key(1, { A: 0 }), key(2, { P: 10, A: 20, I: 30, D: 40 }, { flags: 256 })]
    expect([0, 10, 20, 30, 40].map((now) => rolesAt(keys, now))).toEqual([
      '1 / 1 / 1',
      '1 2 / 1 / 1',
      '1 2 / 1 / 2',
      '1 2 / 1 / 1',
      '1 / 1 / 1',
    ])
  })

  test('the algorithm: signatures come first and go last', () => {
    const keys = [key(1, { A: 0, D: 30, I: 40 }), key(2, { A: 10, P: 20 }, { algorithm: 15 })]
    expect([0, 10, 20, 30, 40].map((now) => rolesAt(keys, now))).toEqual([
      '1 / 1 / 1',
      '1 / 1 / 1 2',
      '1 2 / 1 2 / 1 2',
      '2 / 2 / 1 2',
      '2 / 2 / 2',
    ])
  })
})

const nextEvent = (keys: readonly TimedKey[], now: number): unknown => {
  const roles = keyRolesAt(keys, now)
  return roles.kind === 'roles' ? roles.nextEventMs : roles
}

describe('what is refused', () => {
  const zsk = { flags: 256 } as const
  test.each([
    ['no key', [], 'dnssec-no-key'],
    ['one that is only published', [key(1, { P: 0 })], 'dnssec-no-key'],
    ['one that is retired', [key(1, { A: 0, I: 1 })], 'dnssec-no-key'],
    ['one that is gone', [key(1, { A: 0, D: 1 })], 'dnssec-no-key'],
    ['one of 256 alone', [key(1, { A: 0 }, zsk)], 'dnssec-no-key'],
    ['257 retired beside 256', [key(1, { A: 0, I: 1 }), key(2, { A: 0 }, zsk)], 'dnssec-no-key'],
    [
      'an algorithm whose key does not sign yet',
      [key(1, { A: 0 }), key(2, { P: 0 }, { algorithm: 15 })],
      'key-algorithm-gap',
    ],
    [
      'an algorithm without a key of 257',
      [key(1, { A: 0 }), key(2, { A: 0 }, { algorithm: 15, flags: 256 })],
      'key-algorithm-gap',
    ],
    [
      'an algorithm whose only signer is hidden',
      [
        key(1, { A: 0 }),
        key(2, { P: 0 }, { algorithm: 15 }),
        key(3, { P: 9, A: 0 }, { algorithm: 15 }),
      ],
      'key-algorithm-gap',
    ],
  ] as const)('%s', (_, keys, code) => {
    expect(rolesAt(keys, 5)).toBe(code)
  })

  test('is foreseen', () => {
    const keys = [key(1, { A: 0, I: 30 }), key(2, { P: 10 })]
    expect(firstRefusal(keys, 5)).toMatchObject({ atMs: 30, refused: { code: 'dnssec-no-key' } })
    expect(firstRefusal(keys, 31)).toMatchObject({ atMs: 31 })
    expect(firstRefusal([key(1, { A: 0 })], 5)).toBeNull()
  })
})

test('keys vanish unless they are hidden or gone', () => {
  const keys = [
    key(1, { A: 0 }),
    key(2, { P: 0 }),
    key(3, { A: 0, I: 1 }),
    key(4, { A: 0, D: 1 }),
    key(5, { P: 9, A: 9 }),
    key(6, { P: 9, A: 0 }),
    key(7, { A: 0, D: 1, I: 9 }),
  ]
  const vanished = (after: readonly TimedKey[]): number[] =>
    vanishedKeys(keys, after, 5).map(({ tag }) => tag)
  expect(vanished([])).toEqual([1, 2, 3, 6, 7])
  expect(vanished(keys.map((one) => ({ ...one, times: noTimes })))).toEqual([])
  expect(vanished(keys.slice(1))).toEqual([1])
})

test('CDS and CDNSKEY come and go at their own times, and these end what is in force', () => {
  const one = key(1, { A: 0 })
  const synced = { ...one, times: { ...one.times, syncPublishMs: 15, syncDeleteMs: 18 } }
  const at = (now: number) => {
    const roles = keyRolesInForce([synced], now)
    return [roles?.synced.map(({ tag }) => tag), roles?.nextEventMs]
  }
  expect([0, 14, 15, 17, 18].map(at)).toEqual([
    [[], 15],
    [[], 15],
    [[1], 18],
    [[1], 18],
    [[], null],
  ])
})

test('tells when no key signs any more with the algorithm of another signer', () => {
  const leaving = [key(1, { A: 0, I: 30, D: 40 }), key(2, { A: 20 }, { algorithm: 15 })]
  expect(firstForeignGap(leaving, [13], 0)).toEqual({ atMs: 40, algorithm: 13 })
  expect(firstForeignGap(leaving, [15], 0)).toEqual(null)
  expect(firstForeignGap([key(1, { A: 0 })], [13], 0)).toBe(null)
  expect(firstForeignGap([key(1, { A: 0 })], [13, 15], 0)).toEqual({ atMs: 0, algorithm: 15 })
  expect(firstForeignGap([], [13], 0)).toBe(null)
})
