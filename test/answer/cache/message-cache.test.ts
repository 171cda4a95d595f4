// What is kept for a question comes back for that question alone, however full the store has been.

import { expect, test } from 'vitest'
import {
  hashOf,
  maxCachedOctets,
  MessageCache,
  withoutClientFields,
} from '../../../src/answer/cache/message-cache.ts'
import { createQueryDecoder, type Query } from '../../../src/wire/query.ts'
import { buildQuery, type QuerySpec } from '../../support/packet-builder.ts'
import { catalogOf, zoneOf } from '../../support/zone-builder.ts'

const catalog = catalogOf(zoneOf('zone.test.', {}))
const decode = createQueryDecoder()

function queryOf(spec: QuerySpec): Query {
  const packet = buildQuery(spec)
  const decoded = decode(packet, 0, packet.length)
  if (decoded.kind !== 'query') throw new Error(decoded.kind)
  return decoded.query
}

/** A message that begins as its question does, without ID and flags, then `mark` up to `octets`. */
function messageOf(query: Query, octets: number, mark: number): Uint8Array {
  const message = new Uint8Array(octets).fill(mark)
  message.set(query.packet.subarray(0, 12 + query.qnameOctets + 4))
  message.fill(0, 0, 3)
  return message
}

const keep = (store: MessageCache, spec: QuerySpec, octets: number, mark: number): void => {
  const query = queryOf(spec)
  const message = withoutClientFields(messageOf(query, octets, mark), 0, octets, query)
  store.store(query, mark, message)
}

test('by name and type, in any case', () => {
  const store = new MessageCache()
  store.clear(catalog)
  const asked: QuerySpec = { name: 'a.zone.test', type: 1 }
  expect(store.find(queryOf(asked))).toBe(-1)
  keep(store, asked, 100, 7)
  const entry = store.find(queryOf(asked))
  expect([store.value(entry), store.octets(entry)]).toEqual([7, 100])
  for (const other of [
    { type: 28 },
    // Types, lengths and octets that differ as a capital letter does from a small one.
    { type: 33 },
    { type: 65 },
    { name: 'b.zone.test' },
    { name: '\x01.zone.test' },
    { name: 'azone.test' },
  ])
    expect([other, store.find(queryOf({ ...asked, ...other }))]).toEqual([other, -1])
  store.clear(catalog)
  expect(store.find(queryOf(asked))).toBe(-1)
})

test('octets that are no letters are not folded', () => {
  const store = new MessageCache()
  store.clear(catalog)
  for (let octet = 0; octet < 256; octet++) {
    if (octet === 0x2e || (octet >= 0x41 && octet <= 0x5a)) continue
    const name = `${String.fromCharCode(octet)}12${String.fromCharCode(octet)}.t`
    keep(store, { name, type: 1 }, 60, octet)
    const entry = store.find(queryOf({ name, type: 1 }))
    expect(store.value(entry)).toBe(octet)
  }
})

test.each([0, 4, 1])('at place %i a message gets the letters of who asks', (at) => {
  for (const name of ['zone.test', 'a.zone.test', 'ab.zone.test', 'abc.zone.test']) {
    const store = new MessageCache()
    store.clear(catalog)
    // Who asks first leaves no trace of a spelling.
    keep(store, { name: name.toUpperCase(), type: 1 }, 60, 0x55)
    for (const asked of [name, name.toUpperCase(), name.replace('zon', 'zOn')]) {
      const query = queryOf({ name: asked, type: 1 })
      const entry = store.find(query)
      const out = new Uint8Array(128).fill(0xee)
      store.copy(entry, out, at)
      store.spell(query, out, at)
      expect(out.slice(at, at + 60)).toEqual(messageOf(query, 60, 0x55))
    }
  }
})

test.each([0, 4, 1, 3])(
  'a copy to place %i writes the message, and at most three octets more',
  (at) => {
    const store = new MessageCache()
    store.clear(catalog)
    const asked: QuerySpec = { name: 'a.zone.test', type: 1 }
    for (const octets of [50, 51, 52, 53]) {
      store.clear(catalog)
      keep(store, asked, octets, 0x55)
      const out = new Uint8Array(128).fill(0xee)
      store.copy(store.find(queryOf(asked)), out, at)
      const wanted = messageOf(queryOf(asked), octets, 0x55)
      expect(out.slice(at, at + octets)).toEqual(wanted)
      expect(out.slice(0, at).every((octet) => octet === 0xee)).toBe(true)
      expect(out.slice(at + octets + 3).every((octet) => octet === 0xee)).toBe(true)
    }
  },
)

test('full, it begins anew: what is found is always what was kept last', () => {
  const store = new MessageCache()
  store.clear(catalog)
  const [questions, octets] = [6000, 400]
  let found = 0
  for (let i = 0; i < questions; i++) {
    keep(store, { name: `n${i}.zone.test`, type: 1 }, octets, i)
    for (const before of [i, i - 1, i - 700]) {
      const entry = store.find(queryOf({ name: `n${before}.zone.test`, type: 1 }))
      if (entry < 0) continue
      found++
      expect(store.value(entry)).toBe(before)
    }
    expect(store.find(queryOf({ name: `n${i}.zone.test`, type: 1 }))).toBeGreaterThanOrEqual(0)
  }
  // 6,000 of them do not fit a mebioctet: the oldest are gone.
  expect(store.find(queryOf({ name: 'n0.zone.test', type: 1 }))).toBe(-1)
  expect(found).toBeGreaterThan(questions)
})

test('keeps nothing twice, and nothing that is too long', () => {
  const store = new MessageCache()
  store.clear(catalog)
  const asked: QuerySpec = { name: 'a.zone.test', type: 1 }
  keep(store, asked, maxCachedOctets + 1, 3)
  expect(store.find(queryOf(asked))).toBe(-1)
  keep(store, asked, maxCachedOctets, 3)
  keep(store, asked, 100, 5)
  expect(store.value(store.find(queryOf(asked)))).toBe(3)
})

test('questions made to meet in one place stay a few steps: the first are found, the others make way', () => {
  const store = new MessageCache()
  store.clear(catalog)
  // One slot of the 32,768 that a store for a small zone has.
  const meeting: string[] = []
  const question = Buffer.from('\x05aaaaa\x01t\0\0\x01\0\x01', 'latin1')
  for (let i = 0; meeting.length < 40; i++) {
    for (let at = 1, rest = i; at <= 5; at++, rest = Math.floor(rest / 26))
      question[at] = 0x61 + (rest % 26)
    if ((hashOf(question, 0, question.length - 4, 1, new Int32Array(64)) & 0x7fff) === 77)
      meeting.push(`${question.toString('latin1', 1, 6)}.t`)
  }
  const found = (): number[] =>
    meeting
      .map((name) => store.find(queryOf({ name, type: 1 })))
      .filter((entry) => entry >= 0)
      .map((entry) => store.value(entry))
  for (const [i, name] of meeting.entries()) keep(store, { name, type: 1 }, 60, i)
  expect(found()).toEqual([...Array.from({ length: 15 }, (_, i) => i), 39])
})
