// Presentation form of rdata (RFC 1035 §5.1) ⇄ tokens: words, quoted strings, escapes, parentheses.
//
// One text is one record's rdata, so unlike in a master file a line break is only white space, and a `;` outside
// quotes is refused: in a file it would start a comment and silently drop what follows.

import { unescapeAt } from './name.ts'
import { textOctets } from './octets.ts'

/** Room for 65,535 octets of rdata, each written as `\DDD`, and their white space. */
export const maxPresentationCharacters = 300_000

export interface Token {
  /** What the token stands for, escapes resolved. */
  readonly octets: Uint8Array
  readonly quoted: boolean
  /** As written, escapes kept, quotes around it removed. */
  readonly text: string
}

type Tokenized =
  | { readonly kind: 'tokens'; readonly tokens: readonly Token[] }
  | { readonly kind: 'bad'; readonly why: string }

interface TokenizeOptions {
  /** `key="value with spaces"` is one token, as in the SvcParams of RFC 9460 §2.1. */
  readonly pairs: boolean
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

const Octet = { quote: 0x22, open: 0x28, close: 0x29, semicolon: 0x3b, equals: 0x3d } as const
const backslash = 0x5c

const isSpace = (octet: number): boolean =>
  octet === 0x20 || octet === 0x09 || octet === 0x0a || octet === 0x0d

interface ScanState {
  readonly octets: Uint8Array
  /** What they are of; null where an octet is not a character. */
  readonly ascii: string | null
  readonly pairs: boolean
  readonly tokens: Token[]
  at: number
  depth: number
}

/** Splits rdata text into tokens, in time linear to its length. */
export function tokenize(text: string, options: TokenizeOptions = { pairs: false }): Tokenized {
  if (text.length > maxPresentationCharacters) {
    const why = `the text has ${text.length} characters, at most ${maxPresentationCharacters} are allowed`
    return { kind: 'bad', why }
  }
  const octets = textOctets(text)
  const ascii = octets.length === text.length ? text : null
  const scan: ScanState = { octets, ascii, pairs: options.pairs, tokens: [], at: 0, depth: 0 }
  while (scan.at < scan.octets.length) {
    const why = scanNext(scan)
    if (why !== null) return { kind: 'bad', why }
  }
  if (scan.depth > 0) return { kind: 'bad', why: 'a parenthesis is not closed' }
  return { kind: 'tokens', tokens: scan.tokens }
}

/** Takes one token or one octet of what separates them; says what is wrong, or null. */
function scanNext(scan: ScanState): string | null {
  const octet = scan.octets[scan.at] as number
  if (octet === Octet.semicolon)
    return 'there is a ";" outside quotes, expected it quoted or escaped'
  if (octet === Octet.quote) return scanQuoted(scan)
  if (octet === Octet.open) scan.depth++
  else if (octet === Octet.close) {
    if (--scan.depth < 0) return 'a parenthesis is closed that was not opened'
  } else if (!isSpace(octet)) return scanWord(scan)
  scan.at++
  return null
}

function scanQuoted(scan: ScanState): string | null {
  const start = ++scan.at
  const octets: number[] = []
  const why = collectQuoted(scan, octets)
  if (why !== null) return why
  push(scan, octets, { from: start, to: scan.at - 1, quoted: true })
  const next = scan.octets[scan.at]
  return next === undefined || isSeparator(next) || next === Octet.quote
    ? null
    : 'something follows a closing quote directly, expected white space between'
}

/** Reads up to and with the closing quote. */
function collectQuoted(scan: ScanState, into: number[]): string | null {
  for (; scan.at < scan.octets.length; scan.at++) {
    const octet = scan.octets[scan.at] as number
    if (octet === Octet.quote) {
      scan.at++
      return null
    }
    if (octet === 0x0a || octet === 0x0d)
      return 'a quoted string holds a line break, expected \\010'
    if (!collect(scan, into)) return badEscape
  }
  return 'a quoted string is not closed'
}

const badEscape = 'the escape after "\\" is not DDD (000–255) or one character'

function scanWord(scan: ScanState): string | null {
  const start = scan.at
  const octets: number[] = []
  for (; scan.at < scan.octets.length; scan.at++) {
    const octet = scan.octets[scan.at] as number
    if (isSeparator(octet)) break
    if (octet === Octet.quote) {
      if (!scan.pairs || octets.at(-1) !== Octet.equals)
        return 'a quote stands within a word, expected white space before it'
      return scanPairValue(scan, octets, start)
    }
    if (!collect(scan, octets)) return badEscape
  }
  push(scan, octets, { from: start, to: scan.at, quoted: false })
  return null
}

function scanPairValue(scan: ScanState, octets: number[], start: number): string | null {
  scan.at++
  const why = collectQuoted(scan, octets)
  if (why !== null) return why
  const next = scan.octets[scan.at]
  if (next !== undefined && !isSeparator(next))
    return 'something follows a closing quote directly, expected white space between'
  push(scan, octets, { from: start, to: scan.at, quoted: false })
  return null
}

const isSeparator = (octet: number): boolean =>
  isSpace(octet) || octet === Octet.open || octet === Octet.close || octet === Octet.semicolon

/** Puts the octet at the scan's place into `into`, an escape resolved; false for a bad escape. */
function collect(scan: ScanState, into: number[]): boolean {
  const octet = scan.octets[scan.at] as number
  if (octet !== backslash) {
    into.push(octet)
    return true
  }
  const escaped = unescapeAt(scan.octets, scan.at + 1)
  if (!escaped) return false
  into.push(escaped.octet)
  scan.at += escaped.consumed
  return true
}

function push(
  scan: ScanState,
  octets: readonly number[],
  { from, to, quoted }: { from: number; to: number; quoted: boolean },
): void {
  const text = scan.ascii?.slice(from, to) ?? decoder.decode(scan.octets.subarray(from, to))
  scan.tokens.push({ octets: Uint8Array.from(octets), quoted, text })
}

/** A quoted string that reads back as these octets. */
export function quoteOctets(octets: Uint8Array): string {
  let text = '"'
  for (const octet of octets) {
    if (octet === Octet.quote || octet === backslash) text += `\\${String.fromCharCode(octet)}`
    else if (octet >= 0x20 && octet < 0x7f) text += String.fromCharCode(octet)
    else text += `\\${String(octet).padStart(3, '0')}`
  }
  return `${text}"`
}
