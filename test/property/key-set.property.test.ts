// Any keys at any time either are refused, or sign so that a validator needs nothing that it cannot see.

import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import {
  firstRefusal,
  keyRolesAt,
  keyStateAt,
  noTimes,
  type TimedKey,
} from '../../src/dnssec/key-set.ts'
import { runs } from '../support/runs.ts'

const time = fc.option(fc.integer({ min: 0, max: 20 }), { nil: null, freq: 3 })

const anyKey = fc
  .record({
    tag: fc.integer({ min: 0, max: 65_535 }),
    flags: fc.constantFrom<256 | 257>(256, 257, 257),
    algorithm: fc.constantFrom<13 | 15>(13, 13, 15),
    publishMs: time,
    activateMs: time,
    inactiveMs: time,
    deleteMs: time,
  })
  .map(({ tag, flags, algorithm, ...times }): TimedKey => ({
    tag,
    flags,
    algorithm,
    dnskey: Uint8Array.of(flags & 1, algorithm, tag >> 8, tag),
    times: { ...noTimes, ...times },
  }))

const anyKeys = fc.uniqueArray(anyKey, { maxLength: 6, selector: ({ tag }) => tag })

const algorithmsOf = (keys: readonly TimedKey[]): number[] =>
  [...new Set(keys.map(({ algorithm }) => algorithm))].sort((a, b) => a - b)

test('every set is signed with every algorithm of DNSKEY, by keys that are in it', () => {
  const seen = { roles: 0, refused: 0 }
  fc.assert(
    fc.property(anyKeys, fc.integer({ min: -1, max: 21 }), (keys, now) => {
      const roles = keyRolesAt(keys, now)
      seen[roles.kind]++
      if (roles.kind === 'refused') return
      const { published, keySigners, dataSigners } = roles
      const visible = dataSigners.filter((key) => published.includes(key))
      expect(algorithmsOf(visible)).toEqual(algorithmsOf(published))
      expect(algorithmsOf(keySigners)).toEqual(algorithmsOf(published))
      for (const key of keySigners) expect(published.includes(key) && key.flags).toBe(257)
      for (const key of visible) expect(keyStateAt(key, now)).toBe('active')
    }),
    { numRuns: runs(20_000) },
  )
  expect(seen.roles).toBeGreaterThan(seen.refused / 50)
})

test('nothing changes between two events, and the order of files does not matter', () => {
  fc.assert(
    fc.property(anyKeys, fc.integer({ min: -1, max: 21 }), (keys, now) => {
      const roles = keyRolesAt(keys, now)
      expect(keyRolesAt(keys.toReversed(), now)).toEqual(roles)
      if (roles.kind === 'refused') return
      const untilMs = roles.nextEventMs ?? 30
      expect(untilMs).toBeGreaterThan(now)
      expect(keyRolesAt(keys, untilMs - 0.001)).toEqual(roles)
    }),
    { numRuns: runs(10_000) },
  )
})

test('the first refusal is the first', () => {
  fc.assert(
    fc.property(anyKeys, fc.integer({ min: -1, max: 21 }), (keys, now) => {
      const kinds = Array.from({ length: 30 - now }, (_, i) => keyRolesAt(keys, now + i).kind)
      const first = kinds.indexOf('refused')
      expect(firstRefusal(keys, now)?.atMs ?? null).toBe(first < 0 ? null : now + first)
    }),
    { numRuns: runs(5_000) },
  )
})

/** A key that has just been made and signs, and the roll-over to the next one as the documentation gives it. */
test('a roll-over with any waits is never refused', () => {
  const wait = fc.integer({ min: 1, max: 1000 })
  fc.assert(
    fc.property(fc.array(fc.tuple(wait, wait, wait), { maxLength: 5 }), (rollovers) => {
      let startMs = 0
      let last: TimedKey = timed(1, { publishMs: 0, activateMs: 0 })
      const keys: TimedKey[] = []
      for (const [toPublish, toActivate, toDelete] of rollovers) {
        const publishMs = startMs + toPublish
        const activateMs = publishMs + toActivate
        const deleteMs = activateMs + toDelete
        keys.push({ ...last, times: { ...last.times, inactiveMs: activateMs, deleteMs } })
        last = timed(keys.length + 1, { publishMs, activateMs })
        startMs = deleteMs
      }
      expect(firstRefusal([...keys, last], 0)).toBeNull()
    }),
    { numRuns: runs(1_000) },
  )
})

const timed = (tag: number, times: Partial<TimedKey['times']>): TimedKey => ({
  tag,
  flags: 257,
  algorithm: 13,
  dnskey: Uint8Array.of(tag),
  times: { ...noTimes, ...times },
})
