// Explanations agree with answers: shares, rules, scopes, TTLs, and the lookup path.

import { describe, expect, test } from 'vitest'
import { SlotState, Standing } from '../../src/health/table.ts'
import type { Member } from '../../src/steer/policy.ts'
import { networksOf } from '../geo/arrange.ts'
import { seeded } from '../steer/arrange.ts'
import { type ArrangedWorld, arrangeWorld } from './arrange.ts'

/** Each rule has targets of its own, so that answers tell which one was used. */
const zone = `
zone: smtp.example.test
ttl: 60
soa: { mname: ns1, rname: hostmaster.example.test. }
internal: 203.0.113.128/28
targets:
  lan1: { addresses: [192.0.2.1] }
  asn1: { addresses: [192.0.2.2] }
  de1: { addresses: [192.0.2.3] }
  de2: { addresses: [192.0.2.4, 192.0.2.5] }
  eu1: { addresses: [192.0.2.6] }
  rest1: { addresses: [192.0.2.7], region: a }
  rest2: { addresses: [192.0.2.8], region: a }
  rest3: { addresses: [192.0.2.9], region: b }
probes: { smtp: { port: 25 } }
pools:
  lan: { probe: smtp, targets: [lan1] }
  asn: { probe: smtp, targets: [asn1] }
  de: { probe: smtp, targets: { de1: 3, de2: 1 } }
  eu: { probe: smtp, targets: [eu1] }
  rest: { probe: smtp, targets: { rest1: 5, rest2: 3, rest3: 2 } }
steering:
  inbound:
    - { when: { network: [11.9.0.0/16, 11.8.7.0/25, '2a01::/32'] }, pools: [lan] }
    - { when: { asn: 64500 }, pools: [asn] }
    - { when: { country: DE }, pools: [de] }
    - { when: { continent: EU, network: 12.0.0.0/8 }, pools: [eu] }
    - { pools: [rest] }
records:
  "@": { NS: [ns1], MX: { steer: inbound } }
  ns1: { A: 192.0.2.53 }
  relay: { address: { steer: inbound, answers: 2 } }
  stay: { address: { steer: inbound, answers: 1, sticky: true } }
  _submission._tcp: { SRV: { steer: inbound, port: 587 } }
  www: { CNAME: relay }
  old: { DNAME: deep }
  relay.deep: { CNAME: relay }
  child: { NS: ns.child }
  ns.child: { A: 192.0.2.54 }
  '*.many': { MX: { steer: inbound } }
  '*.alias': { CNAME: relay }
`
const networks = networksOf(
  { '11.0.0.0/8': 'DE', '12.0.0.0/9': 'FR', '13.0.0.0/8': 'US', '2a00::/12': 'DE' },
  { '11.7.0.0/16': 64_500, '13.0.0.0/12': 64_500 },
)
const domain = 'smtp.example.test'
const arranged: ArrangedWorld = await arrangeWorld({ zone, networks })
const { explain, answer } = arranged
/** For questions that are not about shares. */
const quick: ArrangedWorld = await arrangeWorld({ zone, networks, draws: 1 })

const sigmas = 5
const answers = 10_000

describe('shares', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    [domain, 'MX', '14.0.0.1'],
    [domain, 'MX', '11.1.0.1'],
    [`relay.${domain}`, 'A', '14.0.0.1'],
    [`relay.${domain}`, 'A', '11.1.0.1'],
    [`_submission._tcp.${domain}`, 'SRV', '14.0.0.1'],
  ]
  test.each(cases)('%s %s for %s: 10,000 answers agree', (name, type, client) => {
    const { steering } = explain(name, type, client)
    const firsts = new Map<string, number>()
    for (let i = 0; i < answers; i++)
      for (const [target, weight] of likelihoods(answer(name, type, client).answer))
        firsts.set(target, (firsts.get(target) ?? 0) + weight)
    const shares = steering?.shares.targets ?? []
    expect(shares.map(({ target }) => target).sort()).toEqual([...firsts.keys()].sort())
    for (const { target, expected } of shares) {
      const share = expected ?? NaN
      const drawn = (firsts.get(target) ?? 0) / answers
      // What is not exact was drawn as often itself.
      const runs = steering?.shares.expectedBy === 'exact' ? 1 : 2
      const deviation = Math.sqrt((runs * share * (1 - share)) / answers)
      expect(Math.abs(drawn - share)).toBeLessThanOrEqual(sigmas * deviation + 1e-9)
    }
  })

  test('a sticky answer: this client always, all clients in proportion', () => {
    const { steering } = explain(`stay.${domain}`, 'A', '14.0.0.1')
    const own = steering?.shares.targets.filter(({ drawn }) => drawn > 0) ?? []
    expect(own.map(({ drawn, included }) => [drawn, included])).toEqual([[1, 1]])
    const [text] = answer(`stay.${domain}`, 'A', '14.0.0.1').answer
    expect(addressOf(own[0]?.target ?? '')).toContain(text?.split(' ')[3])
    const all = Object.fromEntries(
      (steering?.shares.targets ?? []).map(({ target, expected }) => [
        target,
        expected?.toFixed(6),
      ]),
    )
    expect(all).toEqual({ rest1: '0.500000', rest2: '0.300000', rest3: '0.200000' })
  })
})

