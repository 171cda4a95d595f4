// What is asked of a zone: every name it holds, with and without records, and names beside and below each, in turn
// with every type and every kind of packet.

import type { ZoneText } from './zone-text.ts'

export interface Question {
  /** Labels in latin1, the root left out. */
  readonly labels: readonly string[]
  readonly type: number
  /** IN where it is not given. */
  readonly class?: number
  readonly kind: QueryKind
}

export interface QueryKind {
  readonly transport: 'udp' | 'tcp'
  /** Of the header: RD 0x0100, AD 0x0020, CD 0x0010. */
  readonly flags: number
  /** Size in the OPT; null: no OPT. */
  readonly edns: number | null
  readonly dnssecOk: boolean
}

interface KindOptions {
  readonly flags?: number
  readonly dnssecOk?: boolean
  readonly tcp?: boolean
}

const kind = (
  edns: number | null,
  { flags = 0, dnssecOk = false, tcp = false }: KindOptions = {},
): QueryKind => ({ transport: tcp ? 'tcp' : 'udp', flags, edns, dnssecOk })

const [rd, ad, cd] = [0x0100, 0x0020, 0x0010]

export const queryKinds: readonly QueryKind[] = [
  kind(null),
  kind(1232),
  kind(512, { dnssecOk: true }),
  kind(4096, { flags: rd }),
  kind(null, { flags: rd | ad }),
  kind(null, { tcp: true }),
  kind(1232, { flags: cd }),
  kind(0),
  kind(1, { dnssecOk: true }),
  kind(1232, { tcp: true, dnssecOk: true, flags: rd | ad | cd }),
  kind(65_535, { flags: ad, dnssecOk: true }),
  kind(700),
]

export const typeNumbers: Readonly<Record<string, number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  RP: 17,
  AFSDB: 18,
  AAAA: 28,
  LOC: 29,
  SRV: 33,
  NAPTR: 35,
  KX: 36,
  CERT: 37,
  DNAME: 39,
  DS: 43,
  SSHFP: 44,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  TLSA: 52,
  SMIMEA: 53,
  CDS: 59,
  CDNSKEY: 60,
  OPENPGPKEY: 61,
  CSYNC: 62,
  ZONEMD: 63,
  SVCB: 64,
  HTTPS: 65,
  SPF: 99,
  EUI48: 108,
  EUI64: 109,
  URI: 256,
  CAA: 257,
  ANY: 255,
  TYPE65400: 65_400,
  TYPE65401: 65_401,
  TYPE1234: 1234,
}

const everywhere: readonly number[] = (
  'A NS CNAME SOA PTR HINFO MX TXT AAAA LOC SRV NAPTR DNAME DS SSHFP RRSIG NSEC DNSKEY TLSA ' +
  'SVCB HTTPS SPF CAA ANY TYPE65400 TYPE1234'
)
  .split(' ')
  .map((type) => typeNumbers[type] as number)
const atDerived: readonly number[] = ['A', 'NS', 'MX', 'DS', 'TXT', 'ANY', 'CNAME'].map(
  (type) => typeNumbers[type] as number,
)

/** The labels of a name in presentation form. */
export function labelsOf(text: string, origin: readonly string[] = []): string[] {
  if (text === '@') return [...origin]
  if (text === '.') return []
  const labels = ['']
  for (const [part, , decimal, character] of text.matchAll(/(\\(\d{3})|\\(\D)|[^\\])/gs)) {
    if (part === '.') labels.push('')
    else {
      const octet =
        decimal === undefined ? (character ?? part) : String.fromCharCode(Number(decimal))
      labels[labels.length - 1] += octet
    }
  }
  return labels.at(-1) === '' ? labels.slice(0, -1) : [...labels, ...origin]
}

