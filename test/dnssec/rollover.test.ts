// Keys that are rolled by their times alone, seen by resolvers that have the DS, the keys and the data as fresh or as old as
// their TTLs let them: every answer is secure at any time of a roll that was planned, and bogus in those that were not.

import { afterAll, expect, test } from 'vitest'

import { createRespond } from '../../src/answer/respond.ts'
import { type Algorithm, privateKeyFrom } from '../../src/dnssec/algorithms.ts'
import { type ZoneKeysData, keysInForce } from '../../src/dnssec/keys-in-force.ts'
import { type KeyTimes, noTimes } from '../../src/dnssec/key-set.ts'
import { type SigningKey, createSigningKey, signingKeyData } from '../../src/dnssec/signing-key.ts'
import { CatalogSigners } from '../../src/dnssec/zone-signer.ts'
import { contextOf, peerOf, send } from '../support/ask-catalog.ts'
import { compiledZone } from '../support/compiled-zone.ts'
import { labelsOf, wireOf } from '../support/dnssec/names.ts'
import { type DelegationSigner, dsOf, zoneKey } from '../support/dnssec/signatures.ts'
import { type Question, trustByDs, validate } from '../support/dnssec-validator.ts'
import { buildQuery } from '../support/packet-builder.ts'
import { catalogOf } from '../support/zone-builder.ts'

const apex = 'rolled.test.'
const [mx, dnskey] = [15, 48] as const
const [minute, hour, day] = [60, 3600, 86_400] as const
const startSeconds = 1_800_000_000
const dnskeyTtl = hour
const dsTtl = day
const dataTtl = hour
const margin = hour
/** ROLL_STEP_SECONDS: how often all resolvers ask. */
const stepSeconds = Number(process.env['ROLL_STEP_SECONDS'] ?? 30 * minute)
/** Answers that were judged. */
let judged = 0

const { zone } = compiledZone(`
zone: ${apex.slice(0, -1)}
ttl: 3600
dnssec: {}
soa: { mname: ns1, rname: hostmaster, minimum: 3600 }
records:
  '@': { NS: ns1, MX: 10 ns1 }
  ns1: { A: 192.0.2.1 }
`)

const keyOf = (octet: number, flags: 256 | 257, algorithm: Algorithm = 13): SigningKey => {
  const secret = privateKeyFrom(algorithm, new Uint8Array(32).fill(octet))
  if (secret === null) throw new Error('the secret is none of a key')
  return createSigningKey(algorithm, flags, secret)
}

interface PlannedKey {
  readonly key: SigningKey
  readonly times: Partial<KeyTimes>
}

/** Seconds from the start on, as a key's times have it. */
const at = (seconds: number): number => (startSeconds + seconds) * 1000
const everMs = at(-365 * day)

interface Roll {
  readonly keys: readonly PlannedKey[]
  /** The key that the parent's DS names at a time, seconds from the start on. */
  readonly named: (seconds: number) => SigningKey
  readonly byAlgorithm?: boolean
}

/** What is wrong in the eyes of any resolver at the first time that anything is; empty: nothing at any. */
function flawsOf({ keys, named, byAlgorithm = false }: Roll, untilSeconds: number): string[] {
  const clock = { seconds: 0 }
  const wallMs = (): number => at(clock.seconds)
  const signers = new CatalogSigners({ wallMs, monotonicMs: wallMs })
  const data: ZoneKeysData = {
    apexKey: zone.apexKey,
    keys: keys.map(({ key, times }) => ({
      ...signingKeyData(key),
      times: { ...noTimes, ...times },
    })),
  }
  signers.use([zone], keysInForce([data]))
  const respond = createRespond(
    contextOf(catalogOf(zone), { clock: { wallMs, monotonicMs: wallMs }, signers }),
  )
  const kept = new Map<string, Buffer>()
  const answerAt = (seconds: number, { qname, qtype }: Question): Buffer => {
    const key = `${Math.max(0, seconds)} ${qname} ${qtype}`
    const known = kept.get(key)
    if (known !== undefined) return known
    const packet = buildQuery({
      rawName: [...wireOf(labelsOf(qname))],
      type: qtype,
      opts: [{ dnssecOk: true }],
    })
    const response = Buffer.from(send(respond, packet, peerOf('tcp')) ?? [])
    kept.set(key, response)
    return response
  }
  const flaws: string[] = []
  const dsAt = (seconds: number): DelegationSigner[] => {
    const key = zoneKey(Buffer.from(named(seconds).dnskey))
    return key === null ? [] : [dsOf(key, labelsOf(apex))]
  }
  const keyQuestion = { qname: apex, qtype: dnskey }
  const questions = [
    { qname: apex, qtype: mx },
    { qname: `missing.${apex}`, qtype: mx },
  ]
  for (; clock.seconds <= untilSeconds && flaws.length === 0; clock.seconds += stepSeconds) {
    const now = clock.seconds
    for (const question of [keyQuestion, ...questions]) answerAt(now, question)
    for (const dsAge of [0, dsTtl])
      for (const keyAge of [0, dnskeyTtl]) {
        const keyResponse = answerAt(now - keyAge, keyQuestion)
        const trusted = trustByDs(apex, dsAt(now - dsAge), keyResponse, startSeconds + now)
        if (trusted.kind === 'bogus') flaws.push(`${now / hour} h: DNSKEY: ${trusted.why}`)
        else
          for (const dataAge of [0, dataTtl])
            for (const question of questions) {
              const response = answerAt(now - dataAge, question)
              const verdict = validate(
                [{ ...trusted.zone, byAlgorithm }],
                question,
                response,
                startSeconds + now,
              )
              judged++
              if (verdict.kind === 'bogus') flaws.push(`${now / hour} h: ${verdict.why}`)
            }
      }
  }
  return flaws
}

