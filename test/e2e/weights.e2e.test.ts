// Weights as clients see them: 20,000 answers of the running server, each share within 5 σ of what it should be.

import { expect, it } from 'vitest'

import { addressesOf, ladderOf } from '../support/dns-client.ts'
import { clientOf, servedZone } from '../support/served-zone.ts'

const count = 20_000
const zone = 'smtp.example.test'
const weights = { mx1: 5, mx2: 3, mx3: 1, mx4: 1 }
const names = Object.keys(weights) as (keyof typeof weights)[]
const total = 10

const zoneFile = `
zone: ${zone}
soa: { mname: ns1, rname: hostmaster.example.test. }
targets:
${names.map((name, i) => `  ${name}: { addresses: [192.0.2.${i + 1}] }`).join('\n')}
pools:
  main: { targets: { mx1: 5, mx2: 3, mx3: 1, mx4: 1 } }
steering:
  inbound: [{ pools: [main] }]
records:
  "@":
    NS: [ns1]
    MX: { steer: inbound }
  relay: { address: { steer: inbound, answers: 2 } }
  ns1: { A: 192.0.2.53 }
`

const server = servedZone({ zones: { 'weights.yaml': zoneFile } })
const client = clientOf(server)

/** Within 5 σ of a binomial share; a wrong weight of 1 in 10 would be some 47 σ off. */
function expectShare(seen: number, share: number): void {
  const sigma = Math.sqrt(count * share * (1 - share))
  // Inclusion for certain has no spread at all.
  expect(Math.abs(seen - count * share)).toBeLessThanOrEqual(5 * sigma)
}

it('the first place of the ladder is won in proportion to weight', async () => {
  const replies = await client.askMany(zone, 'MX', count)
  const first = new Map<string, number>()
  for (const reply of replies) {
    const ladder = ladderOf(reply)
    expect(ladder).toHaveLength(4)
    expect(new Set(ladder.map((rung) => rung.exchange)).size).toBe(4)
    const winner = ladder[0]?.exchange ?? ''
    first.set(winner, (first.get(winner) ?? 0) + 1)
  }
  console.info(`first places of ${count}: ${[...first].join(' ')}`)
  for (const name of names) expectShare(first.get(`${name}.${zone}`) ?? 0, weights[name] / total)

  // What the server says it did is what we saw.
  for (const name of names) {
    const labels = `zone="${zone}",target="${name}",place="first",reason="eligible"`
    const counted = await server.metric(`mxsteer_answers_total{${labels}}`)
    expect(counted).toBe(first.get(`${name}.${zone}`))
  }
}, 600_000)

it('2 of 4 addresses are included in proportion to weight', async () => {
  const replies = await client.askMany(`relay.${zone}`, 'A', count)
  const included = new Map<string, number>()
  for (const reply of replies) {
    const addresses = addressesOf(reply)
    expect(new Set(addresses).size).toBe(2)
    for (const address of addresses) included.set(address, (included.get(address) ?? 0) + 1)
  }
  console.info(`inclusions of ${count}: ${[...included].join(' ')}`)
  // 2·5/10 = 1: always there; the others 0.6, 0.2, 0.2.
  for (const [i, name] of names.entries())
    expectShare(included.get(`192.0.2.${i + 1}`) ?? 0, (2 * weights[name]) / total)
}, 600_000)
