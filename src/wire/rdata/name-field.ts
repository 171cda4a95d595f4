// Domain names within rdata.

import { maxLabelOctets, maxNameOctets, nameToText, parseName } from '../name.ts'
import { asText, bad, type Field, mismatch, nextToken, type NameRole, pushAll } from './field.ts'

/** A name that must not be compressed. `label` names the field in error messages. */
export const domainName = (label: string, role: NameRole = 'other'): Field =>
  nameField(label, role, false)

/** A name that may be compressed: only in the types of RFC 1035 (RFC 3597 §4). */
export const compressibleName = (label: string, role: NameRole = 'other'): Field =>
  nameField(label, role, true)

function nameField(label: string, role: NameRole, compressible: boolean): Field {
  return {
    hasName: true,
    parse(state) {
      const token = nextToken(state)
      if (!token || token.quoted) return mismatch(label, token, 'a name, without quotes')
      const parsed = parseName(token.text, state.origin)
      if (parsed.kind === 'bad') return mismatch(label, token, `a name, but ${parsed.why}`)
      pushAll(state.octets, parsed.name)
      return null
    },
    format(state) {
      const end = nameEnd(state.octets, state.at)
      if (end === null) return bad(`the octets of ${label} are no uncompressed name`)
      state.names.push({ offset: state.at, role, compressible })
      const text = nameToText(state.octets.subarray(state.at, end))
      state.at = end
      return asText(text)
    },
  }
}

/** The offset behind the uncompressed name at `start`; null: there is no valid name. */
export function nameEnd(octets: Uint8Array, start: number): number | null {
  let at = start
  while (at < octets.length && at - start < maxNameOctets) {
    const length = octets[at] as number
    if (length > maxLabelOctets) return null
    at += 1 + length
    if (length === 0) return at
  }
  return null
}
