// `$GENERATE` of BIND: one record for each number of a range, in whose owner and data `$` stands for the number.
//
//   $                       the number                      \$, $$    a dollar sign
//   ${offset}               the number and an offset
//   ${offset,width,radix}   with zeros before it up to a width, in radix d, o, x, X, or n, N: hex digits from the last
//                           to the first with dots between, as below ip6.arpa

import type { Name } from '../wire/name.ts'
import type { Token } from '../wire/presentation.ts'
import { type ParsedRdata, parseRdata } from '../wire/rdata/parse.ts'
import { readName } from '../zone/compile/names.ts'

interface Template {
  readonly range: string
  readonly owner: string
  readonly data: readonly Token[]
  readonly type: number
  readonly origin: Name
}

interface GeneratedRecord {
  readonly name: Name
  readonly rdata: ParsedRdata
}

type Generated =
  | { readonly kind: 'records'; readonly records: Iterable<GeneratedRecord> }
  | { readonly kind: 'bad'; readonly why: string }

/** Records of one directive: a /16. */
const maxSteps = 65_536

const maxNumber = 2 ** 31 - 1

const maxWidth = 127

const bad = (why: string): Generated => ({ kind: 'bad', why })

export function generate({ range, owner, data, type, origin }: Template): Generated {
  const numbers = readRange(range)
  if (typeof numbers === 'string') return bad(numbers)
  const ownerParts = readParts(owner)
  const dataParts = readParts(textOf(data))
  if (typeof ownerParts === 'string') return bad(ownerParts)
  if (typeof dataParts === 'string') return bad(dataParts)
  const least = [...ownerParts, ...dataParts].map((part) =>
    typeof part === 'string' ? 0 : numbers.start + part.offset,
  )
  if (least.some((number) => number < 0)) return bad('an offset makes a number negative')
  const parts = { type, origin, owner: ownerParts, data: dataParts }
  return { kind: 'records', records: recordsOf(numbers, parts) }
}

interface Parts {
  readonly type: number
  readonly origin: Name
  readonly owner: readonly Part[]
  readonly data: readonly Part[]
}

function* recordsOf({ start, stop, step }: Range, parts: Parts): Generator<GeneratedRecord> {
  const { type, origin } = parts
  for (let number = start; number <= stop; number += step) {
    const owner = readName(fill(parts.owner, number), origin)
    if (owner.kind === 'bad') {
      yield { name: origin, rdata: { kind: 'bad', why: `the owner: ${owner.why}` } }
      return
    }
    yield { name: owner.name, rdata: parseRdata(type, fill(parts.data, number), origin) }
  }
}

/** Data of several words may stand in one pair of quotes, which are none of its own then. */
function textOf(data: readonly Token[]): string {
  const [first] = data
  if (first?.quoted && data.length === 1) return first.text.replaceAll('\\"', '"')
  return data.map(({ text, quoted }) => (quoted ? `"${text}"` : text)).join(' ')
}

interface Range {
  readonly start: number
  readonly stop: number
  readonly step: number
}

/** `START-STOP` or `START-STOP/STEP`; else what is wrong. */
function readRange(text: string): Range | string {
  const match = /^(\d{1,10})-(\d{1,10})(?:\/(\d{1,10}))?$/.exec(text)
  if (!match)
    return `the range is "${text.slice(0, 60)}", expected START-STOP or START-STOP/STEP, such as 1-254`
  const [start, stop, step] = [Number(match[1]), Number(match[2]), Number(match[3] ?? 1)]
  if (start > stop || stop > maxNumber || step < 1)
    return `the range is ${text}, expected numbers 0–${maxNumber}, START at most STOP, STEP at least 1`
  const count = Math.floor((stop - start) / step) + 1
  return count > maxSteps
    ? `${count} records, expected at most ${maxSteps} of one directive`
    : { start, stop, step }
}

type Part = string | { readonly offset: number; readonly width: number; readonly radix: string }

const pieces = /\\.|\$\$|\$\{[^}]*\}|\$|[^\\$]+|\\/gs

/** Texts and what is filled in between; else what is wrong. */
function readParts(template: string): readonly Part[] | string {
  const parts: Part[] = []
  for (const { 0: piece, index } of template.matchAll(pieces)) {
    if (!piece.startsWith('$')) parts.push(piece)
    else if (piece === '$$') parts.push('$')
    else if (piece === '$') {
      if (template[index + 1] === '{') return 'a "${" is not closed'
      parts.push({ offset: 0, width: 0, radix: 'd' })
    } else {
      const match = /^\$\{(-?\d{1,10})(?:,(\d{1,3})(?:,([doxXnN]))?)?\}$/.exec(piece)
      const width = Number(match?.[2] ?? 0)
      if (!match || width > maxWidth)
        return `"${piece.slice(0, 60)}", expected \${offset,width,radix}, a width up to ${maxWidth} and a radix of d, o, x, X, n, N`
      parts.push({ offset: Number(match[1]), width, radix: match[3] ?? 'd' })
    }
  }
  return parts
}

const fill = (parts: readonly Part[], number: number): string =>
  parts
    .map((part) => (typeof part === 'string' ? part : write(number + part.offset, part)))
    .join('')

function write(number: number, { width, radix }: Exclude<Part, string>): string {
  switch (radix) {
    case 'o':
      return number.toString(8).padStart(width, '0')
    case 'x':
      return number.toString(16).padStart(width, '0')
    case 'X':
      return number.toString(16).toUpperCase().padStart(width, '0')
    case 'n':
      return nibbles(number, width)
    case 'N':
      return nibbles(number, width).toUpperCase()
    default:
      return String(number).padStart(width, '0')
  }
}

/** The width counts the dots. */
function nibbles(number: number, width: number): string {
  const digits = number.toString(16).split('').toReversed()
  while (2 * digits.length < width) digits.push('0')
  const text = digits.join('.')
  // An even width ends in a dot, since BIND has a place for each.
  return text.length > width ? text : text.padEnd(width, '.')
}
