// Writes MaxMind databases from the published format (MaxMind DB 2.0) alone, for tests that need to know what is in
// one: any record size, every type of data, pointers to what was written before, IPv4 aliases in trees of IPv6.

import { parseNetwork } from '../../src/lib/ip.ts'

export type Value =
  | string
  | number
  | bigint
  | boolean
  | Uint8Array
  | readonly Value[]
  | { readonly [key: string]: Value }

export interface MmdbOptions {
  readonly ipVersion?: 4 | 6
  readonly recordSize?: 24 | 28 | 32
  readonly type?: string
  readonly buildSeconds?: number
  /** IPv6 networks that lead to the IPv4 ones, as MaxMind's own databases have them: `2002::/16`, `::ffff:0:0/96`. */
  readonly aliases?: readonly string[]
  /** Values of the metadata to be wrong on purpose. */
  readonly metadata?: { readonly [key: string]: Value }
}

export const countryOf = (code: string): Value => ({ country_code: code })
export const asnOf = (asn: number): Value => ({ autonomous_system_number: asn })
/** As MaxMind's City has it, with more around it than anybody needs. */
export const cityOf = (country: string, continent: string): Value => ({
  city: { geoname_id: 2_950_159, names: { de: 'Örtchen', en: `A town of ${country}`.repeat(20) } },
  continent: { code: continent, geoname_id: 6_255_148 },
  country: { geoname_id: 2_921_044, is_in_european_union: true, iso_code: country },
  location: { accuracy_radius: 100, latitude: 52.5, longitude: -13.25, time_zone: 'UTC' },
  subdivisions: [{ iso_code: 'BE' }, { iso_code: 'BB' }],
  traits: { odd: [-5, 2n ** 70n, Uint8Array.of(1, 2, 3), false] },
})

/** Entries in order: a later one stands where an earlier one is wider. */
export function mmdbFile(
  entries: readonly (readonly [network: string, record: Value])[],
  options: MmdbOptions = {},
): Buffer {
  const { ipVersion = 6, recordSize = 24, aliases = [] } = options
  const data = new DataSection()
  const tree = new Tree()
  for (const [network, record] of entries)
    tree.insert(bitsOf(network, ipVersion), data.place(record))
  for (const alias of aliases) tree.alias(bitsOf(alias, ipVersion), '0'.repeat(96))
  const nodes = tree.nodes()
  const metadata: Value = {
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: BigInt(options.buildSeconds ?? 1_700_000_000),
    database_type: options.type ?? 'test',
    description: { en: 'made by a test' },
    ip_version: ipVersion,
    languages: ['en'],
    node_count: nodes.length,
    record_size: recordSize,
    ...options.metadata,
  }
  const marker = Buffer.from('\u00ab\u00cd\u00efMaxMind.com', 'latin1')
  return Buffer.concat([
    ...nodes.map((pair) => encodeNode(pair, nodes.length, recordSize)),
    Buffer.alloc(16),
    data.octets(),
    marker,
    new DataSection().encode(metadata),
  ])
}

function bitsOf(text: string, ipVersion: 4 | 6): string {
  const network = parseNetwork(text)
  if (network.kind === 'bad') throw new Error(network.why)
  const bits = [...network.octets].map((octet) => octet.toString(2).padStart(8, '0')).join('')
  const prefix = bits.slice(0, network.prefixLength)
  return network.octets.length === 4 && ipVersion === 6 ? '0'.repeat(96) + prefix : prefix
}

/** A node, where a record lies in the data, or nothing. */
type Link = TreeNode | number | null
type TreeNode = [Link, Link]

class Tree {
  readonly #root: TreeNode = [null, null]

  insert(bits: string, at: number): void {
    const [node, side] = this.#descend(bits)
    node[side] = at
  }

  alias(from: string, to: string): void {
    const [target, targetSide] = this.#descend(to)
    const [node, side] = this.#descend(from)
    target[targetSide] ??= [null, null]
    node[side] = target[targetSide]
  }

