// Packets that no honest client sends, by what is wrong with them. Made octet by octet, none of them by chance.

import { option, subnetOption } from './opt-options.ts'
import { type QuerySpec, buildQuery, wireName, wireRecord } from './packet-builder.ts'

export interface HostileBatch {
  readonly what: string
  readonly packets: readonly Uint8Array[]
}

const range = (count: number, from = 0): number[] =>
  Array.from({ length: count }, (_, i) => from + i)
const fixed = (count: number, octet = 0): number[] => range(count).map(() => octet)
const optRecord = (rdata: readonly number[], rdlength = rdata.length): number[] => [
  ...[0, 0, 41, 4, 208, 0, 0, 0, 0, rdlength >> 8, rdlength & 0xff].values(),
  ...rdata,
]

/** Every batch, about `name`, which the server has. */
export function hostileBatches(name: string): readonly HostileBatch[] {
  const query = (spec: QuerySpec): Uint8Array => buildQuery({ name, type: 15, ...spec })
  const withOptions = (...options: readonly (readonly number[])[]): Uint8Array =>
    query({ opts: [{ options: options.flat() }] })
  return [
    { what: 'packets of 0 to 16 octets', packets: shortPackets(query({})) },
    { what: 'names: pointers, loops, lengths', packets: badNames(query) },
    { what: 'counts that lie', packets: badCounts(query) },
    { what: 'OPT: several, misplaced, misshapen', packets: badOpts(query) },
    { what: 'subnets of every kind', packets: badSubnets().map((one) => withOptions(one)) },
    {
      what: 'cookies of every length',
      packets: range(66).map((n) => withOptions(option(10, fixed(n)))),
    },
    { what: 'options cut anywhere', packets: badOptions(withOptions) },
    { what: 'TSIG', packets: badTsigs(query) },
    { what: 'UPDATE, NOTIFY and every other opcode', packets: otherOpcodes(query) },
    {
      what: 'responses as queries',
      packets: range(256).map((n) => query({ flags: 0x8000 | (n * 127) })),
    },
    { what: 'every class', packets: range(256).map((n) => query({ class: n * 257 })) },
    {
      what: 'queries cut at every octet',
      packets: cuts(query({ opts: [{ options: option(10, fixed(24)) }] })),
    },
    {
      what: 'queries with more behind them',
      packets: range(40).map((n) => query({ trailing: fixed(n * 97, 0xc0) })),
    },
  ]
}

/** One query for each type there can be. */
export const everyType = (name: string): Uint8Array[] =>
  range(65_536).map((type) => buildQuery({ id: type, name, type }))

const cuts = (packet: Uint8Array): Uint8Array[] =>
  range(packet.length).map((end) => packet.slice(0, end))

function shortPackets(query: Uint8Array): Uint8Array[] {
  return range(17).flatMap((octets) => [
    ...[0, 1, 0x80, 0xff].map((octet) => new Uint8Array(octets).fill(octet)),
    query.slice(0, octets),
  ])
}

type Query = (spec: QuerySpec) => Uint8Array

function badNames(query: Query): Uint8Array[] {
  // 12 is where the name itself starts.
  const pointers = [0, 11, 12, 13, 14, 20, 100, 0x3fff].map((to) => [0xc0 | (to >> 8), to & 0xff])
  const rawNames = [
    ...pointers,
    ...pointers.map((pointer) => [1, 97, ...pointer]),
    // Two pointers at each other, and a ladder of them.
    [0xc0, 14, 0xc0, 12],
    range(60).flatMap((n) => [0xc0, 12 + 2 * (59 - n)]),
    ...[0x40, 0x41, 0x7f, 0x80, 0xbf].map((octet) => [octet, 1, 0]),
    ...[64, 200].map((octets) => [octets, ...fixed(octets, 97), 0]),
    ...[126, 127, 128, 200].map((labels) => [...range(labels).flatMap(() => [1, 97]), 0]),
    ...[253, 254, 255, 300].map((octets) => [63, ...fixed(octets, 97)]),
    [63],
    [5, 97],
    [0xc0],
    [],
  ]
  const inRecords = [...pointers, [1, 97, 0xc0, 12], [0xc0, 12], [0xff, 0xff], [63, 1, 2]]
  return [
    ...rawNames.map((rawName) => query({ rawName })),
    ...rawNames.map((rawName) => query({ rawName, opts: [{}] })),
    ...inRecords.map((owner) => query({ records: [wireRecord(owner, 1, [1, 2, 3, 4])] })),
    ...inRecords.map((owner) => query({ opts: [{ owner }] })),
  ]
}

function badCounts(query: Query): Uint8Array[] {
  const values = [0, 1, 2, 255, 65_535]
  const counts = values.flatMap((a) =>
    values.flatMap((b) => values.flatMap((c) => values.map((d) => [a, b, c, d]))),
  )
  return counts.flatMap(([a = 0, b = 0, c = 0, d = 0]) => [
    query({ counts: [a, b, c, d] }),
    query({ counts: [a, b, c, d], opts: [{}] }),
  ])
}

