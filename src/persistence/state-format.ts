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
import { availabilityWindows, type SavedAvailability } from '../health/availability.ts'
import type { Override } from '../health/overrides.ts'
import { savedStates, type SavedDamping } from '../health/saved-damping.ts'

export interface SavedState {
  /** By slot key. */
  readonly verdicts: ReadonlyMap<string, SavedDamping>
  readonly overrides: readonly Override[]
  /** By zone and pool. */
  readonly availability: ReadonlyMap<string, SavedAvailability>
}

export const emptyState: SavedState = {
  verdicts: new Map(),
  overrides: [],
  availability: new Map(),
}

export type DecodedState =
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

export function decodeState(text: string): DecodedState {
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

function gather(lines: readonly string[], savedMs: number): DecodedState {
  const verdicts = new Map<string, SavedDamping>()
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

const bad = (why: string): DecodedState => ({ kind: 'bad', why })

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

// One line of the state file, read strictly: each field of its type and within bounds, none missing, none more.

type StateEntry =
  | { readonly verdict: SavedDamping & { readonly key: string } }
  | { readonly override: Override }
  | { readonly availability: { readonly pool: string; readonly windows: SavedAvailability } }

type Fields = Readonly<Record<string, unknown>>

type Check = (value: unknown) => boolean

type Shape = Readonly<Record<string, Check>>

const isText =
  (limit: number): Check =>
  (value) =>
    typeof value === 'string' && value.length <= limit

const isNumber =
  (min: number, max: number): Check =>
  (value) =>
    typeof value === 'number' && value >= min && value <= max

const isOneOf =
  (words: readonly string[]): Check =>
  (value) =>
    typeof value === 'string' && words.includes(value)

const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value)

const isTime = isNumber(0, Number.MAX_SAFE_INTEGER)

const isCount = isNumber(0, 1e12)

const verdictShape: Shape = {
  key: isText(8192),
  state: isOneOf(savedStates),
  reason: isText(200),
  sinceMs: isTime,
  seenMs: isTime,
  upSinceMs: orNull(isTime),
  flaps: isNumber(0, 1e9),
  flickers: isNumber(0, 1e9),
  holdMs: isNumber(0, 86_400_000),
}

const weightShapes: readonly Shape[] = [
  { unit: isOneOf(['factor']), value: isNumber(0, 100) },
  { unit: isOneOf(['absolute']), value: isNumber(0, 65_535) },
  { unit: isOneOf(['share']), value: isNumber(0, 0.99) },
]

const actionShapes: readonly Shape[] = [
  { kind: isOneOf(['drain', 'disable', 'up']) },
  { kind: isOneOf(['weight']), weight: (value) => weightShapes.some((shape) => is(value, shape)) },
]

const overrideShape: Shape = {
  id: isText(64),
  zone: isText(255),
  target: isText(255),
  pool: orNull(isText(255)),
  action: (value) => actionShapes.some((shape) => is(value, shape)),
  why: isText(200),
  by: isText(100),
  setMs: isTime,
  untilMs: orNull(isTime),
}

const isBuckets = (value: unknown, limit: number): boolean =>
  Array.isArray(value) && value.length <= limit && value.every(isBucket)

const availabilityShape: Shape = { pool: isText(600), windows: isWindows }

/** null: it is none. */
function readEntry(line: Fields | null): StateEntry | null {
  const [[kind, value] = [], ...more] = Object.entries(line ?? {})
  if (more.length > 0) return null
  if (kind === 'verdict' && is(value, verdictShape)) return { verdict: value as StateVerdict }
  if (kind === 'override' && is(value, overrideShape)) return { override: value as Override }
  if (kind === 'availability' && is(value, availabilityShape))
    return { availability: value as StateAvailability }
  return null
}

type StateVerdict = SavedDamping & { readonly key: string }

type StateAvailability = { readonly pool: string; readonly windows: SavedAvailability }

function is(value: unknown, shape: Shape): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const fields = value as Fields
  const keys = Object.keys(shape)
  return (
    Object.keys(fields).length === keys.length &&
    keys.every((key) => Object.hasOwn(fields, key) && (shape[key] as Check)(fields[key]))
  )
}

/** null: not the buckets of each window. */
export const readWindows = (value: unknown): SavedAvailability | null =>
  isWindows(value) ? (value as SavedAvailability) : null

function isWindows(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.length === availabilityWindows.length &&
    value.every((buckets: unknown, i) => isBuckets(buckets, availabilityWindows[i]?.buckets ?? 0))
  )
}

function isBucket(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 3) return false
  const [number, good, total] = value as unknown[]
  if (![number, good, total].every((one) => isCount(one) && Number.isInteger(one))) return false
  return (good as number) <= (total as number)
}
