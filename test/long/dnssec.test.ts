// A signed zone while its MTAs die and come back and its file changes: thousands of questions of every kind and at random,
// to both workers and through Unbound, and nothing that is bogus.

import { afterAll, beforeAll, expect, test } from 'vitest'

import { askOverTcp, askOverUdp } from '../differential/ask.ts'
import { seeded } from '../steer/arrange.ts'
import { DenialLedger } from '../support/dnssec/denial-ledger.ts'
import { labelsOf, wireOf } from '../support/dnssec/names.ts'
import { type TrustedZone, trustKeys } from '../support/dnssec/signatures.ts'
import { type Question, type Verdict, validate } from '../support/dnssec-validator.ts'
import type { ForeignServer } from '../support/foreign-server.ts'
import { resolverVerdicts } from '../support/foreign-validators.ts'
import { freePort } from '../support/free-ports.ts'
import { type OddMta, startGreeters } from '../support/odd-mtas.ts'
import { buildQuery } from '../support/packet-builder.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import {
  inRandomCase,
  qtypes,
  signedQuestions,
  signedZoneText,
} from '../support/signed-questions.ts'
import { type ForeignKeys, generateKeys } from '../support/signed-zone.ts'
import { isUnboundFault, startValidatingUnbound } from '../support/unbound.ts'
import { until } from '../support/wait.ts'

const apex = 'signed.example.test.'
const addresses = ['127.0.9.1', '127.0.9.2', '127.0.9.3', '127.0.9.4']
/** VALIDATED_ANSWERS: how many are judged, at least. */
const wanted = Number(process.env['VALIDATED_ANSWERS'] ?? 6000)
const questionsPerRound = Math.min(2000, Math.ceil(wanted / 24))
const rounds = Math.ceil(wanted / questionsPerRound)
const random = seeded(20_261_129)
const listed = signedQuestions(apex)

let server: RunningServer
let unbound: ForeignServer
let keys: ForeignKeys
let trust: TrustedZone
let port = 0
const mtas = new Map<string, OddMta>()

const zoneText = (extra: string): string =>
  signedZoneText(apex, {
    addresses,
    extra,
    probe: `port: ${port}, level: banner, interval: 500ms, fast_interval: 200ms, fall: 2, rise: 2, connect_timeout: 500ms`,
  })

beforeAll(async () => {
  port = await freePort(addresses)
  const greeters = await startGreeters(addresses, port)
  greeters.forEach((mta, i) => mtas.set(addresses[i] as string, mta))
  keys = generateKeys(apex, 'ECDSAP256SHA256', false)
  trust = trustKeys(apex, keys.text)
  server = await startServer({
    zones: { 'signed.yaml': zoneText('') },
    settings: `dnssec: { keys: ${keys.folder} }\nworkers: 2\n`,
  })
  unbound = await startValidatingUnbound([{ apex, port: server.port, keys: keys.text }])
})
afterAll(async () => {
  await Promise.all([
    server?.stop(),
    unbound?.stop(),
    ...[...mtas.values()].map((mta) => mta.close()),
  ])
})

const pick = <One>(all: readonly One[]): One => all[Math.floor(random() * all.length)] as One
const types = Object.values(qtypes).filter((type) => type !== qtypes.NXNAME)
const labels = [...new Set(listed.flatMap(({ qname }) => labelsOf(qname)))]

/** Of the list, or of labels of the zone and others in any order, in any letters. */
function anyQuestion(): Question {
  if (random() < 0.5) {
    const { qname, qtype } = pick(listed)
    return { qname: inRandomCase(qname, random), qtype }
  }
  const label = (): string =>
    random() < 0.7 ? pick(labels) : Math.floor(random() * 36 ** 4).toString(36)
  const depth = 1 + Math.floor(random() * 3)
  const below = Array.from({ length: depth }, label).map((one) => one.replaceAll('.', '\\.'))
  const qname = `${below.join('.')}.${apex}`
  if (wireOf(labelsOf(qname)).length > 255) return anyQuestion()
  return { qname: inRandomCase(qname, random), qtype: pick(types) }
}

const queryOf = ({ qname, qtype }: Question): Buffer =>
  Buffer.from(
    buildQuery({
      rawName: [...wireOf(labelsOf(qname))],
      type: qtype,
      opts: [{ udp: pick([512, 1232, 4096]), dnssecOk: true }],
    }),
  )

