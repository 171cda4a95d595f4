import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseAddress } from '../../src/lib/ip.ts'
import { checkHost } from '../../src/spf/check-host.ts'
import { layOutSpf } from '../../src/spf/layout.ts'
import { type Directive, parseTerm } from '../../src/spf/spf-record.ts'
import { runs } from '../support/runs.ts'
import { answersOf, freshBudget, verdictOver } from './records.ts'

const owner = 'smtp.example.test'

const octetsOf = (text: string): Uint8Array => parseAddress(text)?.octets ?? new Uint8Array()

function directives(...terms: readonly string[]): readonly Directive[] {
  return terms.map((term) => {
    const parsed = parseTerm(term)
    if (parsed.kind !== 'directive') throw new Error(term)
    return parsed.directive
  })
}

const layOut = (addresses: readonly string[], also: readonly string[] = [], otherOctets = 0) =>
  layOutSpf({
    addresses: addresses.map(octetsOf),
    also: directives(...also),
    modifiers: [],
    all: '-all',
    owner,
    otherOctets,
  })

const ipv4 = (count: number): readonly string[] =>
  // Every second one, so that no two make a network.
  Array.from({ length: count }, (_, i) => `198.${18 + (i >> 7)}.0.${(i % 128) * 2 + 1}`)

describe('an SPF record of addresses', () => {
  it.each<[string, readonly string[], readonly string[], string]>([
    [
      'is in order, IPv4 first',
      ['2001:db8::1', '192.0.2.9', '192.0.2.1'],
      [],
      'v=spf1 ip4:192.0.2.1 ip4:192.0.2.9 ip6:2001:db8::1 -all',
    ],
    ['has each once', ['192.0.2.1', '192.0.2.1'], [], 'v=spf1 ip4:192.0.2.1 -all'],
    [
      'joins halves of a network',
      ['192.0.2.7', '192.0.2.4', '192.0.2.6', '192.0.2.5'],
      [],
      'v=spf1 ip4:192.0.2.4/30 -all',
    ],
    ['joins no others', ['192.0.2.1', '192.0.2.2'], [], 'v=spf1 ip4:192.0.2.1 ip4:192.0.2.2 -all'],
    ['joins halves in IPv6', ['2001:db8::2', '2001:db8::3'], [], 'v=spf1 ip6:2001:db8::2/127 -all'],
    [
      'has further terms behind',
      ['192.0.2.1'],
      ['include:_spf.example.com', '?a:b.example'],
      'v=spf1 ip4:192.0.2.1 include:_spf.example.com ?a:b.example -all',
    ],
    [
      'leaves out what these allow',
      ['192.0.2.1', '198.51.100.1'],
      ['ip4:192.0.2.0/24'],
      'v=spf1 ip4:198.51.100.1 ip4:192.0.2.0/24 -all',
    ],
    [
      'but not what these do not',
      ['192.0.2.1'],
      ['~ip4:192.0.2.0/24'],
      'v=spf1 ip4:192.0.2.1 ~ip4:192.0.2.0/24 -all',
    ],
  ])('%s', (_, addresses, also, text) => {
    expect(layOut(addresses, also)).toEqual({ kind: 'texts', text, includes: [] })
  })

  it('is split where it does not fit beside the other texts of its owner', () => {
    const whole = layOut(ipv4(20))
    expect(whole).toMatchObject({ kind: 'texts', includes: [] })
    const beside = layOut(ipv4(20), [], 120)
    expect(beside).toMatchObject({
      text: `v=spf1 include:_spf1.${owner} -all`,
      includes: [{ label: '_spf1' }],
    })
  })

  it('is refused where it takes more look-ups than there are', () => {
    expect(layOut(ipv4(280)).kind).toBe('bad')
    const nine = layOut(ipv4(220))
    expect(nine).toMatchObject({ kind: 'texts', includes: { length: 9 } })
    expect(layOut(ipv4(220), ['mx:a.example']).kind).toBe('texts')
    const refused = layOut(ipv4(220), ['mx:a.example', 'include:b.example'])
    expect(refused).toMatchObject({
      kind: 'bad',
      why: expect.stringMatching(
        /^220 addresses .* 9 includes, which makes 11 look-ups of the 10 /,
      ) as string,
    })
  })

  it('moves networks of further terms into the includes, but nothing that decides otherwise', () => {
    const laid = layOut(ipv4(30), ['ip4:203.0.113.0/24', '-ip4:192.0.2.0/24'])
    expect(laid).toMatchObject({
      text: `v=spf1 include:_spf1.${owner} include:_spf2.${owner} -ip4:192.0.2.0/24 -all`,
    })
  })

  const addresses = fc.oneof(
    fc.tuple(fc.nat(3), fc.nat(255)).map(([c, d]) => `192.0.${c}.${d}`),
    fc.nat(0xffff).map((n) => `2001:db8::${n.toString(16)}`),
  )
  it('passes each of its addresses and nobody else, in answers below 450 octets, in any order', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(addresses, { minLength: 1, maxLength: 60 }),
        addresses,
        (all, other) => {
          const laid = layOut(all)
          expect(layOut(all.toReversed())).toEqual(laid)
          if (laid.kind === 'bad') throw new Error(laid.why)
          const answers = answersOf([
            [owner, laid.text],
            ...laid.includes.map(({ label, text }) => [`${label}.${owner}`, text] as const),
          ])
          for (const [name, { length }] of answers.lengths)
            expect(name.length + length).toBeLessThan(450)
          for (const address of all)
            expect(
              verdictOver(
                checkHost({ address: parseAddress(address), domain: owner }, freshBudget()),
                answers.answer,
              ).verdict,
            ).toEqual({ kind: 'pass' })
          const verdict = verdictOver(
            checkHost({ address: parseAddress(other), domain: owner }, freshBudget()),
            answers.answer,
          ).verdict
          expect(verdict.kind).toBe(all.includes(other) ? 'pass' : 'fail')
        },
      ),
      { numRuns: runs(300) },
    )
  })
})
