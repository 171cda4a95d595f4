// Which records count, by mode and by what was read before; what is counted, and what is reported and when.

import { expect, test } from 'vitest'

import { formatHeartbeat, formatVote, stateKeys } from '../../../src/cluster/redis/schema.ts'
import type { SealMode } from '../../../src/cluster/redis/sealed-record.ts'
import { type Opened, StoreSeals } from '../../../src/cluster/redis/store-seals.ts'
import type { SealEvent } from '../../../src/cluster/redis/unauthentic-records.ts'

const keys = stateKeys('test')
const heartbeatMs = 1000
const times = { heartbeatMs, heartbeatLifetimeMs: 5 * heartbeatMs }
const octets = (text: string): Uint8Array => new TextEncoder().encode(text)
const ours = octets('a-secret-of-the-fleet-0123456789')
const theirs = octets('another-secret-0123456789abcdefg')

function arrange(mode: SealMode | null, instance = 'a', secret = ours) {
  const now = { ms: 1_000_000 }
  const events: SealEvent[] = []
  const clock = { monotonicMs: () => now.ms, wallMs: () => now.ms }
  const secrets = mode === null ? null : { secrets: [secret] as const, mode }
  const onEvent = (event: SealEvent): void => void events.push(event)
  return { now, events, seals: new StoreSeals({ secrets, instance, clock, times, onEvent }) }
}

const place = { key: keys.heartbeat('b'), field: '', writer: 'b' }
const beat = (sequence: number, epoch = 7) =>
  ({ epoch, sequence, state: 'ok', site: 'fra', config: null }) as const
const stored = (sequence: number, epoch = 7, secret = ours): string => {
  const { seals } = arrange('require', 'b', secret)
  return seals.seal({ ...place, epoch }, formatHeartbeat(beat(sequence, epoch)))
}
const sequenceOf = (opened: Opened<{ readonly sequence: number | null }>): number | string | null =>
  opened.kind === 'record' ? opened.value.sequence : opened.kind

test.each([
  { mode: 'require', unsealed: 'ignored', forged: 'ignored' },
  { mode: 'permit', unsealed: 2, forged: 3 },
  { mode: null, unsealed: 2, forged: 3 },
] as const)('$mode', ({ mode, unsealed, forged }) => {
  const { seals, events } = arrange(mode)
  const open = (text: unknown): number | string | null =>
    sequenceOf(seals.openHeartbeat(place.key, 'b', text))
  expect(open(formatHeartbeat(beat(2)))).toBe(unsealed)
  expect(open(stored(3, 7, theirs))).toBe(forged)
  expect(open(stored(4))).toBe(4)
  expect(open(null)).toBe('missing')
  const isIgnored = mode === 'require'
  const first = { kind: 'unauthentic', peer: 'b', record: 'heartbeat', why: 'unsealed', isIgnored }
  expect(events).toEqual(mode === null ? [] : [first])
  const counts = seals.records.counts().filter(({ count }) => count > 0)
  expect(counts).toEqual(
    mode === null
      ? []
      : [
          { record: 'heartbeat', why: 'unsealed', count: 1 },
          { record: 'heartbeat', why: 'unverified', count: 1 },
        ],
  )
})

test('garbage is rejected, or what stood there before stands', () => {
  const { seals } = arrange('require')
  expect(seals.openHeartbeat(place.key, 'b', 'nonsense').kind).toBe('invalid')
  expect(seals.openHeartbeat(place.key, 'b', 7).kind).toBe('invalid')
  seals.openHeartbeat(place.key, 'b', stored(1))
  expect(sequenceOf(seals.openHeartbeat(place.key, 'b', 'nonsense'))).toBe(1)
})

