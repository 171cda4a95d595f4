// What zones say, as a word that is the same wherever they say the same: comments, order of keys, names of files and
// the serial kept by itself do not count.

import { createHash } from 'node:crypto'

import type { ZoneSource } from '../zone/zone-source.ts'

/** 16 characters. */
export function contentHash(sources: readonly ZoneSource[]): string {
  const zones = sources.map((source) => canonical(source)).sort()
  return createHash('sha256').update(zones.join('\n')).digest('base64url').slice(0, 16)
}

/** JSON with the keys of every map in order; where something stands in its document is left out. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const entries = value instanceof Map ? [...value] : Object.entries(value)
  const said = entries
    .filter(([key, one]) => key !== 'at' && one !== undefined)
    .map(([key, one]) => `${JSON.stringify(key)}:${canonical(one)}`)
  return `{${said.sort().join(',')}}`
}
