// Random zones against two things we did not write src/ with: dns2's decoder, which must read back exactly the
// records of the zone, and a lookup after the letter of RFC 1034 §4.3.2 and RFC 4592 §3.3 that knows only lists.

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { keyOfName } from '../../src/wire/name.ts'
import { typeFromText } from '../../src/wire/rrtype.ts'
import { lookup } from '../../src/zone/lookup.ts'
import { askerOf } from '../support/ask-catalog.ts'
import { catalogOf, nameOf, zoneOf } from '../support/zone-builder.ts'
import type { ZoneSpec } from '../support/zone-builder.ts'
import { runs } from '../support/runs.ts'

const apex = 'zone.test'

/** Few labels, so that names share suffixes and case differs between like ones. */
const label = fc.constantFrom('a', 'A', 'b', 'mail', 'Mail', 'x'.repeat(63), 'ns-1')
const relative = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.'))
const port = fc.nat(65_535)

const rdataByType = {
  A: fc.nat(255).map((n) => `192.0.2.${n}`),
  AAAA: fc.integer({ min: 1, max: 0xffff }).map((n) => `2001:db8::${n.toString(16)}`),
  NS: relative,
  CNAME: relative,
  MX: fc.tuple(port, relative).map(([preference, name]) => `${preference} ${name}`),
  SRV: fc.tuple(port, port, port, relative).map((words) => words.join(' ')),
  TXT: fc.stringMatching(/^[a-z ]{0,40}$/),
}
type Type = keyof typeof rdataByType

const dataSet = (type: Type): fc.Arbitrary<[Type, string[]]> =>
  fc
    .uniqueArray(rdataByType[type], { minLength: 1, maxLength: type === 'CNAME' ? 1 : 6 })
    .map((texts) => [type, texts])
const anySet = fc.oneof(...(['A', 'AAAA', 'MX', 'SRV', 'TXT'] as const).map(dataSet))

const records = fc.uniqueArray(fc.tuple(relative, anySet), {
  minLength: 1,
  maxLength: 12,
  selector: ([owner, [type]]) => `${owner.toLowerCase()} ${type}`,
})

type Records = readonly (readonly [string, readonly [Type, readonly string[]]])[]

function specOf(list: Records): ZoneSpec {
  const spec: Record<string, Record<string, readonly string[]>> = {}
  for (const [owner, [type, texts]] of list) (spec[owner.toLowerCase()] ??= {})[type] = texts
  return spec
}

/**
 * What dns2 should read for a text of the zone. `written`: each name that stands in the message, by its lower case, in the
 * letters in which it was written first; a name that may be compressed has the letters of its longest suffix among them.
 */
function expected(type: Type, text: string, written: Map<string, string>): string {
  if (type === 'TXT') return `"${text}"`
  if (type !== 'MX' && type !== 'SRV') return text
  const words = text.split(' ')
  const name = `${words.at(-1)}.${apex}`
  return [...words.slice(0, -1), type === 'MX' ? writeName(name, written) : name].join(' ')
}

function writeName(name: string, written: Map<string, string>): string {
  const dot = name.indexOf('.')
  const known = written.get(name.toLowerCase())
  if (known !== undefined) return known
  const rest = dot < 0 ? '' : `.${writeName(name.slice(dot + 1), written)}`
  const spelled = `${dot < 0 ? name : name.slice(0, dot)}${rest}`
  written.set(name.toLowerCase(), spelled)
  return spelled
}

