// The state file: what is written is read back, and a file that is not as it was written is ignored as a whole.

import { chmodSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import type { Override } from '../../src/health/overrides.ts'
import { type SavedDamping, freshForMs, restoreDamping } from '../../src/health/saved-damping.ts'
import { SlotState } from '../../src/health/table.ts'
import { systemClock } from '../../src/lib/clock.ts'
import {
  persistOverrides,
  type StateFileEvent,
  openStateFile,
} from '../../src/persistence/state-file.ts'
import { createStandaloneOverrides } from '../../src/cluster/standalone.ts'
import {
  type SavedState,
  decodeState,
  emptyState,
  encodeState,
} from '../../src/persistence/state-format.ts'
import { temporaryFolder } from '../support/server.ts'
import { until } from '../support/wait.ts'
import { runs } from '../support/runs.ts'

const verdict: SavedDamping = {
  state: 'down',
  reason: 'connect-refused',
  sinceMs: 1_700_000_000_000,
  seenMs: 1_700_000_100_000,
  upSinceMs: null,
  flaps: 2,
  flickers: 1,
  holdMs: 60_000,
}
const drain: Override = {
  id: 'abcd',
  zone: 'smtp.example.com',
  target: 'mx1',
  pool: null,
  action: { kind: 'drain' },
  why: 'new disk',
  by: 'me',
  setMs: 1_700_000_000_000,
  untilMs: 1_700_000_900_000,
}
const half: Override = {
  ...drain,
  id: 'ef',
  action: { kind: 'weight', weight: { unit: 'factor', value: 0.5 } },
  untilMs: null,
}
const state: SavedState = {
  verdicts: new Map([
    ['192.0.2.1|25', verdict],
    ['2001:db8::1|25', { ...verdict, state: 'up', upSinceMs: 1_699_000_000_000 }],
  ]),
  overrides: [drain, half],
  availability: new Map([['smtp.example.com eu', [[[1, 2, 3]], [], [[4, 5, 5]]]]]),
  names: new Map([
    [
      'smtp.example.com',
      {
        current: [
          {
            owner: 'mx1.smtp.example.com.',
            type: 1,
            ttl: 60,
            rdata: ['192.0.2.1'],
            keepSeconds: 420,
            ledUntilMs: 5,
          },
        ],
        departed: [
          {
            owner: '_25._tcp.mx2.smtp.example.com.',
            type: 52,
            ttl: 0,
            rdata: ['3 1 1 AB', '3 1 1 CD'],
            keepSeconds: 0,
            untilMs: 1_700_000_000_000,
          },
        ],
      },
    ],
  ]),
  serials: new Map([['smtp.example.com', { serial: 0xffff_ffff, digest: 'pZ3_bW0bGv6q1x-d' }]]),
  signed: new Map([
    [
      'mail.example.com',
      {
        isUnsigning: false,
        keys: [
          {
            dnskey: 'AQEDDQECAwQ=',
            publishMs: 1,
            activateMs: -1,
            inactiveMs: null,
            deleteMs: 8.64e15,
          },
        ],
      },
    ],
  ]),
  knownMs: 1_790_000_000_000,
  events: [
    { id: 7, at: '2026-11-29T23:00:00.000Z', event: 'peer.gone', level: 'warn', text: 'gone' },
    {
      id: 9,
      at: '2026-11-29T23:00:01.000Z',
      event: 'target.down',
      level: 'warn',
      text: 'mx1 is down',
      zone: 'smtp.example.com',
      target: 'mx1',
      from: 'up',
      to: 'down',
      afterMs: 12,
    },
  ],
  handed: {
    policies: [
      {
        zone: 'smtp.example.test',
        domain: 'example.test',
        id: '0fjmi430h46hnt0uz9h6s00uo0d8',
        mode: 'enforce',
        maxAgeSeconds: 604_800,
        patterns: ['*.smtp.example.test'],
        firstMs: 1_790_000_000_000,
        lastMs: null,
      },
    ],
    tlsa: [
      {
        zone: 'smtp.example.test',
        target: 'mx1',
        ttlSeconds: 60,
        records: [`3 1 1 ${'ab'.repeat(32)}`],
        firstMs: 1_789_000_000_000,
        lastMs: 1_790_000_000_000,
      },
    ],
    exchanges: [
      {
        zone: 'smtp.example.test',
        domain: '',
        name: 'mx1.smtp.example.test',
        ttlSeconds: 60,
        firstMs: 1_789_000_000_000,
        lastMs: null,
      },
    ],
  },
}
const text = encodeState(state, 1_700_000_123_000)

describe('the format', () => {
  test('is read back as it was written', () => {
    expect(decodeState(text)).toEqual({ kind: 'state', state, savedMs: 1_700_000_123_000 })
    expect(decodeState(encodeState(emptyState, 1))).toMatchObject({ kind: 'state' })
  })

  test('cut short anywhere, it is ignored', () => {
    for (let end = 0; end < text.length; end++)
      expect(decodeState(text.slice(0, end)).kind, `cut at ${end}`).toBe('bad')
  })

  test('with any other octet anywhere, it is ignored or means the same', () => {
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.integer({ min: 32, max: 126 }), (at, octet) => {
        const other = `${text.slice(0, at)}${String.fromCharCode(octet)}${text.slice(at + 1)}`
        const decoded = decodeState(other)
        // Only the time in the first line is not covered by count and hash.
        expect(decoded.kind === 'state' ? decoded.state : state).toEqual(state)
      }),
      { numRuns: runs(2000) },
    )
  })

  const withLine = (line: unknown): string =>
    encodeState({ ...emptyState, verdicts: new Map([['k', line as SavedDamping]]) }, 1)

  test.each([
    ['another version', text.replace('"version":1', '"version":2'), 'version 2 is not 1'],
    ['no JSON', 'hello\n', 'no state file'],
    ['a state that there is not', withLine({ ...verdict, state: 'unknown' }), 'line 2'],
    ['a field too many', withLine({ ...verdict, more: 1 }), 'line 2'],
    ['a field too few', withLine({ ...verdict, flaps: undefined }), 'line 2'],
    ['a negative time', withLine({ ...verdict, sinceMs: -1 }), 'line 2'],
    [
      'a weight out of bounds',
      encodeState(
        {
          ...emptyState,
          overrides: [{ ...half, action: { kind: 'weight', weight: { unit: 'share', value: 7 } } }],
        },
        1,
      ),
      'line 2',
    ],
    [
      'a serial of more than 32 bits',
      encodeState(
        { ...emptyState, serials: new Map([['z', { serial: 2 ** 32, digest: 'x'.repeat(16) }]]) },
        1,
      ),
      'line 2',
    ],
    [
      'more successes than handshakes',
      encodeState({ ...emptyState, availability: new Map([['z p', [[[1, 3, 2]], [], []]]]) }, 1),
      'line 2',
    ],
  ])('%s is refused', (_, bad, why) => {
    const decoded = decodeState(bad)
    expect(decoded).toMatchObject({ kind: 'bad', why: expect.stringContaining(why) as string })
  })
})

