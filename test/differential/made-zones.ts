// Zones that are made, not written: one of record sets too large for a packet, and random ones over few labels, in
// which wildcards, aliases, cuts and empty non-terminals meet in unexpected ways.

import { parseZone } from './zone-text.ts'
import type { ZoneText } from './zone-text.ts'

const times = (count: number, line: (i: number) => string): string[] =>
  Array.from({ length: count }, (_, i) => line(i))

export function largeZone(): ZoneText {
  const hex = (octets: number): string => 'ab'.repeat(octets)
  const lines = [
    ...times(13, (i) => `@ NS ns${i}`),
    ...times(13, (i) => `ns${i} A 192.0.2.${i + 1}`),
    ...times(13, (i) => `ns${i} AAAA 2001:db8::${i + 1}`),
    ...times(20, (i) => `txt TXT "${String(i).padStart(3, '0')}${'x'.repeat(197)}"`),
    ...times(5, (i) => `txt5 TXT "${String(i).padStart(3, '0')}${'x'.repeat(197)}"`),
    ...times(30, (i) => `mx MX ${10 * i} exchange-number-${i}.mx`),
    ...times(30, (i) => `exchange-number-${i}.mx A 198.51.100.${i + 1}`),
    ...times(6, (i) => `mx6 MX ${10 * i} exchange-number-${i}.mx`),
    ...times(32, (i) => `a A 203.0.113.${i + 1}`),
    ...times(32, (i) => `aaaa AAAA 2001:db8:1::${i + 1}`),
    ...times(20, (i) => `_smtp._tcp SRV 0 ${i} 25 exchange-number-${i}.mx`),
    ...times(13, (i) => `in NS ns${i}.in`),
    ...times(13, (i) => `ns${i}.in A 198.51.100.${i + 101}`),
    ...times(13, (i) => `ns${i}.in AAAA 2001:db8:2::${i + 1}`),
    ...times(5, (i) => `five NS ns${i}.five`),
    ...times(5, (i) => `ns${i}.five A 198.51.100.${i + 201}`),
    ...times(5, (i) => `ns${i}.five AAAA 2001:db8:5::${i + 1}`),
    ...times(13, (i) => `sibling NS ns${i}.in`),
    ...times(30, (i) => `out NS ns${i}.outside-of-every-zone-here.example.`),
    ...times(10, (i) => `both.in NS ns${i}.in`),
    ...times(16, (i) => `*.wild TXT "${i}${'y'.repeat(150)}"`),
    'alias CNAME txt',
    'alias2 CNAME alias',
    'aliaswild CNAME x.wild',
    'aliascut CNAME x.in',
    `one TXT ${times(6, () => `"${'z'.repeat(250)}"`).join(' ')}`,
    `exact512 TYPE65400 \\# ${512 - 49} ${hex(512 - 49)}`,
    `above512 TYPE65400 \\# ${513 - 49} ${hex(513 - 49)}`,
    `exact1232 TYPE65400 \\# ${1232 - 61} ${hex(1232 - 61)}`,
    `above1232 TYPE65400 \\# ${1233 - 61} ${hex(1233 - 61)}`,
    `huge TYPE65400 \\# 40000 ${hex(40_000)}`,
    ...times(60, (i) => `many TXT "${i}${'w'.repeat(240)}"`),
  ]
  return parseZone('large.test.', lines.join('\n'))
}

/** mulberry32: the same zones every time for one seed. */
function createRandom(seed: number): (limit: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const letters = ['a', 'b', 'c', '*']

/** Names of one to four of four labels, with one or two kinds of data each. */
export function randomZone(seed: number): ZoneText {
  const below = createRandom(seed)
  const pick = <Item>(items: readonly Item[]): Item => items[below(items.length)] as Item
  const anyName = (): string => times(1 + below(4), () => pick(letters)).join('.')
  const target = (): string =>
    below(5) === 0 ? 'www.sibling.test.' : below(12) === 0 ? '@' : anyName()
  const records = new Map<string, string[]>()
  const dnames: string[] = []
  const isBelowDname = (name: string): boolean => dnames.some((dname) => name.endsWith(`.${dname}`))
  for (let i = 0; i < 26; i++) {
    const name = anyName()
    if (records.has(name) || isBelowDname(name)) continue
    const kind = below(10)
    const isPlain = !name.startsWith('*')
    const hasBelow = [...records.keys()].some((other) => other.endsWith(`.${name}`))
    if (kind < 3) records.set(name, [`CNAME ${target()}`])
    else if (kind === 3 && isPlain)
      records.set(
        name,
        times(1 + below(2), () => `NS ${below(2) ? `a.${name}` : target()}`),
      )
    else if (kind === 4 && isPlain && !hasBelow) {
      dnames.push(name)
      records.set(name, [`DNAME ${target()}`])
    } else
      records.set(
        name,
        times(1 + below(2), () => pick(data)(below(200), target)),
      )
  }
  const lines = [...records].flatMap(([name, sets]) =>
    [...new Set(sets)].map((set) => `${name} ${set}`),
  )
  return parseZone(`random${seed}.test.`, ['@ NS ns', 'ns A 192.0.2.1', ...lines].join('\n'))
}

const data: readonly ((n: number, target: () => string) => string)[] = [
  (n) => `A 192.0.2.${n}`,
  (n) => `AAAA 2001:db8::${n}`,
  (n) => `TXT "${n}"`,
  (n, target) => `MX ${n} ${target()}`,
  (n, target) => `SRV 0 ${n} 25 ${target()}`,
]
