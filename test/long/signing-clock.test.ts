// The wall clock of a server with a signed zone, by libfaketime: behind at its start, as on a machine without a battery, and put
// right. Resolvers have the right time, and find nothing bogus. Steps while it runs: test/dnssec/signing-clock.test.ts.

import { afterEach, expect, test } from 'vitest'

import { askOverUdp } from '../differential/ask.ts'
import { dig } from '../support/dig.ts'
import { labelsOf, wireOf } from '../support/dnssec/names.ts'
import { type TrustedZone, trustKeys } from '../support/dnssec/signatures.ts'
import { type Question, validate } from '../support/dnssec-validator.ts'
import { createFakeTime } from '../support/fake-time.ts'
import { buildQuery } from '../support/packet-builder.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { generateKeys } from '../support/signed-zone.ts'
import { qtypes } from '../support/signed-questions.ts'
import { until } from '../support/wait.ts'

const apex = 'clock.example.test.'
const zoneText = `
zone: ${apex}
ttl: 60
dnssec: {}
soa: { mname: ns1, rname: hostmaster.example.test., minimum: 30 }
records: { '@': { NS: ns1, MX: 10 ns1 }, ns1: { A: 127.0.0.1 } }
`
const tenYears = 10 * 365 * 86_400
const questions: readonly Question[] = [
  { qname: apex, qtype: qtypes.MX },
  { qname: apex, qtype: qtypes.DNSKEY },
  { qname: `missing.${apex}`, qtype: qtypes.A },
]

let server: RunningServer | undefined
afterEach(async () => {
  await server?.stop()
})

/** What a resolver with the right time makes of the answers: a verdict, or SERVFAIL. */
async function verdicts({ port }: RunningServer, trust: TrustedZone): Promise<string[]> {
  const queries = questions.map(({ qname, qtype }) =>
    Buffer.from(
      buildQuery({
        rawName: [...wireOf(labelsOf(qname))],
        type: qtype,
        opts: [{ udp: 1232, dnssecOk: true }],
      }),
    ),
  )
  const replies = await askOverUdp(port, queries)
  const seconds = Math.floor(Date.now() / 1000)
  const found = questions.map((question, i) => {
    const reply = replies[i] as Buffer
    if (((reply[3] as number) & 0xf) === 2) return 'SERVFAIL'
    return validate([trust], question, reply, seconds).kind
  })
  return [...new Set(found)]
}

const readiness = async (one: RunningServer): Promise<number> => (await one.http('/readyz')).status

test.each([
  ['ten years', tenYears],
  ['five hours', 5 * 3600],
])(
  '%s behind at the start: not ready and SERVFAIL, until the clock is right',
  async (_, seconds) => {
    const keys = generateKeys(apex, 'ECDSAP256SHA256', false)
    const trust = trustKeys(apex, keys.text)
    const fakeTime = createFakeTime()
    fakeTime.shift(-seconds)
    const one = await startServer({
      zones: { 'clock.yaml': zoneText },
      settings: `dnssec: { keys: ${keys.folder} }\n`,
      ...fakeTime.surroundings,
    })
    server = one
    await one.waitForLog(({ event }) => event === 'clock.behind')
    expect(await verdicts(one, trust)).toEqual(['SERVFAIL'])
    expect(await readiness(one)).toBe(503)
    expect(await one.metric('mxsteer_dnssec_clock_behind')).toBe(1)
    const plain = await dig(one.port, apex, 'MX', '+norecurse')
    expect([plain.status, plain.answer.length]).toEqual(['NOERROR', 1])
    fakeTime.shift(0)
    await one.waitForLog(({ event }) => event === 'clock.followed')
    const isSigned = async (): Promise<boolean> =>
      !(await verdicts(one, trust)).includes('SERVFAIL')
    await until(isSigned, { what: 'signatures', withinMs: 60_000 })
    expect(await verdicts(one, trust)).toEqual(['secure'])
    expect(await readiness(one)).toBe(200)
  },
)

test('half an hour behind at the start: harmless', async () => {
  const keys = generateKeys(apex, 'ECDSAP256SHA256', false)
  const fakeTime = createFakeTime()
  fakeTime.shift(-1800)
  server = await startServer({
    zones: { 'clock.yaml': zoneText },
    settings: `dnssec: { keys: ${keys.folder} }\n`,
    ...fakeTime.surroundings,
  })
  expect(await verdicts(server, trustKeys(apex, keys.text))).toEqual(['secure'])
  expect(server.logs().filter(({ event }) => event?.startsWith('clock.'))).toEqual([])
})