describe('the file', () => {
  const opened = async (folder: string) => {
    const events: StateFileEvent[] = []
    const file = await openStateFile({
      folder,
      instance: 'one',
      clock: systemClock,
      onEvent: (event) => events.push(event),
    })
    return { file, events, path: join(folder, 'one.state') }
  }

  test('is written when something must not be lost, and once more at the end', async () => {
    const folder = join(temporaryFolder(), 'deep', 'er')
    const { file, events, path } = await opened(folder)
    expect([events, file.restored]).toEqual([[], emptyState])
    let current = emptyState
    file.track(() => current)
    current = state
    file.flushSoon()
    await until(() => existsSync(path) || null, { what: 'the file', withinMs: 30_000 })
    const again = await opened(folder)
    expect(again.file.restored).toEqual(state)
    expect(again.events).toMatchObject([{ kind: 'restored' }])
    current = { ...state, overrides: [] }
    await file.close()
    expect((await opened(folder)).file.restored.overrides).toEqual([])
    expect(readdirSync(folder)).toEqual(['one.state'])
  })

  test('that is damaged is reported once, and replaced', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'one.state'), text.slice(0, -5))
    const { file, events, path } = await opened(folder)
    expect([events.map(({ kind }) => kind), file.restored]).toEqual([['ignored'], emptyState])
    file.track(() => state)
    await file.close()
    expect(decodeState(readFileSync(path, 'utf8')).kind).toBe('state')
  })

  test('that cannot be written is reported once', async () => {
    const folder = temporaryFolder()
    const blocked = join(folder, 'blocked')
    writeFileSync(blocked, 'a file, not a folder')
    const { file, events } = await opened(blocked)
    // A path through a file cannot be read either.
    expect(events.map(({ kind }) => kind)).toEqual(['ignored'])
    file.track(() => state)
    file.flushSoon()
    await until(() => (file.lastWrite().successful ? null : true), {
      what: 'the failure',
      withinMs: 30_000,
    })
    file.flushSoon()
    await file.close()
    expect(events.map(({ kind }) => kind)).toEqual(['ignored', 'unwritable'])
    chmodSync(blocked, 0o600)
  })
})

test('restored overrides are in force, later changes are flushed', () => {
  let flushes = 0
  const kept = persistOverrides(createStandaloneOverrides(), [drain, half], () => flushes++)
  expect([kept.list(), kept.isPersistent, flushes]).toEqual([[drain, half], true, 0])
  kept.set({ ...drain, id: 'new' })
  expect([kept.list().map(({ id }) => id), flushes]).toEqual([['ef', 'new'], 1])
  kept.remove('new')
  kept.remove('new')
  expect(flushes).toBe(2)
  expect(kept.expire(drain.untilMs as number)).toEqual([])
  expect(flushes).toBe(2)
})

describe('age', () => {
  const clocks = { wallMs: verdict.seenMs, monotonicMs: 5000 }

  test.each([
    [0, SlotState.down],
    [freshForMs, SlotState.down],
    [freshForMs + 1, null],
    [-freshForMs - 1, null],
  ])('seen %d ms ago', (agoMs, expected) => {
    const restored = restoreDamping(verdict, { ...clocks, wallMs: verdict.seenMs + agoMs })
    expect(restored?.state ?? null).toBe(expected)
  })

  test('times are converted to the monotonic clock of this process', () => {
    expect(restoreDamping(verdict, clocks)).toMatchObject({ sinceMs: -95_000, flaps: 2, passes: 0 })
  })
})
