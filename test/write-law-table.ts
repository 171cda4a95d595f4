// Writes the table of test/architecture-law.ts into docs/architecture.md: `npm run docs:law`.

import { readFileSync, writeFileSync } from 'node:fs'
import { lawTable } from './architecture-law.ts'

const page = new URL('../docs/architecture.md', import.meta.url)
const lines = readFileSync(page, 'utf8').split('\n')
const start = lines.findIndex((line) => line.startsWith('| room |')) + 2
const end = lines.findIndex((line, i) => i > start && !line.startsWith('|'))
lines.splice(start, end - start, ...lawTable())
writeFileSync(page, lines.join('\n'))
