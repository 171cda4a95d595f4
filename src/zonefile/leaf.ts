// Building blocks of the schemas of zone files and settings.
//
// A leaf is the schema of one value. It has the text for its message and a fallback: a valid value
// that stands in for an invalid one while the later checks run, so that one run reports every
// problem (load-zones.ts). It is never served.

import { z } from 'zod'
import { adviseOnDuration, adviseOnShare, adviseOnValue, adviseOnWord } from '../lib/advice.ts'

/** What a file may give for a schema, where zod knows only how it is read: input-forms of the JSON Schemas. */
export type InputForm =
  /** `json`: a JSON Schema. `write`: a parsed value, such as a default, as a file gives it. */
  | {
      readonly kind: 'value'
      readonly json: Readonly<Record<string, unknown>>
      readonly write?: (value: unknown) => unknown
    }
  | { readonly kind: 'one-or-many'; readonly item: z.ZodType }
  /** `ofKey`: schemas of certain keys, by a pattern; all others are `value`. */
  | {
      readonly kind: 'map'
      readonly value: z.ZodType
      readonly ofKey?: Readonly<Record<string, z.ZodType>>
    }
  | { readonly kind: 'either'; readonly schemas: readonly z.ZodType[] }

const inputForms = new WeakMap<z.ZodType, InputForm>()

export const inputFormOf = (schema: z.ZodType): InputForm | undefined => inputForms.get(schema)

export function withInput<T>(schema: z.ZodType<T>, form: InputForm): z.ZodType<T> {
  inputForms.set(schema, form)
  return schema
}

interface LeafSpec<T> {
  /** What the message has after "expected". */
  readonly expected: string
  /** A valid value, as a file would give it. */
  readonly fallback: unknown
  /** The parsed value; null: it is not valid. */
  readonly read: (value: unknown) => T | null
  /** What was meant by a value that is not valid, for the end of the message: `did you mean GB?`; null: that is open. */
  readonly suggest?: (value: unknown) => string | null
  /** A JSON Schema of what is valid; by default anything but a map, a list and nothing. */
  readonly json?: Readonly<Record<string, unknown>>
  /** The value as a file gives it, where that differs. */
  readonly write?: (value: unknown) => unknown
}

/** The schema of one value. Its issue has the message and, in `params`, the fallback. */
export function leaf<T>(spec: LeafSpec<T>): z.ZodType<T> {
  const { expected, fallback, read, suggest, json = anyScalar, write } = spec
  const schema = z.unknown().transform((value, context): T => {
    const result = read(value)
    if (result !== null) return result
    const hint = suggest?.(value) ?? adviseOnValue(value, (other) => read(other) !== null)
    const message =
      value === undefined
        ? `missing, expected ${expected}`
        : `expected ${expected}, got ${show(value)}${hint === null ? '' : `: ${hint}`}`
    context.issues.push({ code: 'custom', input: value, message, params: { fallback } })
    return z.NEVER
  })
  const form = { kind: 'value', json: { description: expected, ...json } } as const
  return withInput(schema, write ? { ...form, write } : form)
}

const anyScalar = { type: ['string', 'number', 'boolean'] }

