// Decodes rdata: the text of its fields and the names in it. All rdata is validated here, however it was written.

import type { RdataName, DecodeState } from './field.ts'
import type { Layout } from './layouts.ts'

export const maxRdataOctets = 65_535

/** `bad`: the octets are not rdata of the type; `why` is for people. */
type Decoded =
  | { readonly kind: 'decoded'; readonly text: string; readonly names: readonly RdataName[] }
  | { readonly kind: 'bad'; readonly why: string }

/** Decodes and validates the rdata of a type with this layout. */
export function decodeRdata(layout: Layout, octets: Uint8Array): Decoded {
  if (octets.length > maxRdataOctets) {
    return {
      kind: 'bad',
      why: `the data has ${octets.length} octets, at most ${maxRdataOctets} are allowed`,
    }
  }
  const state: DecodeState = { octets, at: 0, names: [] }
  const texts: string[] = []
  for (const field of layout.fields) {
    const formatted = field.format(state)
    if (formatted.kind === 'bad') return formatted
    if (formatted.text !== '') texts.push(formatted.text)
  }
  const left = octets.length - state.at
  if (left > 0) return { kind: 'bad', why: `${left} octets are left over after the last field` }
  const why = layout.check?.(octets) ?? null
  if (why !== null) return { kind: 'bad', why }
  return { kind: 'decoded', text: texts.join(' '), names: state.names }
}
