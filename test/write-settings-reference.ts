// Writes the table of src/settings/settings-table.ts into docs/settings.md: `npm run docs:settings`.

import { readFileSync, writeFileSync } from 'node:fs'
import { settingsReference } from './settings/settings-reference.ts'

const page = new URL('../docs/settings.md', import.meta.url)
const lines = readFileSync(page, 'utf8').split('\n')
const start = lines.findIndex((line) => line.startsWith('| Key | Flag |')) + 2
const end = lines.findIndex((line, i) => i >= start && !line.startsWith('|'))
lines.splice(start, end - start, ...settingsReference())
writeFileSync(page, lines.join('\n'))