describe('encoding', () => {
  test('a foreign decoder reads back what the zone says, through compression and any case', () => {
    fc.assert(
      fc.property(records, fc.boolean(), (list, shout) => {
        const ask = askerOf(catalogOf(zoneOf(`${apex}.`, specOf(list))))
        for (const [owner, [type, texts]] of list) {
          const asked = shout ? `${owner}.${apex}`.toUpperCase() : `${owner}.${apex}`
          const { answer, question, flags } = ask(asked, type, {}, 'tcp')
          expect({ question, flags }).toEqual({ question: `${asked} ${type}`, flags: 'aa rd' })
          const written = new Map<string, string>()
          writeName(asked, written)
          expect(answer).toEqual(
            texts.map((text) => `${asked} 300 ${type} ${expected(type, text, written)}`),
          )
        }
      }),
      { numRuns: runs(500) },
    )
  }, 600_000)

  test('every exchange of the zone brings all of its addresses, once', () => {
    fc.assert(
      fc.property(records, (list) => {
        const spec = specOf(list)
        const ask = askerOf(catalogOf(zoneOf(`${apex}.`, spec)))
        for (const [owner, [type, texts]] of list) {
          const exchanges = new Set(
            type === 'MX' || type === 'SRV'
              ? texts.map((text) => text.split(' ').at(-1) ?? '')
              : [],
          )
          const folded = new Set([...exchanges].map((name) => name.toLowerCase()))
          // One family for every host before the other for any.
          const wanted = (['A', 'AAAA'] as const).flatMap((family) =>
            [...folded].flatMap((name) =>
              ((spec[name]?.[family] as readonly string[] | undefined) ?? []).map(
                (address) => `${name}.${apex} 300 ${family} ${address}`,
              ),
            ),
          )
          const { additional } = ask(`${owner}.${apex}`, type, {}, 'tcp')
          expect(
            additional.map((line) => line.replace(/^\S+/, (name) => name.toLowerCase())),
          ).toEqual(wanted)
        }
      }),
      { numRuns: runs(300) },
    )
  }, 600_000)
})

// The reference: a zone is a list of owners with types; every step is spelled out over that list.

const small = fc.constantFrom('a', 'b', '*')
const path = fc.array(small, { minLength: 1, maxLength: 4 })
const owned = fc.uniqueArray(
  fc.tuple(path, fc.constantFrom<Type | 'DNAME'>('A', 'TXT', 'CNAME', 'NS', 'DNAME')),
  { maxLength: 8, selector: ([labels]) => labels.join('.') },
)
type Owned = readonly (readonly [readonly string[], string])[]

const endsWith = (name: readonly string[], suffix: readonly string[]): boolean =>
  suffix.length <= name.length &&
  name.slice(name.length - suffix.length).join('.') === suffix.join('.')

function reference(zone: Owned, qname: readonly string[], qtype: string): string {
  const typeAt = (name: readonly string[]): string | undefined =>
    zone.find(([owner]) => owner.join('.') === name.join('.'))?.[1]
  const exists = (name: readonly string[]): boolean =>
    name.length === 0 || zone.some(([owner]) => endsWith(owner, name))
  for (let size = 1; size <= qname.length; size++) {
    const ancestor = qname.slice(qname.length - size)
    const itself = size === qname.length
    if (typeAt(ancestor) === 'NS' && !(itself && qtype === 'DS')) return 'delegation'
    if (typeAt(ancestor) === 'DNAME' && !itself) return 'dname'
  }
  const match = (name: readonly string[]): string => {
    const type = typeAt(name)
    if (type === qtype) return 'found'
    return type === 'CNAME' ? 'alias' : 'nodata'
  }
  if (exists(qname)) return match(qname)
  let encloser = qname
  while (!exists(encloser)) encloser = encloser.slice(1)
  const wildcard = ['*', ...encloser]
  return exists(wildcard) ? match(wildcard) : 'nxdomain'
}

const textByType: Readonly<Record<string, string>> = {
  A: '192.0.2.1',
  TXT: 'text',
  CNAME: 'target',
  NS: 'ns.elsewhere.org.',
  DNAME: 'elsewhere.org.',
}

describe('lookup', () => {
  test('is that of the RFCs on any small zone', () => {
    const seen = new Set<string>()
    fc.assert(
      fc.property(owned, fc.array(path, { minLength: 20, maxLength: 20 }), (zone, qnames) => {
        const spec = Object.fromEntries(
          zone.map(([labels, type]) => [labels.join('.'), { [type]: textByType[type] ?? '' }]),
        )
        const catalog = catalogOf(zoneOf(`${apex}.`, spec))
        for (const qname of qnames)
          for (const qtype of ['A', 'TXT', 'NS', 'DS', 'CNAME']) {
            const key = keyOfName(nameOf(`${qname.join('.')}.${apex}.`))
            const { kind } = lookup(catalog, key, typeFromText(qtype) ?? 0)
            expect(`${qname.join('.')} ${qtype} ${kind}`).toBe(
              `${qname.join('.')} ${qtype} ${reference(zone, qname, qtype)}`,
            )
            seen.add(kind)
          }
      }),
      { numRuns: runs(1000) },
    )
    const kinds = ['alias', 'delegation', 'dname', 'found', 'nodata', 'nxdomain']
    expect([...seen].sort()).toEqual(kinds)
  }, 600_000)
})
