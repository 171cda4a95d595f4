// EDNS Client Subnet in answers: which address is located, what is chosen, and which scope the answer has.

import { expect, test } from 'vitest'
import { createRespond } from '../../src/answer/respond.ts'
import { createLocate } from '../../src/geo/places.ts'
import { parseNetwork, type Network } from '../../src/lib/ip.ts'
import type { Conditions, Pool, SteeredSet } from '../../src/steer/policy.ts'
import { Scopes } from '../../src/steer/scope/scope-cache.ts'
import { networksOf, octetsOf } from '../geo/arrange.ts'
import { contextOf, peerOf, send } from '../support/ask-catalog.ts'
import { viewOf } from '../support/foreign-view.ts'
import { buildQuery } from '../support/packet-builder.ts'
import {
  memberOf,
  policyOf,
  poolOf,
  steeredAddresses,
  steeredMx,
  targetOf,
  targetSets,
} from '../support/steered-zone.ts'
import { catalogOf, zoneOf } from '../support/zone-builder.ts'

const networkOf = (text: string): Network => {
  const parsed = parseNetwork(text)
  if (parsed.kind === 'bad') throw new Error(parsed.why)
  return { octets: parsed.octets, prefixLength: parsed.prefixLength }
}

const members = ['de', 'lan', 'asn', 'rest'].map((name, i) =>
  memberOf(targetOf(name, i + 1, name === 'rest' ? [4, 6] : [4])),
)
const [de, lan, asn, rest] = members.map((member) => poolOf(member.target.name, [member])) as [
  Pool,
  Pool,
  Pool,
  Pool,
]
const nothing: Conditions = { continents: null, countries: null, asns: null, networks: null }
const policy = {
  ...policyOf([rest]),
  rules: [
    {
      when: {
        ...nothing,
        networks: ['11.9.0.0/16', '11.8.7.64/26', '192.0.2.0/24'].map(networkOf),
      },
      pools: [lan],
    },
    { when: { ...nothing, asns: [64_500] }, pools: [asn] },
    { when: { ...nothing, countries: ['DE'] }, pools: [de] },
    { when: null, pools: [rest] },
  ],
}
const internal = [networkOf('203.0.113.10/32')]
const mx = steeredMx(policy)
const catalog = catalogOf(
  zoneOf('smtp.test.', {
    '@': { NS: 'ns1', MX: { ...mx, internal } as SteeredSet },
    ns1: { A: '192.0.2.53' },
    relay: { A: steeredAddresses(policy, 1, 2), AAAA: steeredAddresses(policy, 28, 2) },
    alike: { A: steeredAddresses(policyOf([rest]), 1, 2) },
    www: { CNAME: 'relay' },
    ...Object.fromEntries(members.map((member) => [member.target.name, targetSets(member)])),
  }),
)
const networks = networksOf(
  { '11.0.0.0/8': 'DE', '2a00::/12': 'DE' },
  { '12.0.0.0/16': 64_500, '11.7.0.0/16': 64_500 },
)
const scopes = new Scopes()
scopes.use(networks)
const respond = createRespond(contextOf(catalog, { locate: createLocate(networks), scopes }))
const types = { A: 1, NS: 2, SOA: 6, MX: 15, AAAA: 28 } as const

/** `11.0.0.0/24`, as an option in the octets of RFC 7871 §6. */
function optionOf(subnet: string): number[] {
  const [address = '', prefix = ''] = subnet.split('/')
  const octets = octetsOf(address)
  const given = [...octets.subarray(0, Math.ceil(Number(prefix) / 8))]
  return [0, 8, 0, 4 + given.length, 0, octets.length === 4 ? 1 : 2, Number(prefix), 0, ...given]
}

/** The name of the first target answered with (or the rcode), and the scope; the option comes back as it was. */
function ask(name: string, type: keyof typeof types, subnet: string | null, peer?: string): string {
  const options = subnet === null ? [] : optionOf(subnet)
  const packet = buildQuery({ name, type: types[type], opts: [{ options }] })
  const octets = peer === undefined ? peerOf('udp').octets : octetsOf(peer)
  const from = { ...peerOf('udp'), octets, family: octets.length === 4 ? 4 : 6 } as const
  const reply = send(respond, packet, from) ?? new Uint8Array(0)
  const view = viewOf(reply)
  const text = JSON.stringify(view.answer)
  const chosen = members.find(
    ({ target }) =>
      text.includes(`${target.name}.smtp.test`) ||
      text.includes(`.${target.index}"`) ||
      text.includes(`::${target.index}"`),
  )
  const what = chosen?.target.name ?? (view.answer.length > 0 ? 'plain' : 'none')
  if (subnet === null) return what
  const hex = Buffer.from(reply).toString('hex')
  const [head, tail] = [options.slice(0, 7), options.slice(8)].map((part) =>
    Buffer.from(part).toString('hex'),
  )
  const found = new RegExp(`${head}(..)${tail}$`).exec(hex)
  if (!found) throw new Error(`no such option in ${hex}`)
  return `${what} /${Number.parseInt(found[1] ?? '', 16)}`
}

