// The zones that are asked beside NSD and BIND, signed here and by dnssec-signzone: the chains of NSEC are the same, and
// what is answered is secure and comes to what BIND's answers come to.

import { beforeAll, expect, it } from 'vitest'

import type { Respond } from '../../src/answer/context.ts'
import { createRespond } from '../../src/answer/respond.ts'
import { askOverTcp } from '../differential/ask.ts'
import { type Question, type QueryKind, packetOf, questionsOf } from '../differential/questions.ts'
import { readZones, toMaster, toYaml } from '../differential/zone-text.ts'
import { contextOf, peerOf, send } from '../support/ask-catalog.ts'
import { startBind } from '../support/bind.ts'
import { compiledZone } from '../support/compiled-zone.ts'
import { type Denial, parseDenial } from '../support/dnssec/denial.ts'
import { decodeMessage } from '../support/dnssec/message.ts'
import { type Labels, isSameName, labelsOf, nameText } from '../support/dnssec/names.ts'
import { type TrustedZone, type ZoneKey, trustKeys, zoneKey } from '../support/dnssec/signatures.ts'
import { type Verdict, validate } from '../support/dnssec-validator.ts'
import { generateKeys, signZone } from '../support/signed-zone.ts'
import { fixedKey, signersOf } from '../support/signers.ts'
import { catalogOf } from '../support/zone-builder.ts'

const [soaType, nsecType, dnskeyType] = [6, 47, 48] as const
/** dnssec-signzone signs none of these: a DNSKEY below the apex, a DS without NS. */
const unsignable = ['types.test.', 'wild.test.']
const zones = readZones().filter(({ apex }) => !unsignable.includes(apex))
const nowSeconds = Math.floor(Date.now() / 1000)
const clock = { wallMs: () => nowSeconds * 1000, monotonicMs: () => 0 }

let respond: Respond
let trust: TrustedZone[]
const signed = zones.map((zone) =>
  signZone(zone.apex, toMaster(zone), generateKeys(zone.apex, 'ED25519', false)),
)

beforeAll(() => {
  const key = fixedKey(15)
  const compiled = zones.map(
    (zone) => compiledZone(JSON.stringify({ ...JSON.parse(toYaml(zone)), dnssec: {} })).zone,
  )
  const signers = signersOf(compiled, clock, key)
  respond = createRespond(contextOf(catalogOf(...compiled), { clock, signers }))
  trust = zones.map(({ apex }) => ({
    apex: labelsOf(apex),
    keys: [zoneKey(Buffer.from(key.dnskey)) as ZoneKey],
  }))
})

const kind: QueryKind = { transport: 'tcp', flags: 0, edns: 4096, dnssecOk: true }
const ours = (question: Question): Buffer =>
  Buffer.from(send(respond, packetOf(question), peerOf('tcp')) ?? [])

/** `owner next types`, without what keys bring to the apex. */
const denialText = ({ owner, next, types }: Denial): string => {
  const own = [...types].filter((type) => type !== dnskeyType).sort((a, b) => a - b)
  return `${nameText(owner)} ${nameText(next)} ${own.join(' ')}`
}

type Answer = (question: Question) => Promise<Buffer> | Buffer

/**
 * Asked for NSEC; at a cut with DS, which needs no NSEC as a proof, and at one to a zone that is served too, for a name that
 * follows it.
 */
async function nsecAt(name: Labels, apex: Labels, answerTo: Answer): Promise<Denial> {
  const [first = '', ...rest] = name
  const asked: readonly Question[] = [
    { labels: name, type: nsecType, kind },
    { labels: [`${first}\0`, ...rest], type: 1, kind },
  ]
  for (const question of asked) {
    const { answer, authority } = decodeMessage(await answerTo(question))
    for (const record of [...answer, ...authority]) {
      const denial = record.type === nsecType ? parseDenial(record) : null
      if (denial === null || !isSameName(denial.owner, name)) continue
      // With SOA it is the child's.
      if (isSameName(name, apex) || !denial.types.has(soaType)) return denial
    }
  }
  throw new Error(`no NSEC at ${nameText(name)}`)
}

/** The NSEC records of a zone, from the apex round to it. */
async function chainOf(apex: Labels, answerTo: Answer): Promise<string[]> {
  const chain: string[] = []
  for (let name = apex; chain.length < 10_000;) {
    const denial = await nsecAt(name, apex, answerTo)
    chain.push(denialText(denial))
    if (isSameName(denial.next, apex)) return chain
    name = denial.next
  }
  throw new Error(`the chain of ${nameText(apex)} has no end`)
}

it('has the same chains, and answers that come to the same', async () => {
  const bind = await startBind(signed)
  try {
    const theirs: Answer = async (question) =>
      (await askOverTcp(bind.port, [packetOf(question)]))[0] as Buffer
    for (const { apex } of zones) {
      const labels = labelsOf(apex)
      // BIND is asked for each, one after the other: the large ones would take long.
      expect([apex, await chainOf(labels, ours)]).toEqual([apex, await chainOf(labels, theirs)])
    }
    await compareAnswers(bind.port)
  } finally {
    await bind.stop()
  }
})

/** One in so many of the questions of each zone, another part in each. */
const share = 16

async function compareAnswers(bindPort: number): Promise<void> {
  const bindTrust = signed.map(({ apex, keys }) => trustKeys(apex, keys.text))
  const [different, bogus]: [string[], string[]] = [[], []]
  let compared = 0
  for (const [part, zone] of zones.entries()) {
    const questions = questionsOf(zone)
      .filter((_, i) => i % share === part % share)
      .map((question) => ({ ...question, kind }))
    const replies = await askOverTcp(bindPort, questions.map(packetOf))
    for (const [i, question] of questions.entries()) {
      const asked = { qname: nameText(question.labels), qtype: question.type }
      const label = `${asked.qname} ${asked.qtype}`
      const mine = validate(trust, asked, ours(question), nowSeconds)
      if (mine.kind !== 'secure') bogus.push(`${label}: ${JSON.stringify(mine)}`)
      const other = validate(bindTrust, asked, replies[i] as Buffer, nowSeconds)
      if (other.kind === 'bogus') continue
      compared++
      if (!isAlike(question, mine, other))
        different.push(`${label}: ${wordOf(mine)}, ${wordOf(other)}`)
    }
  }
  expect(bogus).toEqual([])
  expect(different).toEqual([])
  expect(compared).toBeGreaterThan(1500)
}

const wordOf = (verdict: Verdict): string =>
  verdict.kind === 'secure' ? verdict.outcome : verdict.kind

/** BIND follows aliases in their own zone alone, and answers for NSEC at a cut, where a referral proves as much. */
const isAlike = ({ type }: Question, mine: Verdict, other: Verdict): boolean =>
  wordOf(mine) === wordOf(other) ||
  wordOf(other) === 'alias' ||
  (type === nsecType && wordOf(mine).endsWith('referral'))
