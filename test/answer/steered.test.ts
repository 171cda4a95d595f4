// Steered sets in whole answers: MX and addresses of one snapshot, wildcard owners, families, failing open, counters.

import { describe, expect, test } from 'vitest'
import { createCounters } from '../../src/answer/counters.ts'
import { createRespond } from '../../src/answer/respond.ts'
import { createHealthTable, SlotState } from '../../src/health/table.ts'
import type { HealthWriter } from '../../src/health/table.ts'
import type { Catalog } from '../../src/zone/zone.ts'
import { askerOf, contextOf, peerOf, send } from '../support/ask-catalog.ts'
import type { Ask } from '../support/ask-catalog.ts'
import { buildQuery } from '../support/packet-builder.ts'
import { memberOf, policyOf, poolOf, steeredAddresses, steeredMx } from '../support/steered-zone.ts'
import { targetOf, targetSets } from '../support/steered-zone.ts'
import { catalogOf, zoneOf } from '../support/zone-builder.ts'

const mx1 = memberOf(targetOf('mx1', 1, [4, 6]), 2)
const mx2 = memberOf(targetOf('mx2', 2, [4, 6]))
const mx3 = memberOf(targetOf('mx3', 3, [4]))
const six = memberOf(targetOf('six', 4, [6]))
const members = [mx1, mx2, mx3]
const soa = 'smtp.test 30 SOA ns1.smtp.test hostmaster.smtp.test 7 30'

function catalogWith(onAllDown: 'all' | 'servfail'): Catalog {
  const policy = policyOf([poolOf('main', members)], onAllDown)
  const onlySix = policyOf([poolOf('six', [six])], onAllDown)
  return catalogOf(
    zoneOf('smtp.test.', {
      '@': { NS: 'ns1', MX: steeredMx(policy), TXT: 'v=spf1 mx -all' },
      '*': { MX: steeredMx(policy) },
      relay: {
        A: steeredAddresses(policy, 1, 2),
        AAAA: steeredAddresses(policy, 28, 2),
      },
      only6: { A: steeredAddresses(onlySix, 1, 2), AAAA: steeredAddresses(onlySix, 28, 2) },
      toward: { MX: '10 relay' },
      alias: { CNAME: 'relay' },
      mx1: targetSets(mx1),
      mx2: targetSets(mx2),
      mx3: targetSets(mx3),
      six: targetSets(six),
    }),
  )
}

interface Setting {
  readonly ask: Ask
  readonly health: HealthWriter
  readonly counters: ReturnType<typeof createCounters>
}

function settingOf(onAllDown: 'all' | 'servfail' = 'all'): Setting {
  const health = createHealthTable(64)
  const counters = createCounters()
  for (const member of [...members, six])
    for (const slot of member.slots) health.set(slot, SlotState.up, 1, Infinity)
  return { ask: askerOf(catalogWith(onAllDown), { health, counters }), health, counters }
}

function take(health: HealthWriter, ...down: readonly (typeof mx1)[]): void {
  for (const member of down)
    for (const slot of member.slots) health.set(slot, SlotState.down, 0, Infinity)
}

const word = (lines: readonly string[], index: number): (string | undefined)[] =>
  lines.map((line) => line.split(' ')[index])
const exchanges = (lines: readonly string[]): (string | undefined)[] => word(lines, 4)

describe('MX', () => {
  test('a ladder of all, with every address of every rung', () => {
    const view = settingOf().ask('smtp.test', 'MX')
    expect(view).toMatchObject({ rcode: 0, flags: 'aa rd', authority: [] })
    expect(word(view.answer, 3)).toEqual(['10', '20', '30'])
    expect(new Set(exchanges(view.answer))).toEqual(
      new Set(['mx1.smtp.test', 'mx2.smtp.test', 'mx3.smtp.test']),
    )
    expect(new Set(view.additional)).toEqual(
      new Set([
        'mx1.smtp.test 60 A 203.0.113.1',
        'mx1.smtp.test 60 AAAA 2001:db8::1',
        'mx2.smtp.test 60 A 203.0.113.2',
        'mx2.smtp.test 60 AAAA 2001:db8::2',
        'mx3.smtp.test 60 A 203.0.113.3',
      ]),
    )
  })

  test('a target that is down is in neither section', () => {
    const { ask, health } = settingOf()
    take(health, mx2)
    const view = ask('smtp.test', 'MX')
    expect(new Set(exchanges(view.answer))).toEqual(new Set(['mx1.smtp.test', 'mx3.smtp.test']))
    expect(word(view.additional, 0)).not.toContain('mx2.smtp.test')
  })

  test('all down: all, with addresses, and failedOpen counted once', () => {
    const { ask, health, counters } = settingOf()
    take(health, ...members)
    const view = ask('smtp.test', 'MX')
    expect(view).toMatchObject({ rcode: 0, flags: 'aa rd' })
    expect(view.answer).toHaveLength(3)
    expect(new Set(word(view.additional, 0)).size).toBe(3)
    expect(counters.read().scalars.failedOpen).toBe(1)
  })

  test('all down with servfail: SERVFAIL, empty, not authoritative', () => {
    const { ask, health, counters } = settingOf('servfail')
    take(health, ...members)
    expect(ask('smtp.test', 'MX', { opts: [{}] })).toMatchObject({
      rcode: 2,
      flags: 'rd',
      question: 'smtp.test MX',
      answer: [],
      authority: [],
      additional: [],
      opt: { udp: 1232 },
    })
    expect(counters.read().responsesByRcode.get(2)).toBe(1)
  })

  test('a wildcard: the owner is the name asked for', () => {
    const view = settingOf().ask('any.thing.smtp.test', 'MX')
    expect(new Set(word(view.answer, 0))).toEqual(new Set(['any.thing.smtp.test']))
    expect(view.answer).toHaveLength(3)
    expect(view.additional).toHaveLength(5)
  })

  test('ANY prefers MX and brings no addresses', () => {
    const view = settingOf().ask('smtp.test', 'ANY')
    expect(new Set(word(view.answer, 2))).toEqual(new Set(['MX']))
    expect(view.additional).toEqual([])
  })
})

