// The file of `mxsteer test`: what zones are to answer, for whom, when, and while which targets are down. All of its
// mistakes are found in one run, with line and column.

import { z } from 'zod'
import { parseNetwork } from '../lib/ip.ts'
import { parseName } from '../wire/name.ts'
import { typeFromText } from '../wire/rrtype.ts'
import type { Diagnostic } from '../zonefile/diagnostic.ts'
import { type ConfigDocument, parseDocument } from '../zonefile/document.ts'
import {
  closedMap,
  isMap,
  leaf,
  namedMap,
  oneOrMany,
  seconds,
  share,
  text,
  trueOrFalse,
} from '../zonefile/leaf.ts'
import { shapeProblems } from '../zonefile/schema-problems.ts'

export interface SteeringCase {
  readonly name: string
  readonly ask: CaseQuestion
  /** null: of the countries, or anybody. */
  readonly client: readonly CaseClient[] | null
  /** In upper case; null: of anywhere. */
  readonly country: readonly string[] | null
  /** Unix time in milliseconds; null: now. */
  readonly atMs: number | null
  readonly down: readonly string[]
  readonly drain: readonly string[]
  readonly expect: CaseExpectations
}

export interface CaseQuestion {
  readonly text: string
  readonly name: Uint8Array
  readonly type: number
}

export interface CaseClient {
  readonly octets: Uint8Array
  readonly prefixLength: number
}

export interface CaseExpectations {
  /** Of first places, by target. Others are not looked at. */
  readonly shares: ReadonlyMap<string, number>
  readonly tolerance: number
  /** The only targets in a first place; null: any. */
  readonly first: readonly string[] | null
  readonly never: readonly string[]
  readonly neverEmpty: boolean
  /** Seconds; null: any. */
  readonly ttlMin: number | null
  readonly ttlMax: number | null
}

export interface CaseFile {
  readonly cases: readonly SteeringCase[]
  readonly document: ConfigDocument
}

export type CaseFileRead =
  | ({ readonly kind: 'cases' } & CaseFile)
  | { readonly kind: 'bad'; readonly diagnostics: readonly Diagnostic[] }

const question = leaf<CaseQuestion>({
  expected:
    'a name, and a type where it is not MX, such as smtp.example.com or relay.example.com A',
  fallback: 'example.com MX',
  read(value) {
    const [, nameText = '', typeText = 'MX'] =
      typeof value === 'string' ? (/^(\S+)(?: (\S+))?$/.exec(value) ?? []) : []
    const name = parseName(nameText.replace(/\.?$/, '.'))
    const type = typeFromText(typeText)
    return name.kind === 'name' && name.name.length > 1 && type !== undefined
      ? { text: `${nameText} ${typeText}`, name: name.name, type }
      : null
  },
})

const client = leaf<CaseClient>({
  expected: 'an address or a network of a client such as 203.0.113.7 or 203.0.113.0/24',
  fallback: '192.0.2.1',
  read(value) {
    const parsed = typeof value === 'string' ? parseNetwork(value) : null
    return parsed?.kind === 'network' ? parsed : null
  },
})

const time = leaf<number>({
  expected: 'a day or a time such as 2026-12-03 or 2026-12-03T08:00:00Z',
  fallback: '2026-12-03',
  read(value) {
    const isTime = typeof value === 'string' && /^\d{4}-\d\d-\d\d(?:T[\d:.]+Z)?$/.test(value)
    const ms = isTime ? Date.parse(value) : NaN
    return Number.isNaN(ms) ? null : ms
  },
})

const part = share('a share from 0 to 1, such as 0.5 or 50%', 0, (one) => one >= 0 && one <= 1)

const target = text('the name of a target', /^\S+$/, 'mx1')

const expectSchema = closedMap({
  shares: namedMap(part).default(new Map()),
  tolerance: part.default(0.02),
  first: oneOrMany(target).optional(),
  never: oneOrMany(target).default([]),
  never_empty: trueOrFalse.default(true),
  ttl: closedMap({
    min: seconds('a TTL', 0, 604_800).optional(),
    max: seconds('a TTL', 0, 604_800).optional(),
  }).optional(),
}).transform(({ never_empty, ttl, first, ...rest }): CaseExpectations => ({
  ...rest,
  first: first ?? null,
  neverEmpty: never_empty,
  ttlMin: ttl?.min ?? null,
  ttlMax: ttl?.max ?? null,
}))

const caseSchema = closedMap({
  name: text('a text that says what is expected', /\S/, 'case'),
  ask: question,
  client: oneOrMany(client).optional(),
  country: oneOrMany(text('a country code of two letters', /^[A-Za-z]{2}$/, 'DE')).optional(),
  at: time.optional(),
  down: oneOrMany(target).default([]),
  drain: oneOrMany(target).default([]),
  expect: expectSchema,
}).transform(({ at, client: clients, country, ...rest }): SteeringCase => ({
  ...rest,
  client: clients ?? null,
  country: country?.map((code) => code.toUpperCase()) ?? null,
  atMs: at ?? null,
}))

const maxCases = 1000

const fileSchema = closedMap({ cases: z.array(caseSchema).min(1).max(maxCases) })

export function readCaseFile(file: string, octets: Uint8Array): CaseFileRead {
  const parsed = parseDocument(file, octets)
  if (parsed.kind === 'bad') return parsed
  const { document } = parsed
  const value = isMap(document.value) ? document.value : {}
  const read = fileSchema.safeParse(value)
  const shape = read.success ? [] : shapeProblems(read.error.issues, value)
  const problems = [...document.problems, ...shape.map(({ problem }) => problem)]
  return read.success && problems.length === 0
    ? { kind: 'cases', cases: read.data.cases, document }
    : { kind: 'bad', diagnostics: document.toDiagnostics(problems) }
}
