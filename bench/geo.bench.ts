// What geography costs an answer: the same records, plain or steered, with and without rules and client subnets; random
// subnets, addresses drawn by weight, ladders. All in one process, no sockets; the table at the end is of interleaved rounds.
//   vitest bench --run --experimental.viteModuleRunner=false bench/geo.bench.ts

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { createRespond } from '../src/answer/respond.ts'
import { compilePlaces } from '../src/geo/compile-database.ts'
import { createLocate } from '../src/geo/places.ts'
import type { Conditions, Pool, SteeredSet } from '../src/steer/policy.ts'
import { createRandom } from '../src/lib/random.ts'
import { Scopes } from '../src/steer/scope/scope-cache.ts'
import { raiseInliningLimits } from '../src/app/app.ts'
import { contextOf, peerOf } from '../test/support/ask-catalog.ts'
import { buildQuery } from '../test/support/packet-builder.ts'
import {
  memberOf,
  policyOf,
  poolOf,
  steeredMx,
  steeredAddresses,
  targetOf,
  targetSets,
} from '../test/support/steered-zone.ts'
import { catalogOf, zoneOf } from '../test/support/zone-builder.ts'

// As the server does.
raiseInliningLimits()

const compiled = compilePlaces(
  readFileSync(
    createRequire(import.meta.url).resolve(
      '@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb',
    ),
  ),
)
if (compiled.kind === 'broken') throw new Error(compiled.why)
const networks = { country: compiled.tree, asn: null }

const members = [1, 2, 3, 4].map((i) => memberOf(targetOf(`mx${i}`, i, [4]), i))
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
const catchAll = policyOf([pool(0, 1, 2, 3)])
const geo = {
  ...catchAll,
  rules: [
    { when: when({ countries: ['DE', 'AT', 'CH'] }), pools: [pool(0, 1, 2, 3)] },
    { when: when({ continents: ['EU', 'AF'] }), pools: [pool(0, 1, 2, 3)] },
    { when: when({ continents: ['AS', 'OC'] }), pools: [pool(3, 2, 1, 0)] },
    { when: null, pools: [pool(0, 1, 2, 3)] },
  ],
}
const one = (policy: typeof catchAll): SteeredSet => steeredAddresses(policy, 1, 1)
const two = (policy: typeof catchAll): SteeredSet => steeredAddresses(policy, 1, 2)
const catalog = catalogOf(
  zoneOf('smtp.test.', {
    '@': { NS: 'ns1' },
    ns1: { A: '192.0.2.53' },
    plain: { A: '203.0.113.1', MX: ['10 ex1', '20 ex2', '30 ex3', '40 ex4'] },
    ...Object.fromEntries([1, 2, 3, 4].map((i) => [`ex${i}`, { A: `203.0.113.${i}` }])),
    alike: { A: one(catchAll), MX: steeredMx(catchAll) },
    geo: { A: one(geo), MX: steeredMx(geo) },
    geo2: { A: two(geo) },
    ...Object.fromEntries(members.map((member) => [member.target.name, targetSets(member)])),
  }),
)

const scopes = new Scopes()
scopes.use(networks)
scopes.prepare(catalog)
const respond = createRespond(
  contextOf(catalog, {
    random: createRandom(Int32Array.of(1, 2, 3, 4)),
    locate: createLocate(networks),
    scopes,
  }),
)
const peer = peerOf('udp')
const out = new Uint8Array(4096)

/** Answered in one turn, so that the clock does not count. */
const batch = 1024
const turns = 20
const rounds = 41

/** As many random subnets as the batch is long, or none. */
function asking(name: string, type: number, hasSubnets: boolean): () => void {
  const packets = Array.from({ length: batch }, () => {
    const octets = [220, 256, 256].map((most) => Math.floor(Math.random() * most))
    const subnet = [0, 8, 0, 7, 0, 1, 24, 0, 1 + (octets[0] as number), ...octets.slice(1)]
    return buildQuery({ name, type, opts: [{ options: hasSubnets ? subnet : [] }] })
  })
  return () => {
    for (const packet of packets) respond(packet, 0, packet.length, peer, out, 0)
  }
}

/** Each beside the static answer of its type to the same query: with a subnet or without. */
const cases: [what: string, run: () => void, beside: number][] = [
  ['static A', asking('plain.smtp.test', 1, false), 0],
  ['static A, client subnets', asking('plain.smtp.test', 1, true), 1],
  ['static MX, 4 exchanges and their addresses', asking('plain.smtp.test', 15, false), 2],
  ['static MX, client subnets', asking('plain.smtp.test', 15, true), 3],
  ['A, 1 of 4 by weight', asking('alike.smtp.test', 1, false), 0],
  ['A, 1 of 4 by weight, geo, client subnets', asking('geo.smtp.test', 1, true), 1],
  ['A, 2 of 4 by weight, geo, client subnets', asking('geo2.smtp.test', 1, true), 1],
  ['ladder of 4 by weight', asking('alike.smtp.test', 15, false), 2],
  ['ladder of 4 by weight, geo, client subnets', asking('geo.smtp.test', 15, true), 3],
]

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] as number

test('geography beside static answers', { timeout: 300_000 }, () => {
  const times = cases.map((): number[] => [])
  for (let round = -5; round < rounds; round++) {
    for (const [i, [, run]] of cases.entries()) {
      const since = performance.now()
      for (let turn = 0; turn < turns; turn++) run()
      // The first rounds are for the compiler.
      if (round >= 0) times[i]?.push(((performance.now() - since) * 1e6) / (turns * batch))
    }
  }
  const medians = times.map(median)
  const lines = cases.map(([what, , beside], i) => {
    const own = medians[i] as number
    const ratio = (own / (medians[beside] as number)).toFixed(2)
    const least = Math.min(...(times[i] as number[])).toFixed(0)
    return `| ${what} | ${own.toFixed(0)} | ${least} | ${ratio} |`
  })
  console.log(
    ['| | median ns | least ns | beside static |', '|---|---|---|---|', ...lines].join('\n'),
  )
  expect(Math.min(...medians)).toBeGreaterThan(0)
})

const options = { time: 1500, warmupTime: 300 }

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
