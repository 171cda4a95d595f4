// Whole answers over plain zones, section by section, as a foreign decoder reads them.

import { describe, expect, test } from 'vitest'
import { askerOf } from '../support/ask-catalog.ts'
import { exampleCatalog, soaText } from '../support/example-zone.ts'
import type { View } from '../support/foreign-view.ts'

const ask = askerOf(exampleCatalog)
const aliasBound = 17 // the first alias and the sixteen that are followed

const sections = ({ rcode, flags, answer, authority, additional }: View) => ({
  rcode,
  flags,
  answer,
  authority,
  additional,
})
const answered = (answer: readonly string[], additional: readonly string[] = []) => ({
  rcode: 0,
  flags: 'aa rd',
  answer,
  authority: [],
  additional,
})
const negative = (rcode: number, answer: readonly string[] = []) => ({
  rcode,
  flags: 'aa rd',
  answer,
  authority: [soaText],
  additional: [],
})

const mx1Addresses = ['mx1.example.test 300 A 192.0.2.1', 'mx1.example.test 300 AAAA 2001:db8::1']
/** One address for each host before a second family for any. */
const bothAddresses = [
  'mx1.example.test 300 A 192.0.2.1',
  'mx2.example.test 300 A 192.0.2.2',
  'mx2.example.test 300 A 192.0.2.3',
  'mx1.example.test 300 AAAA 2001:db8::1',
]

describe('apex', () => {
  test('MX with the addresses of its exchanges; minimal: no NS in authority', () => {
    expect(sections(ask('example.test', 'MX'))).toEqual(
      answered(
        [
          'example.test 300 MX 10 mx1.example.test',
          'example.test 300 MX 20 mx2.example.test',
          'example.test 300 MX 30 mx.elsewhere.org',
        ],
        bothAddresses,
      ),
    )
  })

  test('NS with addresses', () => {
    expect(sections(ask('example.test', 'NS'))).toEqual(
      answered(
        ['example.test 300 NS ns1.example.test', 'example.test 300 NS ns.elsewhere.org'],
        ['ns1.example.test 300 A 192.0.2.53', 'ns1.example.test 300 AAAA 2001:db8::53'],
      ),
    )
  })

  test('SOA with its own TTL', () => {
    expect(sections(ask('example.test', 'SOA'))).toEqual(
      answered([soaText.replace(' 30 ', ' 300 ')]),
    )
  })
})

describe('additional', () => {
  test('SRV: each target once', () => {
    const { answer, additional } = ask('_smtp._tcp.example.test', 'SRV')
    expect(answer).toHaveLength(3)
    expect(additional).toEqual(bothAddresses)
  })

  test('addresses out of a wildcard, by the name of each exchange and once (RFC 4592 §3.3.1)', () => {
    expect(ask('to-pool.example.test', 'MX').additional).toEqual([
      'one.pool.example.test 300 A 192.0.2.60',
      'two.pool.example.test 300 A 192.0.2.60',
    ])
  })

  test('no addresses from below a cut', () => {
    expect(sections(ask('occluded.example.test', 'MX'))).toEqual(
      answered(['occluded.example.test 300 MX 10 ns.child.example.test']),
    )
  })
})

describe('ent, negative', () => {
  test('NODATA at the apex', () => {
    expect(sections(ask('example.test', 'A'))).toEqual(negative(0))
  })
  test('NODATA at an empty non-terminal', () => {
    expect(sections(ask('b.c.example.test', 'A'))).toEqual(negative(0))
  })
  test('NODATA for a type without a name', () => {
    expect(sections(ask('mx1.example.test', 'TYPE65401'))).toEqual(negative(0))
  })
  test('NXDOMAIN', () => {
    expect(sections(ask('missing.example.test', 'A'))).toEqual(negative(3))
  })
  test('REFUSED outside our zones, with the question', () => {
    const view = ask('www.example.org', 'A')
    expect(sections(view)).toEqual({
      rcode: 5,
      flags: 'rd',
      answer: [],
      authority: [],
      additional: [],
    })
    expect(view.question).toBe('www.example.org A')
  })
})

