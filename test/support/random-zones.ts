// Random zones: names that share suffixes, in letters of both cases, with wildcards, cuts and aliases among them.

import * as fc from 'fast-check'

import type { Zone } from '../../src/zone/zone.ts'
import { zoneOf } from './zone-builder.ts'

const label = fc.constantFrom('a', 'A', 'b', 'mail', 'Mail', 'ns-1', '*', 'x'.repeat(40))
/** Names below the apex. */
export const relativeNames: fc.Arbitrary<string> = fc
  .array(label, { minLength: 1, maxLength: 3 })
  .map((labels) => labels.join('.'))
const target = fc.oneof(relativeNames, fc.constantFrom('@elsewhere.test.', '@b.zone.test.'))
const nameIn = (text: string): string => (text.startsWith('@') ? text.slice(1) : text)
const rdata = fc.oneof(
  fc.nat(255).map((n) => ['A', `192.0.2.${n}`] as const),
  fc.integer({ min: 1, max: 0xffff }).map((n) => ['AAAA', `2001:db8::${n.toString(16)}`] as const),
  target.map((name) => ['MX', `10 ${nameIn(name)}`] as const),
  target.map((name) => ['NS', nameIn(name)] as const),
  target.map((name) => ['CNAME', nameIn(name)] as const),
  target.map((name) => ['DNAME', nameIn(name)] as const),
  target.map((name) => ['SRV', `1 2 3 ${nameIn(name)}`] as const),
  fc.stringMatching(/^[a-z]{0,40}$/).map((text) => ['TXT', text] as const),
)
/** Zones of `zone.test`. */
export const randomZones: fc.Arbitrary<Zone> = fc
  .array(fc.tuple(relativeNames, rdata), { minLength: 1, maxLength: 14 })
  .map((records) => {
    const spec: Record<string, Record<string, string[]>> = {}
    for (const [owner, [type, text]] of records)
      ((spec[owner.toLowerCase()] ??= {})[type] ??= []).push(text)
    return zoneOf('Zone.test.', spec)
  })
