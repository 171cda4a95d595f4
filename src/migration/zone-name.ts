// The name of the zone that a master file is of, where nobody says it: the owner of its SOA, which may be relative to
// $ORIGIN, or else what the file is called.

import { nameToText, parseName } from '../wire/name.ts'

/** So far the SOA is looked for. */
const headOctets = 65_536

const soaLine = /^(\S*)[ \t]+(?:(?:\d\w*|IN|CLASS1)[ \t]+){0,2}SOA[ \t(]/im

const originLine = /^\$ORIGIN[ \t]+(\S+)/im

/** With its final dot; null: neither the file nor its name tells. `file`: its path. */
export function zoneNameOf(file: string, octets: Uint8Array): string | null {
  const text = new TextDecoder().decode(octets.subarray(0, headOctets)).replace(/;.*$/gm, '')
  const soa = soaLine.exec(text)
  const before = soa ? text.slice(0, soa.index) : ''
  const origin = originLine.exec(before)?.[1] ?? nameOfFile(file)
  const owner = soa?.[1] ?? '@'
  if (owner.endsWith('.') && owner !== '.') return readable(owner)
  if (origin === null) return null
  return readable(owner === '@' || owner === '' ? origin : `${owner}.${origin}`)
}

/** `db.example.com`, `example.com.db`, `example.com.zone` and the like. */
function nameOfFile(file: string): string | null {
  const last = file.slice(file.lastIndexOf('/') + 1)
  const name = last
    .replace(/^(?:db|zone|named|pri|master)\./i, '')
    .replace(/\.(?:db|zone|hosts|master|txt|signed)$/i, '')
  return /^[\w-]+(?:\.[\w-]+)+$/.test(name) ? name : null
}

function readable(text: string): string | null {
  const parsed = parseName(text.endsWith('.') ? text : `${text}.`)
  return parsed.kind === 'name' && parsed.name.length > 1 ? nameToText(parsed.name) : null
}
