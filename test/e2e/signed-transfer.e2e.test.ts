// Transfers of a signed zone: judged as a whole by BIND's and ldns' checkers, taken by NSD and BIND as secondaries, whose
// answers our validator judges, and taken again by itself when the signatures of the zone are made anew.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { askOverTcp } from '../differential/ask.ts'
import { labelsOf, wireOf } from '../support/dnssec/names.ts'
import { trustKeys } from '../support/dnssec/signatures.ts'
import { type Question, validate } from '../support/dnssec-validator.ts'
import { dig } from '../support/dig.ts'
import { createFakeTime } from '../support/fake-time.ts'
import { verifyByBind, verifyByLdns } from '../support/foreign-validators.ts'
import { buildQuery } from '../support/packet-builder.ts'
import { startBindSecondary, startNsdSecondary } from '../support/secondary.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { qtypes, signedQuestions, signedZoneText } from '../support/signed-questions.ts'
import { generateKeys } from '../support/signed-zone.ts'
import { until } from '../support/wait.ts'

const apex = 'signed.example.test.'
const refreshed = 'refreshed.example.test.'
const keys = generateKeys(apex, 'ECDSAP256SHA256', true)
const otherKeys = generateKeys(refreshed, 'ED25519', false, keys.folder)
const trust = [trustKeys(apex, keys.text), trustKeys(refreshed, otherKeys.text)]
const time = createFakeTime()
/** With the `validity` of three days. */
const gridSeconds = 6 * 3600

const short = `
zone: ${refreshed}
ttl: 60
dnssec: {}
soa: { mname: ns1, rname: hostmaster, refresh: 1, retry: 1 }
records: { "@": { NS: ns1 }, ns1: { A: 192.0.2.53 } }
`

let server: RunningServer
beforeAll(async () => {
  server = await startServer({
    zones: { 'signed.yaml': signedZoneText(apex), 'refreshed.yaml': short },
    settings: `dnssec: { keys: ${keys.folder} }\ntransfer: { allow: 127.0.0.1 }\nworkers: 2\n`,
    ...time.surroundings,
  })
})
afterAll(() => server?.stop())

const nowSeconds = (): number => Math.floor(Date.now() / 1000)

/** The zone as a master file. */
const transferred = async (): Promise<string> =>
  (await dig(server.port, apex, 'AXFR', '+onesoa', '+crypto', '+noidnout')).text

const queryOf = ({ qname, qtype }: Question): Buffer =>
  Buffer.from(
    buildQuery({
      rawName: [...wireOf(labelsOf(qname))],
      type: qtype,
      flags: 0,
      opts: [{ dnssecOk: true }],
    }),
  )

async function serialsAt(port: number, zone: string): Promise<readonly number[]> {
  const { answer } = await dig(port, zone, 'SOA', '+dnssec')
  return answer.flatMap(({ type, rdata }) => (type === 'SOA' ? Number(rdata.split(' ')[2]) : []))
}

describe('the whole zone', () => {
  it('is accepted by ldns-verify-zone and dnssec-verify, and refused with another address', async () => {
    const text = await transferred()
    expect(text).toMatch(/192\.0\.2\.53/)
    expect(await verifyByLdns(text, keys.text)).toEqual({ kind: 'secure' })
    expect(await verifyByBind(apex, text, true)).toEqual({ kind: 'secure' })
    const changed = text.replaceAll('192.0.2.53', '192.0.2.54')
    expect((await verifyByLdns(changed, keys.text)).kind).toBe('bogus')
    expect((await verifyByBind(apex, changed, true)).kind).toBe('bogus')
  })

  it('has the SOA that is answered over UDP, first and last', async () => {
    const { answer } = await dig(server.port, apex, 'AXFR')
    const [serial] = await serialsAt(server.port, apex)
    const ends = [answer[0], answer.at(-1)].map((soa) => [soa?.type, soa?.rdata.split(' ')[2]])
    expect(ends).toEqual([
      ['SOA', String(serial)],
      ['SOA', String(serial)],
    ])
  })

  it('is the SOA alone for whoever has its serial, and all of it for others', async () => {
    const [serial = 0] = await serialsAt(server.port, apex)
    expect((await dig(server.port, apex, `IXFR=${serial}`)).answer).toHaveLength(1)
    const whole = (await dig(server.port, apex, 'AXFR')).answer.length
    expect((await dig(server.port, apex, `IXFR=${serial - 1}`)).answer).toHaveLength(whole)
  })
})

describe('a secondary', () => {
  it.each([
    // It writes the target of SVCB in lower case, which is signed as it is (RFC 9460 §2.2).
    ['NSD', startNsdSecondary, / 64$/],
    // It does not prove that an empty wildcard answers for the name.
    ['BIND', startBindSecondary, /^any\.starent/],
  ])('%s: its answers are secure', async (_, start, fault) => {
    const secondary = await start(apex, server.port)
    try {
      // What they answer otherwise than we do is their matter: aliases, ANY, NSEC at a cut.
      const direct = [qtypes.ANY, qtypes.RRSIG, qtypes.CNAME, qtypes.NSEC] as readonly number[]
      const questions = signedQuestions(apex).filter(({ qtype }) => !direct.includes(qtype))
      const replies = await askOverTcp(secondary.port, questions.map(queryOf))
      const wrong = questions.flatMap((question, i) => {
        const verdict = validate(trust, question, replies[i] as Buffer, nowSeconds())
        const asked = `${question.qname} ${question.qtype}`
        const isRight = verdict.kind === 'secure' && verdict.outcome === question.outcome
        return isRight || fault.test(asked) ? [] : `${asked}: ${JSON.stringify(verdict)}`
      })
      expect(wrong).toEqual([])
    } finally {
      await secondary.stop()
    }
  })

  it('NSD takes the zone again when its signatures are made anew', async () => {
    const secondary = await startNsdSecondary(refreshed, server.port)
    try {
      const [before = 0] = await serialsAt(secondary.port, refreshed)
      expect(await serialsAt(server.port, refreshed)).toEqual([before])
      time.shift(gridSeconds)
      await until(async () => (await serialsAt(secondary.port, refreshed))[0] === before + 1, {
        what: 'the next serial at the secondary',
        withinMs: 60_000,
        everyMs: 200,
      })
      const soa = { qname: refreshed, qtype: qtypes.SOA }
      const nowhere = { qname: `nowhere.${refreshed}`, qtype: qtypes.A }
      for (const question of [soa, nowhere]) {
        const [reply] = await askOverTcp(secondary.port, [queryOf(question)])
        expect(validate(trust, question, reply as Buffer, nowSeconds()).kind).toBe('secure')
      }
    } finally {
      await secondary.stop()
    }
  })
})
