// The JSON Schemas are current, and Ajv, which knows nothing of mxsteer, judges the fixtures of zone files by them as the
// server does: valid files are valid, and mistakes of structure are found.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { parseDocument } from '../../src/zonefile/document.ts'
import { isRecordData } from '../../src/zonefile/zone-schema.ts'
import { type JsonSchema, settingsJsonSchema, zoneJsonSchema } from './json-schemas.ts'

const root = join(import.meta.dirname, '../..')
const readSchema = (name: string): JsonSchema =>
  JSON.parse(readFileSync(join(root, `src/cli/zones/${name}.schema.json`), 'utf8')) as JsonSchema

const schemas = { zone: readSchema('zone'), settings: readSchema('settings') }
// `if` without `then` and types beside `anyOf` are meant.
const ajv = new Ajv2020({
  allErrors: true,
  strict: true,
  strictRequired: false,
  strictTypes: false,
})
const isZone = ajv.compile(schemas.zone)
const isSettings = ajv.compile(schemas.settings)

it('are those that the script writes: `npm run docs:schemas`', () => {
  expect(schemas.zone).toEqual(zoneJsonSchema())
  expect(schemas.settings).toEqual(settingsJsonSchema())
})

it('say of every key what it is', () => {
  const silent: string[] = []
  const visit = (schema: unknown, path: string): void => {
    if (typeof schema !== 'object' || schema === null) return
    for (const [key, property] of Object.entries((schema as JsonSchema).properties ?? {}))
      if ((property.description ?? '') === '') silent.push(`${path}.${key}`)
    for (const [key, nested] of Object.entries(schema)) visit(nested, `${path}.${key}`)
  }
  visit(schemas, '')
  // What its keys say.
  expect(silent.filter((path) => !/\.(?:expect|dnsbl|backup|data)$/.test(path))).toEqual([])
})

const fixtures = join(root, 'test/fixtures/config')
const filesOf = (folder: string): string[] =>
  readdirSync(folder)
    .filter((file) => /\.ya?ml$/.test(file))
    .map((file) => join(folder, file))

/** null: it is no document of YAML. */
function valueOf(file: string): unknown {
  const parsed = parseDocument(file, readFileSync(file), isRecordData)
  return parsed.kind === 'document' && parsed.document.problems.length === 0
    ? parsed.document.value
    : null
}

const shown = (file: string): string => file.slice(root.length + 1)

describe('zone files', () => {
  const valid = [
    ...filesOf(join(fixtures, 'good')),
    ...filesOf(join(fixtures, 'warn')),
    ...filesOf(join(root, 'zones')),
    ...filesOf(join(root, 'examples')),
  ]

  it.each(valid.map((file) => [shown(file), file]))('%s is valid', (_, file) => {
    isZone(valueOf(file))
    expect(isZone.errors ?? []).toEqual([])
  })

  /** Codes of what no schema can say: it knows neither names, nor rdata, nor what is given twice. */
  const ofShape = /^# expect \d+:\d+ (unknown-key|missing|bad-value) /
  const bad = filesOf(join(fixtures, 'bad')).filter(
    (file) => ofShape.test(readFileSync(file, 'utf8')) && valueOf(file) !== null,
  )

  it('has many mistakes of structure to find', () => expect(bad.length).toBeGreaterThan(30))

  /** What a pattern or a bound of JSON Schema does not say. */
  const notSaid: readonly string[] = [
    'bad-value-country-greece.yaml',
    'bad-value-country-is-continent.yaml',
    'bad-value-country-nowhere.yaml',
    'bad-value-country-uk.yaml',
    'bad-value-interval-bound.yaml',
    'bad-value-availability.yaml',
    'bad-value-warmup-day.yaml',
    'mta-sts-max-age.yaml',
    'mta-sts-mx.yaml',
    'tlsa-future.yaml',
  ]

  it.each(bad.map((file) => [shown(file), file]))('%s is not', (_, file) => {
    const isFound = !isZone(valueOf(file))
    const name = file.slice(file.lastIndexOf('/') + 1)
    expect([name, isFound]).toEqual([name, !notSaid.includes(name)])
  })
})

describe('settings', () => {
  it.each<[string, unknown, boolean]>([
    ['nothing', {}, true],
    ['some', { listen: ['0.0.0.0:53', '[::]:53'], admin: 'off', lameduck: '5s', workers: 4 }, true],
    ['maps', { rate_limit: { per_second: 50 }, transfer: { allow: ['192.0.2.0/24'] } }, true],
    ['a key that is none', { listne: '0.0.0.0:53' }, false],
    ['a number beyond its bounds', { workers: 0 }, false],
    ['a word that is none', { log_level: 'loud' }, false],
    ['a duration that is none', { lameduck: '5 minutes' }, false],
  ])('with %s', (_, settings, expected) => {
    expect([isSettings(settings), isSettings.errors]).toEqual([
      expected,
      expected ? null : expect.any(Array),
    ])
  })
})
