// Lookup by DNS concern: apex, empty non-terminals, wildcards, delegation, occlusion, DS, aliases, nested zones.

import { describe, expect, test } from 'vitest'
import { keyOfName, nameToText } from '../../src/wire/name.ts'
import { typeFromText, typeToText } from '../../src/wire/rrtype.ts'
import { lookup } from '../../src/zone/lookup.ts'
import { catalogOf, nameOf, zoneOf } from '../support/zone-builder.ts'

const parent = zoneOf('test.', {
  '@': { NS: 'ns1' },
  ns1: { A: '192.0.2.53' },
  example: { NS: 'ns1.example', DS: '0001080200' },
  'ns1.example': { A: '192.0.2.54' },
  unserved: { NS: 'ns.unserved', DS: '0002080200' },
  'ns.unserved': { A: '192.0.2.55' },
})

const child = zoneOf('example.test.', {
  '@': { NS: 'ns1', MX: '10 mx1' },
  ns1: { A: '192.0.2.54' },
  mx1: { A: '192.0.2.1' },
  'a.b.c': { TXT: 'deep' },
  '*.wild': { TXT: 'any', MX: '10 mx1' },
  'real.wild': { A: '192.0.2.2' },
  'below.ent.wild': { A: '192.0.2.3' },
  '*.alias': { CNAME: 'mx1' },
  'x.*.middle': { TXT: 'plain' },
  '*.cutwild': { A: '192.0.2.4' },
  'sub.cutwild': { NS: 'ns.elsewhere.test.' },
  cut: { NS: 'ns.cut' },
  'ns.cut': { A: '192.0.2.56' },
  'deep.cut': { NS: 'ns.other.test.' },
  www: { CNAME: 'mx1' },
  old: { DNAME: 'new', TXT: 'at the owner' },
  'occluded.old': { TXT: 'never' },
})

const catalog = catalogOf(parent, child)

/** `kind` and, where there is one, what was found where. */
function find(name: string, type: string, inCatalog = catalog): string {
  const found = lookup(inCatalog, keyOfName(nameOf(name)), typeFromText(type) ?? 0)
  switch (found.kind) {
    case 'refused':
      return found.kind
    case 'found':
      return `found ${nameToText(found.node.owner)} ${typeToText(found.set.type)}`
    case 'any':
    case 'dname':
      return `${found.kind} ${nameToText(found.node.owner)}`
    case 'delegation':
      return `delegation ${nameToText(found.cut.owner)}`
    case 'alias':
    case 'nodata':
    case 'nxdomain':
      return `${found.kind} in ${nameToText(found.zone.apex)}`
    default:
      return found satisfies never
  }
}

type Case = [name: string, type: string, expected: string]

