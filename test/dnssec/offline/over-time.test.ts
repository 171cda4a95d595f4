// A zone whose key with flags 257 is kept offline, as time goes by: seen by the validator of the tests, which has the keys and the data
// as fresh or as old as their TTLs let it. A response that comes late makes a roll-over late, and one that has run out makes
// SERVFAIL of DNSKEY: never an answer that is bogus.

import { describe, expect, test } from 'vitest'

import { createRespond } from '../../../src/answer/respond.ts'
import { keysInForce, type ZoneKeysData } from '../../../src/dnssec/keys-in-force.ts'
import { offlineRefusal, offlineRolesAt, takenOver } from '../../../src/dnssec/offline/periods.ts'
import { signingKeyData } from '../../../src/dnssec/signing-key.ts'
import { CatalogSigners } from '../../../src/dnssec/zone-signer.ts'
import { contextOf, peerOf, send } from '../../support/ask-catalog.ts'
import { compiledZone } from '../../support/compiled-zone.ts'
import { dsOf, zoneKey } from '../../support/dnssec/signatures.ts'
import { labelsOf, wireOf } from '../../support/dnssec/names.ts'
import { trustByDs, validate } from '../../support/dnssec-validator.ts'
import {
  type Key,
  keyOfNumber,
  type Part,
  readResponse,
  responseText,
} from '../../support/offline-key.ts'
import { buildQuery } from '../../support/packet-builder.ts'
import { catalogOf } from '../../support/zone-builder.ts'

const apex = 'offline.test.'
const [mx, cds, dnskey] = [15, 59, 48] as const
const hour = 3_600_000
const day = 24 * hour
const startMs = 1_800_000_000_000
const ttlMs = hour

const { zone } = compiledZone(`
zone: ${apex.slice(0, -1)}
ttl: 3600
dnssec: {}
soa: { mname: ns1, rname: hostmaster, minimum: 3600 }
records:
  '@': { NS: ns1, MX: 10 ns1 }
  ns1: { A: 192.0.2.1 }
`)

const ksk = keyOfNumber(3, 257, { publishMs: 0, activateMs: 0, syncPublishMs: 0 })
const old = (switchMs: number): Key =>
  keyOfNumber(4, 256, { publishMs: 0, activateMs: 0, inactiveMs: switchMs })
const next = (switchMs: number): Key =>
  keyOfNumber(5, 256, { publishMs: startMs, activateMs: switchMs })

/** What a server with these keys and this response answers at a time. */
function answersOf(keys: readonly Key[], parts: readonly Part[], untilMs: number) {
  const text = responseText(zone.apex, parts, { keys: [ksk], untilMs })
  const response = readResponse(zone.apex, text, [ksk])
  const offline = takenOver({ response, entryPoints: [ksk] }, undefined, startMs)
  const clock = { nowMs: startMs }
  const time = { wallMs: () => clock.nowMs, monotonicMs: () => clock.nowMs }
  const data: ZoneKeysData = {
    apexKey: zone.apexKey,
    keys: keys.map((key) => ({ ...signingKeyData(key), times: key.times })),
    offline,
  }
  const signers = new CatalogSigners(time)
  signers.use([zone], keysInForce(structuredClone([data])))
  const respond = createRespond(contextOf(catalogOf(zone), { clock: time, signers }))
  const answerAt = (nowMs: number, qname: string, type: number, dnssecOk = true): Buffer => {
    clock.nowMs = nowMs
    const packet = buildQuery({ rawName: [...wireOf(labelsOf(qname))], type, opts: [{ dnssecOk }] })
    return Buffer.from(send(respond, packet, peerOf('tcp')) ?? [])
  }
  return { answerAt, offline, signers, clock }
}

const questions = [
  { qname: apex, qtype: mx },
  { qname: apex, qtype: cds },
  { qname: `missing.${apex}`, qtype: mx },
]

