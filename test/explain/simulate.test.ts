// A simulation agrees with a server in the same state: its answers are counted and compared.

import { describe, expect, test } from 'vitest'
import { parseClients } from '../../src/cli/simulate.ts'
import { drawClients, type Simulation, simulate } from '../../src/explain/simulate.ts'
import { formatAddress } from '../../src/lib/ip.ts'
import { seededRandom } from '../../src/lib/random.ts'
import { networksOf } from '../geo/arrange.ts'
import { type ArrangedWorld, arrangeWorld, questionOf } from './arrange.ts'

const zone = `
zone: smtp.example.test
soa: { mname: ns1, rname: hostmaster.example.test. }
targets:
  mx1: { addresses: [192.0.2.1], region: eu }
  mx2: { addresses: [192.0.2.2], region: eu }
  mx3: { addresses: [192.0.2.3], region: us, warmup: { from: 2026-12-01, days: 10, curve: linear, start: 0.1 } }
  mx4: { addresses: [192.0.2.4], region: us }
probes: { smtp: { port: 25 } }
pools:
  eu: { probe: smtp, targets: { mx1: 3, mx2: 1 }, min_healthy: 1, spill: proportional }
  us: { probe: smtp, targets: { mx3: 10, mx4: 1 } }
steering:
  inbound:
    - { when: { continent: EU }, pools: [eu, us] }
    - { pools: [us, eu] }
records:
  "@": { NS: [ns1], MX: { steer: inbound } }
  ns1: { A: 192.0.2.53 }
  relay: { address: { steer: inbound, answers: 1 } }
`
const networks = networksOf({ '11.0.0.0/8': 'DE', '12.0.0.0/8': 'US' })
const domain = 'smtp.example.test'
const sigmas = 5

function run(world: ArrangedWorld, seed: number, name = domain, type = 'MX'): Simulation {
  const random = seededRandom(seed)
  const clients = drawClients(2000, networks.country, random)
  const question = questionOf(name, type)
  const input = {
    world: world.world,
    question,
    clients,
    rounds: 5,
    by: 'continent',
    random,
  } as const
  const simulated = simulate(input)
  if (simulated.kind !== 'simulated') throw new Error(simulated.kind)
  return simulated.simulation
}

const near = (a: number, b: number, answers: number): boolean =>
  Math.abs(a - b) <= sigmas * Math.sqrt((b * (1 - b)) / answers) + 1e-9

const assumptions = {
  down: ['mx2'],
  actions: [{ target: 'mx4', action: { kind: 'weight', weight: { unit: 'absolute', value: 3 } } }],
} as const

const drainOf = (target: string) => ({ target, action: { kind: 'drain' } }) as const