function badOpts(query: Query): Uint8Array[] {
  const several = [2, 3, 8, 9, 30].map((count) => query({ opts: fixed(count).map(() => ({})) }))
  const elsewhere = (
    [
      [1, 1, 0, 0],
      [1, 0, 1, 0],
      [1, 1, 0, 1],
      [1, 0, 1, 1],
      [0, 0, 0, 1],
    ] as const
  ).map((counts) => query({ counts, opts: [{}, {}] }))
  const owners = [wireName('a'), wireName('.'), [0xc0, 12], [0xc0, 0], [0, 0]].map((owner) =>
    query({ opts: [{ owner }] }),
  )
  const lengths = [1, 2, 3, 4, 10, 255, 65_535].map((rdlength) =>
    query({ records: [optRecord([], rdlength)] }),
  )
  const versions = range(256).map((version) => query({ opts: [{ version, options: [0, 10, 0] }] }))
  const sizes = [0, 1, 11, 511, 512, 513, 65_535].map((udp) => query({ opts: [{ udp }] }))
  return [...several, ...elsewhere, ...owners, ...lengths, ...versions, ...sizes]
}

function badSubnets(): number[][] {
  const families = [0, 1, 2, 3, 256, 65_535]
  const prefixes = [0, 1, 7, 8, 9, 24, 31, 32, 33, 64, 127, 128, 129, 255]
  const lengths = [0, 1, 2, 3, 4, 5, 8, 15, 16, 17, 18]
  const whole = families.flatMap((family) =>
    prefixes.flatMap((prefix) =>
      lengths.flatMap((octets) => [
        subnetOption(family, prefix, fixed(octets)),
        subnetOption(family, prefix, fixed(octets, 0xff)),
        subnetOption(family, prefix, fixed(octets), prefix),
      ]),
    ),
  )
  return [...whole, ...range(4).map((octets) => option(8, fixed(octets, 1)))]
}

function badOptions(
  withOptions: (...options: readonly (readonly number[])[]) => Uint8Array,
): Uint8Array[] {
  const good = [
    ...option(3),
    ...subnetOption(1, 24, [1, 2, 3]),
    ...option(10, fixed(8)),
    ...option(11),
  ]
  return [
    ...range(good.length + 1).map((end) => withOptions(good.slice(0, end))),
    ...range(256).map((code) => withOptions([0, code, 0xff, 0xff])),
    ...range(64).map((code) => withOptions(option(code), option(code))),
    withOptions(...range(250).map(() => option(3))),
    withOptions(option(65_001, fixed(3000))),
  ]
}

function badTsigs(query: Query): Uint8Array[] {
  const rdata = [
    ...wireName('hmac-sha256'),
    ...fixed(8, 1),
    ...[0, 32].values(),
    ...fixed(32, 0xaa),
    ...fixed(6),
  ]
  const tsig = (owner: readonly number[], octets: readonly number[]): number[] => {
    const record = wireRecord(owner, 250, octets)
    record.splice(owner.length + 2, 6, 0, 255, 0, 0, 0, 0)
    return record
  }
  const owners = [
    wireName('key'),
    [0xc0, 12],
    [0xc0, 0xff],
    [0xc0, 60],
    fixed(40, 0xc0),
    [63, ...fixed(62, 97)],
  ]
  const whole = tsig(wireName('key'), rdata)
  return [
    ...owners.map((owner) => query({ records: [tsig(owner, rdata)] })),
    ...range(rdata.length).map((end) => query({ records: [tsig([0], rdata.slice(0, end))] })),
    ...range(rdata.length).map((at) => query({ records: [tsig([0], rdata.with(at, 0xff))] })),
    query({ records: [whole, whole] }),
    query({ records: [whole], opts: [{}] }),
    query({ records: [optRecord([]), whole] }),
    query({ records: [wireRecord(wireName('key'), 250, rdata)] }),
    query({ counts: [1, 1, 0, 0], records: [whole] }),
  ]
}

function otherOpcodes(query: Query): Uint8Array[] {
  const soa = wireRecord(wireName('a'), 6, fixed(22))
  return range(16, 0)
    .slice(1)
    .flatMap((opcode) => {
      const flags = opcode << 11
      return [
        query({ flags, type: 6 }),
        query({ flags }),
        query({ flags: flags | 0x07f0, opts: [{}] }),
        query({ flags, isBare: true, counts: [0, 0, 0, 0] }),
        query({ flags, type: 6, counts: [1, 1, 1, 1], records: [soa, soa, soa] }),
        query({ flags, type: 6, counts: [1, 65_535, 65_535, 65_535], records: [soa] }),
        query({ flags, type: 6, counts: [65_535, 0, 0, 0] }),
        query({ flags, rawName: [0xc0, 12] }),
        query({ flags, type: 6, records: Array.from({ length: 100 }, () => soa) }),
      ]
    })
}
