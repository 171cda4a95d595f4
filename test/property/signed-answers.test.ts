// Signed answers are never bogus: whatever is asked, over UDP and TCP, with little room and in any letters, from any place,
// while health changes, zones are loaded anew and time goes on, a validator that shares nothing with src/ finds each of them
// secure; what was ever denied by NSEC is nothing that was ever answered, and DO changes nothing but signatures.

import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import type { AnswerContext } from '../../src/answer/context.ts'
import { createRespond } from '../../src/answer/respond.ts'
import { CatalogSigners } from '../../src/dnssec/zone-signer.ts'
import { type HealthWriter, SlotState, createHealthTable } from '../../src/health/table.ts'
import type { Catalog } from '../../src/zone/zone.ts'
import { seeded } from '../steer/arrange.ts'
import { contextOf, peerOf, send } from '../support/ask-catalog.ts'
import { compiledZone } from '../support/compiled-zone.ts'
import { DenialLedger } from '../support/dnssec/denial-ledger.ts'
import { type Message, decodeMessage } from '../support/dnssec/message.ts'
import { labelsOf, nameText, wireOf } from '../support/dnssec/names.ts'
import { type TrustedZone, type ZoneKey, zoneKey } from '../support/dnssec/signatures.ts'
import { type Verdict, validate } from '../support/dnssec-validator.ts'
import { buildQuery } from '../support/packet-builder.ts'
import { runs } from '../support/runs.ts'
import {
  type SignedQuestion,
  inRandomCase,
  qtypes,
  signedQuestions,
  signedZoneText,
} from '../support/signed-questions.ts'
import { alone, fixedKey } from '../support/signers.ts'
import { catalogOf } from '../support/zone-builder.ts'

const apex = 'Signed.Example.Test.'
const startSeconds = 1_700_000_000
/** Target addresses of the zone have slots below this. */
const slotCount = 64