describe('wildcard', () => {
  test('the owner is the name asked for', () => {
    expect(sections(ask('x.y.wild.example.test', 'MX'))).toEqual(
      answered(['x.y.wild.example.test 300 MX 10 mx1.example.test'], mx1Addresses),
    )
  })
  test('NODATA', () => {
    expect(sections(ask('x.wild.example.test', 'A'))).toEqual(negative(0))
  })
})

describe('delegation, glue', () => {
  const ns = [
    'ns.child.example.test',
    'ns.sibling.example.test',
    'ns1.example.test',
    'ns.elsewhere.org',
  ]
  test.each(['child.example.test', 'x.y.child.example.test', 'ns.child.example.test'])(
    'a referral for %s: in-domain glue first, then the rest of the zone',
    (name) => {
      expect(sections(ask(name, 'A'))).toEqual({
        rcode: 0,
        flags: 'rd',
        answer: [],
        authority: ns.map((server) => `child.example.test 300 NS ${server}`),
        additional: [
          'ns.child.example.test 300 A 192.0.2.54',
          'ns.child.example.test 300 AAAA 2001:db8::54',
          'ns.sibling.example.test 300 A 192.0.2.55',
          'ns1.example.test 300 A 192.0.2.53',
          'ns1.example.test 300 AAAA 2001:db8::53',
        ],
      })
    },
  )
  test('DS at the cut is ours', () => {
    expect(sections(ask('child.example.test', 'DS'))).toEqual(
      answered(['child.example.test 300 DS 0001080200']),
    )
    expect(sections(ask('sibling.example.test', 'DS'))).toEqual(negative(0))
  })
})

describe('cname', () => {
  const chain = [
    'chain.example.test 300 CNAME www.example.test',
    'www.example.test 300 CNAME mx1.example.test',
  ]
  test('a chain to its end', () => {
    expect(sections(ask('chain.example.test', 'A'))).toEqual(
      answered([...chain, 'mx1.example.test 300 A 192.0.2.1']),
    )
  })
  test('itself, when asked for', () => {
    expect(sections(ask('chain.example.test', 'CNAME'))).toEqual(answered(chain.slice(0, 1)))
  })
  test('to NODATA: SOA behind the chain', () => {
    expect(sections(ask('chain.example.test', 'TXT'))).toEqual(negative(0, chain))
    expect(sections(ask('empty.example.test', 'TXT'))).toEqual(
      negative(0, ['empty.example.test 300 CNAME b.c.example.test']),
    )
  })
  test('to NXDOMAIN (RFC 6604)', () => {
    expect(sections(ask('nowhere.example.test', 'A'))).toEqual(
      negative(3, ['nowhere.example.test 300 CNAME missing.example.test']),
    )
  })
  test('out of our zones: NOERROR, as far as we know', () => {
    expect(sections(ask('outside.example.test', 'A'))).toEqual(
      answered(['outside.example.test 300 CNAME www.elsewhere.org']),
    )
  })
  test('into another zone of ours', () => {
    expect(sections(ask('across.example.test', 'A'))).toEqual(
      answered(['across.example.test 300 CNAME www.other.test', 'www.other.test 300 A 192.0.2.80']),
    )
  })
  test('into a delegated zone: AA of the alias, and the referral', () => {
    const { flags, answer, authority } = ask('down.example.test', 'A')
    expect({ flags, answer }).toEqual({
      flags: 'aa rd',
      answer: ['down.example.test 300 CNAME host.child.example.test'],
    })
    expect(authority).toContain('child.example.test 300 NS ns.child.example.test')
  })
  test('a loop is said once', () => {
    expect(sections(ask('self.example.test', 'A'))).toEqual(
      answered(['self.example.test 300 CNAME self.example.test']),
    )
    expect(sections(ask('ping.example.test', 'A'))).toEqual(
      answered([
        'ping.example.test 300 CNAME pong.example.test',
        'pong.example.test 300 CNAME ping.example.test',
      ]),
    )
  })
  test('a chain beyond the bound stops', () => {
    const view = ask('hop0.example.test', 'A')
    expect(view.rcode).toBe(0)
    expect(view.answer).toHaveLength(aliasBound)
    expect(view.answer.at(-1)).toBe('hop16.example.test 300 CNAME hop17.example.test')
    expect(ask('hop4.example.test', 'A').answer.at(-1)).toBe('hop20.example.test 300 A 192.0.2.20')
  })
})

