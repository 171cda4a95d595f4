// The words and the drawing of Ask, over explanations of the code that answers.

import { h } from 'preact'
import { renderToString } from 'preact-render-to-string'
import { beforeAll, describe, expect, test } from 'vitest'

import type { Explanation } from '../../../src/explain/explain.ts'
import { networksOf } from '../../geo/arrange.ts'
import { type ArrangedWorld, arrangeWorld } from '../../explain/arrange.ts'

// A page is where these modules look for their address.
globalThis.location ??= { hash: '' } as Location

const { Flow } = await import('../../../console/views/ask/flow.tsx')
const { Findings } = await import('../../../console/views/ask/findings.tsx')
const { comparedRows, comparedShares, Comparison } =
  await import('../../../console/views/ask/comparison.tsx')
const words = await import('../../../console/views/ask/words.ts')

const zone = `
zone: smtp.example.test
ttl: 60
soa: { mname: ns1, rname: hostmaster.example.test. }
internal: 203.0.113.128/28
targets:
  a: { addresses: [192.0.2.1] }
  b: { addresses: [192.0.2.2] }
  c: { addresses: [192.0.2.3] }
probes: { smtp: { port: 25 } }
pools:
  eu: { probe: smtp, targets: { a: 3, b: 1 } }
  us: { probe: smtp, targets: { b: 1, c: 1 } }
steering:
  inbound:
    - { when: { country: DE }, pools: [eu, us] }
    - { when: { network: 198.51.100.0/24 }, pools: [us] }
    - { pools: [us, eu] }
records:
  "@": { NS: [ns1], MX: { steer: inbound } }
  ns1: { A: 192.0.2.53 }
  relay: { address: { steer: inbound, answers: 1 } }
  www: { CNAME: relay }
`
const domain = 'smtp.example.test'
let world: ArrangedWorld
beforeAll(async () => {
  world = await arrangeWorld({ zone, networks: networksOf({ '11.0.0.0/8': 'DE' }, {}), draws: 200 })
})

const drawn = (explanation: Explanation): string =>
  renderToString(h(Flow, { explanation, hueOf: () => 'var(--h1)', atMs: 0 })) +
  renderToString(h(Findings, { explanation }))

describe('shares of members', () => {
  test('sum up to what their pool leads, also where a target is in two pools', () => {
    const { steering } = world.explain(domain, 'MX', '11.0.0.1')
    if (steering === null) throw new Error('not steered')
    const shares = words.memberShares(steering)
    for (const [i, { lead }] of steering.pools.entries())
      expect((shares[i] ?? []).reduce((sum, one) => sum + one, 0)).toBeCloseTo(lead, 6)
    // b is in both, and first by the pool that leads alone.
    expect(shares[0]?.[1]).toBeCloseTo(0.25)
    expect(shares[1]?.[0]).toBe(0)
  })
})

describe('the flow', () => {
  test('says which rule matches and why the others do not', () => {
    const text = drawn(world.explain(domain, 'MX', '14.0.0.1'))
    expect(text).toContain('no: its country is not known')
    expect(text).toContain('no: 14.0.0.1 is not in it')
    expect(text).toContain('3 · everyone else')
    expect(text).toContain('matches: us, then eu')
    expect(text).toContain('leads 100')
    expect(text).toContain('data-wire="answer"')
  })

  test('of an internal client is one ladder, of a plain name no flow, of a target its addresses', () => {
    expect(drawn(world.explain(domain, 'MX', '203.0.113.130'))).toContain('always first')
    const plain = drawn(world.explain(`ns1.${domain}`, 'A', '14.0.0.1'))
    expect(plain).toContain('Not steered')
    expect(plain).toContain('As the records say')
    const own = drawn(world.explain(`a.${domain}`, 'A', '14.0.0.1'))
    expect(own).toContain('a target’s own name')
    expect(own).toContain('192.0.2.1')
  })

  test('follows aliases, and says what is not there', () => {
    const alias = drawn(world.explain(`www.${domain}`, 'A', '14.0.0.1'))
    expect(alias).toContain('an alias in smtp.example.test (relay.smtp.example.test)')
    expect(alias).toContain('relay.smtp.example.test')
    expect(drawn(world.explain(`nope.${domain}`, 'A', '14.0.0.1'))).toContain('no such name')
  })
})

describe('two clients', () => {
  test('differ in what decides, and their shares stand side by side', () => {
    const [first, second] = [
      world.explain(domain, 'MX', '11.0.0.1'),
      world.explain(domain, 'MX', '14.0.0.1'),
    ]
    const rows = comparedRows(first, second)
    expect(rows.find(({ label }) => label === 'rule')).toEqual({
      label: 'rule',
      a: '1: Germany',
      b: '3: everyone else',
    })
    const [largest] = comparedShares(first, second)
    expect(largest?.target).toBe('a')
    expect(largest?.a).toBeCloseTo(0.75)
    expect(largest?.b).toBe(0)
    expect(renderToString(h(Comparison, { first, second }))).toContain('differ')
    expect(renderToString(h(Comparison, { first, second: first }))).toContain('decided alike')
  })
})

describe('words', () => {
  const member: Parameters<typeof words.memberText>[0] = {
    target: 'mx1',
    region: null,
    rack: null,
    standing: 'up',
    why: null,
    overruled: null,
    weight: 0.07,
    configured: 2,
    warmUp: 1,
    override: 0.5,
    feedback: 1,
    reputation: 1,
    factor: 0.07,
    addresses: [],
    overrides: [],
  }
  const address = {
    address: '192.0.2.1',
    state: 'down',
    factor: 0,
    holdSeconds: null,
    since: null,
  } as const
  const cases: readonly [Partial<typeof member>, string][] = [
    [{}, '0.07 = 2 × 0.5 override × 0.07 slow start, shedding'],
    [{ override: 1, factor: 1, weight: 2 }, 'weight 2'],
    [{ overruled: 'panic', override: 1, factor: 1, weight: 2 }, 'weight 2, taken as up: panic'],
    [{ standing: 'out', why: 'drained' }, 'out: drained'],
    [
      { standing: 'out', why: 'down', addresses: [{ ...address, reason: 'connect-refused' }] },
      'out: down, connection refused',
    ],
    [
      { standing: 'out', why: 'down', addresses: [{ ...address, reason: 'bad\u202e\u0007' }] },
      'out: down, bad\\u{202e}\\u{7}',
    ],
  ]
  test.each(cases)('of a member %#', (part, text) => {
    const spaced = words.memberText({ ...member, ...part })
    expect(spaced.replaceAll(/\s/g, ' ')).toBe(text)
  })

  test('of an override, what an operator wrote is text', () => {
    const note = { id: '1', kind: 'drain', until: null, why: 'a\u001b[31m', by: 'anna' }
    expect(words.overrideText(note, 0)).toBe('drain by anna: “a\\u{1b}[31m”')
  })

  test.each([
    [{ name: 'example.com.', type: '', client: '', ecs: '' }, 'mxsteer explain example.com MX'],
    [
      { name: "a'b.example", type: 'A', client: '2001:db8::1', ecs: '2001:db8::/56' },
      "mxsteer explain 'a'\\''b.example' A --client 2001:db8::1 --ecs 2001:db8::/56",
    ],
  ])('the command %#', (question, command) => {
    expect(words.explainCommand(question)).toBe(command)
  })
})
