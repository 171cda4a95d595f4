// JSON records of the store and entries of the state file: whatever is read never throws, what is written is read back
// equal, and a record that is accepted after a mutation is one that could have been written.

import { EventRing, type LoggedEvent } from '../../src/history/event-ring.ts'
import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import type { HandedOut } from '../../src/coherence/handed-out.ts'
import type { SharedFeedback } from '../../src/cluster/cluster-votes.ts'
import { formatFeedback, parseFeedback } from '../../src/cluster/redis/feedback.ts'
import { formatOverride, parseOverride } from '../../src/cluster/redis/overrides.ts'
import { parseTally } from '../../src/cluster/redis/tallies.ts'
import { availabilityWindows, type SavedAvailability } from '../../src/health/availability.ts'
import { type Feedback, feedbackWriters } from '../../src/health/feedback.ts'
import type { Override, OverrideAction } from '../../src/health/overrides.ts'
import { type SavedDamping, savedStates } from '../../src/health/saved-damping.ts'
import {
  decodeState,
  emptyState,
  encodeState,
  type SavedState,
  type SignedZone,
} from '../../src/persistence/state-format.ts'
import type { ZoneSerial } from '../../src/lib/zone-serials.ts'
import { runs } from '../support/runs.ts'

/** JSON has no −0. */
const number = (min: number, max: number): fc.Arbitrary<number> =>
  fc.double({ min, max, noNaN: true }).map((value) => value + 0)

const name = fc.stringMatching(/^[a-z0-9.-]{1,60}$/)
const time = fc.integer({ min: 1, max: 253_402_300_799_999 })

const action: fc.Arbitrary<OverrideAction> = fc.oneof(
  fc.constantFrom('drain', 'disable', 'up').map((kind) => ({ kind })),
  fc
    .oneof(
      number(0, 100).map((value) => ({ unit: 'factor' as const, value })),
      number(0, 65_535).map((value) => ({ unit: 'absolute' as const, value })),
      number(0, 0.99).map((value) => ({ unit: 'share' as const, value })),
    )
    .map((weight) => ({ kind: 'weight' as const, weight })),
)

const override: fc.Arbitrary<Override> = fc
  .record({
    id: name,
    zone: name,
    target: name,
    pool: fc.option(name),
    action,
    why: fc.stringMatching(/^[ -~äß✔]{0,200}$/u),
    by: fc.stringMatching(/^[ -~]{0,100}$/),
    setMs: time,
    untilMs: fc.option(time),
  })
  .filter(({ untilMs, action: { kind } }) => untilMs !== null || kind === 'disable')

const feedback: fc.Arbitrary<SharedFeedback> = fc
  .record({
    zone: name,
    target: name,
    writer: fc.constantFrom(...feedbackWriters),
    factor: number(0, 1),
    standing: fc.constantFrom<Feedback['standing'][]>(0, 1, 2),
    isDown: fc.boolean(),
    reason: fc.stringMatching(/^[ -~äß✔]{0,200}$/u),
    load: fc.option(number(0, 1e12)),
    isShedding: fc.boolean(),
    reportedMs: fc.integer({ min: 0, max: 4e12 }),
    lifetimeMs: fc.integer({ min: 0, max: 86_400_000 }),
  })
  .map(({ zone, target, writer, lifetimeMs, ...rest }) => {
    const untilMs = rest.reportedMs + lifetimeMs
    return { zone, target, writer, feedback: { ...rest, untilMs } }
  })

const bucket = fc
  .tuple(fc.nat(), fc.nat(), fc.nat())
  .map(([at, a, b]): [number, number, number] => [at, Math.min(a, b), Math.max(a, b)])

const availability: fc.Arbitrary<SavedAvailability> = fc.tuple(
  ...availabilityWindows.map(({ buckets }) => fc.array(bucket, { maxLength: buckets })),
)

const damping: fc.Arbitrary<SavedDamping> = fc.record({
  state: fc.constantFrom(...savedStates),
  reason: fc.string({ maxLength: 200 }),
  sinceMs: time,
  seenMs: time,
  upSinceMs: fc.option(time),
  flaps: fc.nat(1e9),
  flickers: fc.nat(1e9),
  holdMs: fc.integer({ min: 0, max: 86_400_000 }),
})

const zoneSerial: fc.Arbitrary<ZoneSerial> = fc.record({
  serial: fc.nat(0xffff_ffff),
  digest: fc.stringMatching(/^[\w-]{16}$/),
})

const keyTime = fc.option(fc.integer({ min: -8.64e15, max: 8.64e15 }))