test.each([
  ['a country', '11.200.3.0/24', 'de /9'],
  // The whole address: the foreign decoder reads 16 octets, however many there are.
  ['IPv6', '2a00:1:2:3ff::7/128', 'de /12'],
  ['a network of a rule', '11.9.3.0/24', 'lan /16'],
  ['an ASN', '12.0.3.0/24', 'asn /16'],
  ['an ASN in a country', '11.7.0.0/24', 'asn /16'],
  ['none of them', '99.0.0.0/24', 'rest /2'],
  ['a private network', '10.0.0.0/24', 'rest /8'],
  ['a source as long as the address', '11.200.3.77/32', 'de /9'],
  ['a source that is shorter than the scope', '11.0.0.0/8', 'de /14'],
  ['a source of one bit', '128.0.0.0/1', 'rest /2'],
  ['a rule’s network finer than /24 that the first address is not in', '11.8.7.80/32', 'de /16'],
])('%s: %s gets %s', (_, subnet, wanted) => {
  expect(ask('relay.smtp.test', 'A', subnet)).toBe(wanted)
})

test.each([
  ['no option', null, '11.8.7.80', 'lan'],
  ['no option', null, '11.8.7.8', 'de'],
  ['no option, IPv6', null, '2a00::1', 'de'],
  ['source 0', '0.0.0.0/0', '11.8.7.80', 'lan /0'],
  ['source 0 of IPv6', '::/0', '11.8.7.8', 'de /0'],
  ['a subnet', '99.0.0.0/24', '11.8.7.80', 'rest /2'],
])('whose address decides, %s: %s from %s gets %s', (_, subnet, peer, wanted) => {
  expect(ask('relay.smtp.test', 'A', subnet, peer)).toBe(wanted)
})

test.each([
  ['SOA', 'smtp.test', 'SOA', 'plain /0'],
  ['NS', 'smtp.test', 'NS', 'plain /0'],
  ['a plain address', 'ns1.smtp.test', 'A', 'plain /0'],
  ['a target’s own name', 'de.smtp.test', 'A', 'de /0'],
  ['one rule for all clients', 'alike.smtp.test', 'A', 'rest /0'],
  ['NXDOMAIN', 'missing.smtp.test', 'A', 'none /0'],
  ['NODATA of a plain name', 'ns1.smtp.test', 'MX', 'none /0'],
  ['no target of the rule has the family: the catch-all’s', 'relay.smtp.test', 'AAAA', 'rest /9'],
  ['an alias of a steered name', 'www.smtp.test', 'A', 'de /9'],
  ['MX', 'smtp.test', 'MX', 'de /9'],
] as const)('%s', (_, name, type, wanted) => {
  expect(ask(name, type, '11.200.3.0/24')).toBe(wanted)
})

test('a network that an MTA of ours is in gets the MTAs’ ladder, and its neighbours do not', () => {
  // The canonical ladder is that of the catch-all; 203.0.113.0/24 is at no place, so its rule is the catch-all too.
  const rules = [
    { when: { ...nothing, networks: [networkOf('203.0.112.0/23')] }, pools: [de] },
    ...policy.rules,
  ]
  const set = { ...mx, policy: { ...policy, rules }, internal } as SteeredSet
  const own = catalogOf(zoneOf('smtp.test.', { '@': { NS: 'ns1', MX: set } }))
  const answer = createRespond(contextOf(own, { locate: createLocate(networks), scopes }))
  const firstOf = (subnet: string): string => {
    const packet = buildQuery({
      name: 'smtp.test',
      type: 15,
      opts: [{ options: optionOf(subnet) }],
    })
    const reply = send(answer, packet, peerOf('udp')) ?? new Uint8Array(0)
    const scope = Buffer.from(reply).at(-1 - (optionOf(subnet).length - 8))
    return `${JSON.stringify(viewOf(reply).answer).includes('rest.smtp.test') ? 'rest' : 'de'} /${scope}`
  }
  expect(firstOf('203.0.113.0/24')).toBe('rest /24')
  expect(firstOf('203.0.113.77/32')).toBe('rest /24')
  expect(firstOf('203.0.112.0/24')).toBe('de /24')
})
