// Who asks, and how, makes no difference to whether an answer was kept: clients of both families and their subnets, all
// transports, options and limits, two zones of the same relative names; databases, health and zones change in between.

import { expect, test } from 'vitest'
import type { AnswerContext, Peer } from '../../src/answer/context.ts'
import { createCounters } from '../../src/answer/counters.ts'
import { createRespond } from '../../src/answer/respond.ts'
import { createLocate } from '../../src/geo/places.ts'
import { createCookieKeeper } from '../../src/admission/server-cookie.ts'
import { createHealthTable, type HealthWriter } from '../../src/health/table.ts'
import { Scopes } from '../../src/steer/scope/scope-cache.ts'
import type { Catalog } from '../../src/zone/zone.ts'
import { networksOf } from '../geo/arrange.ts'
import { seeded } from '../steer/arrange.ts'
import { answerCells, contextOf } from '../support/ask-catalog.ts'
import { compiledZone } from '../support/compiled-zone.ts'
import { buildQuery } from '../support/packet-builder.ts'
import { catalogOf } from '../support/zone-builder.ts'

const textOf = (apex: string, weight: number): string => `
zone: ${apex}
internal: [10.1.0.0/16, '2001:db8:7::/48']
soa: { mname: ns1, rname: hostmaster }
targets:
  mx1: { addresses: [203.0.113.1, '2001:db8::1'] }
  mx2: { addresses: [203.0.113.2] }
  mx3: { addresses: ['2001:db8::3', 203.0.113.3] }
probes: { p: {} }
pools:
  one: { probe: p, targets: { mx1: ${weight}, mx2: 1 } }
  two: { probe: p, targets: { mx3: 1, mx2: ${weight} } }
steering:
  in:
    - { when: { country: [DE] }, pools: [one, two] }
    - { when: { asn: [64500] }, pools: [two] }
    - { when: { network: [10.0.0.0/9, '2001:db8:8000::/33', 11.8.7.64/26] }, pools: [two, one] }
    - { pools: [one] }
records:
  '@': { NS: [ns1], MX: { steer: in } }
  ns1: { A: 192.0.2.53 }
  relay: { address: { steer: in, answers: 1 } }
  two: { address: { steer: in, answers: 2 } }
  fix: { address: { steer: in, answers: 1, sticky: true } }
  own: { MX: { steer: in, sticky: true }, address: { steer: in, answers: 2, sticky: true } }
  www: { CNAME: relay }
  '*.w': { MX: { steer: in, ladder: 2 }, TXT: '"w"' }
  child: { NS: [ns.child] }
  ns.child: { A: 192.0.2.54 }
`
const zones = [textOf('smtp.test', 3), textOf('post.smtp.test', 1), textOf('smtp.test', 7)].map(
  (text) => compiledZone(text).zone,
) as [Catalog['zones'] extends ReadonlyMap<string, infer Z> ? Z : never, never, never]
const catalogs = [catalogOf(zones[0], zones[1]), catalogOf(zones[2]), catalogOf(zones[2], zones[1])]
const databases = [
  networksOf({ '11.0.0.0/8': 'DE', '2a00::/12': 'DE' }, { '12.0.0.0/16': 64_500 }),
  networksOf({ '12.0.0.0/8': 'DE', '11.0.0.0/12': 'FR' }, { '2a00::/12': 64_500 }),
]
const names =
  '@ relay two fix own www mx1 mx3 a.w b.a.w child x.child ns.child nothing x.relay w post'.split(
    ' ',
  )
const apexes = ['smtp.test', 'post.smtp.test', 'SMTP.test', 'other.test']

type Pick = <T>(from: readonly T[]) => T

/** Networks that rules and databases tell apart, and some of no matter; at length 0 none. */
function subnetOption(random: () => number, pick: Pick): readonly number[] {
  const four = [10, 11, 12, 127, 192, 224]
  const isIpv4 = random() < 0.6
  const address = Array.from({ length: isIpv4 ? 4 : 16 }, () => pick([0, 0, 1, 7, 8, 128, 255]))
  if (isIpv4) address[0] = pick(four)
  else
    [address[0], address[1]] = pick([
      [0x2a, 0],
      [0x20, 1],
      [0xff, 0xff],
    ] as const)
  const length = pick(isIpv4 ? [0, 0, 8, 9, 16, 24, 26, 32] : [0, 12, 33, 48, 56, 64, 128])
  const given = address.slice(0, Math.ceil(length / 8))
  const spare = given.length * 8 - length
  if (given.length > 0) given[given.length - 1] = (given.at(-1) as number) & (0xff << spare) & 0xff
  return [0, 8, 0, 4 + given.length, 0, isIpv4 ? 1 : 2, length, 0, ...given]
}

