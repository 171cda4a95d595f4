// The state file: a line that says what follows, then a line of JSON for each thing kept.
//
//   {"format":"mxsteer-state","version":1,"savedMs":…,"entries":N,"sha256":"…"}
//   {"verdict":{"key":…,"state":"up",…}}
//   {"override":{"id":…,…}}
//   {"availability":{"pool":…,"windows":[…]}}
//
// Count and hash are of all lines after the first. A file that breaks any rule is ignored as a whole: half of what
// was known is not what was known.

import { createHash } from 'node:crypto'

import type { SavedAvailability } from '../health/availability.ts'
import type { Override } from '../health/overrides.ts'
import type { SavedVerdict } from '../health/saved-verdict.ts'
import { type StateEntry, readEntry } from './state-entries.ts'

export interface SavedState {
  /** By slot key. */
  readonly verdicts: ReadonlyMap<string, SavedVerdict>
  readonly overrides: readonly Override[]
  /** By zone and pool. */
  readonly availability: ReadonlyMap<string, SavedAvailability>
}

export const emptyState: SavedState = {
  verdicts: new Map(),
  overrides: [],
  availability: new Map(),
}

export type StateDecoded =
  | { readonly kind: 'state'; readonly state: SavedState; readonly savedMs: number }
  | { readonly kind: 'bad'; readonly why: string }

/** As large as 65,536 verdicts with long keys need, and as much again. */
export const stateLimitOctets: number = 64 * 1024 * 1024
const version = 1
const format = 'mxsteer-state'

export function encodeState(
  { verdicts, overrides, availability }: SavedState,
  savedMs: number,
): string {
  const entries: readonly StateEntry[] = [
    ...[...verdicts].map(([key, verdict]) => ({ verdict: { key, ...verdict } })),
    ...overrides.map((override) => ({ override })),
    ...[...availability].map(([pool, windows]) => ({ availability: { pool, windows } })),
  ]
  const body = entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')
  const head = { format, version, savedMs, entries: entries.length, sha256: digest(body) }
  return `${JSON.stringify(head)}\n${body}`
}

export function decodeState(text: string): StateDecoded {
  const end = text.indexOf('\n')
  const head = end < 0 ? null : readJson(text.slice(0, end))
  if (head === null || head['format'] !== format) return bad('it is no state file')
  if (head['version'] !== version)
    return bad(`version ${String(head['version'])} is not ${version}`)
  const body = text.slice(end + 1)
  if (head['sha256'] !== digest(body)) return bad('it is cut short or damaged: the hash differs')
  const lines = body.split('\n')
  if (lines.pop() !== '' || lines.length !== head['entries']) return bad('the count differs')
  const { savedMs } = head
  if (typeof savedMs !== 'number' || !Number.isFinite(savedMs)) return bad('it has no time')
  return gather(lines, savedMs)
}

function gather(lines: readonly string[], savedMs: number): StateDecoded {
  const verdicts = new Map<string, SavedVerdict>()
  const overrides: Override[] = []
  const availability = new Map<string, SavedAvailability>()
  for (const [i, line] of lines.entries()) {
    const entry = readEntry(readJson(line))
    if (entry === null) return bad(`line ${i + 2} is not what version ${version} says`)
    if ('verdict' in entry) {
      const { key, ...verdict } = entry.verdict
      verdicts.set(key, verdict)
    } else if ('override' in entry) overrides.push(entry.override)
    else availability.set(entry.availability.pool, entry.availability.windows)
  }
  return { kind: 'state', state: { verdicts, overrides, availability }, savedMs }
}

const bad = (why: string): StateDecoded => ({ kind: 'bad', why })

const digest = (text: string): string => createHash('sha256').update(text).digest('hex')

function readJson(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : null
  } catch {
    return null
  }
}
