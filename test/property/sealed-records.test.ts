// Seals: whatever is changed about a sealed record, about where it lies or about the secret, it is not authentic.

import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import {
  type RecordPlace,
  RecordSealer,
  splitSealed,
  splitSigned,
} from '../../src/cluster/redis/sealed-record.ts'
import { runs } from '../support/runs.ts'

const name = fc.stringMatching(/^[\w.-]{1,63}$/)
const line = fc
  .string({ unit: 'grapheme', maxLength: 200 })
  .map((text) => text.replaceAll('\n', ' '))
const place: fc.Arbitrary<RecordPlace> = fc.record({
  key: name.map((one) => `mxsteer:{default}:v1:v:${one}`),
  field: line,
  writer: name,
  epoch: fc.integer({ min: 1, max: 999_999_999_999_999 }),
})
const secret = fc.uint8Array({ minLength: 32, maxLength: 64 })
const parts = ['key', 'field', 'writer', 'epoch'] as const

const isAuthentic = (sealer: RecordSealer, at: RecordPlace, stored: string): boolean => {
  const { value, seal } = splitSealed(stored)
  return seal !== null && sealer.verify(at, value, seal) !== 'none'
}

test('what was sealed is authentic, under any of the secrets, in its place', () => {
  fc.assert(
    fc.property(place, line, secret, secret, (at, value, active, other) => {
      const stored = new RecordSealer([active]).seal(at, value)
      expect(isAuthentic(new RecordSealer([other, active]), at, stored)).toBe(true)
      const signed = splitSigned(new RecordSealer([active]).sign(at, value))
      expect(signed).toMatchObject({ value, writer: at.writer, epoch: at.epoch })
    }),
    { numRuns: runs(2000) },
  )
})

test('with any bit flipped it is not', () => {
  fc.assert(
    fc.property(place, line, secret, fc.nat(), (at, value, active, position) => {
      const sealer = new RecordSealer([active])
      const octets = new TextEncoder().encode(sealer.seal(at, value))
      const bit = position % (8 * octets.length)
      octets[bit >> 3] = (octets[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      // As the text arrives: octets that are no UTF-8 are replaced.
      expect(isAuthentic(sealer, at, new TextDecoder().decode(octets))).toBe(false)
    }),
    { numRuns: runs(10_000) },
  )
})

test('at another key, field, writer or epoch it is not', () => {
  fc.assert(
    fc.property(place, place, line, secret, (at, other, value, active) => {
      const sealer = new RecordSealer([active])
      const stored = sealer.seal(at, value)
      for (const part of parts) {
        if (at[part] === other[part]) continue
        expect(isAuthentic(sealer, { ...at, [part]: other[part] }, stored)).toBe(false)
      }
    }),
    { numRuns: runs(5000) },
  )
})

test('under another secret it is not, nor is any text that nobody sealed', () => {
  fc.assert(
    fc.property(place, line, secret, fc.nat(), (at, value, active, position) => {
      const other = active.slice()
      const bit = position % (8 * other.length)
      other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const sealer = new RecordSealer([other])
      expect(isAuthentic(sealer, at, new RecordSealer([active]).seal(at, value))).toBe(false)
      expect(isAuthentic(sealer, at, value)).toBe(false)
    }),
    { numRuns: runs(5000) },
  )
})
