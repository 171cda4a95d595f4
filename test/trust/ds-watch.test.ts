// What DS at the parent come to, when the parent is asked, and what is told of it.

import { beforeEach, describe, expect, test } from 'vitest'

import { generatePrivateKey, publicOctetsOf } from '../../src/dnssec/algorithms.ts'
import { dnskeyRdata, dsRdata } from '../../src/dnssec/dnskey.ts'
import {
  type AnchoredStanding,
  type AnchoredZone,
  DsWatch,
  judgeDs,
} from '../../src/trust/ds-watch.ts'
import type { ParentDs, ParentServer } from '../../src/trust/parent-ds.ts'
import { createVirtualTime, type VirtualTime } from '../support/virtual-time.ts'
import { nameOf } from '../support/zone-builder.ts'

const apex = nameOf('mail.example.test.')
const [ours, next, stray] = [1, 2, 3].map(() => makeKey()) as [Uint8Array, Uint8Array, Uint8Array]
const anchored: AnchoredZone = { zone: 'mail.example.test', apex, entryPoints: [ours] }

const ds = (key: Uint8Array): Uint8Array => dsRdata(apex, key, 2)
/** The last octet of the digest is another. */
const wrong = (rdata: Uint8Array): Uint8Array =>
  rdata.with(rdata.length - 1, (rdata.at(-1) as number) ^ 1)
const unread = (rdata: Uint8Array): Uint8Array => rdata.with(3, 99)

const answered = (name: string, ...records: Uint8Array[]): ParentServer => ({
  kind: 'answered',
  name,
  address: '192.0.2.1',
  ds: records,
  ttlSeconds: 60,
})
const silent: ParentServer = { kind: 'silent', name: 'ns9', address: null, why: 'timeout' }
const asked = (...servers: ParentServer[]): ParentDs => ({
  kind: 'asked',
  parent: 'example.test',
  servers,
})

test.each<[string, ParentDs, string]>([
  ['no parent is found', { kind: 'unknown', why: 'timeout' }, 'unknown'],
  ['no name server answers', asked(silent), 'unknown'],
  ['none has a DS', asked(answered('ns1'), silent), 'none'],
  ['of the key', asked(answered('ns1', ds(ours))), 'matches'],
  [
    'of the key, at the only server that has any',
    asked(answered('ns1'), answered('ns2', ds(ours))),
    'matches',
  ],
  ['of the key beside another', asked(answered('ns1', ds(stray), ds(ours))), 'matches'],
  ['of a digest that is not known here', asked(answered('ns1', unread(ds(ours)))), 'matches'],
  ['of another key', asked(answered('ns1', ds(stray))), 'mismatch'],
  ['by a wrong digest', asked(answered('ns1', wrong(ds(ours)))), 'mismatch'],
  ['too short to be one', asked(answered('ns1', Uint8Array.of(1, 2))), 'mismatch'],
  ['right at one server', asked(answered('ns1', ds(ours)), answered('ns2', ds(stray))), 'mismatch'],
])('a DS %s', (_, parent, kind) => {
  expect(judgeDs(parent, anchored).kind).toBe(kind)
})

test('names the servers and the DS that lead nowhere', () => {
  const tag = (ds(stray)[0] as number) * 256 + (ds(stray)[1] as number)
  const parent = asked(
    answered('ns1', ds(ours)),
    answered('ns2', ds(stray)),
    answered('ns3', ds(stray)),
  )
  expect(judgeDs(parent, anchored)).toEqual({
    kind: 'mismatch',
    parent: 'example.test',
    servers: ['ns2 (192.0.2.1)', 'ns3 (192.0.2.1)'],
    ds: [`${tag} 13 2`],
  })
})

describe('the watch', () => {
  let time: VirtualTime
  let answer: ParentDs
  let questions: number
  let told: string[]
  let watch: DsWatch

  beforeEach(() => {
    time = createVirtualTime()
    answer = asked(answered('ns1', ds(ours)))
    questions = 0
    told = []
    watch = new DsWatch({
      ask: () => {
        questions++
        return Promise.resolve(answer)
      },
      clock: time.clock,
      random: () => 0.5,
      onChange: ({ kind }: AnchoredStanding) => told.push(kind),
    })
  })

  /** Looks each second, as the server does, and lets what was asked be answered. */
  async function pass(seconds: number, zones: readonly AnchoredZone[] = [anchored]): Promise<void> {
    for (let i = 0; i < seconds; i++) {
      time.advance(1000)
      watch.look(zones)
      await Promise.resolve().then(() => Promise.resolve())
    }
  }

  test('asks each quarter of an hour, and each minute where something is wrong', async () => {
    await pass(1)
    expect(questions).toBe(1)
    await pass(899)
    expect(questions).toBe(1)
    answer = asked(answered('ns1', ds(stray)))
    await pass(1)
    expect([questions, told]).toEqual([2, ['mismatch']])
    await pass(60)
    expect([questions, told]).toEqual([3, ['mismatch']])
    answer = asked(answered('ns1', ds(ours)))
    await pass(60)
    expect([questions, told]).toEqual([4, ['mismatch', 'matches']])
  })

  test('tells of other DS anew, and keeps what is known while the parent is silent', async () => {
    answer = asked(answered('ns1', ds(stray)))
    await pass(1)
    answer = asked(silent)
    await pass(60)
    expect(watch.mismatches()).toMatchObject([
      { zone: 'mail.example.test', parent: 'example.test' },
    ])
    answer = asked(answered('ns1', ds(next)))
    await pass(300)
    expect(told).toEqual(['mismatch', 'mismatch'])
    answer = asked(answered('ns1'))
    await pass(60)
    expect(told).toEqual(['mismatch', 'mismatch', 'none'])
  })

  test('asks at once when other keys sign', async () => {
    await pass(1)
    await pass(1, [{ ...anchored, entryPoints: [next] }])
    expect([questions, told]).toEqual([2, ['mismatch']])
  })

  test('forgets a zone that is served no more, and asks a few at a time', async () => {
    const many = Array.from({ length: 50 }, (_, i) => ({ ...anchored, zone: `z${i}.example.test` }))
    let waiting: (() => void)[] = []
    const slow = new DsWatch({
      ask: () => new Promise((resolve) => waiting.push(() => resolve(answer))),
      clock: time.clock,
      random: Math.random,
      onChange: () => {},
    })
    slow.look(many)
    slow.look(many)
    expect(waiting).toHaveLength(4)
    const [first] = waiting
    waiting = []
    first?.()
    await pass(1)
    slow.look(many)
    expect(waiting).toHaveLength(1)
    expect(slow.standings()).toMatchObject([{ zone: 'z0.example.test', kind: 'matches' }])
    slow.look([])
    expect(slow.standings()).toEqual([])
  })
})

function makeKey(): Uint8Array {
  return dnskeyRdata(257, 13, publicOctetsOf(13, generatePrivateKey(13)))
}