const signedZone: fc.Arbitrary<SignedZone> = fc.record({
  isUnsigning: fc.boolean(),
  keys: fc.array(
    fc.record({
      dnskey: fc.stringMatching(/^[\w+/]{8}$/).map((text) => text.replaceAll('_', '/')),
      publishMs: keyTime,
      activateMs: keyTime,
      inactiveMs: keyTime,
      deleteMs: keyTime,
    }),
    { maxLength: 3 },
  ),
})

const exposedSet = {
  owner: name,
  type: fc.integer({ min: 1, max: 0xffff }),
  ttl: fc.nat(0x7fff_ffff),
  rdata: fc.array(name, { minLength: 1, maxLength: 3 }),
  keepSeconds: fc.nat(0xffff_ffff),
}

/** A zone without names is not written. */
const names: fc.Arbitrary<SavedState['names']> = fc
  .array(
    fc.tuple(
      name,
      fc.record({
        current: fc.array(fc.record({ ...exposedSet, ledUntilMs: fc.nat(2 ** 31) }), {
          minLength: 1,
          maxLength: 2,
        }),
        departed: fc.array(fc.record({ ...exposedSet, untilMs: fc.nat(2 ** 31) }), {
          maxLength: 2,
        }),
      }),
    ),
    { maxLength: 2 },
  )
  .map((all) => new Map(all))
const handedTimes = { zone: name, firstMs: time, lastMs: fc.option(time) }
const seconds = fc.nat(0x7fff_ffff)

const handed: fc.Arbitrary<HandedOut> = fc.record({
  policies: fc.array(
    fc.record({
      ...handedTimes,
      domain: name,
      id: fc.stringMatching(/^[A-Za-z0-9]{1,32}$/),
      mode: fc.constantFrom('enforce', 'testing', 'none'),
      maxAgeSeconds: seconds,
      patterns: fc.array(name, { maxLength: 3 }),
    }),
    { maxLength: 3 },
  ),
  tlsa: fc.array(
    fc.record({
      ...handedTimes,
      target: fc.stringMatching(/^[a-z]{1,63}$/),
      ttlSeconds: seconds,
      records: fc.array(fc.stringMatching(/^3 [01] [012] …?[0-9a-f]{0,128}$/), { maxLength: 3 }),
    }),
    { maxLength: 3 },
  ),
  exchanges: fc.array(fc.record({ ...handedTimes, domain: name, name, ttlSeconds: seconds }), {
    maxLength: 3,
  }),
})

const logged: fc.Arbitrary<LoggedEvent> = fc.record({
  event: fc.constantFrom('target.down', 'override.set', 'peer.gone'),
  level: fc.constantFrom('info', 'warn', 'error'),
  message: fc.string({ unit: 'binary', maxLength: 1000 }),
  fields: fc.dictionary(
    fc.constantFrom('zone', 'target', 'why', 'by', 'from', 'peer', 'until', 'id', 'afterMs'),
    fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.nat()),
  ),
})

const state: fc.Arbitrary<SavedState> = fc.record({
  names,
  verdicts: fc.array(fc.tuple(name, damping), { maxLength: 4 }).map((all) => new Map(all)),
  overrides: fc.array(override, { maxLength: 4 }),
  availability: fc.array(fc.tuple(name, availability), { maxLength: 2 }).map((all) => new Map(all)),
  serials: fc.array(fc.tuple(name, zoneSerial), { maxLength: 2 }).map((all) => new Map(all)),
  signed: fc.array(fc.tuple(name, signedZone), { maxLength: 2 }).map((all) => new Map(all)),
  knownMs: fc.nat(2 ** 31),
  handed,
  events: fc.array(logged, { maxLength: 4 }).map((all) => {
    const ring = new EventRing()
    for (const one of all) ring.take(one, 1_700_000_000_000)
    return ring.saved()
  }),
})

describe('what is written is read back equal:', () => {
  test('overrides', () => {
    fc.assert(
      fc.property(override, fc.option(name), (one, from) => {
        const text = formatOverride(one, from ?? undefined)
        expect(parseOverride(text)).toEqual({ override: one, from })
      }),
      { numRuns: runs(500) },
    )
  })

  test('feedback', () => {
    fc.assert(
      fc.property(feedback, (one) => {
        expect(parseFeedback(formatFeedback(one))).toEqual(one)
      }),
      { numRuns: runs(500) },
    )
  })

  test('counts of probes', () => {
    fc.assert(
      fc.property(availability, (one) => {
        const text = JSON.stringify(one)
        expect(parseTally(text)).toEqual(text.length <= 16_384 ? one : null)
      }),
      { numRuns: runs(100) },
    )
  })

  test('the state file', () => {
    fc.assert(
      fc.property(state, time, (saved, savedMs) => {
        expect(decodeState(encodeState(saved, savedMs))).toEqual({
          kind: 'state',
          state: saved,
          savedMs,
        })
      }),
      { numRuns: runs(100) },
    )
  })
})

