import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readZone } from '../../../src/zonefile/load-zones.ts'
import type { RRset, Zone } from '../../../src/zone/zone.ts'
import type { SteeredSet } from '../../../src/steer/policy.ts'
import { keyOfName, nameToText, parseName } from '../../../src/wire/name.ts'
import { RRType } from '../../../src/wire/rrtype.ts'
import { type CompiledZone, compileZone } from '../../../src/zone/compile/compile.ts'
import { runs } from '../../support/runs.ts'

const text = `
zone: Example.Test.
ttl: 60
soa: { mname: ns1, rname: host.example., serial: 9, minimum: 30 }
targets:
  mx1: { addresses: [192.0.2.1, '2001:DB8:0::1'], region: eu }
  mx2: { addresses: [192.0.2.2] }
  old: { addresses: ['2001:db8::3'], weight: 4 }
probes: { p: { port: 25 } }
pools:
  eu: { probe: p, targets: { mx2: 1, mx1: 3 } }
  v6: { targets: [old] }
steering:
  main:
    - { when: { network: 192.0.2.0/24, country: de }, pools: [v6, eu] }
    - { pools: [eu] }
  four: [{ pools: [eu] }]
  six: [{ pools: [v6] }]
internal: [10.0.0.0/8]
records:
  '@': { NS: ns1, MX: { steer: main } }
  ns1: { A: 192.0.2.53 }
  relay: { address: { steer: main } }
  six: { address: { steer: six, answers: all } }
  four: { MX: { steer: four, mode: equal, ladder: 2, ttl: 90 } }
  a.b.c: { TXT: deep }
  child: { NS: ns.child }
  ns.child: { A: 192.0.2.54 }
`

function compile(source: string): CompiledZone {
  const read = readZone('f.yaml', new TextEncoder().encode(source))
  if (!read.source) throw new Error(JSON.stringify(read.diagnostics))
  const indices = new Map<string, number>()
  const numbered = (key: string): number => {
    if (!indices.has(key)) indices.set(key, indices.size + 1)
    return indices.get(key) as number
  }
  return compileZone({
    source: read.source,
    serial: read.source.soa.serial ?? 1,
    takeSlot: (address, target, probe) => numbered(`${address.text} ${target} ${probe}`),
    takeRow: (pool, target) => numbered(`row ${pool} ${target}`),
    takeTargetIndex: (target) => numbered(`target ${target}`),
  })
}

function zoneOf(source: string): Zone {
  const { zone, problems } = compile(source)
  if (!zone) throw new Error(JSON.stringify(problems))
  return zone
}

function setAt(zone: Zone, owner: string, type: number): RRset | SteeredSet | undefined {
  const parsed = parseName(owner, zone.apex)
  return parsed.kind === 'name' ? zone.nodes.get(keyOfName(parsed.name))?.sets.get(type) : undefined
}

const zone = zoneOf(text)

describe('nodes', () => {
  it('hold every name, with the empty ones in between', () => {
    const names = [...zone.nodes.values()]
      .map(({ owner }) => nameToText(owner).toLowerCase())
      .sort()
    expect(names).toEqual(
      [
        'example.test.',
        ...[
          'a.b.c',
          'b.c',
          'c',
          'child',
          'four',
          'mx1',
          'mx2',
          'ns.child',
          'ns1',
          'old',
          'relay',
          'six',
        ].map((label) => `${label}.example.test.`),
      ].sort(),
    )
    expect(zone.nodes.get('\u0001b\u0001c\u0007example\u0004test\u0000')?.sets.size).toBe(0)
  })

  it('know delegations, the apex being none', () => {
    const delegations = [...zone.nodes.values()].filter((node) => node.isDelegation)
    expect(delegations.map(({ owner }) => nameToText(owner))).toEqual(['child.Example.Test.'])
  })

  it('keep the case of the file and are found without it', () => {
    expect(nameToText(zone.apex)).toBe('Example.Test.')
    expect(zone.apexKey).toBe('\u0007example\u0004test\u0000')
    expect(zone.labelCount).toBe(2)
  })
})

describe('the SOA', () => {
  it('is answered with its own TTL, and in negative answers with the minimum', () => {
    const soa = setAt(zone, '@', RRType.SOA) as RRset
    expect([soa.ttl, zone.negativeSoa.ttl, zone.serial]).toEqual([60, 30, 9])
    const octets = Buffer.from(soa.rdata[0]?.octets ?? [])
    // Written out by hand: ns1.Example.Test. host.example. 9 3600 600 604800 30
    expect(
      octets
        .toString('latin1')
        .startsWith('\u0003ns1\u0007Example\u0004Test\u0000\u0004host\u0007example\u0000'),
    ).toBe(true)
    expect([0, 4, 8, 12, 16].map((at) => octets.readUInt32BE(octets.length - 20 + at))).toEqual([
      9, 3600, 600, 604_800, 30,
    ])
    expect(soa.rdata[0]?.compressible).toEqual([0, 18])
  })
})

