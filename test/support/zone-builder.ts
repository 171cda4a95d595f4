// Zones from a compact literal, without the YAML compiler: for tests of lookup and answering.
//
//   zoneOf('example.test.', { '@': { NS: 'ns1' }, ns1: { A: '192.0.2.53' }, '*.wild': { TXT: 'hello' } })
//
// Owners and names in rdata without a final dot are below the zone. An SOA is supplied. Sets may be given whole.

import { keyOfName, parseName, type Name } from '../../src/wire/name.ts'
import { typeFromText } from '../../src/wire/rrtype.ts'
import type { SteeredSet } from '../../src/steer/policy.ts'
import type { Rdata } from '../../src/wire/rdata/rdata.ts'
import type { Catalog, RRset, Zone, ZoneNode } from '../../src/zone/zone.ts'

export const defaultTtl = 300
export const negativeTtl = 30

export type SetSpec = string | readonly string[] | RRset | SteeredSet
export type ZoneSpec = Readonly<Record<string, Readonly<Record<string, SetSpec>>>>

export function zoneOf(apexText: string, spec: ZoneSpec): Zone {
  const apex = nameOf(apexText)
  const apexKey = keyOfName(apex)
  const nodes = new Map<string, ZoneNode>()
  const soa = plainSet('SOA', ['ns1 hostmaster 7 7200 900 604800 30'], apex)
  const withSoa: ZoneSpec = { ...spec, '@': { SOA: soa, ...spec['@'] } }
  for (const [ownerText, sets] of Object.entries(withSoa)) {
    const owner = nameOf(ownerText, apex)
    const built = new Map<number, RRset | SteeredSet>()
    for (const [type, set] of Object.entries(sets))
      built.set(typeNumber(type), setOf(type, set, apex))
    const isDelegation = keyOfName(owner) !== apexKey && built.has(2)
    nodes.set(keyOfName(owner), { owner, sets: built, isDelegation })
  }
  addEmptyNonTerminals(nodes, apex)
  return {
    apex,
    apexKey,
    labelCount: labelsOf(apex),
    serial: 7,
    negativeSoa: { ...soa, ttl: negativeTtl },
    nodes,
    signing: null,
  }
}

export const catalogOf = (...zones: readonly Zone[]): Catalog => ({
  zones: new Map(zones.map((zone) => [zone.apexKey, zone])),
  generation: 1,
  deepestApex: Math.max(0, ...zones.map(({ labelCount }) => labelCount)),
})

export function nameOf(text: string, origin?: Name): Name {
  const parsed = parseName(text, origin)
  if (parsed.kind === 'bad') throw new Error(`${text}: ${parsed.why}`)
  return parsed.name
}

export const rdataOf = (octets: readonly number[]): Rdata => ({
  octets: Uint8Array.from(octets),
  compressible: [],
})

function setOf(type: string, set: SetSpec, apex: Name): RRset | SteeredSet {
  if (typeof set === 'string') return plainSet(type, [set], apex)
  return 'kind' in set ? set : plainSet(type, set, apex)
}

export const plainSet = (type: string, texts: readonly string[], apex: Name): RRset => ({
  kind: 'plain',
  type: typeNumber(type),
  ttl: defaultTtl,
  rdata: texts.map((text) => encodeRdata(type, text.split(' '), apex)),
})

function typeNumber(type: string): number {
  const number = typeFromText(type)
  if (number === undefined) throw new Error(`no such type: ${type}`)
  return number
}

const labelsOf = (name: Name): number => {
  let labels = 0
  for (let at = 0; name[at] !== 0; at += 1 + (name[at] ?? 0)) labels++
  return labels
}

function addEmptyNonTerminals(nodes: Map<string, ZoneNode>, apex: Name): void {
  // What is added on the way has no ancestors that are not added with it.
  for (const node of nodes.values()) {
    let owner = node.owner
    while (owner.length > apex.length) {
      owner = owner.subarray(1 + (owner[0] ?? 0))
      const key = keyOfName(owner)
      if (!nodes.has(key)) nodes.set(key, { owner, sets: new Map(), isDelegation: false })
    }
  }
}

const two = (value: number): number[] => [(value >> 8) & 0xff, value & 0xff]
const four = (value: number): number[] => [...two(value >>> 16), ...two(value & 0xffff)]

function encodeRdata(type: string, words: readonly string[], apex: Name): Rdata {
  const [first = '', second = '', third = '', fourth = ''] = words
  const name = (text: string): number[] => [...nameOf(text, apex)]
  const withName = (head: readonly number[], text: string, compressible: boolean): Rdata => ({
    octets: Uint8Array.from([...head, ...name(text)]),
    compressible: compressible ? [head.length] : [],
  })
  switch (type) {
    case 'A':
      return rdataOf(first.split('.').map(Number))
    case 'AAAA':
      return rdataOf(ipv6(first))
    case 'NS':
    case 'CNAME':
    case 'PTR':
      return withName([], first, true)
    case 'DNAME':
      return withName([], first, false)
    case 'MX':
      return withName(two(Number(first)), second, true)
    case 'SRV':
      return withName(
        [first, second, third].flatMap((word) => two(Number(word))),
        fourth,
        false,
      )
    case 'SOA': {
      const names = [...name(first), ...name(second)]
      const numbers = words.slice(2).flatMap((word) => four(Number(word)))
      return {
        octets: Uint8Array.from([...names, ...numbers]),
        compressible: [0, name(first).length],
      }
    }
    case 'TXT':
      return rdataOf([words.join(' ').length, ...Buffer.from(words.join(' '))])
    default:
      return rdataOf([...Buffer.from(words.join(''), 'hex')])
  }
}

const groups = (part: string): number[] =>
  part === '' ? [] : part.split(':').map((group) => parseInt(group, 16))

/** Full form or with one `::`. */
function ipv6(text: string): number[] {
  const [head = '', tail] = text.split('::')
  const before = groups(head)
  const after = tail === undefined ? [] : groups(tail)
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0)
  return [...before, ...zeros, ...after].flatMap(two)
}
