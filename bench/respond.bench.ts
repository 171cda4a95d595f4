// The answering path alone, no sockets; on a busy machine trust the `min` column.
//   vitest bench --run --experimental.viteModuleRunner=false bench/respond.bench.ts
// Without the flag every call across modules goes through a getter of the test runner, and all is 4 times slower.

import { expect, test } from 'vitest'
import { createRespond } from '../src/answer/respond.ts'
import { createRateLimiter, rateLimitDefaults } from '../src/admission/rate-limit.ts'
import { createCookieKeeper } from '../src/admission/server-cookie.ts'
import { systemClock } from '../src/lib/clock.ts'
import { raiseInliningLimits } from '../src/app/app.ts'
import { contextOf, peerOf, send } from '../test/support/ask-catalog.ts'
import { exampleCatalog } from '../test/support/example-zone.ts'
import { option, optsOf } from '../test/support/opt-options.ts'
import { buildQuery, type QuerySpec } from '../test/support/packet-builder.ts'
import {
  memberOf,
  policyOf,
  poolOf,
  steeredMx,
  steeredAddresses,
  targetOf,
  targetSets,
} from '../test/support/steered-zone.ts'
import { compiledZone } from '../test/support/compiled-zone.ts'
import { catalogOf, zoneOf } from '../test/support/zone-builder.ts'

// As the server does.
raiseInliningLimits()

const members = [1, 2, 3, 4].map((i) => memberOf(targetOf(`mx${i}`, i, [4, 6]), i))
const steeredCatalog = catalogOf(
  zoneOf('smtp.test.', {
    '@': { NS: 'ns1', MX: steeredMx(policyOf([poolOf('main', members)])) },
    relay: { A: steeredAddresses(policyOf([poolOf('main', members)]), 1, 2) },
    ...Object.fromEntries(members.map((member) => [member.target.name, targetSets(member)])),
  }),
)

const stickyCatalog = catalogOf(
  compiledZone(`
zone: sticky.test
soa: { mname: ns1, rname: hostmaster }
targets:
${[1, 2, 3, 4].map((i) => `  mx${i}: { addresses: [203.0.113.${i}] }`).join('\n')}
pools: { main: { targets: { mx1: 1, mx2: 2, mx3: 3, mx4: 4 } } }
steering: { inbound: [{ pools: [main] }] }
slots: { steer: inbound, names: [in1, in2, in3] }
records:
  '@': { NS: ns1 }
  ns1: { A: 192.0.2.53 }
  relay: { address: { steer: inbound, answers: 1, sticky: true } }
`).zone,
)

const peer = peerOf('udp')
const out = new Uint8Array(4096)
const plain = createRespond(contextOf(exampleCatalog))
const steered = createRespond(contextOf(steeredCatalog, { random: Math.random }))
const sticky = createRespond(contextOf(stickyCatalog))
const cookies = createCookieKeeper({ secrets: [new Uint8Array(16).fill(7)] })
const exempt = [{ octets: Uint8Array.of(127, 0, 0, 0), prefixLength: 8 }]
/** Never full, so that every answer is a whole one. */
const limits = { ...rateLimitDefaults, perSecond: 1e6, burst: 1e6, workers: 1, dryRun: false }
const seed = [1, 2] as const
const guarded = createRespond(
  contextOf(exampleCatalog, {
    clock: systemClock,
    cookies,
    limiter: createRateLimiter({ ...limits, exempt, seed }),
  }),
)
const options = { time: 1500, warmupTime: 300 }

/** Answered in one call of the benchmark, so that its own clock does not count. */
const batch = 1000

function answering(
  respond: typeof plain,
  name: string,
  type: number,
  opts: QuerySpec['opts'] = [{}],
): () => void {
  const packet = buildQuery({ name, type, opts })
  return () => {
    for (let i = 0; i < batch; i++) respond(packet, 0, packet.length, peer, out, 0)
  }
}

const cookie = option(10, [1, 2, 3, 4, 5, 6, 7, 8])
const answered = send(
  guarded,
  buildQuery({ name: 'mx1.example.test', opts: [{ options: cookie }] }),
  peer,
)
const proven = option(10, optsOf(answered ?? out)[0]?.options[0]?.data ?? [])

const cases: [what: string, run: () => void][] = [
  ['static A', answering(plain, 'mx1.example.test', 1)],
  ['static A without EDNS', answering(plain, 'mx1.example.test', 1, [])],
  ['static A, rate limit on', answering(guarded, 'mx1.example.test', 1, [])],
  ['static A, a new cookie', answering(guarded, 'mx1.example.test', 1, [{ options: cookie }])],
  ['static A, a good cookie', answering(guarded, 'mx1.example.test', 1, [{ options: proven }])],
  ['MX plain, two exchanges in the zone', answering(plain, 'example.test', 15)],
  ['NXDOMAIN', answering(plain, 'missing.example.test', 1)],
  ['NXDOMAIN, 60 labels deep', answering(plain, `${'a.'.repeat(60)}example.test`, 1)],
  ['referral with glue', answering(plain, 'www.child.example.test', 1)],
  ['MX steered, four rungs, both families', answering(steered, 'smtp.test', 15)],
  ['A steered, two of four', answering(steered, 'relay.smtp.test', 1)],
  ['A steered, one of four, sticky', answering(sticky, 'relay.sticky.test', 1)],
  ['A of the second of three slots', answering(sticky, 'in2.sticky.test', 1)],
]

test(`respond, ${batch} queries a turn`, { timeout: 60_000 }, async ({ bench }) => {
  const results = await bench.compare(...cases.map(([what, run]) => bench(what, run)), options)
  for (const [what] of cases) expect(results.get(what).latency.mean).toBeGreaterThan(0)
})