describe('targets', () => {
  it('own their addresses by family, with every pool that they are in', () => {
    const a = setAt(zone, 'mx1', RRType.A)
    const aaaa = setAt(zone, 'mx1', RRType.AAAA)
    expect(a).toMatchObject({
      kind: 'target-address',
      type: 1,
      ttl: 60,
      minTtl: 5,
      target: { name: 'mx1', region: 'eu' },
    })
    expect(aaaa).toMatchObject({ kind: 'target-address', type: 28 })
    if (a?.kind !== 'target-address') return
    expect(a.memberships).toHaveLength(1)
    expect(a.memberships[0]?.weight).toBe(3)
    expect(a.target.addresses.map(({ family, text }) => [family, text])).toEqual([
      [4, '192.0.2.1'],
      [6, '2001:db8::1'],
    ])
    expect([...(a.target.addresses[0]?.rdata.octets ?? [])]).toEqual([192, 0, 2, 1])
    expect(setAt(zone, 'mx2', RRType.AAAA)).toBeUndefined()
    expect(setAt(zone, 'old', RRType.A)).toBeUndefined()
  })

  it('take slots where a probe watches, slot 0 where none does', () => {
    const watched = setAt(zone, 'mx1', RRType.A)
    const unwatched = setAt(zone, 'old', RRType.AAAA)
    if (watched?.kind !== 'target-address' || unwatched?.kind !== 'target-address')
      throw new Error('no addresses')
    expect(watched.memberships[0]?.slots.every((slot) => slot > 0)).toBe(true)
    expect(new Set(watched.memberships[0]?.slots).size).toBe(2)
    expect(unwatched.memberships[0]).toMatchObject({ slots: [0], weight: 4 })
  })
})

describe('steered sets', () => {
  it('carry their policy, bounds and networks', () => {
    const mx = setAt(zone, '@', RRType.MX)
    expect(mx).toMatchObject({ kind: 'steered-mx', mode: 'ladder', ladder: 4, ttl: 60, minTtl: 5 })
    if (mx?.kind !== 'steered-mx') return
    expect(mx.internal).toEqual([{ octets: Uint8Array.of(10, 0, 0, 0), prefixLength: 8 }])
    const [first, last] = mx.policy.rules
    expect(first?.when).toEqual({
      continents: null,
      countries: ['DE'],
      asns: null,
      networks: [{ octets: Uint8Array.of(192, 0, 2, 0), prefixLength: 24 }],
    })
    expect(first?.pools.map(({ name }) => name)).toEqual(['v6', 'eu'])
    expect(last?.when).toBeNull()
    expect(last?.pools[0]?.members.map(({ target, weight }) => [target.name, weight])).toEqual([
      ['mx1', 3],
      ['mx2', 1],
    ])
    expect(setAt(zone, 'four', RRType.MX)).toMatchObject({ mode: 'equal', ladder: 2, ttl: 90 })
  })

  it('exist for the families that their targets have', () => {
    expect(setAt(zone, 'relay', RRType.A)).toMatchObject({ kind: 'steered-address', answers: 2 })
    expect(setAt(zone, 'relay', RRType.AAAA)).toMatchObject({ kind: 'steered-address', answers: 2 })
    expect(setAt(zone, 'six', RRType.A)).toBeUndefined()
    expect(setAt(zone, 'six', RRType.AAAA)).toMatchObject({ answers: Infinity })
  })
})

it('crosses to a worker by structured clone, unchanged', () => {
  expect(structuredClone(zone)).toEqual(zone)
})

it('is the same whatever the order of sections, targets, pools, members and records', () => {
  const shuffled = (lines: readonly string[], random: readonly number[]): string[] =>
    lines
      .map((line, i) => [random[i % random.length] ?? 0, line] as const)
      .sort(([a], [b]) => a - b)
      .map(([, line]) => line)
  const blocks = text.trim().split(/\n(?=\S)/)
  const isUnordered = (block: string): boolean => /^(targets|pools|records):\n/.test(block)
  fc.assert(
    fc.property(
      fc.array(fc.double({ noNaN: true }), { minLength: 12, maxLength: 12 }),
      (random) => {
        const inner = blocks.map((block) => {
          if (!isUnordered(block)) return block
          const [head = '', ...rest] = block.split('\n')
          return [head, ...shuffled(rest, random)].join('\n')
        })
        const members = inner.map((block) =>
          (random[0] ?? 0) > 0 ? block.replace('{ mx2: 1, mx1: 3 }', '{ mx1: 3, mx2: 1 }') : block,
        )
        expect(zoneOf(shuffled(members, random).join('\n'))).toEqual(zone)
      },
    ),
    { numRuns: runs(60) },
  )
})