/** What is wrong in the eyes of a resolver whose keys and data are as old as they may be; empty: nothing. */
function flawsOf(
  keys: readonly Key[],
  parts: readonly Part[],
  untilMs: number,
  stepMs: number,
): string[] {
  const { answerAt } = answersOf(keys, parts, untilMs)
  const key = zoneKey(Buffer.from(ksk.dnskey))
  const ds = key === null ? [] : [dsOf(key, labelsOf(apex))]
  const flaws: string[] = []
  for (let nowMs = startMs; nowMs <= untilMs && flaws.length < 3; nowMs += stepMs)
    for (const keyAgeMs of [0, ttlMs])
      for (const ageMs of [0, ttlMs]) {
        const nowSeconds = nowMs / 1000
        const keyResponse = answerAt(Math.max(startMs, nowMs - keyAgeMs), apex, dnskey)
        const trusted = trustByDs(apex, ds, keyResponse, nowSeconds)
        const hours = (nowMs - startMs) / hour
        if (trusted.kind === 'bogus') flaws.push(`${hours} h: DNSKEY: ${trusted.why}`)
        else
          for (const question of questions) {
            const answer = answerAt(
              Math.max(startMs, nowMs - ageMs),
              question.qname,
              question.qtype,
            )
            const verdict = validate([trusted.zone], question, answer, nowSeconds)
            if (verdict.kind !== 'secure') flaws.push(`${hours} h: ${JSON.stringify(verdict)}`)
          }
      }
  return flaws
}

const from = (hours: number, ...keys: readonly Key[]): Part => ({
  fromMs: startMs + hours * hour,
  keys,
})

describe('every answer is secure', () => {
  const switchMs = startMs + 6 * hour
  const [a, b] = [old(switchMs), next(switchMs)]
  test.each([
    ['while periods turn', [a], [from(0, a)], 12 * day],
    ['through a planned roll-over', [a, b], [from(0, a), from(2, a, b), from(24, b)], 2 * day],
    ['where the response brings the new key late', [a, b], [from(0, a), from(12, a, b)], day],
    ['where it never does', [a, b], [from(0, a)], day],
    [
      'where it brings a key without a private one here, until it has to',
      [a],
      [from(0, a), from(6, b)],
      day,
    ],
  ])('%s', (_, keys, parts, forMs) => {
    expect(flawsOf(keys, parts, startMs + forMs, forMs > 2 * day ? 7 * hour : hour)).toEqual([])
  })
})

test('a key signs once every cache has it, and before that the one before', () => {
  const switchMs = startMs + 2 * hour
  const [a, b] = [old(switchMs), next(switchMs)]
  const { offline } = answersOf([a, b], [from(0, a), from(5, a, b)], startMs + day)
  const signersAt = (hours: number): number[] =>
    offlineRolesAt([a, b], offline, startMs + hours * hour).dataSigners.map(({ tag }) => tag)
  expect([0, 3, 5, 6.9].flatMap(signersAt)).toEqual([a.tag, a.tag, a.tag, a.tag])
  // The TTL of DNSKEY and an hour.
  expect(signersAt(7)).toEqual([b.tag])
})

test('a key that a new file has brought at once waits as well', () => {
  const [a, b] = [old(startMs), next(startMs)]
  const before = answersOf([a], [from(-24, a)], startMs + day).offline
  const { response } = answersOf([a, b], [from(-24, a, b)], startMs + day).offline
  const taken = takenOver({ response, entryPoints: [ksk] }, before, startMs)
  const signersAt = (hours: number): number[] =>
    offlineRolesAt([a, b], taken, startMs + hours * hour).dataSigners.map(({ tag }) => tag)
  expect([0, 1.9].flatMap(signersAt)).toEqual([a.tag, a.tag])
  expect(signersAt(2)).toEqual([b.tag])
})

describe('a response that has run out', () => {
  const a = old(startMs + 99 * day)
  const { answerAt, offline, signers, clock } = answersOf([a], [from(0, a)], startMs + day)
  // Ten days after the last period.
  const endMs = startMs + 11 * day

  test('ends when it says so', () => {
    expect(offlineRefusal([a], offline, startMs)).toMatchObject({ atMs: endMs, isByTime: true })
  })

  test('is SERVFAIL with the extended error 7, and nothing else is', () => {
    const rcodeOf = (message: Buffer): number => message.readUInt8(3) & 15
    expect(rcodeOf(answerAt(endMs - 1000, apex, dnskey))).toBe(0)
    const late = answerAt(endMs, apex, dnskey)
    expect(rcodeOf(late)).toBe(2)
    // EDE: option 15 with its length, and INFO-CODE 7 (RFC 8914 §4.8).
    expect(late.toString('hex')).toMatch(/000f....0007/)
    expect(rcodeOf(answerAt(endMs, apex, cds))).toBe(2)
    expect([mx, 1].map((type) => rcodeOf(answerAt(endMs, apex, type)))).toEqual([0, 0])
    expect(rcodeOf(answerAt(endMs, apex, dnskey, false))).toBe(0)
  })

  test('is not transferred', () => {
    clock.nowMs = endMs - 1000
    expect(signers.forTransfer(zone)).not.toBeNull()
    clock.nowMs = endMs
    expect(signers.forTransfer(zone)).toBeNull()
  })
})
