// Laws of every answer over random zones and queries, for every size, option and transport:
//   OPT          one in the answer iff one in the query that could be read, in its place, with version 0 and DO as asked
//   size         never above what the client and we allow; 512 octets without EDNS
//   truncation   what is there is whole; nothing of answer or authority is missing without TC; TC only where the whole
//                answer does not fit
// The whole answer is what the same question gets over TCP.

import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRespond } from '../../src/answer/respond.ts'
import { createCookieKeeper } from '../../src/admission/server-cookie.ts'
import { typeFromText } from '../../src/wire/rrtype.ts'
import { contextOf, peerOf, send } from '../support/ask-catalog.ts'
import { viewOf } from '../support/foreign-view.ts'
import type { View } from '../support/foreign-view.ts'
import { option, optsOf, subnetOption } from '../support/opt-options.ts'
import { buildQuery } from '../support/packet-builder.ts'
import type { QuerySpec } from '../support/packet-builder.ts'
import { catalogOf, zoneOf } from '../support/zone-builder.ts'
import type { ZoneSpec } from '../support/zone-builder.ts'
import { runs } from '../support/runs.ts'

const apex = 'zone.test'
const maxUdpOctets = 1232
const label = fc.constantFrom('a', 'b', 'mail', '*', 'x'.repeat(63), 'ns-1', 'child')
const owner = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.'))
const host = fc.constantFrom('a', 'mail', 'ns-1.child', 'b.a', 'elsewhere.org.', 'x'.repeat(63))
const many = <T>(one: fc.Arbitrary<T>, maxLength: number): fc.Arbitrary<T[]> =>
  fc.uniqueArray(one, { minLength: 1, maxLength, size: 'max' })
const sets = {
  A: many(
    fc.nat(255).map((n) => `192.0.2.${n}`),
    40,
  ),
  AAAA: many(
    fc.integer({ min: 1, max: 999 }).map((n) => `2001:db8::${n}`),
    30,
  ),
  MX: many(
    fc.tuple(fc.nat(99), host).map(([preference, name]) => `${preference} ${name}`),
    20,
  ),
  SRV: many(
    fc.tuple(fc.nat(9), host).map(([n, name]) => `0 ${n} 25 ${name}`),
    10,
  ),
  TXT: many(fc.stringMatching(/^[a-z]{1,250}$/), 8),
  NS: many(host, 6),
  CNAME: host.map((name) => [name]),
}
const rrset = fc
  .constantFrom(...(Object.keys(sets) as (keyof typeof sets)[]))
  .chain((type) => sets[type].map((texts): [string, string[]] => [type, texts]))
const zone = fc.array(fc.tuple(owner, rrset), { minLength: 4, maxLength: 16 }).map((list) => {
  const spec: Record<string, Record<string, string[]>> = {
    '@': { NS: ['ns-1'], MX: ['1 mail', '2 a'] },
  }
  for (const [name, [type, texts]] of list) {
    const node = (spec[name] ??= {})
    // An alias stands alone.
    if (type !== 'CNAME' && node['CNAME'] === undefined) node[type] = texts
    else if (Object.keys(node).length === 0) node[type] = texts
  }
  return spec
})

const cookie = fc.constantFrom(8, 16, 24, 40).map((octets) => option(10, new Uint8Array(octets)))
const goodOption = fc.oneof(
  cookie,
  fc.constantFrom(option(3), option(12, [0, 0, 0]), option(9), option(11), option(14, [0, 1])),
  fc.constantFrom(subnetOption(1, 24, [192, 0, 2]), subnetOption(2, 0, []), subnetOption(0, 0, [])),
  fc.uint8Array({ maxLength: 30 }).map((data) => option(65_001, data)),
)
const opt = fc.record({
  udp: fc.oneof(fc.nat(65_535), fc.integer({ min: 400, max: 1300 })),
  version: fc.constantFrom(0, 0, 0, 0, 1),
  dnssecOk: fc.boolean(),
  options: fc.array(goodOption, { maxLength: 4 }).map((list) => list.flat()),
})
const question = fc.record({
  /** Of the zone's own names and sets, or any. */
  own: fc.option(fc.nat(1000)),
  qname: fc.oneof(owner, fc.constantFrom('child', 'www.child', 'mail', 'nothing.here')),
  qtype: fc.constantFrom(1, 2, 5, 6, 15, 16, 28, 33, 255, 65_400),
  opts: fc.array(opt, { maxLength: 1 }),
})

