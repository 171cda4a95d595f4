import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { isAfter, type ZoneSerial, type ZoneSerials } from '../../src/lib/zone-serials.ts'
import { beginSerials, type KnownSerials } from '../../src/lib/zone-serials.ts'
import { runs } from '../support/runs.ts'

const zone = 'smtp.example.test'
/** 2026-11-29. */
const now = 1_795_910_400

interface Wanted {
  readonly explicit?: number
  readonly after?: number | undefined
  /** Seconds; by default long ago. */
  readonly changed?: number
}

const changedAt = 1_790_000_000

/** The serial of a zone with the content, and what is known afterwards. */
function load(
  known: KnownSerials,
  digest: string,
  { changed = changedAt, ...wanted }: Wanted = {},
): { readonly serial: number; readonly known: KnownSerials } {
  const round = beginSerials(known, now * 1000)
  const serial = round.assign(zone, { digest, changedMs: changed * 1000, ...wanted })
  return { serial, known: { ...known, own: round.close() } }
}

const knows = (own: ZoneSerial | null, shared?: ZoneSerial | null): KnownSerials => {
  const mapOf = (one: ZoneSerial | null): ZoneSerials => new Map(one ? [[zone, one]] : [])
  return { own: mapOf(own), shared: shared === undefined ? null : mapOf(shared) }
}
const serialOf = (known: KnownSerials, digest: string, wanted?: Wanted): number =>
  load(known, digest, wanted).serial

describe('an instance that stands alone', () => {
  it.each([
    ['nothing known: the time of the file', knows(null), {}, changedAt],
    ['a file of an archive without times: now', knows(null), { changed: 1 }, now],
    ['a file of the future: now', knows(null), { changed: now + 1 }, now],
    ['the content as before', knows({ serial: 7, digest: 'a' }), {}, 7],
    ['other content, a later file', knows({ serial: 7, digest: 'b' }), {}, changedAt],
    ['other content, an older file', knows({ serial: now, digest: 'b' }), {}, now + 1],
    [
      'at the end of the circle',
      knows({ serial: 0xffff_ffff, digest: 'b' }),
      { changed: 3e9 },
      now,
    ],
    ['the serial of the file', knows({ serial: 7, digest: 'a' }), { explicit: 5 }, 5],
    ['after a serial of dates', knows(null), { after: 2_026_112_801 }, 2_026_112_802 + 54_310_400],
    ['after one that is past', knows(null), { after: 1_700_000_000 }, changedAt],
    [
      'content that is after it already',
      knows({ serial: 2_026_112_900, digest: 'a' }),
      {},
      2_026_112_900,
    ],
  ])('%s', (_, known, wanted, expected) => expect(serialOf(known, 'a', wanted)).toBe(expected))

  it('gives the same after a restart without memory', () => {
    const changes = [changedAt, changedAt + 100, changedAt + 101]
    let known = knows(null)
    for (const [i, changed] of changes.entries()) {
      const loaded = load(known, `content ${i}`, { changed })
      expect(loaded.serial).toBe(serialOf(knows(null), `content ${i}`, { changed }))
      known = loaded.known
    }
  })

  it('goes on after a serial of the file that is taken out again, also one that was set back', () => {
    const high = load(knows(null), 'a', { explicit: 2_026_112_801 })
    expect(serialOf(high.known, 'b')).toBe(2_026_112_802)
    const back = load(high.known, 'c', { explicit: 5 })
    expect(back.serial).toBe(5)
    expect(serialOf(back.known, 'd')).toBe(2_026_112_802)
  })

  it('keeps the serials of zones that were taken out', () => {
    const { known } = load(knows({ serial: now, digest: 'a' }), 'b')
    const without = { ...known, own: beginSerials(known, now * 1000).close() }
    expect(serialOf(without, 'b')).toBe(now + 1)
    expect(serialOf(without, 'c')).toBe(now + 2)
  })
})

describe('an instance that shares', () => {
  const at = (serial: number, digest: string): ZoneSerial => ({ serial, digest })
  it.each([
    ['nothing known: the time of the file', knows(null, null), changedAt],
    ['its content known to the others', knows(null, at(7, 'a')), 7],
    ['a later one for its content', knows(at(5, 'a'), at(7, 'a')), 7],
    ['an earlier one for its content', knows(at(9, 'a'), at(7, 'a')), 9],
    ['others have newer content', knows(at(5, 'a'), at(7, 'b')), 5],
    ['new content', knows(at(7, 'b'), at(7, 'b')), 8],
    ['new content, and newer of others', knows(at(5, 'b'), at(7, 'c')), 8],
    ['new content, at start', knows(null, at(7, 'b')), 8],
    ['new content that others have already', knows(at(7, 'b'), at(8, 'a')), 8],
    ['content of before, which others go on from', knows(at(8, 'b'), at(7, 'a')), 9],
    ['one serial for two contents', knows(at(7, 'a'), at(7, 'b')), 8],
  ])('%s', (_, known, expected) => expect(serialOf(known, 'a')).toBe(expected))
})

it('is never less than before, and greater where the content is another', () => {
  const serial = fc.integer({ min: 0, max: 0xffff_ffff })
  const digest = fc.constantFrom('a', 'b', 'c')
  const known = fc.record({ serial, digest })
  const after = fc.option(serial, { nil: undefined })
  fc.assert(
    fc.property(
      known,
      fc.option(known),
      digest,
      fc.nat(now),
      after,
      (own, shared, content, changed, after) => {
        // Half of the circle apart, there is no order.
        fc.pre(!shared || (own.serial - shared.serial + 0x4000_0000) >>> 0 < 0x8000_0000)
        const chosen = serialOf(knows(own, shared), content, { changed, after })
        expect(chosen === own.serial || isAfter(chosen, own.serial)).toBe(true)
        if (own.digest !== content) expect(chosen).not.toBe(own.serial)
      },
    ),
    { numRuns: runs(20_000) },
  )
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
