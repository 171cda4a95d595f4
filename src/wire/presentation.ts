// Splits rdata in presentation form (RFC 1035 §5.1) into tokens: words, quoted strings, escapes, parentheses.
//
// A text is the rdata of one record, so unlike in a zone file a line break is just white space, and a `;` outside
// quotes is refused: in a zone file it would start a comment, and what follows would be dropped silently.

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

const Octet = { quote: 0x22, open: 0x28, close: 0x29, semicolon: 0x3b, equals: 0x3d } as const
const backslash = 0x5c

const isSpace = (octet: number): boolean =>
  octet === 0x20 || octet === 0x09 || octet === 0x0a || octet === 0x0d

/** The state of splitting one text. */
interface ScanState {
  /** The text in UTF-8. */
  readonly octets: Uint8Array
  /** The text itself if it is ASCII, so that its characters correspond to `octets`; else null. */
  readonly ascii: string | null
  readonly pairs: boolean
  readonly tokens: Token[]
  at: number
  /** Parentheses that are open. */
  depth: number
}

/** Splits rdata text into tokens, in time linear in its length. */
export function tokenize(text: string, options: TokenizeOptions = { pairs: false }): Tokenized {
  if (text.length > maxPresentationCharacters) {
    const why = `the text has ${text.length} characters, at most ${maxPresentationCharacters} are allowed`
    return { kind: 'bad', why }
  }
  const octets = textOctets(text)
  const ascii = octets.length === text.length ? text : null
  const state: ScanState = { octets, ascii, pairs: options.pairs, tokens: [], at: 0, depth: 0 }
  while (state.at < state.octets.length) {
    const why = scanNext(state)
    if (why !== null) return { kind: 'bad', why }
  }
  if (state.depth > 0) return { kind: 'bad', why: 'a parenthesis is not closed' }
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
  const octets: number[] = []
  const why = collectQuoted(state, octets)
  if (why !== null) return why
  push(state, octets, { from: start, to: state.at - 1, quoted: true })
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
      return 'a quoted string holds a line break, expected \\010'
    if (!collect(state, into)) return badEscape
  }
  return 'a quoted string is not closed'
}

const badEscape = 'the escape after "\\" is not DDD (000–255) or one character'

/** Reads a token without quotes around it. Returns what is wrong, or null. */
function scanWord(state: ScanState): string | null {
  const start = state.at
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
  const text = state.ascii?.slice(from, to) ?? decoder.decode(state.octets.subarray(from, to))
  state.tokens.push({ octets: Uint8Array.from(octets), quoted, text })
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
