// Names within rdata. Only the types of RFC 1035 may have theirs compressed (RFC 3597 §4).

import { maxLabelOctets, maxNameOctets, nameToText, parseName } from '../name.ts'
import { asText, bad, type Field, mismatch, nextToken, type NameRole, pushAll } from './field.ts'

export const domainName = (label: string, role: NameRole = 'other'): Field =>
  nameField(label, role, false)

/** Only for types of RFC 1035. */
export const compressibleName = (label: string, role: NameRole = 'other'): Field =>
  nameField(label, role, true)

function nameField(label: string, role: NameRole, compressible: boolean): Field {
  return {
    hasName: true,
    parse(draft) {
      const token = nextToken(draft)
      if (!token || token.quoted) return mismatch(label, token, 'a name, without quotes')
      const parsed = parseName(token.text, draft.origin)
      if (parsed.kind === 'bad') return mismatch(label, token, `a name, but ${parsed.why}`)
      pushAll(draft.octets, parsed.name)
      return null
    },
    format(reading) {
      const end = nameEnd(reading.octets, reading.at)
      if (end === null) return bad(`the octets of ${label} are no uncompressed name`)
      reading.names.push({ offset: reading.at, role, compressible })
      const text = nameToText(reading.octets.subarray(reading.at, end))
      reading.at = end
      return asText(text)
    },
  }
}

/** The offset after the uncompressed name at `start`, or null where there is none. */
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
