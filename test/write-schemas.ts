// Writes the JSON Schemas that `mxsteer schema` prints: `npm run docs:schemas`.

import { writeFileSync } from 'node:fs'
import { settingsJsonSchema, zoneJsonSchema } from './schema/json-schemas.ts'

for (const [name, schema] of [
  ['zone', zoneJsonSchema()],
  ['settings', settingsJsonSchema()],
] as const)
  writeFileSync(
    new URL(`../src/cli/zones/${name}.schema.json`, import.meta.url),
    `${JSON.stringify(schema, null, 2)}\n`,
  )
