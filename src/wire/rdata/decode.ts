// Octets of rdata → text of each field and the names in them. This is also what validates rdata, however written.

import type { RdataName, DecodeState } from './field.ts'
import type { Layout } from './layouts.ts'

export const maxRdataOctets = 65_535

type Decoded =
  | { readonly kind: 'decoded'; readonly text: string; readonly names: readonly RdataName[] }
  | { readonly kind: 'bad'; readonly why: string }

export function decodeRdata(layout: Layout, octets: Uint8Array): Decoded {
  if (octets.length > maxRdataOctets) {
    return {
      kind: 'bad',
      why: `the data has ${octets.length} octets, at most ${maxRdataOctets} are allowed`,
    }
  }
  const reading: DecodeState = { octets, at: 0, names: [] }
  const texts: string[] = []
  for (const field of layout.fields) {
    const formatted = field.format(reading)
    if (formatted.kind === 'bad') return formatted
    if (formatted.text !== '') texts.push(formatted.text)
  }
  const left = octets.length - reading.at
  if (left > 0) return { kind: 'bad', why: `${left} octets are left over after the last field` }
  const why = layout.check?.(octets) ?? null
  if (why !== null) return { kind: 'bad', why }
  return { kind: 'decoded', text: texts.join(' '), names: reading.names }
}
