// What zones say, as a word that is the same wherever they say the same: comments, order of keys, names of files and
// the serial kept by itself do not count.

import { createHash } from 'node:crypto'

import type { ZoneSource } from '../zone/compile/zone-source.ts'

/** 16 characters. */
export function contentHash(sources: readonly ZoneSource[]): string {
  const zones = sources.map((source) => canonical(source)).sort()
  return createHash('sha256').update(zones.join('\n')).digest('base64url').slice(0, 16)
}

/** As JSON does it, which most texts need no help of. */
const quote = (text: string): string =>
  /^[\w .:-]*$/.test(text) ? `"${text}"` : JSON.stringify(text)

/** JSON with the keys of every map in order; where something stands in its document is left out. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value === 'string') return quote(value)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const said: string[] = []
  for (const [key, one] of value instanceof Map ? value : Object.entries(value)) {
    if (key !== 'at' && one !== undefined) said.push(`${quote(key)}:${canonical(one)}`)
  }
  return said.length === 1 ? `{${said[0]}}` : `{${said.sort().join(',')}}`
}