  #descend(bits: string): [TreeNode, 0 | 1] {
    let node = this.#root
    for (const bit of bits.slice(0, -1)) {
      const link = node[Number(bit) as 0 | 1]
      const next: TreeNode = Array.isArray(link) ? link : [link, link]
      node[Number(bit) as 0 | 1] = next
      node = next
    }
    return [node, Number(bits.at(-1)) as 0 | 1]
  }

  /** Each node once, with the numbers of others in place of them; records as text, to tell them apart. */
  nodes(): (readonly (number | string | null)[])[] {
    const numbers = new Map<TreeNode, number>([[this.#root, 0]])
    const list = [this.#root]
    for (const node of list)
      for (const link of node)
        if (Array.isArray(link) && !numbers.has(link)) numbers.set(link, list.push(link) - 1)
    return list.map((node) =>
      node.map((link) => (Array.isArray(link) ? (numbers.get(link) as number) : link && `${link}`)),
    )
  }
}

function encodeNode(
  pair: readonly (number | string | null)[],
  nodeCount: number,
  recordSize: 24 | 28 | 32,
): Buffer {
  const [left = 0, right = 0] = pair.map((link) => {
    if (typeof link === 'string') return nodeCount + 16 + Number(link) - dataStart
    return link ?? nodeCount
  })
  const octets = Buffer.alloc(recordSize / 4)
  if (recordSize === 32) {
    octets.writeUInt32BE(left, 0)
    octets.writeUInt32BE(right, 4)
  } else {
    octets.writeUIntBE(left % 0x100_0000, 0, 3)
    octets.writeUIntBE(right % 0x100_0000, octets.length - 3, 3)
    if (recordSize === 28) octets[3] = ((left >>> 24) << 4) | (right >>> 24)
    else if (Math.max(left, right) > 0xff_ffff) throw new Error('too much for 24 bits')
  }
  return octets
}

/** Data starts a little late, so that the place 0 is not taken for nothing. */
const dataStart = 1

class DataSection {
  readonly #parts: Buffer[] = []
  readonly #known = new Map<string, number>()
  #at = dataStart

  /** Where the record is, which is written once. */
  place(record: Value): number {
    const key = JSON.stringify(record, (_, value: unknown) =>
      typeof value === 'bigint' ? `${value}n` : value,
    )
    const known = this.#known.get(key)
    if (known !== undefined) return known
    // What lies deeper comes first, and the record points to it.
    const shared = new Map<Value, number>()
    if (isMap(record))
      for (const inner of Object.values(record))
        if (isMap(inner)) shared.set(inner, this.place(inner))
    const at = this.#at
    this.#add(this.encode(record, shared))
    this.#known.set(key, at)
    return at
  }

  octets(): Buffer {
    return Buffer.concat(this.#parts)
  }

  #add(octets: Buffer): void {
    this.#parts.push(octets)
    this.#at += octets.length
  }

  encode(value: Value, shared: ReadonlyMap<Value, number> = new Map()): Buffer {
    if (typeof value === 'string') return sized(2, Buffer.from(value))
    if (typeof value === 'boolean') return control(14, value ? 1 : 0)
    if (typeof value === 'bigint') return sized(value < 2n ** 64n ? 9 : 10, unsigned(value))
    if (typeof value === 'number') return encodeNumber(value)
    if (value instanceof Uint8Array) return sized(4, Buffer.from(value))
    const at = shared.get(value)
    if (at !== undefined) return pointer(at - dataStart)
    if (isList(value))
      return Buffer.concat([control(11, value.length), ...value.map((inner) => this.encode(inner))])
    const pairs = Object.entries(value)
    const parts = pairs.flatMap(([key, inner]) => [this.encode(key), this.encode(inner, shared)])
    return Buffer.concat([control(7, pairs.length), ...parts])
  }
}

const isList = (value: Value): value is readonly Value[] => Array.isArray(value)
const isMap = (value: Value): value is { readonly [key: string]: Value } =>
  typeof value === 'object' && !isList(value) && !(value instanceof Uint8Array)

function encodeNumber(value: number): Buffer {
  if (!Number.isInteger(value)) {
    const octets = Buffer.alloc(8)
    octets.writeDoubleBE(value)
    return sized(3, octets)
  }
  if (value >= 0) return sized(value < 0x1_0000 ? 5 : 6, unsigned(BigInt(value)))
  const octets = Buffer.alloc(4)
  octets.writeInt32BE(value)
  return sized(8, octets)
}

/** Without leading zeros, so that 0 has no octets. */
const unsigned = (value: bigint): Buffer => {
  const hex = value === 0n ? '' : value.toString(16)
  return Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex')
}

const sized = (type: number, octets: Buffer): Buffer =>
  Buffer.concat([control(type, octets.length), octets])

function control(type: number, size: number): Buffer {
  const [short, more] = sizeOf(size)
  const first = (type < 8 ? type << 5 : 0) | short
  return Buffer.from([first, ...(type < 8 ? [] : [type - 7]), ...more])
}

function sizeOf(size: number): [number, number[]] {
  if (size < 29) return [size, []]
  if (size < 285) return [29, [size - 29]]
  if (size < 65_821) return [30, [(size - 285) >> 8, (size - 285) & 255]]
  throw new Error('longer than this writer can say')
}

function pointer(at: number): Buffer {
  if (at < 2048) return Buffer.from([0x20 | (at >> 8), at & 255])
  if (at < 526_336) {
    const rest = at - 2048
    return Buffer.from([0x28 | (rest >> 16), (rest >> 8) & 255, rest & 255])
  }
  throw new Error('farther than this writer can say')
}