test('in place of a forged or older heartbeat the last one stands, as long as the store would have kept it', () => {
  const { seals, events, now } = arrange('require')
  const open = (text: string): number | string | null =>
    sequenceOf(seals.openHeartbeat(place.key, 'b', text))
  expect(open(stored(9))).toBe(9)
  for (const text of [stored(8), stored(99, 6), formatHeartbeat(beat(10)), stored(10, 7, theirs)])
    expect(open(text)).toBe(9)
  // A replica that lags behind has an older one as well: no event until it stays so.
  expect(events.map((event) => event.kind === 'unauthentic' && event.why)).toEqual(['unsealed'])
  now.ms += times.heartbeatLifetimeMs + 1
  for (const text of [stored(8), stored(99, 6), formatHeartbeat(beat(10))])
    expect(open(text)).toBe('ignored')
  const replays = seals.records.counts().find(({ why, count }) => why === 'replayed' && count > 0)
  expect(replays).toEqual({ record: 'heartbeat', why: 'replayed', count: 2 })
  expect(open(stored(9))).toBe(9)
  expect(open(stored(1, 8))).toBe(1)
  expect(open(stored(10))).toBe(1)
})

test('a name is reported once, and that it is over after a while without', () => {
  const { seals, events, now } = arrange('require')
  for (let i = 0; i < 3; i++) seals.openHeartbeat(place.key, 'b', stored(i, 7, theirs))
  now.ms += 29 * heartbeatMs
  seals.openHeartbeat(place.key, 'b', stored(9, 7, theirs))
  now.ms += 29 * heartbeatMs
  seals.endQuiet()
  expect(events).toHaveLength(1)
  expect(seals.records.reported()).toEqual([{ peer: 'b', record: 'heartbeat', why: 'unverified' }])
  now.ms += heartbeatMs
  seals.endQuiet()
  expect(events.at(-1)).toEqual({ kind: 'authentic', peer: 'b' })
  expect(seals.records.reported()).toEqual([])
})

test('names that anybody can make up do not fill the log', () => {
  const { seals, events } = arrange('require')
  for (let i = 0; i < 1000; i++)
    seals.openHeartbeat(keys.heartbeat(`x${i}`), `x${i}`, formatHeartbeat(beat(1)))
  expect(events).toHaveLength(16)
  expect(seals.records.counts()[0]).toEqual({ record: 'heartbeat', why: 'unsealed', count: 1000 })
})

const endpoint = 'abcdefghijklmnop'
const votePlace = { key: keys.votes('b'), field: endpoint, writer: 'b' }
const storedVote = (sequence: number, epoch = 7): string => {
  const vote = formatVote({ state: sequence % 2 ? 'D' : 'U', epoch, reason: 'ok', sequence })
  return arrange('require', 'b').seals.seal({ ...votePlace, epoch }, vote)
}

test('an earlier vote does not take the place of a later one', () => {
  const { seals } = arrange('require')
  seals.openHeartbeat(place.key, 'b', stored(1))
  const open = (text: unknown): number | string | null =>
    sequenceOf(seals.openVote(votePlace, text))
  expect([5, 5, 4, 6].map((sequence) => open(storedVote(sequence)))).toEqual([5, 5, 'ignored', 6])
  expect(open(null)).toBe('missing')
  expect(open(storedVote(5))).toBe('ignored')
  expect(open(storedVote(1, 8))).toBe(1)
  expect(open(storedVote(7))).toBe('ignored')
  expect(open('D|8|timeout|9')).toBe('ignored')
})

test('a vote at another endpoint or of another instance is not authentic', () => {
  const { seals } = arrange('require')
  const text = storedVote(3)
  expect(seals.openVote({ ...votePlace, field: 'ponmlkjihgfedcba' }, text).kind).toBe('ignored')
  const elsewhere = { ...votePlace, key: keys.votes('c'), writer: 'c' }
  expect(seals.openVote(elsewhere, text).kind).toBe('ignored')
})

test('of an own epoch only a sealed one is believed', () => {
  const { seals } = arrange('require')
  const key = keys.epoch('a')
  const sealed = seals.seal({ key, field: '', writer: 'a', epoch: 42 }, '42')
  expect(seals.openEpoch(key, 'a', sealed)).toBe(42)
  for (const text of [null, '42', `43${sealed.slice(2)}`, 42])
    expect(seals.openEpoch(key, 'a', text)).toBeNull()
})