describe('addresses', () => {
  test('k of n', () => {
    const { answer } = settingOf().ask('relay.smtp.test', 'A')
    expect(answer).toHaveLength(2)
    expect(new Set(answer).size).toBe(2)
    for (const line of answer) expect(line).toMatch(/^relay\.smtp\.test 60 A 203\.0\.113\.[123]$/)
  })

  test('through an alias', () => {
    const { answer } = settingOf().ask('alias.smtp.test', 'AAAA')
    expect(answer[0]).toBe('alias.smtp.test 300 CNAME relay.smtp.test')
    expect(answer.slice(1)).toHaveLength(2)
  })

  test('as additional of a plain MX', () => {
    const { additional } = settingOf().ask('toward.smtp.test', 'MX')
    expect(word(additional, 2)).toEqual(['A', 'A', 'AAAA', 'AAAA'])
  })

  test('a family that no target has: NODATA with SOA', () => {
    const { ask } = settingOf()
    expect(ask('only6.smtp.test', 'A')).toMatchObject({ rcode: 0, answer: [], authority: [soa] })
    expect(ask('only6.smtp.test', 'AAAA').answer).toEqual(['only6.smtp.test 60 AAAA 2001:db8::4'])
    expect(ask('mx3.smtp.test', 'AAAA')).toMatchObject({ rcode: 0, authority: [soa] })
  })

  test('ANY takes the family there is', () => {
    expect(settingOf().ask('only6.smtp.test', 'ANY')).toMatchObject({
      answer: ['only6.smtp.test 60 AAAA 2001:db8::4'],
      authority: [],
    })
  })

  test('a target’s own name, whatever its health', () => {
    const { ask, health } = settingOf()
    take(health, ...members)
    expect(ask('mx1.smtp.test', 'A').answer).toEqual(['mx1.smtp.test 60 A 203.0.113.1'])
  })
})

describe('locus', () => {
  test('is looked up for each query anew, and only where a steered set needs it', () => {
    const asked: string[] = []
    const catchAll = policyOf([poolOf('main', members)])
    const nets = [{ octets: Uint8Array.of(192, 0, 2, 0), prefixLength: 24 }]
    const when = { continents: null, countries: null, asns: null, networks: nets }
    const ruled = {
      ...catchAll,
      rules: [...catchAll.rules.map((rule) => ({ ...rule, when })), ...catchAll.rules],
    }
    const zone = zoneOf('smtp.test.', { '@': { NS: 'ns1', MX: steeredMx(ruled), TXT: 'x' } })
    const respond = createRespond(
      contextOf(catalogOf(zone), {
        locate(octets, family) {
          asked.push(octets.join('.'))
          return { octets, family, continent: null, country: null, asn: null }
        },
      }),
    )
    const from = (last: number, type: number): void => {
      const peer = { ...peerOf('udp'), octets: Uint8Array.of(198, 51, 100, last) }
      send(respond, buildQuery({ name: 'smtp.test', type }), peer)
    }
    from(1, 15)
    from(2, 15)
    from(3, 16)
    expect(asked).toEqual(['198.51.100.1', '198.51.100.2'])
  })
})

describe('counters', () => {
  test('first place and every place of the answer; additional addresses count for nothing', () => {
    const { ask, counters } = settingOf()
    const rounds = 6
    const firsts = new Map<string, number>()
    for (let i = 0; i < rounds; i++) {
      const [first = ''] = exchanges(ask('smtp.test', 'MX').answer)
      firsts.set(first, (firsts.get(first) ?? 0) + 1)
    }
    const read = counters.read()
    for (const { target } of members)
      expect(read.answerCounts(target.index)).toEqual({
        first: firsts.get(`${target.name}.smtp.test`) ?? 0,
        any: rounds,
      })
    expect(read.queriesByType).toEqual(new Map([[15, rounds]]))
  })

  test('an address is a first place', () => {
    const { ask, counters } = settingOf()
    ask('only6.smtp.test', 'AAAA')
    expect(counters.read().answerCounts(six.target.index)).toEqual({ first: 1, any: 1 })
  })
})
