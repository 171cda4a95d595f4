// Records, and master files that print them in any layout.

import fc from 'fast-check'
import { formatRdata } from '../../src/wire/rdata/format.ts'
import { nameToText, parseName } from '../../src/wire/name.ts'
import { RRType, typeToText } from '../../src/wire/rrtype.ts'
import { recordLine } from './master-file.ts'

const octet = fc.integer({ min: 0, max: 255 })
const octets = (length: number): fc.Arbitrary<number[]> =>
  fc.array(octet, { minLength: length, maxLength: length })

const label = fc.oneof(
  { weight: 4, arbitrary: fc.stringMatching(/^[a-z0-9]{1,6}$/) },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 4 }).map(escaped) },
)

/** A label of any octets, as `nameToText` writes it. */
function escaped(any: Uint8Array): string {
  return nameToText(Uint8Array.of(any.length, ...any, 0)).slice(0, -1)
}

const owner = fc
  .array(label, { maxLength: 3 })
  .map((labels) => [...labels, 'example.'].join('.'))
  // Names as keys are in lower case.
  .map((name) => name.toLowerCase())

const wireName = owner.map((name) => {
  const parsed = parseName(name)
  if (parsed.kind === 'bad') throw new Error(parsed.why)
  return [...parsed.name]
})

const rdata: fc.Arbitrary<readonly [number, readonly number[]]> = fc.oneof(
  octets(4).map((data) => [RRType.A, data] as const),
  octets(16).map((data) => [RRType.AAAA, data] as const),
  fc
    .tuple(octets(2), wireName)
    .map(([preference, name]) => [RRType.MX, [...preference, ...name]] as const),
  wireName.map((name) => [RRType.PTR, name] as const),
  fc
    .array(fc.uint8Array({ maxLength: 20 }), { minLength: 1, maxLength: 3 })
    .map((texts) => [RRType.TXT, texts.flatMap((text) => [text.length, ...text])] as const),
  fc.uint8Array({ maxLength: 20 }).map((data) => [65_400, [...data]] as const),
)

/** How one record is laid out; numbers choose among forms. */
const layout = fc.record({
  ownerForm: fc.nat({ max: 3 }),
  originForm: fc.nat({ max: 5 }),
  isTtlFirst: fc.boolean(),
  hasTtl: fc.boolean(),
  hasClass: fc.boolean(),
  isGeneric: fc.boolean(),
  gaps: fc.array(fc.constantFrom(' ', '\t', '  ', ' ( ', ' )\t', ' (\n ', ' ( ; c " (\n\t'), {
    minLength: 1,
    maxLength: 8,
  }),
  after: fc.constantFrom('', ' ; a comment', '\n\n', '\r', ' \n; between\n  ; and indented\n'),
})

const record = fc.tuple(
  fc.record({ owner, rdata, ttl: fc.integer({ min: 30, max: 604_800 }) }),
  layout,
)

/** A TTL in seconds, or with units. */
const ttlText = (ttl: number, isPlain: boolean): string =>
  isPlain ? String(ttl) : `${Math.floor(ttl / 3600)}h${ttl % 3600}S`

export interface PrintedZone {
  readonly text: string
  /** As recordsOf has them. */
  readonly expected: readonly string[]
}

/** Below `example.`, without SOA and NS. */
export const printedZone: fc.Arbitrary<PrintedZone> = fc
  .array(record, { minLength: 1, maxLength: 12 })
  .map(print)

type PrintedRecord = typeof record extends fc.Arbitrary<infer One> ? One : never

function print(records: readonly PrintedRecord[]): PrintedZone {
  let text = ''
  let origin = 'example.'
  let defaultTtl: number | null = null
  let last = ''
  const ttls = new Map<string, number>()
  const expected: string[] = []
  for (const [
    {
      owner: name,
      rdata: [type, data],
      ttl: wished,
    },
    form,
  ] of records) {
    const set = `${name} ${type}`
    const ttl = ttls.get(set) ?? wished
    ttls.set(set, ttl)
    if (form.originForm === 0) {
      origin = name
      text += `$ORIGIN ${name}\n`
    }
    if (!form.hasTtl && defaultTtl !== ttl) {
      defaultTtl = ttl
      text += `$ttl ${ttlText(ttl, form.isTtlFirst)} ; for what follows\n`
    }
    const words = [form.hasTtl ? ttlText(ttl, form.hasClass) : '', form.hasClass ? 'IN' : '']
    if (!form.isTtlFirst) words.reverse()
    const octetsOf = Uint8Array.from(data)
    const rdataText = form.isGeneric
      ? `\\# ${data.length} ${Buffer.from(data).toString('hex')}`
      : formatRdata(type, octetsOf)
    words.unshift(ownerText(name, { origin, last, form: form.ownerForm }))
    words.push(typeToText(type), ...(rdataText.match(/"(?:\\.|[^"\\])*"|[^ ]+/g) ?? []))
    const [first = '', ...rest] = words
    text += `${join(
      first,
      rest.filter((word) => word !== ''),
      form.gaps,
    )}${form.after}\n`
    last = name
    expected.push(recordLine(name, ttl, type, Buffer.from(octetsOf)))
  }
  return { text, expected: [...new Set(expected)].sort() }
}

function ownerText(
  name: string,
  { origin, last, form }: { origin: string; last: string; form: number },
): string {
  if (form === 1 && name === last) return ' '
  if (form === 2 && name === origin) return '@'
  if (form === 3 && name.endsWith(`.${origin}`)) return name.slice(0, -origin.length - 1)
  return name
}

/** Words with gaps between them, in which parentheses pair. */
function join(first: string, rest: readonly string[], gaps: readonly string[]): string {
  let line = first
  let depth = 0
  for (const [i, word] of rest.entries()) {
    let gap = gaps[i % gaps.length] ?? ' '
    if (gap.includes('(')) depth++
    if (gap.includes(')') && --depth < 0) [gap, depth] = [' ', 0]
    line += gap + word
  }
  return line + ' )'.repeat(depth)
}
