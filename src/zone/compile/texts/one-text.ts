// TXT data as a zone file gives them, as one text in presentation form:
//
//   without double quotes            one text, white space and `;` included, split at 255 octets
//   in one pair of double quotes     the same
//   in several, or beside words      presentation form (RFC 1035 §5.1): each word and each pair is a string
//   a list within the list           its items are the strings of one record
//   \# LENGTH HEX                    as ever (RFC 3597 §5)
//
// Escapes mean what they mean in presentation form. Master files are in presentation form alone.

import { unescapeAt } from '../../../wire/name.ts'
import { textOctets } from '../../../wire/octets.ts'
import { maxPresentationCharacters, quoteOctets, tokenize } from '../../../wire/presentation.ts'

export interface ReadText {
  /** Presentation form; as it was given where it has a mistake. */
  readonly text: string
  /** The strings that it was read as before plain text was one text, where those were others. */
  readonly formerly?: string | undefined
}

const maxStringOctets = 255

/** The text of one TXT record. */
export function readTxt(given: string): ReadText {
  if (given.length > maxPresentationCharacters || /^\s*\\#(?:\s|$)/.test(given))
    return { text: given }
  if (hasQuote(given)) return { text: splitQuoted(given) }
  const octets = unescape(given.trim().replace(/\s*\n\s*/g, ' '))
  if (octets === null) return { text: given }
  const former = tokenize(given)
  const strings = former.kind === 'tokens' ? former.tokens.map((token) => token.octets) : null
  const isSame = strings?.length === 1 && sameOctets(strings[0] as Uint8Array, octets)
  if (isSame && octets.length <= maxStringOctets) return { text: given }
  const formerly = strings && !isSame ? strings.map(quoteOctets).join(' ') : undefined
  return { text: quoteStrings(octets), formerly }
}

/** The text of one TXT record whose strings are given one by one. */
export function readStrings(items: readonly string[]): string {
  return items
    .map((item) => {
      if (hasQuote(item)) return item
      const octets = unescape(item.trim())
      return octets === null ? item : quoteOctets(octets)
    })
    .join(' ')
}

/** Whether there is a double quote that is not escaped. */
const hasQuote = (text: string): boolean => /^(?:[^"\\]|\\[^])*"/.test(text)

/** One pair of quotes may hold more than a string does. */
function splitQuoted(text: string): string {
  const { kind, ...read } = tokenize(text)
  if (kind === 'bad' || !('tokens' in read) || read.tokens.length !== 1) return text
  const octets = read.tokens[0]?.octets ?? new Uint8Array()
  return octets.length > maxStringOctets ? quoteStrings(octets) : text
}

function quoteStrings(octets: Uint8Array): string {
  const strings: string[] = []
  for (let at = 0; at < octets.length || at === 0; at += maxStringOctets)
    strings.push(quoteOctets(octets.subarray(at, at + maxStringOctets)))
  return strings.join(' ')
}

/** null: an escape is malformed. */
function unescape(text: string): Uint8Array | null {
  const from = textOctets(text)
  if (!text.includes('\\')) return from
  const octets: number[] = []
  for (let i = 0; i < from.length; i++) {
    const octet = from[i] as number
    const escaped = octet === 0x5c ? unescapeAt(from, i + 1) : { octet, consumed: 0 }
    if (escaped === null) return null
    octets.push(escaped.octet)
    i += escaped.consumed
  }
  return Uint8Array.from(octets)
}

const sameOctets = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((octet, i) => octet === b[i])
