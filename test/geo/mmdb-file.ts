// Writes small MaxMind databases for tests, from the published format (MaxMind DB 2.0), record size 24.

type Value = string | number | { readonly [key: string]: Value }

export interface Entry {
  /** Address bits from the first on, such as `11000000` for 192.0.0.0/8. */
  readonly bits: string
  readonly record: Value
}

const [mapType, stringType, uint32Type] = [7, 2, 6]

function encode(value: Value): Buffer {
  if (typeof value === 'string')
    return Buffer.concat([control(stringType, value.length), Buffer.from(value)])
  if (typeof value === 'number') {
    const octets = Buffer.alloc(4)
    octets.writeUInt32BE(value)
    return Buffer.concat([control(uint32Type, 4), octets])
  }
  const pairs = Object.entries(value)
  const parts = pairs.flatMap(([key, inner]) => [encode(key), encode(inner)])
  return Buffer.concat([control(mapType, pairs.length), ...parts])
}

function control(type: number, size: number): Buffer {
  if (size > 28) throw new Error('longer than this writer can say')
  return Buffer.from([(type << 5) | size])
}

export function mmdbFile(entries: readonly Entry[], ipVersion: 4 | 6): Buffer {
  const nodes: [number | string, number | string][] = [['', '']]
  const data: Buffer[] = []
  let dataSize = 0
  for (const { bits, record } of entries) {
    let node = 0
    for (const bit of bits.slice(0, -1)) {
      const side = Number(bit) as 0 | 1
      const pair = nodes[node] as [number | string, number | string]
      if (pair[side] === '') pair[side] = nodes.push(['', '']) - 1
      node = pair[side] as number
    }
    const last = Number(bits.at(-1)) as 0 | 1
    ;(nodes[node] as [number | string, number | string])[last] = `data ${dataSize}`
    data.push(encode(record))
    dataSize += data.at(-1)?.length ?? 0
  }
  const tree = Buffer.alloc(nodes.length * 6)
  nodes.flat().forEach((link, i) => tree.writeUIntBE(linkOf(link, nodes.length), i * 3, 3))
  const metadata = encode({
    binary_format_major_version: 2,
    ip_version: ipVersion,
    node_count: nodes.length,
    record_size: 24,
    database_type: 'test',
  })
  const marker = Buffer.from('\u00ab\u00cd\u00efMaxMind.com', 'latin1')
  return Buffer.concat([tree, Buffer.alloc(16), ...data, marker, metadata])
}

function linkOf(link: number | string, nodeCount: number): number {
  if (typeof link === 'number') return link
  return link === '' ? nodeCount : nodeCount + 16 + Number(link.slice(5))
}

export const bitsOf = (octets: Uint8Array, prefixLength: number): string =>
  [...octets]
    .map((octet) => octet.toString(2).padStart(8, '0'))
    .join('')
    .slice(0, prefixLength)