/** Values that bounds and types should stop, and some that they should not. */
const oddValue = fc.oneof(
  fc.constantFrom<unknown[]>(
    -1,
    0.5,
    2,
    3,
    1e13,
    1e300,
    null,
    true,
    '',
    'forced',
    'a\u0007',
    '\u202e',
  ),
  fc.constantFrom<unknown[]>('x'.repeat(300), [], {}, { kind: 'drain', more: 1 }, [[1, 3, 2]]),
  fc.jsonValue(),
)

/** Replaces, removes or adds a field somewhere in a record. */
const mutated = <T>(record: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc
    .tuple(record, fc.nat(), fc.constantFrom('set', 'remove', 'add'), oddValue)
    .map(([base, at, how, value]) => {
      const copy = JSON.parse(JSON.stringify(base)) as unknown
      const holders = objectsIn(copy)
      const holder = holders[at % holders.length] ?? {}
      const fields = Object.keys(holder)
      const field = how === 'add' ? 'more' : (fields[at % fields.length] ?? 'more')
      if (how === 'remove') delete holder[field]
      else holder[field] = value
      return copy
    })

function objectsIn(value: unknown): Record<string, unknown>[] {
  if (typeof value !== 'object' || value === null) return []
  return [value as Record<string, unknown>, ...Object.values(value).flatMap(objectsIn)]
}

const record = (text: fc.Arbitrary<string>): fc.Arbitrary<unknown> =>
  fc.oneof(text, fc.json(), fc.string(), fc.anything())

const json = (value: unknown): string => JSON.stringify(value) ?? 'null'

describe('anything else is null, or is read back equal once written:', () => {
  test('overrides', () => {
    const given = record(mutated(override).map(json))
    fc.assert(
      fc.property(given, (value) => {
        const read = parseOverride(value)
        const again = read && parseOverride(formatOverride(read.override, read.from ?? undefined))
        expect(again).toEqual(read)
      }),
      { numRuns: runs(2000) },
    )
  })

  test('feedback', () => {
    const given = record(mutated(feedback.map((one) => JSON.parse(formatFeedback(one)))).map(json))
    fc.assert(
      fc.property(given, (value) => {
        const read = parseFeedback(value)
        expect(read && parseFeedback(formatFeedback(read))).toEqual(read)
      }),
      { numRuns: runs(2000) },
    )
  })

  test('counts of probes', () => {
    fc.assert(
      fc.property(record(mutated(availability).map(json)), (value) => {
        const read = parseTally(value)
        expect(json(read)).toBe(read ? json(JSON.parse(value as string)) : 'null')
      }),
      { numRuns: runs(500) },
    )
  })

  test('entries of the state file', () => {
    const entry = fc.oneof(
      mutated(damping.map((one) => ({ verdict: { key: 'k', ...one } }))),
      mutated(override.map((one) => ({ override: one }))),
      mutated(availability.map((windows) => ({ availability: { pool: 'p', windows } }))),
      fc.jsonValue(),
    )
    fc.assert(
      fc.property(entry, (value) => {
        const decoded = decodeState(fileOf(json(value)))
        const isRead = decoded.kind === 'state'
        const expected = isRead ? decodeState(encodeState(decoded.state, 1)) : wrongLine
        expect(decoded).toEqual(expected)
      }),
      { numRuns: runs(2000) },
    )
  })

  test('state files', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        for (const content of [text, `${text}\n`, `${text}\n{}\n`])
          expect(decodeState(content).kind).toBe('bad')
      }),
      { numRuns: runs(500) },
    )
    expect(decodeState(encodeState(emptyState, 1)).kind).toBe('state')
  })
})

const wrongLine = { kind: 'bad', why: 'line 2 is not what version 1 says' }

/** A state file with this entry, whose count and hash are right. */
function fileOf(entry: string): string {
  const body = `${entry}\n`
  const sha256 = createHash('sha256').update(body).digest('hex')
  return `${json({ format: 'mxsteer-state', version: 1, savedMs: 1, entries: 1, sha256 })}\n${body}`
}