const addressOf = (name: string): readonly string[] =>
  arranged.targets
    .find(({ target }) => target.name === name)
    ?.target.addresses.map(({ text }) => text) ?? []

const targetAt = (address: string): string =>
  arranged.targets.find(({ target }) => target.addresses.some(({ text }) => text === address))
    ?.target.name ?? address

/** By records as text, knowing nothing of selection: `owner TTL type data`. */
function likelihoods(records: readonly string[]): readonly (readonly [string, number])[] {
  const data = records.map((record) => record.split(' ').slice(2))
  const nameOf = (exchange = ''): string => exchange.split('.')[0] ?? ''
  const [type] = data[0] ?? []
  if (type === 'A') return data.map(([, address = '']) => [targetAt(address), 1 / data.length])
  if (type === 'MX') {
    const first = data.toSorted((a, b) => Number(a[1]) - Number(b[1]))[0]
    return data.map((one) => [nameOf(one[2]), one === first ? 1 : 0])
  }
  const priority = Math.min(...data.map((one) => Number(one[1])))
  const tops = data.filter((one) => Number(one[1]) === priority)
  const whole = tops.reduce((sum, one) => sum + Number(one[2]), 0)
  return tops.map((one) => [nameOf(one[4]), Number(one[2]) / whole])
}

describe('rules and scopes', () => {
  const random = seeded(11)
  const octet = (): number => Math.floor(random() * 256)
  const pick = <Value>(values: readonly Value[]): Value =>
    values[Math.floor(random() * values.length)] as Value
  const clientAt = (): string =>
    random() < 0.2
      ? `2a0${pick(['0', '1'])}:${octet().toString(16)}::${octet().toString(16)}`
      : `${pick([11, 11, 12, 13, 14, 203])}.${pick([0, 7, 8, 9, octet()])}.${pick([7, 113, octet()])}.${octet()}`
  const ofRule = ['lan', 'asn', 'de', 'eu', 'rest']

  test('the rule named is the one that answers go by, over 2,000 random clients', () => {
    const seen = new Set<string>()
    for (let i = 0; i < 2000; i++) {
      const client = clientAt()
      const { steering, answer: answered } = explainQuickly(client, null)
      const matched = steering?.rules.find(({ verdict }) => verdict === 'matched')
      const { answer: records } = answer(domain, 'MX', client)
      const used = records[0]?.split(' ')[4]?.replace(/\d\..*/, '') ?? ''
      expect(steering?.internal).toBe(client.startsWith('203.0.113.') && isInternal(client))
      if (!steering?.internal)
        expect([client, ofRule[(matched?.number ?? 0) - 1]]).toEqual([client, used])
      expect(answered.records[0]).toContain(used)
      seen.add(used)
      for (const rule of steering?.rules ?? []) {
        if (rule.number < (matched?.number ?? 0)) expect(rule.failed.length).toBeGreaterThan(0)
        else expect(rule.failed).toEqual([])
      }
    }
    expect([...seen].sort()).toEqual([...ofRule].sort())
  })

  test('the scope explained is the one in the answer, over 1,000 random subnets', () => {
    for (let i = 0; i < 1000; i++) {
      const client = clientAt().includes(':')
        ? '2a01::/32'
        : `${pick([11, 12, 13, 14])}.${octet()}.${octet()}.0/24`
      const { scope } = explainQuickly('192.0.2.77', client)
      const { scope: answered } = answer(domain, 'MX', '192.0.2.77', client)
      expect(scope).toMatchObject({ prefixLength: answered, isTold: true })
    }
    expect(explainQuickly('192.0.2.77', '0.0.0.0/0').scope).toMatchObject({ why: 'anonymous' })
    expect(explain(`stay.${domain}`, 'A', '11.1.0.1').scope).toMatchObject({
      why: 'sticky',
      prefixLength: 24,
    })
    expect(explain(domain, 'NS').scope).toMatchObject({ why: 'not-steered', prefixLength: 0 })
  })

  const isInternal = (client: string): boolean => Number(client.split('.')[3]) >> 4 === 8
  /** The MX for this client. */
  function explainQuickly(client: string, ecs: string | null): ReturnType<typeof explain> {
    return ecs === null
      ? quick.explain(domain, 'MX', client)
      : quick.explain(domain, 'MX', client, ecs)
  }

  test('a subnet with an MTA of ours in it gets the fixed ladder, as an answer does', () => {
    const { steering, answer: answered } = explainQuickly('14.0.0.1', '203.0.113.0/24')
    expect(steering?.internal).toBe(true)
    const { answer: records } = answer(domain, 'MX', '14.0.0.1', '203.0.113.0/24')
    expect(
      answered.records.map((one) => one.split(' ').slice(3).join(' ').replace(/\.$/, '')),
    ).toEqual(records.map((one) => one.split(' ').slice(3).join(' ')))
  })

  test('why earlier rules did not match, and the location of the client', () => {
    const { client, steering } = explain(domain, 'MX', '12.1.0.1')
    expect(client).toMatchObject({
      continent: 'EU',
      country: 'FR',
      asn: null,
      countryPrefix: '12.0.0.0/9',
      decidedBy: 'address',
    })
    expect(steering?.rules.map(({ verdict, failed }) => [verdict, failed])).toEqual([
      [
        'failed',
        [
          {
            condition: 'network',
            wanted: '11.9.0.0/16 or 11.8.7.0/25 or 2a01::/32',
            client: '12.1.0.1',
          },
        ],
      ],
      ['failed', [{ condition: 'asn', wanted: '64500', client: null }]],
      ['failed', [{ condition: 'country', wanted: 'DE', client: 'FR' }]],
      ['matched', []],
      ['not-asked', []],
    ])
  })
})