describe('dname', () => {
  const dname = `old.example.test 300 DNAME ${Buffer.from('\x03new\x07example\x04test\0').toString('hex')}`
  test('the DNAME, the CNAME that follows from it, and its target', () => {
    expect(sections(ask('host.old.example.test', 'A'))).toEqual(
      answered([
        dname,
        'host.old.example.test 300 CNAME host.new.example.test',
        'host.new.example.test 300 A 192.0.2.7',
      ]),
    )
  })
  test('asked for CNAME, the synthesised one is the answer', () => {
    expect(sections(ask('host.old.example.test', 'CNAME'))).toEqual(
      answered([dname, 'host.old.example.test 300 CNAME host.new.example.test']),
    )
  })
  test('asked for itself', () => {
    expect(sections(ask('old.example.test', 'DNAME'))).toEqual(answered([dname]))
  })
  test('away', () => {
    expect(ask('www.away.example.test', 'A').answer.at(-1)).toBe(
      'www.away.example.test 300 CNAME www.elsewhere.org',
    )
  })
  test('a name that would be too long: YXDOMAIN with the DNAME', () => {
    const view = ask(`${'q'.repeat(60)}.long.example.test`, 'A')
    expect(view.rcode).toBe(6)
    expect(view.answer).toHaveLength(1)
    expect(view.answer[0]).toMatch(/^long\.example\.test 300 DNAME /)
  })
})

describe('case', () => {
  test('the name comes back as it was asked, in question and owner', () => {
    const view = ask('Mx1.eXaMpLe.TEST', 'A')
    expect(view.question).toBe('Mx1.eXaMpLe.TEST A')
    expect(view.answer).toEqual(['Mx1.eXaMpLe.TEST 300 A 192.0.2.1'])
  })
  test('names in rdata that end as the qname does have its letters, others those of the zone', () => {
    const { answer } = ask('eXample.TEST', 'MX')
    expect(answer[0]).toBe('eXample.TEST 300 MX 10 mx1.eXample.TEST')
    expect(answer[2]).toBe('eXample.TEST 300 MX 30 mx.elsewhere.org')
  })
  test('names that must not be compressed keep the letters of the zone (RFC 3597)', () => {
    expect(ask('_SMTP._tcp.EXAMPLE.test', 'SRV').answer.at(-1)).toMatch(/ mx2\.example\.test$/)
  })
})

describe('meta types and classes', () => {
  test.each([
    ['AXFR', 5],
    ['IXFR', 5],
    ['MAILA', 4],
    ['MAILB', 4],
    ['OPT', 1],
    ['TSIG', 1],
    ['TKEY', 1],
    ['NXNAME', 1],
  ])('%s → rcode %i', (type, rcode) => {
    const view = ask('example.test', type)
    expect(view).toMatchObject({ rcode, flags: 'rd', answer: [], authority: [] })
    expect(view.question).toBe(`example.test ${type}`)
  })
  test('type 0 is a type without records', () => {
    expect(ask('example.test', 'TYPE0')).toMatchObject({ rcode: 0, flags: 'aa rd', answer: [] })
  })
  test('class CH is refused, class ANY is ours', () => {
    expect(ask('version.bind', 'TXT', { class: 3 }).rcode).toBe(5)
    // Of one class alone, so without authority (RFC 1035 §6.2).
    expect(ask('mx1.example.test', 'A', { class: 255 })).toMatchObject({
      flags: 'rd',
      answer: ['mx1.example.test 300 A 192.0.2.1'],
    })
  })
  test('ANY: one RRset (RFC 8482 §4.1), and no more', () => {
    expect(ask('example.test', 'ANY')).toMatchObject({ rcode: 0, authority: [], additional: [] })
    expect(ask('example.test', 'ANY').answer.map((line) => line.split(' ')[2])).toEqual([
      'MX',
      'MX',
      'MX',
    ])
    expect(ask('both.example.test', 'ANY').answer).toEqual(['both.example.test 300 A 192.0.2.8'])
    expect(ask('odd.example.test', 'ANY').answer).toEqual(['odd.example.test 300 TYPE65400 0a00'])
    expect(ask('b.c.example.test', 'ANY')).toMatchObject({ rcode: 0, authority: [soaText] })
  })
})
