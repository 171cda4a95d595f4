// Formats rdata in presentation form, for logs, `explain` and tests. parse.ts reads it back to the same octets.

import { decodeRdata } from './decode.ts'
import { layouts } from './layouts.ts'
import { toHex } from './octet-field.ts'

/** Rdata as text; invalid rdata, and that of types without a layout, in the generic form of RFC 3597 §5. */
export function formatRdata(type: number, octets: Uint8Array): string {
  const layout = layouts.get(type)
  const decoded = layout ? decodeRdata(layout, octets) : null
  if (decoded?.kind === 'decoded') return decoded.text
  return octets.length === 0 ? '\\# 0' : `\\# ${octets.length} ${toHex(octets)}`
}
