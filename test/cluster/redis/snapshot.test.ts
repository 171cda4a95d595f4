// What a snapshot reads: sizes at which a key of the store still counts as ours, and heartbeats.

import { describe, expect, test } from 'vitest'

import { OversizedRecords } from '../../../src/cluster/redis/oversized-records.ts'
import type { Command, Reply } from '../../../src/cluster/link/command.ts'
import type { StoreLink } from '../../../src/cluster/link/redis-link.ts'
import { formatHeartbeat, stateKeys, stateTimes } from '../../../src/cluster/redis/schema.ts'
import { readSnapshot, type SnapshotRequest } from '../../../src/cluster/redis/snapshot.ts'
import { StoreSeals } from '../../../src/cluster/redis/store-seals.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { stubLink } from '../../support/stub-link.ts'

const keys = stateKeys('test')

const noRecords = (): OversizedRecords =>
  new OversizedRecords({ nowMs: () => 0, forgetMs: 1, onRecord() {} })

const requestOf = (changes: Partial<SnapshotRequest>): SnapshotRequest => ({
  keys,
  seals: new StoreSeals({
    secrets: null,
    clock: systemClock,
    instance: 'a',
    times: stateTimes(300),
    onEvent() {},
  }),
  instance: 'a',
  known: [],
  recent: new Map(),
  isStopped: () => false,
  overrideFields: () => [],
  ...changes,
})

/** A store whose stream of hints has so many entries and octets, and which is empty beside it. */
function linkOf(entries: number, octets: number): StoreLink {
  const valueOf = ([name, , key]: Command): unknown => {
    if (name === 'xlen') return entries
    if (name === 'memory') return key === keys.events ? octets : 0
    if (['scard', 'hlen'].includes(name)) return 0
    return name === 'getrange' ? '' : []
  }
  return stubLink(valueOf)
}

// The stream is trimmed to some 20,000 hints, of about 60 octets each.
test.each([
  [0, 0, true],
  [4097, 300_000, true],
  [20_199, 1_500_000, true],
  [32_769, 2_400_000, false],
  [20_199, 9_000_000, false],
])('a stream of %d hints and %d octets is read: %s', async (entries, octets, isRead) => {
  const oversized = noRecords()
  const snapshot = await readSnapshot(linkOf(entries, octets), oversized, requestOf({}))
  expect(snapshot).toMatchObject({
    kind: 'read',
    unusableKeys: isRead ? [] : [keys.events],
  })
  expect(oversized.count).toBe(isRead ? 0 : 1)
})

describe('heartbeats that were read a moment ago', () => {
  const beatOf = (sequence: number) =>
    ({ epoch: 1, sequence, state: 'ok', site: 'x', config: null }) as const
  const recent = new Map(['b', 'c'].map((name) => [name, beatOf(1)]))

  /** A store with these heartbeats: which of them a snapshot reads, in order, and what it finds. */
  async function look(stored: readonly string[], missing: number | 'refused') {
    const read: string[] = []
    const link: StoreLink = {
      ...stubLink(() => null),
      run: async (commands) =>
        commands.map(([name, key, ...rest]): Reply => {
          if (name === 'exists')
            return missing === 'refused'
              ? { kind: 'error', code: 'NOPERM' }
              : { kind: 'value', value: [key, ...rest].length + missing }
          const instance = /:hb:(.*)$/.exec(String(key))?.[1]
          if (instance === undefined) return { kind: 'value', value: name === 'getrange' ? '' : [] }
          read.push(instance)
          return {
            kind: 'value',
            value: stored.includes(instance) ? formatHeartbeat(beatOf(2)) : '',
          }
        }),
    }
    const request = requestOf({ known: ['b', 'c', 'd'], recent })
    const snapshot = await readSnapshot(link, noRecords(), request)
    if (snapshot?.kind !== 'read') throw new Error('nothing was read')
    const found = [...snapshot.heartbeats].map(([name, { sequence }]) => `${name}${sequence}`)
    return { read, found, own: snapshot.ownHeartbeat?.sequence, refuses: snapshot.refusesExists }
  }

  test('stand while all of them are there', async () => {
    expect(await look(['a', 'b', 'c', 'd'], 0)).toEqual({
      read: ['d', 'a'],
      found: ['b1', 'c1', 'd2'],
      own: 2,
      refuses: false,
    })
  })

  test('are read if one is missing, and the own one after them once more', async () => {
    expect(await look(['a', 'b', 'd'], -1)).toEqual({
      read: ['d', 'a', 'b', 'c', 'a'],
      found: ['d2', 'b2'],
      own: 2,
      refuses: false,
    })
  })

  test('are read if the ACL does not let the instance ask', async () => {
    expect(await look(['a', 'b', 'c', 'd'], 'refused')).toMatchObject({
      read: ['d', 'a', 'b', 'c', 'a'],
      refuses: true,
    })
  })
})
