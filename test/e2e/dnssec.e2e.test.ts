// A signed zone as it is served: with keys of dnssec-keygen, asked for every kind of answer, and judged by a validator of our
// own, by delv and drill, and by Unbound and BIND, which answer by the NSECs that they have seen.

import { afterAll, beforeAll, expect, it } from 'vitest'

import { askOverTcp, askOverUdp } from '../differential/ask.ts'
import { startValidatingBind } from '../support/bind-resolver.ts'
import { DenialLedger } from '../support/dnssec/denial-ledger.ts'
import { labelsOf, wireOf } from '../support/dnssec/names.ts'
import { parseDelegationSigners, trustKeys } from '../support/dnssec/signatures.ts'
import { type Verdict, trustByDs, validate } from '../support/dnssec-validator.ts'
import type { ForeignServer } from '../support/foreign-server.ts'
import {
  type Anchor,
  type ForeignVerdict,
  delv,
  drill,
  isDrillFault,
  resolverVerdicts,
} from '../support/foreign-validators.ts'
import { buildQuery } from '../support/packet-builder.ts'
import { servedZone } from '../support/served-zone.ts'
import {
  type SignedQuestion,
  qtypes,
  signedQuestions,
  signedZoneText,
} from '../support/signed-questions.ts'
import { type ForeignKeys, delegationSigner, generateKeys } from '../support/signed-zone.ts'
import { isUnboundFault, startValidatingUnbound } from '../support/unbound.ts'

const apex = 'signed.example.test.'
const questions = signedQuestions(apex)
let keys: ForeignKeys
let resolvers: readonly ForeignServer[] = []

const server = servedZone(() => {
  keys = generateKeys(apex, 'ECDSAP256SHA256', true)
  return {
    zones: { 'signed.yaml': signedZoneText(apex) },
    settings: `dnssec: { keys: ${keys.folder} }\n`,
  }
})
beforeAll(async () => {
  resolvers = await Promise.all([
    startValidatingUnbound([anchor()]),
    startValidatingBind([anchor()]),
  ])
})
afterAll(async () => void (await Promise.all(resolvers.map((resolver) => resolver.stop()))))

const anchor = (): Anchor => ({ apex, port: server.port, keys: keys.text })

const queryOf = ({ qname, qtype }: SignedQuestion): Buffer =>
  Buffer.from(
    buildQuery({ rawName: [...wireOf(labelsOf(qname))], type: qtype, opts: [{ dnssecOk: true }] }),
  )

const wordOf = (verdict: Verdict): string =>
  verdict.kind === 'secure'
    ? verdict.outcome
    : verdict.kind === 'bogus'
      ? `bogus: ${verdict.why} at ${verdict.at}`
      : verdict.kind

const labelOf = ({ qname, qtype }: SignedQuestion): string => `${qname} ${qtype}`
const nowSeconds = (): number => Math.floor(Date.now() / 1000)

it('answers all that is asked so that it can be validated, from the DS on', async () => {
  const dnskeyAt = questions.findIndex(({ qtype }) => qtype === qtypes.DNSKEY)
  const overTcp = await askOverTcp(server.port, questions.map(queryOf))
  const trusted = trustByDs(
    apex,
    parseDelegationSigners(delegationSigner(keys)),
    overTcp[dnskeyAt] as Buffer,
    nowSeconds(),
  )
  expect(trusted).toMatchObject({ kind: 'trusted', zone: { keys: { length: 2 } } })
  const trust = [trustKeys(apex, keys.text)]
  const ledger = new DenialLedger()
  const found = questions.map((question, i) => {
    const verdict = validate(trust, question, overTcp[i] as Buffer, nowSeconds())
    ledger.note(verdict)
    return `${labelOf(question)}: ${wordOf(verdict)}`
  })
  expect(found).toEqual(questions.map((one) => `${labelOf(one)}: ${one.outcome}`))
  expect(ledger.contradictions()).toEqual([])
  const overUdp = await askOverUdp(server.port, questions.map(queryOf))
  const udpWords = questions.map((question, i) =>
    wordOf(validate(trust, question, overUdp[i] as Buffer, nowSeconds())),
  )
  expect(udpWords.filter((word) => word === 'truncated').length).toBeLessThan(10)
  expect(
    udpWords.filter((word, i) => ![questions[i]?.outcome, 'truncated'].includes(word)),
  ).toEqual([])
})

/**
 * What a resolver can come to an answer to: not what leads out of the zone, nor signatures alone; the DS of the apex is its
 * parent's to deny.
 */
const isResolvable = ({ qname, qtype, outcome }: SignedQuestion): boolean =>
  ['data', 'no data', 'no name'].includes(outcome) &&
  qtype !== qtypes.RRSIG &&
  qtype !== qtypes.ANY &&
  !(qname === apex && qtype === qtypes.DS)

const bad = (asked: readonly SignedQuestion[], verdicts: readonly ForeignVerdict[]): string[] =>
  asked.flatMap((question, i) => {
    const verdict = verdicts[i]
    return verdict?.kind === 'secure' ? [] : [`${labelOf(question)}: ${JSON.stringify(verdict)}`]
  })

it('is secure to Unbound and BIND, which then answer denials by themselves', async () => {
  const [unbound, bind] = resolvers as readonly [ForeignServer, ForeignServer]
  const resolvable = questions.filter(isResolvable)
  const forUnbound = resolvable.filter((question) => !isUnboundFault(question))
  const [byUnbound, byBind] = await Promise.all([
    resolverVerdicts(unbound.port, forUnbound),
    resolverVerdicts(bind.port, resolvable),
  ])
  expect(bad(forUnbound, byUnbound)).toEqual([])
  expect(bad(resolvable, byBind)).toEqual([])
})

it.each([
  ['delv', delv],
  ['drill', drill],
])('is secure to %s', async (_, ask) => {
  const asked = [
    [apex, qtypes.MX],
    [`relay.${apex}`, qtypes.AAAA],
    [`any.wild.${apex}`, qtypes.MX],
    [`oak.tree.${apex}`, qtypes.A],
    [`ent.${apex}`, qtypes.MX],
    [`open.${apex}`, qtypes.DS],
    [`zzzz.${apex}`, qtypes.MX],
    [`_25._tcp.mx1.${apex}`, qtypes.TLSA],
  ] as const
  const listed = asked.map(([qname, qtype]) => ({ qname, qtype, outcome: 'data' as const }))
  const known = ask === drill ? listed.filter((question) => !isDrillFault(question)) : listed
  const verdicts = await Promise.all(known.map((question) => ask(anchor(), question)))
  expect(bad(known, verdicts)).toEqual([])
})