it('refuses a record set that no message can carry', () => {
  const big = Array.from(
    { length: 240 },
    (_, i) => `    - '"${String(i).padStart(250, 'x')}"'`,
  ).join('\n')
  const { zone: refused, problems } = compile(`${text}  big:\n    TXT:\n${big}\n`)
  expect(refused).toBeNull()
  expect(problems.map(({ code, path }) => [code, path])).toEqual([
    ['rrset-too-large', ['records', 'big', 'TXT']],
  ])
})

it('gives negative answers the TTL of the zone where no minimum is said', () => {
  expect(zoneOf(text.replace(', minimum: 30', '')).negativeSoa.ttl).toBe(60)
})

it('lets min_ttl be as low as the zone needs: its default yields to a lower ttl', () => {
  const low = setAt(zoneOf(text.replace('ttl: 60', 'ttl: 2')), 'mx1', RRType.A)
  expect(low).toMatchObject({ ttl: 2, minTtl: 2 })
})

describe('risk groups, limits and TLSA', () => {
  const grouped = `
zone: smtp.test
soa: { mname: ns1, rname: hostmaster }
targets:
  a: { addresses: [192.0.2.1, 192.0.2.11, '2001:db8::1'], region: eu, rack: r1, tlsa: [3 1 1 ${'aa'.repeat(32)}, 3 1 1 ${'bb'.repeat(32)}] }
  b: { addresses: [192.0.2.2, 192.0.2.12, 192.0.2.22], region: us, rack: r1 }
  c: { addresses: [192.0.2.3, 192.0.2.13, 192.0.2.23], region: eu, rack: r1, answers: all }
  d: { addresses: [192.0.2.4, 192.0.2.14, 192.0.2.24, '2001:db8::4'] }
  e: { addresses: [192.0.2.5, 192.0.2.15], region: eu, rack: r2 }
pools:
  three: { targets: [a, b, c] }
  one: { targets: [d] }
  same: { targets: [a, c] }
  racks: { targets: [a, e] }
  plain: { targets: [a, e], spread: false }
steering:
  three: [{ pools: [three, same, racks, plain] }]
  one: [{ pools: [one] }]
records:
  '@': { NS: ns1, MX: { steer: three } }
  single: { MX: { steer: one } }
  _submission._tcp: { SRV: { steer: three, port: 587 } }
  ns1: { A: 192.0.2.53 }
`
  const compiled = zoneOf(grouped)
  const mx = setAt(compiled, '@', RRType.MX)
  const pools = mx?.kind === 'steered-mx' ? (mx.policy.rules[0]?.pools ?? []) : []
  const targetOf = (name: string) =>
    pools.flatMap((pool) => pool.members).find(({ target }) => target.name === name)?.target

  it('a rack belongs to its region, and who names none is a group alone', () => {
    const [a, b, c, e] = ['a', 'b', 'c', 'e'].map(targetOf)
    expect(a?.regionGroup).toBe(c?.regionGroup)
    expect(a?.rackGroup).toBe(c?.rackGroup)
    expect(b?.rackGroup).not.toBe(a?.rackGroup)
    expect(e?.rackGroup).not.toBe(a?.rackGroup)
    const groups = [a, b, c, e].flatMap((one) => [one?.regionGroup, one?.rackGroup])
    expect(new Set(groups).size).toBe(5)
  })

  it('a pool is spread where its members differ, and where that is wanted', () => {
    expect(pools.map(({ name, isSpread }) => [name, isSpread])).toEqual([
      ['three', true],
      ['same', false],
      ['racks', true],
      ['plain', false],
    ])
  })

  it('an exchange beside others answers two addresses, alone on its ladder all of them', () => {
    const answersOf = (owner: string, type: number): number | undefined => {
      const set = setAt(compiled, owner, type)
      return set?.kind === 'target-address' ? set.answers : undefined
    }
    expect([answersOf('a', RRType.A), answersOf('a', RRType.AAAA)]).toEqual([1, 1])
    expect(answersOf('b', RRType.A)).toBe(2)
    expect(answersOf('c', RRType.A)).toBe(Infinity)
    expect([answersOf('d', RRType.A), answersOf('d', RRType.AAAA)]).toEqual([Infinity, Infinity])
  })

  it('TLSA stands at the SMTP port and at those of services', () => {
    for (const owner of ['_25._tcp.a', '_587._tcp.a']) {
      const set = setAt(compiled, owner, RRType.TLSA)
      expect(set?.kind === 'plain' ? set.rdata.length : 0).toBe(2)
    }
    expect(setAt(compiled, '_25._tcp.b', RRType.TLSA)).toBeUndefined()
  })
})
