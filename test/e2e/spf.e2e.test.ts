// The SPF record of a `spf:`, asked of the running server by an evaluator that is not ours, while targets die, come back, are
// drained and warm up: whoever is in the pool may send, always. Beside it what operators write otherwise.

import { afterAll, beforeAll, expect, it } from 'vitest'

import { freePort } from '../support/free-ports.ts'
import { mailDomain, quickProbe } from '../support/mail-zone.ts'
import { type OddMta, startGreeters } from '../support/odd-mtas.ts'
import { runCommand } from '../support/server.ts'
import { servedZone } from '../support/served-zone.ts'
import { type SpfEvaluator, startSpfEvaluator } from '../support/spf-evaluator.ts'

const probed = [1, 2, 3, 4, 5, 6].map((n) => `127.0.0.${70 + n}`)
const others = Array.from({ length: 18 }, (_, i) => [`198.51.100.${3 * i}`, `2001:db8::${3 * i}:1`])

const warmup = 'warmup: { from: 2099-01-01, days: 30 }'

const zoneText = (port: number): string => `
zone: ${mailDomain}
soa: { mname: ns1, rname: hostmaster }
targets:
${probed.map((address, i) => `  mx${i + 1}: { addresses: [${address}]${i === 5 ? `, ${warmup}` : ''} }`).join('\n')}
${others.map((addresses, i) => `  out${i}: { addresses: ['${addresses.join("', '")}'] }`).join('\n')}
probes:
  inbound: { ${Object.entries({ ...quickProbe, level: 'banner', port, fall: 1, rise: 1 })
    .map(([key, value]) => `${key}: ${String(value)}`)
    .join(', ')} }
pools:
  in: { probe: inbound, targets: { mx1: 5, mx2: 3, mx3: 1, mx4: 1, mx5: 0, mx6: 1 } }
  out: { targets: [${others.map((_, i) => `out${i}`).join(', ')}] }
steering:
  in: [{ pools: [in] }]
records:
  '@': { NS: ns1, MX: { steer: in }, TXT: some-verification=token, spf: { pools: [in, out], all: -all } }
  ns1: { A: 127.0.0.1 }
  by-mx: { MX: { steer: in }, TXT: '"v=spf1 mx ~all"' }
`

let mtas: OddMta[] = []
let evaluator: SpfEvaluator
const server = servedZone(async () => {
  const port = await freePort(probed)
  mtas = await startGreeters(probed, port)
  return { zones: { 'spf.yaml': zoneText(port) } }
})
beforeAll(() => void (evaluator = startSpfEvaluator()))
afterAll(async () => {
  evaluator.stop()
  await Promise.all(mtas.map((mta) => mta.close()))
})

const mxsteer = async (...args: readonly string[]): Promise<void> => {
  const { code, stderr } = await runCommand(...args, '--admin', `127.0.0.1:${server.adminPort}`)
  expect(stderr).toBe('')
  expect(code).toBe(0)
}

const resultsOf = async (domain: string, addresses: readonly string[]): Promise<string[]> => {
  const results: string[] = []
  for (const ip of addresses) {
    const { result, why } = await evaluator.evaluate({ ip, domain, port: server.port })
    results.push(result === 'pass' ? result : `${result} ${why}`)
  }
  return results
}

const changes: readonly (readonly [name: string, change: () => Promise<unknown>])[] = [
  ['all are up', () => server.waitForState('mx5', 'up', 30_000)],
  [
    'one is down',
    async () => {
      await mtas[0]?.close()
      await server.waitForState('mx1', 'down', 30_000)
    },
  ],
  ['another is drained', () => mxsteer('drain', 'mx2', '--for', '1h')],
  ['a third is disabled', () => mxsteer('disable', 'mx3', '--for', '1h')],
  [
    'two are down',
    async () => {
      await mtas[3]?.close()
      await server.waitForState('mx4', 'down', 30_000)
    },
  ],
]

it(
  'passes for every address of its pools in 1,050 evaluations, whatever the health of targets, and for no other',
  { timeout: 240_000 },
  async () => {
    const addresses = [...probed, ...others.flat()]
    const byMx = new Set<string>()
    let count = 0
    for (const [, change] of changes) {
      await change()
      for (let round = 0; round < 5; round++) {
        const results = await resultsOf(mailDomain, addresses)
        expect(results.filter((result) => result !== 'pass')).toEqual([])
        count += results.length
      }
      for (const result of await resultsOf(`by-mx.${mailDomain}`, probed)) byMx.add(result)
    }
    expect(count).toBe(1050)
    const strangers = ['198.51.100.1', '2001:db8::1:1', '127.0.0.70', '192.0.2.1']
    expect(new Set(await resultsOf(mailDomain, strangers))).toEqual(
      new Set(['fail SPF fail - not authorized']),
    )
    // That the evaluator would see it: names of an MX leave somebody out.
    expect([...byMx].some((result) => result !== 'pass')).toBe(true)
  },
)
