// Parses rdata in presentation form: by the fields of its type, or in the generic form of RFC 3597 §5, `\# LENGTH HEX`,
// which must be valid rdata if the type has a layout.

import { isMetaType, typeToText } from '../rrtype.ts'
import type { Name } from '../name.ts'
import type { Rdata } from './rdata.ts'
import { type Token, tokenize } from '../presentation.ts'
import { decodeRdata, maxRdataOctets } from './decode.ts'
import { type ParseState, mismatch } from './field.ts'
import { type Layout, layouts } from './layouts.ts'
import { fromHex } from './octet-field.ts'

/** `bad`: the text is not rdata of the type; `why` is for people. */
export type ParsedRdata =
  | { readonly kind: 'rdata'; readonly rdata: Rdata }
  | { readonly kind: 'bad'; readonly why: string }

/**
 * The rdata of a type from its text. Names without a final dot are relative to `origin`. Never throws, in time linear
 * in the text.
 */
export function parseRdata(type: number, text: string, origin: Name): ParsedRdata {
  if (isMetaType(type)) return bad(`${typeToText(type)} is a type of queries, never data of a zone`)
  const tokenized = tokenize(text, { pairs: takesPairs(type) })
  return tokenized.kind === 'bad' ? tokenized : parseRdataTokens(type, tokenized.tokens, origin)
}

/** Whether tokens of its rdata may be `key="quoted value"`. */
export const takesPairs = (type: number): boolean => layouts.get(type)?.pairs === true

/** The same from tokens. */
export function parseRdataTokens(
  type: number,
  tokens: readonly Token[],
  origin: Name,
): ParsedRdata {
  const layout = layouts.get(type)
  const [first] = tokens
  if (first && !first.quoted && first.text === '\\#') return parseGeneric(tokens.slice(1), layout)
  if (!layout)
    return bad(`${typeToText(type)} has no form of its own here, expected \\# LENGTH HEX`)
  return parseFields(layout, { tokens, at: 0, octets: [], origin })
}

const bad = (why: string): ParsedRdata => ({ kind: 'bad', why })

function parseFields(layout: Layout, state: ParseState): ParsedRdata {
  for (const field of layout.fields) {
    const why = field.parse(state)
    if (why !== null) return bad(why)
  }
  const extra = state.tokens[state.at]
  if (extra) return bad(mismatch('what follows', extra, 'nothing more'))
  return finish(layout, new Uint8Array(state.octets))
}

function parseGeneric(tokens: readonly Token[], layout: Layout | undefined): ParsedRdata {
  const [count, ...rest] = tokens
  const isCount = count && !count.quoted && /^\d{1,5}$/.test(count.text)
  if (!isCount || Number(count.text) > maxRdataOctets)
    return bad(
      mismatch('the length after \\#', count ?? null, `a whole number 0–${maxRdataOctets}`),
    )
  const hex = rest.map((token) => token.text).join('')
  const octets = rest.some((token) => token.quoted) ? null : fromHex(hex)
  if (!octets) return bad(mismatch('the data after \\#', hex, 'an even number of hex digits'))
  if (octets.length !== Number(count.text))
    return bad(`the data after \\# has ${octets.length} octets, expected ${Number(count.text)}`)
  return finish(layout, octets)
}

/** The same one for all rdata without names, of which a zone may have a million. */
const none: readonly number[] = []

function finish(layout: Layout | undefined, octets: Uint8Array): ParsedRdata {
  if (!layout) return { kind: 'rdata', rdata: { octets, compressible: none } }
  const decoded = decodeRdata(layout, octets)
  if (decoded.kind === 'bad') return decoded
  const names = decoded.names.filter((name) => name.compressible)
  const compressible = names.length === 0 ? none : names.map((name) => name.offset)
  return { kind: 'rdata', rdata: { octets, compressible } }
}
