// What time does to the catalog of a worker: the serial of a signed zone moves in every kind of answer, kept ones too, and
// a transfer goes on with the serial, the keys and the times that it began with.

import { beforeEach, describe, expect, test } from 'vitest'

import { createRespond } from '../../../src/answer/respond.ts'
import { createBeginTransfer } from '../../../src/answer/transfer/transfer.ts'
import { noTimes } from '../../../src/dnssec/key-set.ts'
import { signingKeyData } from '../../../src/dnssec/signing-key.ts'
import { CatalogSigners } from '../../../src/dnssec/zone-signer.ts'
import { CatalogInForce } from '../../../src/transport/worker/catalog-in-force.ts'
import { type PackedCatalog, packCatalog } from '../../../src/zone/packed-catalog.ts'
import { contextOf, peerOf, send } from '../../support/ask-catalog.ts'
import { compiledZone } from '../../support/compiled-zone.ts'
import { type Rr, decodeMessage } from '../../support/dnssec/message.ts'
import { labelsOf } from '../../support/dnssec/names.ts'
import {
  type ZoneKey,
  judgeSignature,
  parseRrsig,
  setsOf,
  zoneKey,
} from '../../support/dnssec/signatures.ts'
import { validate } from '../../support/dnssec-validator.ts'
import { buildQuery } from '../../support/packet-builder.ts'
import { qtypes, signedZoneText } from '../../support/signed-questions.ts'
import { fixedKey } from '../../support/signers.ts'
import { catalogOf } from '../../support/zone-builder.ts'

const apex = 'signed.test.'
const axfr = 252
const [soaType, rrsigType] = [qtypes.SOA, qtypes.RRSIG]
const keys = { old: fixedKey(13), next: fixedKey(15) }
const trusted = Object.values(keys).map(({ dnskey }) => zoneKey(Buffer.from(dnskey)) as ZoneKey)
const trust = [{ apex: labelsOf(apex), keys: trusted }]

const { zone } = compiledZone(signedZoneText(apex))
const packed = (text = signedZoneText(apex)): PackedCatalog =>
  structuredClone(packCatalog(catalogOf(compiledZone(text).zone)))
const keyData = (key: keyof typeof keys) => [
  {
    apexKey: zone.apexKey,
    keys: [{ ...signingKeyData(keys[key]), times: { ...noTimes, activateMs: 0 } }],
  },
]

/** A point of the grid of six hours, which is counted from 2025-01-01. */
const pointSeconds = 1_735_689_600 + 2788 * 21_600

let nowSeconds: number
let catalogs: CatalogInForce
let context: ReturnType<typeof contextOf>

function begin(text?: string): void {
  nowSeconds = pointSeconds + 21_599
  const clock = { wallMs: () => nowSeconds * 1000, monotonicMs: () => nowSeconds * 1000 }
  const signers = new CatalogSigners(clock)
  catalogs = new CatalogInForce(packed(text), keyData('old'), clock, signers)
  context = contextOf(catalogs.current(), {
    catalog: () => catalogs.current(),
    clock,
    signers,
    mayTransfer: () => true,
    maxUdpOctets: 4096,
  })
}
beforeEach(() => begin())

const serialOf = ({ rdata }: Rr): number => rdata.readUInt32BE(rdata.length - 20)

const transfer = () => {
  const packet = buildQuery({ name: apex, type: axfr, flags: 0 })
  return createBeginTransfer(context)(packet, 0, packet.length, peerOf('tcp'))
}

/** The messages from now on, each with `meanwhile` before it. */
function messagesOf(begun: ReturnType<typeof transfer>, meanwhile = () => {}): Buffer[] {
  const messages: Buffer[] = []
  const out = new Uint8Array(65_535)
  for (;;) {
    const octets = begun?.next(out, 0, 16_384) ?? -1
    if (octets <= 0) return messages
    messages.push(Buffer.from(out.subarray(0, octets)))
    meanwhile()
  }
}