/** A value as messages show it: text up to 60 characters; a list or a map only as such. */
export function show(value: unknown): string {
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (typeof value !== 'string') return typeof value
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 59)}…` : value)
}

/** Text, a number or a boolean as it is written; empty for what is none of them: a map here has no text at all. */
export function scalarText(value: unknown): string {
  const isScalar =
    typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
  return isScalar ? String(value) : ''
}

/** An integer within bounds, given as a number. */
export const integer = (
  what: string,
  min: number,
  max: number,
  suggest?: (value: unknown) => string | null,
): z.ZodType<number> =>
  leaf({
    expected: `${what} from ${min} to ${max}`,
    fallback: Math.max(min, 1),
    ...(suggest && { suggest }),
    read: (value) => (isIntegerWithin(value, min, max) ? value : null),
    json: { type: 'integer', minimum: min, maximum: max },
  })

export const isIntegerWithin = (value: unknown, min: number, max: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max

/** Text that matches a pattern. */
export const text = (
  expected: string,
  pattern: RegExp,
  fallback: string,
  suggest: (value: unknown) => string | null = () => null,
): z.ZodType<string> =>
  leaf({
    expected,
    fallback,
    suggest,
    read: (value) => (typeof value === 'string' && pattern.test(value) ? value : null),
    json: { type: 'string', pattern: pattern.source },
  })

/** A path of the file system. */
export const path: z.ZodType<string> = text('a path', /^[^\0]{1,4096}$/, '.')

export const trueOrFalse: z.ZodType<boolean> = leaf({
  expected: 'true or false',
  fallback: false,
  read: (value) => (typeof value === 'boolean' ? value : null),
  suggest: (value) => switchWords.get(scalarText(value).toLowerCase()) ?? null,
  json: { type: 'boolean' },
})

/** YAML 1.1 took them for true and false, 1.2 does not. */
const switchWords: ReadonlyMap<string, string> = new Map([
  ...['yes', 'on', 'y', '1', 'true', 'required', 'require', 'enabled', 'always'].map(
    (word) => [word, 'write true'] as const,
  ),
  ...['no', 'off', 'n', '0', 'false', 'disabled', 'never', 'none'].map(
    (word) => [word, 'write false'] as const,
  ),
])

/** A text that is one of `words`. `meant`: which of them is meant by other words, in lower case. */
export function oneOf<const T extends string>(
  words: readonly T[],
  meant: ReadonlyMap<string, T> = new Map(),
): z.ZodType<T> {
  const last = words.at(-1) ?? ''
  return leaf({
    expected: words.length > 1 ? `${words.slice(0, -1).join(', ')} or ${last}` : last,
    fallback: last,
    read: (value) => words.find((word) => word === value) ?? null,
    suggest(value) {
      const other = meant.get(scalarText(value).toLowerCase())
      return other === undefined ? adviseOnWord(value, words) : `write ${other}`
    },
    json: { enum: words },
  })
}

const msPerUnit = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }
type Unit = keyof typeof msPerUnit

/** Whole numbers with units, each unit at most once and from the largest to the smallest: `1h30m`. */
const compound =
  /^(?:(\d{1,10})w)?(?:(\d{1,10})d)?(?:(\d{1,10})h)?(?:(\d{1,10})m)?(?:(\d{1,10})s)?(?:(\d{1,10})ms)?$/

const compoundUnits: readonly Unit[] = ['w', 'd', 'h', 'm', 's', 'ms']

/**
 * Milliseconds of `500ms`, `10s`, `2m`, `1.5h`, `1d`, `2w` or `1h30m`; a number alone is seconds.
 * null: not a duration.
 */
export function readDurationMs(value: unknown): number | null {
  const text = scalarText(value)
  if ((typeof value !== 'number' && typeof value !== 'string') || text === '') return null
  const single = /^(\d{1,10}(?:\.\d{1,3})?)(ms|s|m|h|d|w)?$/.exec(text)
  if (single) return Number(single[1]) * msPerUnit[(single[2] ?? 's') as Unit]
  const counts = compound.exec(text)?.slice(1)
  return (
    counts?.reduce(
      (sum, count, i) => sum + Number(count ?? 0) * msPerUnit[compoundUnits[i] as Unit],
      0,
    ) ?? null
  )
}

/**
 * A part of a whole: the number of `0.5`, or of `50%`, of up to six digits after the point. null: it
 * is neither; bounds are the caller's.
 */
export function readShare(value: unknown): number | null {
  if (typeof value === 'number') return value
  const percent =
    typeof value === 'string' ? /^(\d{1,3}(?:\.\d{1,6})?) ?%$/.exec(value)?.[1] : undefined
  // Rounded, so that 99.95% and 0.9995 are the same number.
  return percent === undefined ? null : Math.round(Number(percent) * 1e6) / 1e8
}

/** A share within bounds. `expected` is what the message has. */
export const share = (
  expected: string,
  fallback: number,
  isWithin: (share: number) => boolean,
  bounds: Readonly<Record<string, number>> = { minimum: 0, maximum: 1 },
): z.ZodType<number> =>
  leaf({
    expected,
    fallback,
    read(value) {
      const read = readShare(value)
      return read !== null && isWithin(read) ? read : null
    },
    suggest: (value) =>
      adviseOnShare(value, (other) => {
        const read = readShare(other)
        return read !== null && isWithin(read)
      }),
    json: {
      anyOf: [
        { type: 'number', ...bounds },
        { type: 'string', pattern: '^[0-9]{1,3}(\\.[0-9]{1,6})? ?%$' },
      ],
    },
  })

/** A duration as milliseconds. The bounds and the fallback are durations too. */
export function durationMs(min: string, max: string, fallback: string): z.ZodType<number> {
  const read = (value: unknown): number | null =>
    within(readDurationMs(value), readDurationMs(min), readDurationMs(max))
  return leaf({
    expected: `a duration from ${min} to ${max}, such as 10s or 500ms`,
    fallback,
    read,
    suggest: (value) => adviseOnDuration(value, (other) => read(other) !== null),
    json: durationJson((readDurationMs(min) ?? 0) / 1000, (readDurationMs(max) ?? 0) / 1000),
    write: (ms) => durationText(Number(ms)),
  })
}

/** Of text the pattern alone can say what is valid, of numbers the bounds in seconds too. */
const durationJson = (minimum: number, maximum: number): Readonly<Record<string, unknown>> => ({
  anyOf: [
    { type: 'number', minimum, maximum },
    {
      type: 'string',
      pattern: '^[0-9]+(\\.[0-9]{1,3})?(ms|s|m|h|d|w)?$|^([0-9]+(ms|s|m|h|d|w))+$',
    },
  ],
})

/** `1h`, `90s`: in the largest unit that divides it. */
function durationText(ms: number): string {
  const unit = compoundUnits.find((one) => ms % msPerUnit[one] === 0) ?? 'ms'
  return ms === 0 ? '0s' : `${ms / msPerUnit[unit]}${unit}`
}

/** A number of whole seconds, given as a number or as a duration. */
export function seconds(what: string, min: number, max: number): z.ZodType<number> {
  const read = (value: unknown): number | null => {
    const ms = within(readDurationMs(value), min * 1000, max * 1000)
    return ms !== null && ms % 1000 === 0 ? ms / 1000 : null
  }
  return leaf({
    expected: `${what} from ${boundText(min)} to ${boundText(max)}, such as ${exampleWithin(min, max)}`,
    fallback: Math.max(min, 60),
    read,
    suggest: (value) => adviseOnDuration(value, (other) => read(other) !== null),
    json: durationJson(min, max),
    write: (value) => durationText(Number(value) * 1000),
  })
}

/** `1w`; `2147483647 seconds`, which no unit makes shorter. */
function boundText(bound: number): string {
  const text = durationText(bound * 1000)
  return text.length <= 4 ? text : `${bound} seconds`
}

const exampleWithin = (min: number, max: number): string =>
  (max >= 86_400 ? ['1h', '3d'] : ['10s']).find((one) =>
    within(readDurationMs(one), min * 1000, max * 1000),
  ) ?? '1s'

const within = (value: number | null, min: number | null, max: number | null): number | null =>
  value !== null && value >= (min ?? 0) && value <= (max ?? 0) ? value : null

/**
 * A map with these keys and no others. The message of an unknown key lists the known ones, and that of a value that is no
 * map has the example: schema-problems.ts reads it.
 */
export function closedMap<Shape extends z.ZodRawShape>(
  shape: Shape,
  example?: string,
): z.ZodObject<Shape, z.core.$strict> {
  const known = Object.keys(shape).join(' ')
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? known : exampleOf(issue, example)),
  })
}

/** A list. The message of a value that is none has the example. */
export const list = <T>(item: z.ZodType<T>, example: string): z.ZodArray<z.ZodType<T>> =>
  z.array(item, { error: (issue) => exampleOf(issue, example) })

const exampleOf = (
  { code }: { readonly code?: string },
  example: string | undefined,
): string | undefined => (code === 'invalid_type' ? example : undefined)

/** A map whose keys the operator chooses. */
export const namedMap = <T>(
  schema: z.ZodType<T>,
  example?: string,
): z.ZodType<ReadonlyMap<string, T>> =>
  withInput(readNamedMap(schema, example), { kind: 'map', value: schema })

const readNamedMap = <T>(
  schema: z.ZodType<T>,
  example: string | undefined,
): z.ZodType<ReadonlyMap<string, T>> =>
  z.unknown().transform((value, context): ReadonlyMap<string, T> => {
    const map = new Map<string, T>()
    const shape = isMap(value) ? null : mapLike(example).safeParse(value)
    if (shape && !shape.success) passOn(shape.error.issues, [], context)
    if (!isMap(value)) return map
    for (const key of Object.keys(value)) {
      if (context.issues.length >= maxIssues) break
      const parsed = schema.safeParse(value[key])
      if (parsed.success) map.set(key, parsed.data)
      else passOn(parsed.error.issues, [key], context)
    }
    return map
  })

/** Gives a value that is not a map the same issue as closedMap does. */
const mapLike = (example: string | undefined): z.ZodRecord<z.ZodString, z.ZodUnknown> =>
  z.record(z.string(), z.unknown(), { error: (issue) => exampleOf(issue, example) })

export const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** One value or a list of values; an empty list is refused. */
export const oneOrMany = <T>(schema: z.ZodType<T>): z.ZodType<readonly T[]> =>
  withInput(readOneOrMany(schema), { kind: 'one-or-many', item: schema })

const readOneOrMany = <T>(schema: z.ZodType<T>): z.ZodType<readonly T[]> =>
  z.unknown().transform((value, context): readonly T[] => {
    const isList = Array.isArray(value)
    const items: T[] = []
    for (const [i, item] of (isList ? (value as unknown[]) : [value]).entries()) {
      if (context.issues.length >= maxIssues) break
      const parsed = schema.safeParse(item)
      if (parsed.success) items.push(parsed.data)
      else passOn(parsed.error.issues, isList ? [i] : [], context)
    }
    if (!isList || value.length > 0) return items
    context.issues.push({
      code: 'custom',
      input: value,
      message: 'expected at least one, got an empty list',
    })
    return items
  })

/** Where a map or a list has so many issues, the rest of it is not looked at: 100 of a file are shown. */
const maxIssues = 1000

/** Adds the issues of a nested value at `path` to the context of the value around it. */
export function passOn(
  issues: readonly z.core.$ZodIssue[],
  path: readonly PropertyKey[],
  context: { issues: z.core.$ZodRawIssue[] },
): void {
  for (const issue of issues.slice(0, maxIssues)) {
    context.issues.push({ ...issue, path: [...path, ...issue.path] } as z.core.$ZodRawIssue)
  }
}
