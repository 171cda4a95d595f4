// Domain names: presentation form ⇄ wire form, keys, ancestry (RFC 1035 §3.1 and §5.1; RFC 4343 for case).
//
// Only valid names are read here. Names in packets are validated by wire/query.ts, within the bounds of the packet.

import { textOctets } from './octets.ts'

/**
 * A name in wire form, uncompressed, its case preserved: labels with length octets, the root label last; at most 255
 * octets.
 */
export type Name = Uint8Array

/** The octets of a Name in lower case, as a latin1 string: the key of maps, not for display. */
export type NameKey = string

export const maxNameOctets = 255

export const maxLabelOctets = 63

/** `bad`: the text is no name; `why` is for people. */
export type ParsedName =
  | { readonly kind: 'name'; readonly name: Name }
  | { readonly kind: 'bad'; readonly why: string }

export const rootName: Name = Uint8Array.of(0)

const backslash = 0x5c

const dot = 0x2e

/**
 * Parses a name in presentation form. A name without a final dot is relative to `origin`; `@` is `origin` itself.
 * `\DDD` stands for the octet with that decimal value, `\.` for a dot within a label (RFC 1035 §5.1).
 */
export function parseName(text: string, origin: Name = rootName): ParsedName {
  if (text === '@') return { kind: 'name', name: origin }
  if (text === '.') return { kind: 'name', name: rootName }
  if (text === '') return { kind: 'bad', why: 'the name is empty' }
  const labels: number[][] = [[]]
  const octets = textOctets(text)
  let isAbsolute = false
  for (let i = 0; i < octets.length; i++) {
    const octet = octets[i] as number
    if (octet === dot) {
      if (labels.at(-1)?.length === 0)
        return {
          kind: 'bad',
          why: 'the name has an empty label, expected one dot between two labels and none in front',
        }
      isAbsolute = i === octets.length - 1
      if (!isAbsolute) labels.push([])
      continue
    }
    if (octet !== backslash) {
      labels.at(-1)?.push(octet)
      continue
    }
    const escaped = unescapeAt(octets, i + 1)
    if (escaped === null)
      return { kind: 'bad', why: 'the escape after "\\" is not DDD (000–255) or one character' }
    labels.at(-1)?.push(escaped.octet)
    i += escaped.consumed
  }
  return assemble(labels, isAbsolute ? rootName : origin)
}

/**
 * The escape whose backslash stands before `index`: the octet that it stands for, and how many octets follow the
 * backslash. null: `\DDD` is incomplete or above 255, or the text ends.
 */
export function unescapeAt(
  octets: Uint8Array,
  index: number,
): { octet: number; consumed: number } | null {
  const first = octets[index]
  if (first === undefined) return null
  if (!isDigit(first)) return { octet: first, consumed: 1 }
  const [second, third] = [octets[index + 1], octets[index + 2]]
  if (second === undefined || third === undefined || !isDigit(second) || !isDigit(third))
    return null
  const octet = (first - 48) * 100 + (second - 48) * 10 + (third - 48)
  return octet > 255 ? null : { octet, consumed: 3 }
}

const isDigit = (octet: number): boolean => octet >= 48 && octet <= 57

/** The name of these labels, followed by `suffix`. */
function assemble(labels: readonly number[][], suffix: Name): ParsedName {
  const tooLong = labels.find((label) => label.length > maxLabelOctets)
  if (tooLong)
    return {
      kind: 'bad',
      why: `a label has ${tooLong.length} octets, expected at most ${maxLabelOctets}`,
    }
  const total = labels.reduce((sum, label) => sum + 1 + label.length, suffix.length)
  if (total > maxNameOctets) {
    return {
      kind: 'bad',
      why: `the name has ${total} octets, expected at most ${maxNameOctets}`,
    }
  }
  const name = new Uint8Array(total)
  let at = 0
  for (const label of labels) {
    name[at] = label.length
    name.set(label, at + 1)
    at += 1 + label.length
  }
  name.set(suffix, at)
  return { kind: 'name', name }
}

/** The presentation form of a name, with a final dot, escaped so that `parseName` reads the same octets back. */
export function nameToText(name: Name): string {
  if (name.length <= 1) return '.'
  let text = ''
  for (let at = 0; at < name.length - 1; at += 1 + (name[at] as number)) {
    for (let i = 1; i <= (name[at] as number); i++) text += octetToText(name[at + i] as number)
    text += '.'
  }
  return text
}

/** A name as settings, metrics and logs have it: in lower case and without its final dot; empty for the root. */
export const nameToBareText = (name: Name): string =>
  nameToText(name).replace(/\.$/, '').toLowerCase()

/** Whether its first label is `*` (RFC 4592 §2.1.1). */
export const isWildcard = (owner: Name): boolean => owner[0] === 1 && owner[1] === 0x2a

function octetToText(octet: number): string {
  const character = String.fromCharCode(octet)
  if ('.\\"();@$'.includes(character)) return `\\${character}`
  return octet > 0x20 && octet < 0x7f ? character : `\\${String(octet).padStart(3, '0')}`
}

/** The key of a name: its octets with ASCII letters in lower case (RFC 4343), as a latin1 string. */
export const keyOfName = (name: Name): NameKey => keyOfOctets(name, 0, name.length)

/** The key of the parent domain; that of the root is the root. */
export const parentKey = (key: NameKey): NameKey =>
  key.length <= 1 ? key : key.slice(1 + key.charCodeAt(0))

/** The number of labels, the root label not counted (RFC 9499 §2). */
export function countLabels(key: NameKey): number {
  let count = 0
  for (let at = 0; key.charCodeAt(at) > 0; at += 1 + key.charCodeAt(at)) count++
  return count
}

/** Whether the name is `ancestor` or a subdomain of it. */
export function isAtOrBelow(key: NameKey, ancestor: NameKey): boolean {
  if (key.length < ancestor.length || !key.endsWith(ancestor)) return false
  let at = 0
  while (at < key.length - ancestor.length) at += 1 + key.charCodeAt(at)
  return at === key.length - ancestor.length
}

/** Where keyOfOctets prepares a key. */
const scratch = Buffer.alloc(maxNameOctets)

/**
 * The key of the uncompressed name that stands in `octets` from `from` up to `end`, at most 255 octets. The string is made
 * in one step: put together character by character, it would be a chain of pieces, ten times as large.
 */
export function keyOfOctets(octets: Uint8Array, from: number, end: number): NameKey {
  for (let at = from; at < end; at++) scratch[at - from] = lowerOctet(octets[at] as number)
  return scratch.toString('latin1', 0, end - from)
}

/** An octet with ASCII letters in lower case (RFC 4343 §3). Length octets are below `A` and stay as they are. */
export const lowerOctet = (octet: number): number =>
  octet >= 0x41 && octet <= 0x5a ? octet + 0x20 : octet
