// The plain zone that the tests of answering share: one of everything that needs care.

import type { Catalog } from '../../src/zone/zone.ts'
import { catalogOf, zoneOf } from './zone-builder.ts'

export const soaText = 'example.test 30 SOA ns1.example.test hostmaster.example.test 7 30'

export const exampleCatalog: Catalog = catalogOf(
  zoneOf('example.test.', {
    '@': { NS: ['ns1', 'ns.elsewhere.org.'], MX: ['10 mx1', '20 mx2', '30 mx.elsewhere.org.'] },
    ns1: { A: '192.0.2.53', AAAA: '2001:db8::53' },
    mx1: { A: '192.0.2.1', AAAA: '2001:db8::1' },
    mx2: { A: ['192.0.2.2', '192.0.2.3'] },
    'a.b.c': { TXT: 'deep' },
    '_smtp._tcp': { SRV: ['0 5 25 mx1', '0 5 25 mx1', '1 5 25 mx2'] },
    '*.wild': { MX: '10 mx1', TXT: 'any' },
    '*.pool': { A: '192.0.2.60' },
    'own.pool': { TXT: 'no address' },
    'to-pool': { MX: ['10 one.pool', '20 ONE.pool', '30 two.pool', '40 own.pool'] },
    www: { CNAME: 'mx1' },
    chain: { CNAME: 'www' },
    outside: { CNAME: 'www.elsewhere.org.' },
    nowhere: { CNAME: 'missing' },
    empty: { CNAME: 'b.c' },
    across: { CNAME: 'www.other.test.' },
    down: { CNAME: 'host.child' },
    self: { CNAME: 'self' },
    ping: { CNAME: 'pong' },
    pong: { CNAME: 'ping' },
    ...Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [`hop${i}`, { CNAME: `hop${i + 1}` }]),
    ),
    hop20: { A: '192.0.2.20' },
    old: { DNAME: 'new' },
    'host.new': { A: '192.0.2.7' },
    away: { DNAME: 'elsewhere.org.' },
    long: { DNAME: `${'x'.repeat(60)}.${'y'.repeat(60)}.${'z'.repeat(60)}.elsewhere.org.` },
    child: { NS: ['ns.child', 'ns.sibling', 'ns1', 'ns.elsewhere.org.'], DS: '0001080200' },
    'ns.child': { A: '192.0.2.54', AAAA: '2001:db8::54' },
    sibling: { NS: 'ns.sibling' },
    'ns.sibling': { A: '192.0.2.55' },
    occluded: { MX: '10 ns.child' },
    both: { TXT: 'text', A: '192.0.2.8', HINFO: '0161' },
    odd: { TYPE65400: '0a00' },
  }),
  zoneOf('other.test.', { '@': { NS: 'ns1' }, www: { A: '192.0.2.80' } }),
)