const judge = (question: Question, response: Buffer): Verdict =>
  validate([trust], question, response, Math.floor(Date.now() / 1000))

/** Asks many over UDP, those without room again over TCP; notes what is not secure. */
async function askMany(ledger: DenialLedger, wrong: string[]): Promise<number> {
  const questions = Array.from({ length: questionsPerRound }, anyQuestion)
  const replies = await askOverUdp(server.port, questions.map(queryOf))
  const verdicts = questions.map((question, i) => judge(question, replies[i] as Buffer))
  const cut = questions.filter((_, i) => verdicts[i]?.kind === 'truncated')
  const whole = await askOverTcp(server.port, cut.map(queryOf))
  verdicts.push(...cut.map((question, i) => judge(question, whole[i] as Buffer)))
  const asked = [...questions, ...cut]
  let secure = 0
  for (const [i, verdict] of verdicts.entries()) {
    ledger.note(verdict)
    if (verdict.kind === 'secure') secure++
    if (verdict.kind === 'bogus' || (verdict.kind === 'truncated' && i >= questions.length))
      wrong.push(`${asked[i]?.qname} ${asked[i]?.qtype}: ${JSON.stringify(verdict)}`)
  }
  return secure
}

/** One of the MTAs goes, or one that is gone comes back. */
async function flip(): Promise<void> {
  const address = pick(addresses)
  const mta = mtas.get(address)
  mtas.delete(address)
  if (mta !== undefined) return mta.close()
  const [revived] = await startGreeters([address], port)
  if (revived !== undefined) mtas.set(address, revived)
}

const reloads = async (): Promise<number> =>
  (await server.metric('mxsteer_config_reloads_total{result="success"}')) ?? 0

const downs = (): number => server.logs().filter(({ event }) => event === 'target.down').length

const passing = ['fresh', 'b.b.ent', 'aaa', '*.plain', 'zzzz']

/** The zone gains a name that it loses with the next change. */
async function reload(round: number): Promise<void> {
  const before = await reloads()
  const owner = passing[round % passing.length] as string
  server.writeZone(
    'signed.yaml',
    zoneText(`  '${owner}': { TXT: '"${round}"', MX: { steer: in } }\n`),
  )
  await until(async () => (await reloads()) > before, { what: 'a reload', withinMs: 60_000 })
}

// A hundred answers a second at least, on a machine that does other things too.
const limitMs = 600_000 + wanted * 10

test('nothing is bogus while MTAs and zones change', { timeout: limitMs }, async () => {
  const wrong: string[] = []
  const ledger = new DenialLedger()
  let secure = 0
  for (let round = 0; round < rounds; round++) {
    await flip()
    // From the first one on; those that come fast may be back before they are found dead.
    await until(() => downs() > 0, { what: 'a dead target', withinMs: 60_000 })
    if (round % 4 === 3) await reload(round)
    secure += await askMany(ledger, wrong)
    const forResolver = Array.from({ length: 40 }, anyQuestion).filter(isResolvable)
    const verdicts = await resolverVerdicts(unbound.port, forResolver)
    for (const [i, verdict] of verdicts.entries())
      if (verdict.kind === 'bogus')
        wrong.push(`Unbound: ${forResolver[i]?.qname} ${forResolver[i]?.qtype}: ${verdict.why}`)
  }
  expect(wrong).toEqual([])
  expect(secure).toBeGreaterThan(0.8 * rounds * questionsPerRound)
  expect(ledger.contradictions().filter(isOfLasting)).toEqual([])
  console.info(`${secure} answers secure, none bogus; ${JSON.stringify(ledger.counts())}`)
})

/** Not of a name that comes and goes: that is denied rightly at one time, and answered rightly at another. */
const isOfLasting = (contradiction: string): boolean =>
  !passing.some((name) => contradiction.includes(`denies ${name}.`))

/** Not what leads to other servers. */
const isResolvable = (question: Question): boolean =>
  !isUnboundFault(question) && isOfZone(question)

const isOfZone = ({ qname, qtype }: Question): boolean =>
  qtype !== qtypes.RRSIG &&
  qtype !== qtypes.ANY &&
  !/(?:open|safe|forest|outward|tocut)\./i.test(qname) &&
  !(qtype === qtypes.DS && qname.length === apex.length)