/** With `allKinds` what the zone holds is asked for in every kind of packet, not in one of them. */
export function questionsOf(zone: ZoneText, allKinds = false): Question[] {
  const apex = labelsOf(zone.apex)
  const held = new Map<string, readonly string[]>()
  const keep = (names: Map<string, readonly string[]>, labels: readonly string[]): void => {
    const octets = labels.reduce((sum, label) => sum + 1 + label.length, 1)
    const isValid = octets <= 255 && labels.every((label) => label.length < 64)
    if (isValid) names.set(labels.join('\0').toLowerCase(), labels)
  }
  for (const { owner } of zone.records) {
    const labels = labelsOf(owner, apex)
    const depth = labels.length - apex.length
    for (let at = 0; at <= depth; at++) {
      // Of the very deep names the ends will do.
      if (at < 5 || depth - at < 5) keep(held, labels.slice(at))
    }
  }
  const derived = new Map<string, readonly string[]>()
  for (const labels of held.values()) {
    const [first = '', ...rest] = labels
    for (const child of ['nx', '*', 'ns', 'ent', '0', 'y'.repeat(30)])
      keep(derived, [child, ...labels])
    keep(derived, ['a', 'nx', ...labels])
    keep(derived, ['x', '*', ...labels])
    if (labels.length <= apex.length) continue
    for (const sibling of [`${first}x`, first.slice(0, -1) || 'q', '*', `\0${first}`])
      keep(derived, [sibling, ...rest])
  }
  for (const key of held.keys()) derived.delete(key)
  const questions: Question[] = []
  const ask = (labels: readonly string[], types: readonly number[], everyKind = false): void => {
    for (const type of types) {
      const kinds = everyKind ? queryKinds : [turn(questions.length)]
      for (const one of kinds)
        questions.push({ labels: shuffleCase(labels, questions.length), type, kind: one })
    }
  }
  const own = zone.records.map(({ type }) => typeNumbers[type] as number)
  const types = [...new Set([...everywhere, ...own])]
  const asked = allKinds ? [...new Set([...atDerived, ...own])] : types
  for (const labels of held.values()) ask(labels, asked, allKinds)
  for (const labels of derived.values()) ask(labels, atDerived)
  return questions
}

/** Every type up to 1100 and one in 97 above, at one name. */
export function typeSweep(name: string): Question[] {
  const types = [...Array(65_536).keys()].filter((type) => type <= 1100 || type % 97 === 0)
  return types
    .filter((type) => !transferTypes.includes(type))
    .map((type, i) => ({ labels: labelsOf(name), type, kind: turn(i) }))
}

/** AXFR and IXFR are no questions about a name. */
const transferTypes: readonly number[] = [251, 252]

/** Names in no zone, and classes that are none of ours; not CH, where BIND limits the rate. */
export function foreignQuestions(name: string): Question[] {
  const names = ['.', 'test.', 'example.', 'arpa.', 'other.test.', 'www.outside.example.', 'tes.']
  const outside = names.flatMap((one) =>
    everywhere.map((type, i) => ({ labels: labelsOf(one), type, kind: turn(i) })),
  )
  const classes = [0, 2, 4, 5, 253, 254, 255, 256, 65_535].flatMap((rrClass) =>
    everywhere.map((type, i) => ({ labels: labelsOf(name), type, class: rrClass, kind: turn(i) })),
  )
  return [...outside, ...classes]
}

const turn = (i: number): QueryKind => queryKinds[i % queryKinds.length] as QueryKind

/** As it is, in capitals, or in changing case, by turns. */
function shuffleCase(labels: readonly string[], turn: number): readonly string[] {
  if (turn % 3 === 0) return labels
  const upper = (letter: string, i: number): string =>
    turn % 3 === 1 || i % 2 === 0 ? letter.toUpperCase() : letter
  return labels.map((label) => label.replace(/[a-z]/g, upper))
}

/** With ID 0, which `dry-run.ts` overwrites. */
export function packetOf({ labels, type, class: rrClass = 1, kind }: Question): Buffer {
  const { flags, edns, dnssecOk } = kind
  const name = labels.flatMap((label) => [label.length, ...Buffer.from(label, 'latin1')])
  const opt = edns === null ? [] : [0, 0, 41, ...two(edns), 0, 0, dnssecOk ? 0x80 : 0, 0, 0, 0]
  const counts = [0, 1, 0, 0, 0, 0, 0, edns === null ? 0 : 1]
  return Buffer.from([
    0,
    0,
    ...two(flags),
    ...counts,
    ...name,
    0,
    ...two(type),
    ...two(rrClass),
    ...opt,
  ])
}

const two = (value: number): number[] => [value >> 8, value & 255]