const concerns: Readonly<Record<string, readonly Case[]>> = {
  apex: [
    ['example.test.', 'MX', 'found example.test. MX'],
    ['example.test.', 'NS', 'found example.test. NS'],
    ['example.test.', 'SOA', 'found example.test. SOA'],
    ['example.test.', 'A', 'nodata in example.test.'],
    ['EXAMPLE.test.', 'MX', 'found example.test. MX'],
  ],
  outside: [
    ['example.org.', 'A', 'refused'],
    ['.', 'NS', 'refused'],
    ['xtest.', 'A', 'refused'],
  ],
  'empty non-terminals': [
    ['b.c.example.test.', 'TXT', 'nodata in example.test.'],
    ['c.example.test.', 'ANY', 'nodata in example.test.'],
    ['a.b.c.example.test.', 'TXT', 'found a.b.c.example.test. TXT'],
    ['x.b.c.example.test.', 'TXT', 'nxdomain in example.test.'],
    ['x.a.b.c.example.test.', 'TXT', 'nxdomain in example.test.'],
  ],
  'wildcards (RFC 4592 §2.2.1)': [
    ['x.wild.example.test.', 'TXT', 'found *.wild.example.test. TXT'],
    ['y.x.wild.example.test.', 'TXT', 'found *.wild.example.test. TXT'],
    ['x.wild.example.test.', 'A', 'nodata in example.test.'],
    ['x.wild.example.test.', 'ANY', 'any *.wild.example.test.'],
    ['*.wild.example.test.', 'TXT', 'found *.wild.example.test. TXT'],
    ['x.*.wild.example.test.', 'TXT', 'nxdomain in example.test.'],
    // A name that exists is its own closest encloser: the wildcard beside it does not apply below it.
    ['real.wild.example.test.', 'TXT', 'nodata in example.test.'],
    ['x.real.wild.example.test.', 'TXT', 'nxdomain in example.test.'],
    ['ent.wild.example.test.', 'TXT', 'nodata in example.test.'],
    ['x.ent.wild.example.test.', 'TXT', 'nxdomain in example.test.'],
    ['x.alias.example.test.', 'A', 'alias in example.test.'],
    ['x.alias.example.test.', 'CNAME', 'found *.alias.example.test. CNAME'],
    ['x.*.middle.example.test.', 'TXT', 'found x.*.middle.example.test. TXT'],
    ['x.y.middle.example.test.', 'TXT', 'nodata in example.test.'],
    // Never past a cut.
    ['a.sub.cutwild.example.test.', 'A', 'delegation sub.cutwild.example.test.'],
    ['a.cutwild.example.test.', 'A', 'found *.cutwild.example.test. A'],
  ],
  delegation: [
    ['cut.example.test.', 'A', 'delegation cut.example.test.'],
    ['cut.example.test.', 'NS', 'delegation cut.example.test.'],
    ['cut.example.test.', 'ANY', 'delegation cut.example.test.'],
    ['x.y.cut.example.test.', 'A', 'delegation cut.example.test.'],
    ['ns.cut.example.test.', 'A', 'delegation cut.example.test.'],
    ['deep.cut.example.test.', 'NS', 'delegation cut.example.test.'],
    ['deep.cut.example.test.', 'DS', 'delegation cut.example.test.'],
  ],
  'DS belongs to the parent (RFC 4035 §3.1.4.1)': [
    ['cut.example.test.', 'DS', 'nodata in example.test.'],
    ['unserved.test.', 'DS', 'found unserved.test. DS'],
    ['example.test.', 'DS', 'found example.test. DS'],
    ['test.', 'DS', 'nodata in test.'],
    ['x.unserved.test.', 'DS', 'delegation unserved.test.'],
  ],
  'zones within zones': [
    ['ns1.example.test.', 'A', 'found ns1.example.test. A'],
    ['example.test.', 'NS', 'found example.test. NS'],
    ['unserved.test.', 'NS', 'delegation unserved.test.'],
    ['ns1.test.', 'A', 'found ns1.test. A'],
  ],
  aliases: [
    ['www.example.test.', 'A', 'alias in example.test.'],
    ['www.example.test.', 'CNAME', 'found www.example.test. CNAME'],
    ['www.example.test.', 'ANY', 'any www.example.test.'],
    ['x.www.example.test.', 'A', 'nxdomain in example.test.'],
    ['x.old.example.test.', 'A', 'dname old.example.test.'],
    ['occluded.old.example.test.', 'TXT', 'dname old.example.test.'],
    ['old.example.test.', 'TXT', 'found old.example.test. TXT'],
    ['old.example.test.', 'A', 'nodata in example.test.'],
  ],
}

describe.each(Object.entries(concerns))('%s', (_concern, cases) => {
  test.each(cases)('%s %s → %s', (name, type, expected) => {
    expect(find(name, type)).toBe(expected)
  })
})

describe('extremes', () => {
  const deepest = `${'a.'.repeat(120)}example.test.`

  test('a name of 122 labels', () => {
    expect(find(deepest, 'A')).toBe('nxdomain in example.test.')
    expect(find(`${'a.'.repeat(118)}wild.example.test.`, 'TXT')).toBe(
      'found *.wild.example.test. TXT',
    )
  })

  test('the root zone', () => {
    const root = catalogOf(
      zoneOf('.', { '@': { NS: 'ns' }, ns: { A: '192.0.2.1' }, '*': { TXT: 'x' } }),
    )
    expect(find('.', 'NS', root)).toBe('found . NS')
    expect(find('ns.', 'A', root)).toBe('found ns. A')
    expect(find('a.b.', 'TXT', root)).toBe('found *. TXT')
    expect(find('a.ns.', 'TXT', root)).toBe('nxdomain in .')
    expect(find('a.'.repeat(127), 'TXT', root)).toBe('found *. TXT')
  })

  test('no zone at all', () => {
    expect(find('example.test.', 'A', catalogOf())).toBe('refused')
  })
})
