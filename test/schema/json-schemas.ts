// The JSON Schemas of zone files and settings, out of the schemas that read these: shapes by zod, single values by what
// their leaves say (`inputFormOf`), and texts out of the tables of docs/zone-reference.md and of the settings.

import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { settingKeys, settingsTable } from '../../src/settings/settings-table.ts'
import { settingsFileSchema } from '../../src/settings/settings-table.ts'
import { inputFormOf } from '../../src/zonefile/leaf.ts'
import { zoneWithFileSchema } from '../../src/zonefile/zone-schema.ts'

export interface JsonSchema {
  [key: string]: unknown
  description?: string
  properties?: Record<string, JsonSchema>
}

const dialect = 'https://json-schema.org/draft/2020-12/schema'

/** Without it a master file has the SOA and the records. */
const fileOrRecords = { if: { required: ['records_file'] }, else: { required: ['soa', 'records'] } }

export function zoneJsonSchema(): JsonSchema {
  const schema = jsonOf(zoneWithFileSchema)
  describe(schema, readTables())
  return {
    $schema: dialect,
    title: 'Zone file of mxsteer',
    ...schema,
    required: ['zone'],
    ...fileOrRecords,
  }
}

export function settingsJsonSchema(): JsonSchema {
  const schema = jsonOf(settingsFileSchema)
  for (const key of settingKeys) {
    const row = settingsTable[key]
    const property = schema.properties?.[key]
    if (!property) continue
    property.description = plainText(`${row.about}. ${row.accepts}`)
    if ('default' in row) property['default'] = row.default
  }
  describe(schema, [])
  return { $schema: dialect, title: 'Settings of mxsteer: mxsteer.yaml', ...schema }
}

/** What a file may give for the schema. */
function jsonOf(schema: z.ZodType): JsonSchema {
  const form = formOf(schema)
  if (form) return ofForm(form)
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema }) {
      const nested = zodSchema as unknown as z.ZodType
      const own = formOf(nested)
      if (own) replace(jsonSchema, ofForm(own))
      if (isDefault(nested)) writeDefault(nested, jsonSchema)
    },
  })
  return json as JsonSchema
}

type Form = NonNullable<ReturnType<typeof inputFormOf>>

/** That of the schema which this one refines, where it has none of its own; of what is transformed further, that of the first. */
function formOf(schema: z.ZodType): Form | undefined {
  const { parent } = schema._zod as unknown as { readonly parent?: z.ZodType }
  return inputFormOf(schema) ?? (parent === undefined ? undefined : formOf(parent))
}

function ofForm(form: Form): JsonSchema {
  switch (form.kind) {
    case 'value':
      return structuredClone(form.json)
    case 'one-or-many': {
      const item = jsonOf(form.item)
      return { anyOf: [item, { type: 'array', items: item, minItems: 1 }] }
    }
    case 'map': {
      const ofKey = Object.entries(form.ofKey ?? {}).map(([key, one]) => [key, jsonOf(one)])
      const others = { type: 'object', additionalProperties: jsonOf(form.value) }
      if (ofKey.length === 0) return others
      return { ...others, minProperties: 1, patternProperties: Object.fromEntries(ofKey) as object }
    }
    case 'either':
      return { anyOf: form.schemas.map(jsonOf) }
    default:
      return form satisfies never
  }
}

function replace(target: object, by: object): void {
  for (const key of Object.keys(target)) delete (target as Record<string, unknown>)[key]
  Object.assign(target, by)
}

const isDefault = (schema: z.ZodType): schema is z.ZodDefault<z.ZodType> =>
  schema instanceof z.ZodDefault

/** As a file gives it; none where it is a map or a list, which is empty, or is made of the defaults within. */
function writeDefault(schema: z.ZodDefault<z.ZodType>, json: Record<string, unknown>): void {
  const { innerType, defaultValue } = schema._zod.def
  const form = formOf(innerType)
  const write = form?.kind === 'value' ? form.write : undefined
  const value = write ? write(defaultValue) : defaultValue
  if (typeof value === 'object') delete json['default']
  else json['default'] = value
}

// Texts: the table of docs/zone-reference.md whose keys are those of a map has what to say of each.

type Table = ReadonlyMap<string, string>

function readTables(): readonly Table[] {
  const page = readFileSync(new URL('../../docs/zone-reference.md', import.meta.url), 'utf8')
  const tables = page.match(/(?:^\|.*\n)+/gm) ?? []
  return tables.map((table) => {
    const rows = table.split('\n').slice(2)
    const cells = rows.map((row) =>
      row
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
    return new Map(
      cells.flatMap((row): [string, string][] => {
        const key = /^`([a-z_]+)`$/.exec(row[0] ?? '')?.[1]
        const text = plainText(row.at(-1) ?? '')
        return key === undefined ? [] : [[key, text]]
      }),
    )
  })
}

/** Markdown without links and code marks. */
const plainText = (markdown: string): string =>
  markdown
    .replace(/\[([^\]]+)\]\([^)]*\)/g, '$1')
    .replaceAll('`', '')
    .replaceAll('\\|', '|')
    .replace(/: below$/, '')
    .trim()

/** In place. */
function describe(schema: unknown, tables: readonly Table[]): void {
  if (typeof schema !== 'object' || schema === null) return
  const { properties } = schema as JsonSchema
  if (properties) {
    const table = bestTable(Object.keys(properties), tables)
    for (const [key, property] of Object.entries(properties)) {
      const text = table?.get(key) ?? ''
      const both = [text, expectationOf(property)].filter((one) => one !== '')
      if (both.length > 0) property.description = both.join('. Expected: ')
    }
  }
  for (const nested of Object.values(schema)) describe(nested, tables)
}

/** What is expected of the value, or of each of several. */
function expectationOf({ description, anyOf, items }: JsonSchema): string {
  const [first] = (anyOf ?? [items]) as readonly (JsonSchema | undefined)[]
  return description ?? (first ? expectationOf(first) : '')
}

/** The one that has most of these keys and few others; undefined: none has half of them. */
function bestTable(keys: readonly string[], tables: readonly Table[]): Table | undefined {
  const likeness = (table: Table): number => {
    const shared = keys.filter((key) => table.has(key)).length
    return shared / (keys.length + table.size - shared)
  }
  const [best] = tables.toSorted((a, b) => likeness(b) - likeness(a))
  return best && likeness(best) >= 0.5 ? best : undefined
}
