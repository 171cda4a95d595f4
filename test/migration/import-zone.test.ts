// What an import leaves out, changes and offers.

import { describe, expect, it } from 'vitest'
import { type ImportedZone, importZone } from '../../src/migration/import-zone.ts'
import { readMasterSource } from '../../src/migration/read-source.ts'
import { zoneNameOf } from '../../src/migration/zone-name.ts'
import { parseName } from '../../src/wire/name.ts'
import { compiledZone } from '../support/compiled-zone.ts'

const head = '$TTL 1h\n@ SOA ns1 host 7 1h 10m 4w 5m\n@ NS ns1\nns1 A 192.0.2.53\n'

async function importText(text: string, isSteered = false): Promise<ImportedZone> {
  const apex = parseName('a.test.')
  if (apex.kind === 'bad') throw new Error(apex.why)
  const octets = Buffer.from(text)
  const master = await readMasterSource('a.zone', apex.name, () =>
    Promise.resolve({ kind: 'octets', octets }),
  )
  const fileOf = (file: string): string => file
  return importZone({ apex: apex.name, master, from: 'a.zone', isSteered, fileOf })
}

async function importOf(records: string, isSteered = false) {
  const made = await importText(head + records, isSteered)
  if (made.kind === 'refused') throw new Error(JSON.stringify(made.diagnostics))
  // Refuses what has a mistake.
  return { ...made, ...compiledZone(made.yaml) }
}

const told = ({ diagnostics }: Pick<ImportedZone, 'diagnostics'>): string[] =>
  diagnostics.map(({ line, column, code, message }) => `${line}:${column} ${code} ${message}`)

describe('what is left out is named', () => {
  it.each([
    ['www.b.test. A 192.0.2.1\n', /^5:\d+ out-of-zone left out: www\.b\.test\. is not in the zone/],
    ['x CH TXT "version"\ny CS A 1.2.3.4\n', /^5:3 class-left-out .*: 1 CH, 1 CS$/],
    ['@ DNSKEY 257 3 13 AAAA\n@ RRSIG broken\n', /^5:3 dnssec-left-out .*: 1 DNSKEY, 1 RRSIG$/],
    ['@ TYPE65534 \\# 1 00\n', /^5:\d+ dnssec-left-out left out: TYPE65534/],
    ['d DNAME e\nx.d A 192.0.2.1\n', /^6:\d+ dname-with-data-below left out: /],
    ['t TLSA 3 1 1 00\n', /^5:\d+ bad-rdata left out: bad TLSA/],
    ['a 60 A 192.0.2.1\na 70 A 192.0.2.2\n', /^6:\d+ ttl-differs /],
  ])('%j', async (records, expected) => {
    const made = await importOf(`${records}kept TXT "kept"\n`)
    expect(told(made)).toEqual([expect.stringMatching(expected)])
    expect(made.yaml).toContain('kept: { TXT: ')
  })
})

describe('what has to be mended first', () => {
  it.each([
    ['@ A 192.0.2.1\n', 'missing there is no SOA of a.test.'],
    [`${head}a A 192.0.2.256\n`, 'bad-rdata bad A'],
    [`${head}a NOTYPE x\n`, 'unknown-type unknown record type'],
    [`${head}a CNAME b\na TXT "x"\n`, 'cname-beside-other-data'],
    ['@ SOA ns1 host 7 1h 10m 4w 5m\n', 'no-apex-ns the zone has no NS'],
  ])('%j', async (text, expected) => {
    const made = await importText(text)
    expect(made.kind).toBe('refused')
    expect(told(made)).toEqual([expect.stringContaining(expected)])
  })
})

it('has the TTL of most sets as that of the zone, and says what becomes of that of the SOA', async () => {
  const { yaml, notes } = await importOf(
    '$TTL 300\na A 192.0.2.1\nb A 192.0.2.1\nc A 192.0.2.1\nd A 192.0.2.1\n',
  )
  expect(yaml).toContain('\nttl: 5m\n')
  expect(yaml).toContain("'@': { NS: { ttl: 1h, data: ns1 } }")
  expect(notes.join()).toContain('the SOA has the TTL of the zone, 300 in place of 3600')
})