class Bench {
  readonly #clock = {
    wallMs: () => this.nowSeconds * 1000,
    monotonicMs: () => this.nowSeconds * 1000,
  }
  readonly #signers = new CatalogSigners(this.#clock)
  readonly health: HealthWriter = createHealthTable(slotCount, slotCount)
  readonly trust: TrustedZone
  readonly #key: ReturnType<typeof fixedKey>
  #catalog!: Catalog
  readonly ask: (packet: Uint8Array, transport: 'udp' | 'tcp') => Buffer
  nowSeconds = startSeconds

  constructor(algorithm: 13 | 15, random: () => number) {
    this.#key = fixedKey(algorithm)
    const key = zoneKey(Buffer.from(this.#key.dnskey)) as ZoneKey
    this.trust = { apex: labelsOf(apex), keys: [key] }
    this.load('')
    const context: AnswerContext = contextOf(this.#catalog, {
      catalog: () => this.#catalog,
      health: this.health,
      random,
      clock: this.#clock,
      signers: this.#signers,
      locate: (octets, family) => ({
        octets,
        family,
        continent: null,
        country: octets[0] === 203 ? 'US' : 'DE',
        asn: null,
      }),
    })
    const respond = createRespond(context)
    this.ask = (packet, transport) =>
      Buffer.from(send(respond, packet, peerOf(transport)) ?? new Uint8Array(0))
  }

  load(extra: string): void {
    const { zone } = compiledZone(signedZoneText(apex, { extra, probe: '' }))
    const generation = (this.#catalog?.generation ?? 0) + 1
    this.#catalog = { ...catalogOf(zone), generation }
    this.#signers.use([zone], () => alone(this.#key))
  }

  judge(question: Pick<SignedQuestion, 'qname' | 'qtype'>, response: Buffer): Verdict {
    return validate([this.trust], question, response, this.nowSeconds)
  }
}

const queryOf = (
  { qname, qtype }: Pick<SignedQuestion, 'qname' | 'qtype'>,
  opt: { readonly udp?: number; readonly options?: readonly number[] } = {},
  dnssecOk = true,
): Uint8Array =>
  buildQuery({ rawName: [...wireOf(labelsOf(qname))], type: qtype, opts: [{ ...opt, dnssecOk }] })

const wordOf = (verdict: Verdict): string => {
  switch (verdict.kind) {
    case 'secure':
      return verdict.outcome
    case 'bogus':
      return `bogus: ${verdict.why} at ${verdict.at}`
    default:
      return verdict.kind
  }
}

test.each([13, 15] as const)('every kind of answer, by algorithm %d', (algorithm) => {
  const bench = new Bench(algorithm, seeded(1))
  const questions = signedQuestions(apex)
  const ledger = new DenialLedger()
  for (const question of questions) {
    const label = `${question.qname} ${question.qtype}`
    // Made, and kept.
    for (const asking of [1, 2]) {
      const verdict = bench.judge(question, bench.ask(queryOf(question), 'tcp'))
      expect([label, asking, wordOf(verdict)]).toEqual([label, asking, question.outcome])
      if (verdict.kind === 'secure')
        expect([label, verdict.unsignedAdditional]).toEqual([label, []])
      ledger.note(verdict)
    }
    const small = bench.judge(question, bench.ask(queryOf(question, { udp: 512 }), 'udp'))
    expect([question.outcome, 'truncated']).toContain(wordOf(small))
  }
  expect(ledger.contradictions()).toEqual([])
  expect(ledger.counts().denials).toBeGreaterThan(25)
})

// RFC 9824 §3.5.
test('a question for NXNAME is a mistake of whoever asks', () => {
  const response = new Bench(13, seeded(1)).ask(
    queryOf({ qname: apex, qtype: qtypes.NXNAME }),
    'udp',
  )
  expect(decodeMessage(response)).toMatchObject({ rcode: 1, answer: [], authority: [] })
})

/** Labels that lie before, between, below and after those of the zone. */
const label = fc.oneof(
  fc.constantFrom(
    ...signedQuestions('').flatMap(({ qname }) => [...labelsOf(qname)]),
    '*',
    '\\000',
    '\\255',
    '0',
    'zz',
    '_',
    '-',
  ),
  fc.stringMatching(/^[a-z0-9-]{1,12}$/),
)
const anyQuestion = fc.record({
  qname: fc
    .array(label, { minLength: 1, maxLength: 4 })
    .map((labels) => `${labels.map((one) => one.replaceAll('.', '\\.')).join('.')}.${apex}`)
    .filter((qname) => wireOf(labelsOf(qname)).length <= 255),
  qtype: fc.constantFrom(...Object.values(qtypes).filter((type) => type !== qtypes.NXNAME)),
})
const listed = fc.constantFrom(...signedQuestions(apex))
const asked = fc.record({
  kind: fc.constant('asked' as const),
  question: fc.oneof(listed, listed, anyQuestion),
  lettersSeed: fc.nat(),
  transport: fc.constantFrom('udp', 'udp', 'tcp'),
  udp: fc.constantFrom(512, 700, 1232, 1400, 4096),
  /** Client subnets: none, of the rules' networks, of another country. */
  options: fc.constantFrom<readonly number[]>(
    [],
    [],
    [0, 8, 0, 7, 0, 1, 24, 0, 198, 51, 100],
    [0, 8, 0, 7, 0, 1, 24, 0, 203, 0, 1],
    [0, 8, 0, 4, 0, 1, 0, 0],
  ),
})
const step = fc.oneof(
  { weight: 12, arbitrary: asked },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('health' as const),
      slot: fc.integer({ min: 1, max: 12 }),
      state: fc.constantFrom(...Object.values(SlotState)),
      factor: fc.constantFrom(1, 0.5, 0),
      hold: fc.constantFrom(5, 20, 60),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('time' as const),
      // A clock that is set back too.
      seconds: fc.constantFrom(1, 60, 3600, 21_600, 86_400, 604_800, -60, -3600, -86_400),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('load' as const),
      owner: fc.constantFrom('fresh', 'b.b.ent', 'a.missing', 'zzzz', '0', 'x.plain', '*', '*.ent'),
    }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never

/** A name that is in the zone as well has none of these as outcome for certain: only that it is secure is judged. */
function check(algorithm: 13 | 15, steps: readonly Step[], seed: number): number {
  const bench = new Bench(algorithm, seeded(seed))
  let ledger = new DenialLedger()
  let secure = 0
  for (const one of steps) {
    switch (one.kind) {
      case 'health':
        bench.health.set(one.slot, one.state, one.factor, one.hold)
        break
      case 'time':
        bench.nowSeconds += one.seconds
        break
      case 'load':
        bench.load(`  '${one.owner}': { TXT: '"added"', MX: { steer: in } }\n`)
        ledger = new DenialLedger()
        break
      case 'asked': {
        const qname = inRandomCase(one.question.qname, seeded(one.lettersSeed))
        const question = { qname, qtype: one.question.qtype }
        const { udp, options, transport } = one
        const response = bench.ask(queryOf(question, { udp, options }), transport)
        const verdict = bench.judge(question, response)
        const word = wordOf(verdict)
        if (verdict.kind === 'bogus' || (verdict.kind === 'truncated' && transport === 'tcp'))
          expect(`${qname} ${question.qtype}: ${word}`).toBe('secure')
        if (verdict.kind === 'secure') {
          secure++
          // What has no room beside its signatures is left out (RFC 4035 §3.1.1 leaves that open).
          expect([qname, question.qtype, verdict.unsignedAdditional]).toEqual([
            qname,
            question.qtype,
            [],
          ])
        }
        ledger.note(verdict)
        break
      }
      default:
        one satisfies never
    }
  }
  expect(ledger.contradictions()).toEqual([])
  return secure
}

test('never bogus, whatever happens in between', () => {
  let secure = 0
  fc.assert(
    fc.property(
      fc.constantFrom(13, 15),
      fc.array(step, { minLength: 40, maxLength: 90 }),
      fc.nat(),
      (algorithm, steps, seed) => {
        secure += check(algorithm, steps, seed)
      },
    ),
    { numRuns: runs(60) },
  )
  expect(secure).toBeGreaterThan(20 * runs(60))
}, 120_000)

/** The sections without what DNSSEC adds. */
const bare = ({ rcode, answer, authority }: Message): unknown => {
  const denials = [46, 47]
  const textsOf = (records: Message['answer']): string[] =>
    records
      .filter(({ type }) => !denials.includes(type))
      .map(
        ({ owner, type, ttl, rdata }) =>
          `${nameText(owner)} ${ttl} ${type} ${rdata.toString('hex')}`,
      )
      .sort()
  // DS stands in a referral as proof alone.
  return [rcode, textsOf(answer), textsOf(authority.filter(({ type }) => type !== 43))]
}

test('DO changes nothing but signatures and their proofs', () => {
  const [plain, signed] = [new Bench(15, seeded(9)), new Bench(15, seeded(9))]
  const questions = signedQuestions(apex).filter(
    ({ qtype }) => qtype !== qtypes.NSEC && qtype !== qtypes.RRSIG,
  )
  for (const question of questions) {
    const label = `${question.qname} ${question.qtype}`
    const without = decodeMessage(plain.ask(queryOf(question, {}, false), 'tcp'))
    const withDo = decodeMessage(signed.ask(queryOf(question, {}, true), 'tcp'))
    expect([label, bare(withDo)]).toEqual([label, bare(without)])
    const types = [...without.answer, ...without.authority, ...without.additional].map(
      ({ type }) => type,
    )
    expect([label, types.filter((type) => type === 46 || type === 47)]).toEqual([label, []])
  }
})