describe('the state assumed', () => {
  test('shares by hand: targets down, day of a warm-up, weights', async () => {
    const world = await arrangeWorld({ zone, networks, assumptions })
    const { all, groups, expectedBy } = run(world, 1)
    expect(expectedBy).toBe('exact')
    // On its third day mx3 has 0.1 + 0.9 × 2/10 of 10, against 3 of mx4.
    const mx3 = 2.8 / 5.8
    // mx2 is down, so a quarter of EU is handed over.
    const shares = {
      EU: { mx1: 0.75, mx3: mx3 / 4, mx4: (1 - mx3) / 4 },
      NA: { mx3, mx4: 1 - mx3 },
    }
    for (const { group, targets, answers } of groups) {
      const wanted: Readonly<Record<string, number>> = shares[group as 'EU' | 'NA']
      for (const { target, expected, drawn } of targets) {
        expect(expected, `${group} ${target}`).toBeCloseTo(wanted[target] ?? 0, 6)
        expect(near(drawn, wanted[target] ?? 0, answers), `${group} ${target}`).toBe(true)
      }
    }
    expect(groups.map(({ group }) => group).toSorted()).toEqual(['EU', 'NA'])
    expect(all.answers).toBe(10_000)
    expect(all.targets.reduce((sum, { drawn }) => sum + drawn, 0)).toBeCloseTo(1, 9)
  })

  test.each([
    ['a region that is down', { down: ['region:us'] }, ['mx1', 'mx2']],
    ['a pool that is down', { down: ['POOL:eu'] }, ['mx3', 'mx4']],
    ['a region that is drained', { actions: [drainOf('region:eu')] }, ['mx3', 'mx4']],
    ['a pool that is drained', { actions: [drainOf('pool:us')] }, ['mx1', 'mx2']],
  ])('%s leaves the other one', async (_, assumed, left) => {
    const { all } = run(await arrangeWorld({ zone, networks, assumptions: assumed }), 1)
    const chosen = all.targets.filter(({ expected }) => (expected ?? 0) > 0)
    expect(chosen.map(({ target }) => target).toSorted()).toEqual(left)
    expect(Object.keys(all.reasons).toSorted()).toEqual(['eligible', 'spilled'])
  })

  test('unknown targets, and those that nothing watches, are refused', async () => {
    await expect(arrangeWorld({ zone, networks, assumptions: { down: ['mx9'] } })).rejects.toThrow(
      'unknown target "mx9"',
    )
    const away = { down: ['region:ap'] }
    await expect(arrangeWorld({ zone, networks, assumptions: away })).rejects.toThrow('region:ap')
    const unwatched = zone.replaceAll('probe: smtp, ', '')
    await expect(
      arrangeWorld({ zone: unwatched, networks, assumptions: { down: ['mx1'] } }),
    ).rejects.toThrow('nothing can see that it is down')
  })
})

test('as the server answers: 10,000 answers to the same clients in the same state', async () => {
  const world = await arrangeWorld({ zone, networks, assumptions })
  const { all } = run(world, 2)
  const clients = drawClients(10_000, networks.country, seededRandom(3))
  const firsts = new Map<string, number>()
  for (const { octets } of clients) {
    const { answer } = world.answer(domain, 'MX', formatAddress(octets))
    const exchange = answer[0]?.split(' ')[4]?.split('.')[0] ?? ''
    firsts.set(exchange, (firsts.get(exchange) ?? 0) + 1)
  }
  expect([...firsts.keys()].toSorted()).toEqual(
    all.targets
      .filter(({ drawn }) => drawn > 0)
      .map(({ target }) => target)
      .toSorted(),
  )
  for (const { target, drawn } of all.targets) {
    // Both sides are drawn, each 10,000 times.
    const answered = (firsts.get(target) ?? 0) / clients.length
    expect(near(answered, drawn, clients.length / 2), `${target} ${answered} ${drawn}`).toBe(true)
  }
})

test('the same seed gives the same simulation, another seed another', async () => {
  const world = await arrangeWorld({ zone, networks })
  expect(run(world, 5)).toEqual(run(world, 5))
  expect(run(world, 5)).not.toEqual(run(world, 6))
})

describe('clients', () => {
  test('a file: addresses, networks, remarks; every mistake with its line, all at once', () => {
    const good = parseClients('c', '11.0.0.1 # one\n\n# none\n2001:db8::/32\r\n')
    expect(good.kind === 'clients' && good.clients.map(({ prefixLength }) => prefixLength)).toEqual(
      [32, 32],
    )
    expect(parseClients('c', '11.0.0.1\nfoo\n\n10.1.2.3/8\n')).toEqual({
      kind: 'bad',
      why: [
        'c:2: "foo" is no network such as 192.0.2.0/24',
        'c:4: "10.1.2.3/8" has host bits set, expected the network 10.0.0.0/8',
      ],
    })
    expect(parseClients('c', '# nobody\n')).toMatchObject({ kind: 'bad' })
    const many = parseClients('c', 'x\n'.repeat(100))
    expect(many.kind === 'bad' && many.why.length).toBe(21)
  })

  test('at random: addresses that the database locates', () => {
    const drawn = drawClients(500, networks.country, seededRandom(1))
    const heads = new Set(drawn.map(({ octets }) => octets[0]))
    expect(heads).toEqual(new Set([11, 12]))
    expect(drawClients(1, null, seededRandom(1))).toHaveLength(1)
  })
})
