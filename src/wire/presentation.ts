// Splits rdata in presentation form (RFC 1035 §5.1) into tokens: words, quoted strings, escapes, parentheses.
//
// A text is the rdata of one record, so that a line break is just white space, and a `;` outside quotes is refused: in a
// master file it would start a comment, and what follows would be dropped silently. A master file is read token by token
// instead (`nextInEntry`), where line breaks and comments mean what they mean there.

import { unescapeAt } from './name.ts'
import { textOctets } from './octets.ts'

/** The longest text: 65,535 octets of rdata, each written as `\DDD`, and white space. */
export const maxPresentationCharacters = 300_000

export interface Token {
  /** The octets of the token, with escapes resolved. */
  readonly octets: Uint8Array
  readonly quoted: boolean
  /** The token as written: with escapes, but without the quotes around it. */
  readonly text: string
  /** Offset of its first octet in the text. */
  readonly from: number
}

/** `bad`: the text cannot be split; `why` is for people. */
type Tokenized =
  | { readonly kind: 'tokens'; readonly tokens: readonly Token[] }
  | { readonly kind: 'bad'; readonly why: string }

interface TokenizeOptions {
  /** Whether `key="value with spaces"` is one token, as in the SvcParams of RFC 9460 §2.1. */
  readonly pairs: boolean
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** One character for each octet. What it has for octets above 127 is not read. */
const asciiDecoder = new TextDecoder('latin1')

const Octet = {
  lineFeed: 0x0a,
  quote: 0x22,
  open: 0x28,
  close: 0x29,
  semicolon: 0x3b,
  equals: 0x3d,
} as const
const backslash = 0x5c

const isSpace = (octet: number): boolean =>
  octet === 0x20 || octet === 0x09 || octet === 0x0a || octet === 0x0d

/** The state of splitting one text. */
interface ScanState {
  /** The text in UTF-8. */
  readonly octets: Uint8Array
  /** One character for each octet, of which only those of ASCII are right. */
  readonly characters: string
  pairs: boolean
  readonly tokens: Token[]
  at: number
  /** Parentheses that are open. */
  depth: number
}

/** A master file that is read token by token. `tokens` are emptied by the reader. */
export type MasterScan = ScanState

export const scanMasterFile = (octets: Uint8Array): MasterScan => ({
  octets,
  characters: asciiDecoder.decode(octets),
  pairs: false,
  tokens: [],
  at: 0,
  depth: 0,
})

type Scanned =
  | { readonly kind: 'token' }
  /** The entry ended, and the next one begins at `at`. */
  | { readonly kind: 'end' }
  /** What stands at `at` is no token; `why` is for people. */
  | { readonly kind: 'bad'; readonly why: string }

const token: Scanned = { kind: 'token' }
const end: Scanned = { kind: 'end' }

/** Adds the next token of the entry that a master file is at. Comments are skipped, and line breaks within parentheses. */
export function nextInEntry(scan: MasterScan): Scanned {
  const { octets, tokens } = scan
  const count = tokens.length
  while (scan.at < octets.length) {
    const octet = octets[scan.at] as number
    if (octet === Octet.lineFeed && scan.depth === 0) {
      scan.at++
      return end
    }
    if (octet === Octet.semicolon) {
      const lineEnd = octets.indexOf(Octet.lineFeed, scan.at)
      scan.at = lineEnd < 0 ? octets.length : lineEnd
      continue
    }
    const why = scanNext(scan)
    if (why !== null) return { kind: 'bad', why }
    if (tokens.length > count) return token
  }
  return scan.depth > 0 ? { kind: 'bad', why: notClosed } : end
}

const notClosed = 'a parenthesis is not closed, expected ) behind the last word of the record'

/** Splits rdata text into tokens, in time linear in its length. */
export function tokenize(text: string, options: TokenizeOptions = { pairs: false }): Tokenized {
  if (text.length > maxPresentationCharacters) {
    const why = `the text has ${text.length} characters, at most ${maxPresentationCharacters} are allowed`
    return { kind: 'bad', why }
  }
  const octets = textOctets(text)
  const characters = octets.length === text.length ? text : asciiDecoder.decode(octets)
  const state: ScanState = { octets, characters, pairs: options.pairs, tokens: [], at: 0, depth: 0 }
  while (state.at < state.octets.length) {
    const why = scanNext(state)
    if (why !== null) return { kind: 'bad', why }
  }
  if (state.depth > 0) return { kind: 'bad', why: notClosed }
  return { kind: 'tokens', tokens: state.tokens }
}

/** Reads one token, or one octet between tokens. Returns what is wrong, or null. */
function scanNext(state: ScanState): string | null {
  const octet = state.octets[state.at] as number
  if (octet === Octet.semicolon)
    return 'there is a ";" outside quotes, expected it quoted or escaped'
  if (octet === Octet.quote) return scanQuoted(state)
  if (octet === Octet.open) state.depth++
  else if (octet === Octet.close) {
    if (--state.depth < 0) return 'a parenthesis is closed that was not opened'
  } else if (!isSpace(octet)) return scanWord(state)
  state.at++
  return null
}

/** Reads a quoted string from its opening quote on. Returns what is wrong, or null. */
function scanQuoted(state: ScanState): string | null {
  const start = ++state.at
  const plain = skipPlain(state, quotedOctets)
  if (state.octets[plain] === Octet.quote) {
    pushPlain(state, plain, true)
    state.at = plain + 1
  } else {
    const octets: number[] = []
    const why = collectQuoted(state, octets)
    if (why !== null) return why
    push(state, octets, { from: start, to: state.at - 1, quoted: true })
  }
  const next = state.octets[state.at]
  return next === undefined || isSeparator(next) || next === Octet.quote
    ? null
    : 'something follows a closing quote directly, expected white space between'
}

/** Appends the octets up to the closing quote, and skips the quote. Returns what is wrong, or null. */
function collectQuoted(state: ScanState, into: number[]): string | null {
  for (; state.at < state.octets.length; state.at++) {
    const octet = state.octets[state.at] as number
    if (octet === Octet.quote) {
      state.at++
      return null
    }
    if (octet === 0x0a || octet === 0x0d)
      return 'a quoted string is not closed on its line, expected " behind it'
    if (!collect(state, into)) return badEscape
  }
  return 'a quoted string is not closed, expected " behind it'
}

const badEscape = 'the escape after "\\" is not DDD (000–255) or one character'

/** Reads a token without quotes around it. Returns what is wrong, or null. */
function scanWord(state: ScanState): string | null {
  const start = state.at
  const plain = skipPlain(state, wordOctets)
  const after = state.octets[plain]
  if (after === undefined || isSeparator(after)) {
    pushPlain(state, plain, false)
    state.at = plain
    return null
  }
  const octets: number[] = []
  for (; state.at < state.octets.length; state.at++) {
    const octet = state.octets[state.at] as number
    if (isSeparator(octet)) break
    if (octet === Octet.quote) {
      if (!state.pairs || octets.at(-1) !== Octet.equals)
        return 'a quote stands within a word, expected white space before it'
      return scanPairValue(state, octets, start)
    }
    if (!collect(state, octets)) return badEscape
  }
  push(state, octets, { from: start, to: state.at, quoted: false })
  return null
}

/** Reads the rest of `key="value"` from its opening quote on. Returns what is wrong, or null. */
function scanPairValue(state: ScanState, octets: number[], start: number): string | null {
  state.at++
  const why = collectQuoted(state, octets)
  if (why !== null) return why
  const next = state.octets[state.at]
  if (next !== undefined && !isSeparator(next))
    return 'something follows a closing quote directly, expected white space between'
  push(state, octets, { from: start, to: state.at, quoted: false })
  return null
}

const isSeparator = (octet: number): boolean =>
  isSpace(octet) || octet === Octet.open || octet === Octet.close || octet === Octet.semicolon

/** Appends the octet at the present position to `into`, with an escape resolved; false: the escape is malformed. */
function collect(state: ScanState, into: number[]): boolean {
  const octet = state.octets[state.at] as number
  if (octet !== backslash) {
    into.push(octet)
    return true
  }
  const escaped = unescapeAt(state.octets, state.at + 1)
  if (!escaped) return false
  into.push(escaped.octet)
  state.at += escaped.consumed
  return true
}

/** Adds a token, whose text stands between `from` and `to`. */
function push(
  state: ScanState,
  octets: readonly number[],
  { from, to, quoted }: { from: number; to: number; quoted: boolean },
): void {
  const text = decoder.decode(state.octets.subarray(from, to))
  state.tokens.push({ octets: Uint8Array.from(octets), quoted, text, from })
}

// Most tokens are ASCII without escapes: their octets are a part of the text.

/** By octet: 1 for those of ASCII that stand for themselves. */
const wordOctets = plainOctets((octet) => octet > 0x20 && !isSeparator(octet))
const quotedOctets = plainOctets((octet) => octet !== 0x0a && octet !== 0x0d)

function plainOctets(isPlain: (octet: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, octet) =>
    octet < 0x80 && octet !== Octet.quote && octet !== backslash && isPlain(octet) ? 1 : 0,
  )
}

/** Offset of the first octet from `at` on that does not stand for itself. */
function skipPlain({ octets, at }: ScanState, isPlain: Uint8Array): number {
  let end = at
  while (isPlain[octets[end] as number] === 1) end++
  return end
}

function pushPlain(state: ScanState, to: number, quoted: boolean): void {
  const { octets, characters, at: from } = state
  const text = characters.slice(from, to)
  state.tokens.push({ octets: octets.subarray(from, to), quoted, text, from })
}

/** The quoted string that stands for these octets in presentation form. */
export function quoteOctets(octets: Uint8Array): string {
  let text = '"'
  for (const octet of octets) {
    if (octet === Octet.quote || octet === backslash) text += `\\${String.fromCharCode(octet)}`
    else if (octet >= 0x20 && octet < 0x7f) text += String.fromCharCode(octet)
    else text += `\\${String(octet).padStart(3, '0')}`
  }
  return `${text}"`
}