describe('the lookup path', () => {
  const stepsOf = (name: string, type: string): string[] =>
    quick
      .explain(name, type)
      .steps.map(({ name: at, found, wildcard, detail }) =>
        [at.replace(`.${domain}.`, ''), found, wildcard, detail].filter(Boolean).join(' '),
      )
  test.each([
    [`www.${domain}`, 'A', [`www alias relay.${domain}.`, 'relay steered']],
    [
      `relay.old.${domain}`,
      'A',
      [
        `relay.old dname old.${domain}. → deep.${domain}.`,
        `relay.deep alias relay.${domain}.`,
        'relay steered',
      ],
    ],
    [`a.b.many.${domain}`, 'MX', [`a.b.many steered *.many.${domain}.`]],
    [
      `x.alias.${domain}`,
      'A',
      [`x.alias alias *.alias.${domain}. relay.${domain}.`, 'relay steered'],
    ],
    [`x.many.${domain}`, 'TXT', [`x.many nodata *.many.${domain}.`]],
    [`de1.${domain}`, 'A', ['de1 target']],
    [`ns1.${domain}`, 'A', ['ns1 plain']],
    [`www.child.${domain}`, 'A', [`www.child delegation child.${domain}.`]],
    [`nothing.${domain}`, 'A', ['nothing nxdomain']],
    ['example.org', 'A', ['example.org. refused']],
  ])('%s %s', (name, type, steps) => {
    expect(stepsOf(name, type)).toEqual(steps)
    const rcodes = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED']
    expect(explain(name, type).answer.rcode).toBe(rcodes[answer(name, type).rcode])
  })
})

describe('health', () => {
  test('members that are out and why, and what limits the TTL', async () => {
    const { explain: ask, answer: reply, health, targets } = await arrangeWorld({ zone })
    const memberOf = (name: string): Member | undefined =>
      targets.find(({ target }) => target.name === name)?.pools[0]?.member
    const [slot1, slot2] = ['rest1', 'rest2'].map((name) => memberOf(name)?.slots[0] ?? 0)
    health.set(slot1 ?? 0, SlotState.down, 1, Infinity)
    health.set(slot2 ?? 0, SlotState.suspect, 1, 17)
    health.setRow(memberOf('rest3')?.row ?? 0, Standing.drained, 1, 3600)
    const { steering, ttl } = ask(domain)
    expect(
      steering?.pools[0]?.members.map(({ target, standing, why }) => [target, standing, why]),
    ).toEqual([
      ['rest1', 'out', 'down'],
      ['rest2', 'suspect', null],
      ['rest3', 'out', 'drained'],
    ])
    expect(ttl).toEqual({
      seconds: 17,
      most: 60,
      least: 5,
      limit: 'hold',
      by: { target: 'rest2', what: '192.0.2.8 is suspect', inSeconds: 17 },
    })
    expect(reply(domain).answer[0]).toContain(` ${ttl?.seconds} MX`)
    health.set(slot2 ?? 0, SlotState.down, 1, 2)
    const none = ask(domain)
    expect(none.steering?.allDown).toBe('all')
    expect(none.steering?.shares.reasons).toEqual({ 'failed-open': 10_000 })
    expect(none.ttl).toMatchObject({ seconds: 5, limit: 'min-ttl', by: { target: 'rest2' } })
  })
})