type Question = typeof question extends fc.Arbitrary<infer T> ? T : never

function queryOf(spec: ZoneSpec, { own, qname, qtype, opts }: Question): QuerySpec {
  const all = Object.entries(spec).flatMap(([name, node]) =>
    Object.keys(node).map((type) => ({ name, type: typeFromText(type) ?? 0 })),
  )
  const { name, type } =
    own === null ? { name: qname, type: qtype } : (all[own % all.length] as (typeof all)[number])
  return { name: name === '@' ? apex : `${name}.${apex}`, type, opts }
}

const identity = { nsid: new Uint8Array(64).fill(110), chaosIdentity: null, chaosVersion: null }
const cookies = createCookieKeeper({ secrets: [new Uint8Array(16)] })

const setsOf = (lines: readonly string[]): Map<string, string[]> =>
  Map.groupBy(lines, (line) => `${line.split(' ')[0]} ${line.split(' ')[2]}`)

/** How many sets of `whole` are missing; fails where one is there in part, or is another. */
function missing(part: readonly string[], whole: readonly string[]): number {
  const all = setsOf(whole)
  const present = setsOf(part)
  for (const [set, lines] of present) expect(lines).toEqual(all.get(set))
  return all.size - present.size
}

function checkOpt(octets: Uint8Array, spec: QuerySpec): void {
  const [asked] = spec.opts ?? []
  const opts = optsOf(octets)
  expect(opts).toHaveLength(asked === undefined ? 0 : 1)
  if (asked === undefined) return
  expect(opts[0]).toMatchObject({
    udp: maxUdpOctets,
    version: 0,
    flags: asked.dnssecOk === true ? 0x8000 : 0,
    recordsAfter: 0,
    extendedRcode: asked.version === 0 ? 0 : 1,
  })
  const codes = opts[0]?.options.map((one) => one.code) ?? []
  expect(new Set(codes).size).toBe(codes.length)
  for (const code of codes) expect([10, 8, 3, 15]).toContain(code)
}

function checkTruncation(view: View, whole: View, isFitting: boolean): boolean {
  const lost = missing(view.answer, whole.answer) + missing(view.authority, whole.authority)
  missing(view.additional, whole.additional)
  const isTruncated = view.flags.includes('tc')
  if (lost > 0) expect(isTruncated).toBe(true)
  if (isFitting) expect(view).toMatchObject({ ...sectionsOf(whole), flags: whole.flags })
  return isTruncated
}
const sectionsOf = ({ answer, authority, additional }: View) => ({ answer, authority, additional })

test('hold for any question to any zone', () => {
  const seen = { truncated: 0, whole: 0, badVersion: 0 }
  const asked = fc.tuple(zone, fc.array(question, { minLength: 8, maxLength: 8 }))
  fc.assert(
    fc.property(asked, ([spec, questions]) => {
      const catalog = catalogOf(zoneOf(`${apex}.`, spec))
      const respond = createRespond(contextOf(catalog, { identity, cookies, maxUdpOctets }))
      for (const one of questions) {
        const query = queryOf(spec, one)
        const { opts = [] } = query
        const packet = buildQuery(query)
        const octets = send(respond, packet, peerOf('udp')) ?? new Uint8Array(0)
        const wholeOctets = send(respond, packet, peerOf('tcp')) ?? new Uint8Array(0)
        const size = opts[0] === undefined ? 512 : Math.max(512, opts[0].udp ?? 0)
        const limit = Math.min(size, maxUdpOctets)
        expect(octets.length).toBeLessThanOrEqual(limit)
        checkOpt(octets, query)
        const [view, whole] = [viewOf(octets), viewOf(wholeOctets)]
        expect([view.rcode, view.question]).toEqual([whole.rcode, whole.question])
        if (view.rcode === 16) seen.badVersion++
        else if (checkTruncation(view, whole, wholeOctets.length <= limit)) seen.truncated++
        else seen.whole++
      }
    }),
    // Fewer questions would not be sure to have enough answers of each kind.
    { numRuns: Math.max(200, runs(400)) },
  )
  for (const [what, count] of Object.entries(seen)) expect([what, count > 20]).toEqual([what, true])
}, 600_000)
