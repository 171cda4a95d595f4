// Client subnets where sets are steered: whose place counts, and the scope that comes back (RFC 7871 §7.2).

import { describe, expect, test } from 'vitest'
import { createRespond } from '../../src/answer/respond.ts'
import type { Policy } from '../../src/steer/policy.ts'
import { formatAddress } from '../../src/lib/ip.ts'
import { contextOf, peerOf, send } from '../support/ask-catalog.ts'
import { viewOf } from '../support/foreign-view.ts'
import { optionsOf, subnetOption } from '../support/opt-options.ts'
import { buildQuery } from '../support/packet-builder.ts'
import { memberOf, policyOf, poolOf, steeredAddresses, steeredMx } from '../support/steered-zone.ts'
import { targetOf, targetSets } from '../support/steered-zone.ts'
import { catalogOf, zoneOf } from '../support/zone-builder.ts'

const eu = memberOf(targetOf('eu', 1, [4, 6]))
const us = memberOf(targetOf('us', 2, [4, 6]))
const nowhere = { continents: null, countries: null, asns: null, networks: null }
const byPlace: Policy = {
  ...policyOf([]),
  rules: [
    { when: { ...nowhere, continents: ['EU'] }, pools: [poolOf('eu', [eu])] },
    { when: null, pools: [poolOf('us', [us])] },
  ],
}
const catalog = catalogOf(
  zoneOf('smtp.test.', {
    '@': { NS: 'ns1', MX: steeredMx(byPlace) },
    all: { MX: steeredMx(policyOf([poolOf('all', [eu])])) },
    relay: { A: steeredAddresses(byPlace, 1, 1), TXT: 'plain' },
    alias: { CNAME: 'relay' },
    eu: targetSets(eu),
    us: targetSets(us),
  }),
)

/** Addresses whose first octet is 100 are in Europe, and IPv6 ones. */
function ask(name: string, type: number, subnet: readonly number[]) {
  const located: string[] = []
  const respond = createRespond(
    contextOf(catalog, {
      locate(octets, family) {
        located.push(formatAddress(octets))
        const continent = family === 6 || octets[0] === 100 ? 'EU' : 'NA'
        return { octets, family, continent, country: null, asn: null }
      },
    }),
  )
  const packet = buildQuery({ name, type, opts: [{ options: subnet }] })
  const octets = send(respond, packet, peerOf('udp')) ?? new Uint8Array(0)
  return { located, answer: viewOf(octets).answer.at(-1) ?? '', option: optionsOf(octets)?.[0] }
}

describe('the client', () => {
  test('is the subnet, its missing octets zero', () => {
    const asked = ask('smtp.test', 15, subnetOption(1, 20, [100, 1, 0xf0]))
    expect(asked.located).toEqual(['100.1.240.0'])
    expect(asked.answer).toBe('smtp.test 60 MX 10 eu.smtp.test')
    expect(ask('smtp.test', 15, subnetOption(1, 8, [9])).answer).toMatch(/us\.smtp\.test$/)
    expect(ask('smtp.test', 15, subnetOption(2, 32, [0x20, 1, 0xd, 0])).located).toEqual([
      '2001:d00::',
    ])
  })
  test.each<[string, readonly number[]]>([
    ['says nothing', []],
    ['length 0', subnetOption(1, 0, [])],
    ['length 0 over IPv6', subnetOption(2, 0, [])],
    ['names no family', subnetOption(0, 0, [])],
  ])('is the peer where it %s', (_what, subnet) => {
    expect(ask('smtp.test', 15, subnet).located).toEqual(['192.0.2.10'])
  })
  test('is not looked for where nothing depends on it', () => {
    expect(ask('relay.smtp.test', 16, subnetOption(1, 24, [100, 1, 1])).located).toEqual([])
  })
})

describe('the scope', () => {
  test.each<[string, number, readonly number[], string]>([
    ['smtp.test', 15, subnetOption(1, 20, [100, 1, 0xf0]), '8 0001141464 01f0'],
    ['smtp.test', 15, subnetOption(1, 32, [100, 1, 2, 3]), '8 0001201864010203'],
    ['smtp.test', 15, subnetOption(2, 64, [32, 1, 0, 0, 0, 0, 0, 0]), '8 000240382001000000000000'],
    ['smtp.test', 15, subnetOption(1, 0, []), '8 00010000'],
    ['relay.smtp.test', 1, subnetOption(1, 24, [100, 1, 2]), '8 00011818640102'],
    ['alias.smtp.test', 1, subnetOption(1, 24, [100, 1, 2]), '8 00011818640102'],
    // What is the same for all clients.
    ['all.smtp.test', 15, subnetOption(1, 24, [100, 1, 2]), '8 00011800640102'],
    ['relay.smtp.test', 16, subnetOption(1, 24, [100, 1, 2]), '8 00011800640102'],
    ['none.smtp.test', 15, subnetOption(1, 24, [100, 1, 2]), '8 00011800640102'],
    ['smtp.test', 6, subnetOption(1, 24, [100, 1, 2]), '8 00011800640102'],
  ])('%s type %i for %j', (name, type, subnet, expected) => {
    expect(ask(name, type, subnet).option).toBe(expected.replaceAll(/(?<=^8 .*) /g, ''))
  })
})