it('keeps the serial going forward, and times within bounds', async () => {
  const made = await importText('@ SOA ns host 4294967295 0 10m 700d 8d\n@ NS ns.b.test.\n')
  const yaml = made.kind === 'imported' ? made.yaml : ''
  expect(yaml).toContain('serial_after: 4294967295')
  expect(compiledZone(yaml).zone.apexKey).toBe('\u0001a\u0004test\u0000')
  expect(made.kind === 'imported' && made.notes).toEqual(
    expect.arrayContaining([
      'soa.refresh is 0, and becomes 1',
      'soa.expire is 60480000, and becomes 31536000',
      'soa.minimum is 691200, and becomes 604800',
    ]),
  )
})

const mail = `@ MX 10 mx1
@ MX 10 mx2
@ MX 20 mx10
mx1 A 192.0.2.1
mx1 AAAA 2001:db8::1
mx1 TXT "kept"
mx2 A 192.0.2.2
mx10 A 192.0.2.10
relay 300 A 192.0.2.1
relay 300 A 192.0.2.2
www A 192.0.2.80
www A 192.0.2.81
`

describe('what looks like a pool', () => {
  it('is a comment that can be taken for the file', async () => {
    const { yaml, targets } = await importOf(mail)
    expect(targets).toEqual([])
    const comment = yaml.split('\n').filter((line) => line.startsWith('#   '))
    expect(comment).toContain('#   mx1: { addresses: [192.0.2.1, 2001:db8::1] }')
    expect(yaml).toContain('# Several addresses: www.a.test. If these are MTAs')
  })

  it('is steered where that is wanted: preferences are pools', async () => {
    const { yaml, targets, zone, notes } = await importOf(mail, true)
    expect(targets.map(({ target }) => target.name)).toEqual(['mx1', 'mx10', 'mx2'])
    expect(yaml).toContain('inbound: [{ pools: [inbound-10, inbound-20] }]')
    expect(yaml).toContain('relay: { address: { steer: relay, ttl: 60 } }')
    expect(yaml).toContain('relay: [{ pools: [inbound-10] }]')
    expect(yaml).toContain('mx1: { TXT: ')
    const kinds = [...(zone.nodes.get(zone.apexKey)?.sets.values() ?? [])].map(({ kind }) => kind)
    expect(kinds).toContain('steered-mx')
    expect(notes.join()).toContain('steered: 2 names')
  })

  it.each([
    ['one exchange', '@ MX 10 mx1\nmx1 A 192.0.2.1\n'],
    ['an exchange elsewhere', '@ MX 10 mx1\n@ MX 20 mx.b.test.\nmx1 A 192.0.2.1\n'],
    ['an exchange without address', '@ MX 10 mx1\n@ MX 20 mx2\nmx1 A 192.0.2.1\n'],
    ['two labels', '@ MX 10 mx1.in\n@ MX 20 mx2\nmx1.in A 192.0.2.1\nmx2 A 192.0.2.2\n'],
    ['a wildcard', '@ MX 10 *\n@ MX 20 mx2\n* A 192.0.2.1\nmx2 A 192.0.2.2\n'],
    ['what no target may have', '@ MX 10 a\n@ MX 20 b\na A 192.0.2.1\nb A 224.0.0.1\n'],
    [
      'a child zone',
      'c NS ns.c\nns.c A 192.0.2.9\nc MX 10 a\nc MX 20 b\na A 192.0.2.1\nb A 192.0.2.2\n',
    ],
  ])('is not %s', async (_, records) => {
    const { yaml, targets, notes } = await importOf(records, true)
    expect(targets).toEqual([])
    expect(yaml).not.toContain('steering:')
    expect(notes.join()).toContain('nothing looks like a pool')
  })
})

describe('the name of a zone', () => {
  it.each([
    ['db.example.com', '@ IN SOA a b 1 2 3 4 5', 'example.com.'],
    ['example.com.zone', '$TTL 1\n@ 3600 IN SOA (', 'example.com.'],
    ['/etc/bind/x', '$ORIGIN example.org.\n@ SOA a b', 'example.org.'],
    ['/etc/bind/x', '; $ORIGIN no.test.\n$ORIGIN test.\nexample\tIN\t1h\tSOA a b', 'example.test.'],
    ['/etc/bind/x', 'example.net. SOA a b', 'example.net.'],
    ['x.test.zone', ' SOA a b', 'x.test.'],
    ['/etc/bind/x', '@ SOA a b', null],
  ])('%s %j', (file, text, expected) => {
    expect(zoneNameOf(file, Buffer.from(text))).toBe(expected)
  })
})