const recordsOf = (messages: readonly Buffer[]): Rr[] =>
  messages.flatMap((message) => [...decodeMessage(message).answer])

describe('answers', () => {
  test.each([
    ['SOA', apex, soaType],
    ['NODATA', apex, qtypes.AAAA],
    ['NXDOMAIN', `nowhere.${apex}`, qtypes.A],
    ['ANY at a name without MX', apex, qtypes.RRSIG],
  ])('%s: the serial and its signature move with the grid', (_, name, type) => {
    const respond = createRespond(context)
    const ask = (dnssecOk: boolean): Buffer => {
      const packet = buildQuery({ name, type, opts: [{ udp: 4096, dnssecOk }] })
      return Buffer.from(send(respond, packet, peerOf('udp')) ?? [])
    }
    const serials = (): number[] =>
      [true, true, false, false].flatMap((dnssecOk) => {
        const reply = ask(dnssecOk)
        if (dnssecOk)
          expect(validate(trust, { qname: name, qtype: type }, reply, nowSeconds).kind).toBe(
            'secure',
          )
        const { answer, authority } = decodeMessage(reply)
        return [...answer, ...authority].filter((one) => one.type === soaType).map(serialOf)
      })
    const before = serials()
    expect(new Set(before)).toEqual(new Set(type === rrsigType ? [] : [1 + 2788]))
    nowSeconds += 1
    expect(serials()).toEqual(before.map((serial) => serial + 1))
    // A clock that is set back has everybody's serial too.
    nowSeconds -= 1
    expect(serials()).toEqual(before)
  })

  test('a serial of the zone file stands, and such a zone is not transferred', () => {
    begin(signedZoneText(apex).replace('rname:', 'serial: 7, rname:'))
    expect(catalogs.current().zones.get(zone.apexKey)?.serial).toBe(1)
    nowSeconds += 21_600
    expect(catalogs.current().zones.get(zone.apexKey)?.serial).toBe(1)
    const [message = Buffer.alloc(4)] = messagesOf(transfer())
    expect([(message[3] as number) & 15, decodeMessage(message).answer]).toEqual([5, []])
  })
})

describe('a transfer', () => {
  test('has one key, one serial and one time, whatever changes meanwhile, and every signature is good', () => {
    const begun = transfer()
    const messages = messagesOf(begun, () => {
      nowSeconds += 86_400
      catalogs.publish(packed(), keyData('next'))
    })
    expect(messages.length).toBeGreaterThan(2)
    const records = recordsOf(messages)
    expect([records[0], records.at(-1)].map((one) => one && serialOf(one))).toEqual([2789, 2789])
    const { sets, signatures } = setsOf(records.slice(1))
    const parsed = signatures.map((one) => ({ record: one, rrsig: parseRrsig(one) }))
    expect(new Set(parsed.map(({ rrsig }) => rrsig?.tag))).toEqual(new Set([keys.old.tag]))
    const times = new Set(parsed.map(({ rrsig }) => `${rrsig?.inception} ${rrsig?.expiration}`))
    expect([...times]).toEqual([`${pointSeconds - 21_600} ${pointSeconds + 259_200}`])
    const text = (owner: readonly unknown[], type: number): string => `${owner.join('.')} ${type}`
    let judged = 0
    for (const { record, rrsig } of parsed) {
      const covered = text(record.owner, rrsig?.covered ?? 0).toLowerCase()
      const set = sets.find((one) => text(one.owner, one.type).toLowerCase() === covered)
      if (set === undefined) throw new Error(`a signature without a set: ${covered}`)
      expect(
        judgeSignature(set, rrsig, trust[0] as (typeof trust)[0], pointSeconds + 1),
      ).toMatchObject({ kind: 'valid' })
      judged++
    }
    expect(judged).toBeGreaterThan(90)
  })

  test('makes at most 40 signatures for a message', () => {
    const counts = messagesOf(transfer()).map(
      (message) => decodeMessage(message).answer.filter(({ type }) => type === rrsigType).length,
    )
    expect(Math.max(...counts)).toBe(40)
  })
})
