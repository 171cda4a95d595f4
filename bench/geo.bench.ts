// What geography costs an answer: the same records, plain or steered, with and without rules and client subnets.
// All in one process; on a busy machine trust the `min` column.
//   vitest bench --run --experimental.viteModuleRunner=false bench/geo.bench.ts

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { createRespond } from '../src/answer/respond.ts'
import { compilePlaces } from '../src/geo/compile-database.ts'
import { createLocate } from '../src/geo/places.ts'
import type { Conditions, Pool, SteeredSet } from '../src/steer/policy.ts'
import { createScopes } from '../src/steer/scopes.ts'
import { contextOf, peerOf } from '../test/support/asker.ts'
import { buildQuery } from '../test/support/packet-builder.ts'
import { memberOf, policyOf, poolOf, steeredAddresses } from '../test/support/steered-zone.ts'
import { targetOf, targetSets } from '../test/support/steered-zone.ts'
import { catalogOf, zoneOf } from '../test/support/zone-builder.ts'

const compiled = compilePlaces(
  readFileSync(
    createRequire(import.meta.url).resolve(
      '@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb',
    ),
  ),
)
if (compiled.kind === 'broken') throw new Error(compiled.why)
const networks = { country: compiled.tree, asn: null }

const members = [1, 2, 3, 4].map((i) => memberOf(targetOf(`mx${i}`, i, [4]), 1))
const pool = (...places: readonly number[]): Pool =>
  poolOf(
    places.join(''),
    places.map((place) => members[place] as (typeof members)[number]),
  )
const when = (given: Partial<Conditions>): Conditions => ({
  continents: null,
  countries: null,
  asns: null,
  networks: null,
  ...given,
})
const everybody = policyOf([pool(0, 1, 2, 3)])
const geo = {
  ...everybody,
  rules: [
    { when: when({ countries: ['DE', 'AT', 'CH'] }), pools: [pool(0, 1, 2, 3)] },
    { when: when({ continents: ['EU', 'AF'] }), pools: [pool(0, 1, 2, 3)] },
    { when: when({ continents: ['AS', 'OC'] }), pools: [pool(3, 2, 1, 0)] },
    { when: null, pools: [pool(0, 1, 2, 3)] },
  ],
}
const two = (policy: typeof everybody): SteeredSet => steeredAddresses(policy, 1, 2)
const catalog = catalogOf(
  zoneOf('smtp.test.', {
    '@': { NS: 'ns1' },
    ns1: { A: '192.0.2.53' },
    plain: { A: ['203.0.113.1', '203.0.113.2'] },
    alike: { A: two(everybody) },
    geo: { A: two(geo) },
    ...Object.fromEntries(members.map((member) => [member.target.name, targetSets(member)])),
  }),
)

const scopes = createScopes()
scopes.use(networks)
scopes.prepare(catalog)
const respond = createRespond(
  contextOf(catalog, { random: Math.random, locate: createLocate(networks), scopes }),
)
const peer = peerOf('udp')
const out = new Uint8Array(4096)
const options = { time: 1500, warmupTime: 300 }

/** Answered in one call of the benchmark, so that its own clock does not count. */
const batch = 1024

/** As many subnets as the batch is long, or one alone. */
function asking(name: string, subnets: 'none' | 'one' | 'many'): () => void {
  const packets = Array.from({ length: batch }, (_, i) => {
    const at = subnets === 'many' ? i : 7
    const subnet = [0, 8, 0, 7, 0, 1, 24, 0, 1 + ((at * 37) % 220), (at * 101) & 255, at & 255]
    return buildQuery({ name, type: 1, opts: [{ options: subnets === 'none' ? [] : subnet }] })
  })
  return () => {
    for (const packet of packets) respond(packet, 0, packet.length, peer, out, 0)
  }
}

const cases: [what: string, run: () => void][] = [
  ['static A, two records', asking('plain.smtp.test', 'none')],
  ['static A, client subnet', asking('plain.smtp.test', 'one')],
  ['2 of 4, one rule', asking('alike.smtp.test', 'none')],
  ['2 of 4, one rule, client subnet', asking('alike.smtp.test', 'one')],
  ['2 of 4, geo, no client subnet', asking('geo.smtp.test', 'none')],
  ['2 of 4, geo, client subnet', asking('geo.smtp.test', 'one')],
  ['2 of 4, geo, 1024 client subnets', asking('geo.smtp.test', 'many')],
]

test(`geography, ${batch} queries a turn`, { timeout: 120_000 }, async ({ bench }) => {
  const results = await bench.compare(...cases.map(([what, run]) => bench(what, run)), options)
  for (const [what] of cases) expect(results.get(what).latency.mean).toBeGreaterThan(0)
})

/** Every lookup a first one: what a client costs that was never seen. */
test('scopes without memory', { timeout: 60_000 }, async ({ bench }) => {
  const set = { policy: geo }
  const client = new Uint8Array(4)
  let round = 0
  const result = await bench('1024 scopes of new networks', () => {
    for (let i = 0; i < batch; i++) {
      round = (Math.imul(round, 1_664_525) + 1_013_904_223) >>> 0
      client[0] = 1 + ((round >>> 24) % 220)
      client[1] = (round >>> 16) & 255
      client[2] = (round >>> 8) & 255
      scopes.prefixLength(set, client)
    }
  }).run(options)
  expect(result.latency.mean).toBeGreaterThan(0)
})