const everTimes = { publishMs: everMs, activateMs: everMs }

/** One key that the DS names takes over from another, beside `others` that stay. */
const namedRoll = (
  [outgoing, incoming]: readonly [SigningKey, SigningKey],
  margins: number,
  others: readonly PlannedKey[] = [],
): Roll => {
  const published = hour
  const named = published + dnskeyTtl + margins
  const switched = named + dsTtl + margins
  const deleted = switched + dataTtl + margins
  return {
    keys: [
      ...others,
      { key: outgoing, times: { ...everTimes, inactiveMs: at(switched), deleteMs: at(deleted) } },
      { key: incoming, times: { publishMs: at(published), activateMs: at(switched) } },
    ],
    named: (seconds) => (seconds < named ? outgoing : incoming),
  }
}

const csks = [keyOf(1, 257), keyOf(2, 257)] as const

test('one key that signs all', () => {
  expect(flawsOf(namedRoll(csks, margin), 36 * hour)).toEqual([])
})

test('the key that the DS names, over a key of the zone that stays', () => {
  const zsk = { key: keyOf(8, 256), times: everTimes }
  expect(flawsOf(namedRoll([keyOf(6, 257), keyOf(7, 257)], margin, [zsk]), 36 * hour)).toEqual([])
})

/** The old key is gone `deleted` seconds after the start. */
const algorithmRoll = (published: number, deleted: number): Roll => {
  const named = published + dnskeyTtl + margin
  const [outgoing, incoming] = [csks[0], keyOf(9, 257, 15)]
  const inactive = deleted + dnskeyTtl + margin
  return {
    keys: [
      { key: outgoing, times: { ...everTimes, inactiveMs: at(inactive), deleteMs: at(deleted) } },
      { key: incoming, times: { publishMs: at(published), activateMs: at(hour) } },
    ],
    named: (seconds) => (seconds < named ? outgoing : incoming),
    byAlgorithm: true,
  }
}
const signedEverywhere = hour + dataTtl + margin
const outOfCaches = signedEverywhere + dnskeyTtl + margin + dsTtl + margin

test('the algorithm: the new one signs before its key comes, the old one until its key has gone', () => {
  expect(flawsOf(algorithmRoll(signedEverywhere, outOfCaches), 40 * hour)).toEqual([])
})

const [ksk, oldZsk, newZsk] = [keyOf(3, 257), keyOf(4, 256), keyOf(5, 256)]
const zskRoll = (published: number, switched: number, deleted: number): Roll => ({
  keys: [
    { key: ksk, times: everTimes },
    {
      key: oldZsk,
      times: { ...everTimes, inactiveMs: at(switched), deleteMs: at(deleted) },
    },
    { key: newZsk, times: { publishMs: at(published), activateMs: at(switched) } },
  ],
  named: () => ksk,
})

test('the key of the zone under a key that stays', () => {
  expect(flawsOf(zskRoll(hour, 3 * hour, 6 * hour), 12 * hour)).toEqual([])
})

test.each([
  ['signs before caches have it', zskRoll(3 * hour, 3 * hour, 9 * hour)],
  ['leaves before caches lose what it signed', zskRoll(hour, 3 * hour, 3 * hour)],
  ['leaves before the DS has left caches', namedRoll(csks, -12 * hour)],
  ['comes before caches have what its algorithm signs', algorithmRoll(hour, outOfCaches)],
  ['of an algorithm leaves before the DS', algorithmRoll(signedEverywhere, outOfCaches - dsTtl)],
])('bogus where a key %s', (_, roll) => {
  expect(flawsOf(roll, 36 * hour).length).toBeGreaterThan(0)
})

afterAll(() => console.info(`${judged} answers judged`))
