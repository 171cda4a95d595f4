// One line of the state file, read strictly: each field of its type and within bounds, none missing, none more.

import { type SavedAvailability, availabilityWindows } from '../health/availability.ts'
import type { Override } from '../health/overrides.ts'
import { type SavedVerdict, savedStates } from '../health/saved-verdict.ts'

export type StateEntry =
  | { readonly verdict: SavedVerdict & { readonly key: string } }
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

const availabilityShape: Shape = { pool: isText(600), windows: isWindows }

/** null: it is none. */
export function readEntry(line: Fields | null): StateEntry | null {
  const [[kind, value] = [], ...more] = Object.entries(line ?? {})
  if (more.length > 0) return null
  if (kind === 'verdict' && is(value, verdictShape)) return { verdict: value as StateVerdict }
  if (kind === 'override' && is(value, overrideShape)) return { override: value as Override }
  if (kind === 'availability' && is(value, availabilityShape))
    return { availability: value as StateAvailability }
  return null
}

type StateVerdict = SavedVerdict & { readonly key: string }
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

const isBuckets = (value: unknown, limit: number): boolean =>
  Array.isArray(value) && value.length <= limit && value.every(isBucket)

function isBucket(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 3) return false
  const [number, good, total] = value as unknown[]
  if (![number, good, total].every((one) => isCount(one) && Number.isInteger(one))) return false
  return (good as number) <= (total as number)
}
