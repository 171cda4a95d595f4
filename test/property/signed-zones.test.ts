// Random zones, signed: a validator that shares nothing with src/ finds every answer secure, and no denial that was ever
// sent denies what is ever answered (RFC 8198).

import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { createRespond } from '../../src/answer/respond.ts'
import { RRType } from '../../src/wire/rrtype.ts'
import { createDenialChain } from '../../src/zone/denial-chain.ts'
import { openCatalog, packCatalog } from '../../src/zone/packed-catalog.ts'
import { nameToText } from '../../src/wire/name.ts'
import type { Zone } from '../../src/zone/zone.ts'
import { contextOf, fixedClock, peerOf, send } from '../support/ask-catalog.ts'
import { type ZoneKey, zoneKey } from '../support/dnssec/signatures.ts'
import { DenialLedger } from '../support/dnssec/denial-ledger.ts'
import { labelsOf } from '../support/dnssec/names.ts'
import { type Verdict, validate } from '../support/dnssec-validator.ts'
import { buildQuery } from '../support/packet-builder.ts'
import { randomZones, relativeNames } from '../support/random-zones.ts'
import { runs } from '../support/runs.ts'
import { fixedKey, signersOf } from '../support/signers.ts'
import { catalogOf } from '../support/zone-builder.ts'

const nowSeconds = fixedClock.wallMs() / 1000

interface Judge {
  readonly ledger: DenialLedger
  /** Asks once and judges; null: the answer is an error, which proves nothing. */
  ask(question: { name: string; type: number; udp: number }, from: number): Verdict | null
}

/** As in workers: with caches, over what crossed threads. */
function judgeOf(zone: Zone, algorithm: 13 | 15): Judge {
  const key = fixedKey(algorithm)
  const catalog = openCatalog(structuredClone(packCatalog(catalogOf(zone))))
  const context = contextOf(catalog, {
    maxUdpOctets: 4096,
    signers: signersOf(catalog.zones.values(), fixedClock, key),
  })
  const respond = createRespond(context)
  const apex = labelsOf(nameToText(zone.apex))
  const trusted = { apex, keys: [zoneKey(Buffer.from(key.dnskey)) as ZoneKey] }
  const ledger = new DenialLedger()
  return {
    ledger,
    ask({ name, type, udp }, from) {
      const packet = buildQuery({ name, type, opts: [{ udp, dnssecOk: true }] })
      const peer = { ...peerOf('udp'), octets: Uint8Array.of(192, 0, 2, from) }
      const reply = send(respond, packet, peer)
      if (reply === null) throw new Error('no reply')
      const rcode = (reply[3] as number) & 0x0f
      if (rcode !== 0 && rcode !== 3) return null
      const verdict = validate(
        [trusted],
        { qname: name, qtype: type },
        Buffer.from(reply),
        nowSeconds,
      )
      ledger.note(verdict)
      return verdict
    },
  }
}

const types = [1, 28, 15, 2, 5, 6, 16, 33, 39, 43, 46, 47, 48, 255]
const anyQuestion = fc.record({
  name: relativeNames.map((name) => `${name}.zone.test`),
  type: fc.constantFrom(...types),
  udp: fc.constantFrom(512, 4096),
})

/** What the compiler refuses, or RFC 4592 §4.2 and §4.4 leave undefined, may be signed in contradictions. */
const isDefined = ({ nodes }: Zone): boolean =>
  [...nodes].every(([key, { sets }]) => {
    const isAliasAlone = !sets.has(RRType.CNAME) || sets.size === 1
    const cuts = Number(sets.has(RRType.NS)) + Number(sets.has(RRType.DNAME))
    const isOneAlias = [RRType.CNAME, RRType.DNAME].every((type) => {
      const set = sets.get(type)
      return set?.kind !== 'plain' || set.rdata.length === 1
    })
    return isAliasAlone && isOneAlias && cuts < (key.startsWith('\x01*') ? 1 : 2)
  })

test('random zones', () => {
  let secure = 0
  fc.assert(
    fc.property(
      randomZones.filter(isDefined),
      fc.array(anyQuestion, { minLength: 20, maxLength: 60 }),
      (zone, all) => {
        const chain = createDenialChain(zone.apexKey, zone.nodes)
        const signing = {
          chain,
          validitySeconds: 259_200,
          dnskeyTtl: 3600,
          isUnsigning: false,
          foreignKeys: [],
          isSerialFixed: false,
        }
        const judge = judgeOf({ ...zone, signing }, 15)
        for (const question of all) {
          const verdict = judge.ask(question, 1)
          if (verdict?.kind === 'secure') secure++
          if (verdict?.kind === 'bogus') expect({ ...question, ...verdict }).toBeNull()
        }
        expect(judge.ledger.contradictions()).toEqual([])
      },
    ),
    { numRuns: runs(150) },
  )
  expect(secure).toBeGreaterThan(15 * runs(150))
}, 120_000)