function packetOf(random: () => number, pick: Pick): Uint8Array {
  const name = pick(names)
  const apex = pick(apexes)
  const options = [
    ...(random() < 0.6 ? subnetOption(random, pick) : []),
    ...(random() < 0.2 ? [0, 3, 0, 0] : []),
    ...(random() < 0.2 ? [0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8] : []),
    ...(random() < 0.2 ? [0, 12, 0, 3, 0, 0, 0] : []),
    ...(random() < 0.2 ? [0, 11, 0, 0] : []),
  ]
  return buildQuery({
    name: name === '@' ? apex : `${name}.${apex}`,
    type: pick([15, 15, 15, 1, 1, 28, 16, 2, 43, 46, 255, 65]),
    class: pick([1, 1, 1, 1, 1, 1, 255, 3]),
    id: Math.floor(random() * 65_536),
    flags: pick([0x0100, 0, 0x0130]),
    opts:
      random() < 0.1
        ? []
        : [{ udp: pick([0, 512, 600, 1232, 4096]), dnssecOk: random() < 0.5, options }],
  })
}

const peerOf = (random: () => number, pick: Pick): Peer => {
  const octets = random() < 0.7 ? [pick([10, 11, 12, 192]), pick([0, 1, 8]), 7, 70] : []
  return {
    family: octets.length === 4 ? 4 : 6,
    octets:
      octets.length === 4 ? Uint8Array.from(octets) : new Uint8Array(16).fill(pick([0x2a, 1])),
    port: 5353,
    transport: pick(['udp', 'udp', 'tcp', 'tls']),
  }
}

interface World {
  catalog: Catalog
  networks: (typeof databases)[number]
}

function sideOf(world: World, health: HealthWriter, usesAnswerCache: boolean) {
  const scopes = new Scopes()
  scopes.use(world.networks)
  const counters = createCounters()
  const context: AnswerContext = contextOf(world.catalog, {
    catalog: () => world.catalog,
    health,
    random: seeded(5),
    counters,
    scopes,
    locate: (octets, family, length) => createLocate(world.networks)(octets, family, length),
    identity: { nsid: Uint8Array.of(110, 115), chaosIdentity: null, chaosVersion: null },
    cookies: createCookieKeeper({ secrets: [new Uint8Array(16).fill(7)] }),
    maxUdpOctets: 4096,
  })
  const respond = createRespond(context, { usesAnswerCache })
  const out = new Uint8Array(70_000)
  const answer = (packet: Uint8Array, peer: Peer, at: number): string => {
    const octets = respond(packet, 0, packet.length, peer, out, at)
    return Buffer.from(out.subarray(at, at + octets)).toString('hex')
  }
  return { scopes, counters, answer }
}

// Under health that changes often little is worth keeping, so there is a calm world too.
test.each([
  [1, 1],
  [2, 0.1],
  [3, 0.02],
])(
  'any client, any transport: what is kept is what would be made (%i, changes × %d)',
  (seed, pace) => {
    const random = seeded(seed)
    const pick: Pick = (from) => from[Math.floor(random() * from.length)] as never
    const health = createHealthTable(64, 64)
    const world: World = { catalog: catalogs[0] as Catalog, networks: databases[0] as never }
    const [quick, slow] = [sideOf(world, health, true), sideOf(world, health, false)]
    const row = (): number => 1 + Math.floor(random() * 30)
    for (let i = 0; i < 12_000; i++) {
      const chance = random() / pace
      if (chance < 0.003) health.set(row(), pick([0, 1, 2, 3]), pick([1, 0.5]), 20)
      else if (chance < 0.005) health.setRow(row(), pick([0, 1, 2, 3]), pick([1, 0.2]), 9)
      else if (chance < 0.0055) world.catalog = pick(catalogs)
      else if (chance < 0.006) {
        world.networks = pick(databases)
        for (const { scopes } of [quick, slow]) scopes.use(world.networks)
      }
      const packet = packetOf(random, pick)
      const peer = peerOf(random, pick)
      const at = pick([0, 0, 4, 7])
      expect([i, quick.answer(packet, peer, at)]).toEqual([i, slow.answer(packet, peer, at)])
    }
    const cells = ({ counters }: typeof quick): Float64Array => answerCells(counters)
    expect(cells(quick)).toEqual(cells(slow))
    expect(quick.counters.read().scalars.failures).toBe(0)
  },
  600_000,
)
