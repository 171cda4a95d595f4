// Values of another type than their key asks for, each in its place: a map, a list or a list of lists is a mistake that is
// named, never an exception. A map has no text in it: what makes text of one throws.

import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Document, isMap, isScalar, parseDocument, visit } from 'yaml'

import { loadSettings } from '../../src/settings/settings.ts'
import { compileZone } from '../../src/zone/compile/compile.ts'
import { readZone } from '../../src/zonefile/load-zones.ts'
import { temporaryFolder } from '../support/server.ts'

const good = join(import.meta.dirname, '../fixtures/config/good')

const others: readonly unknown[] = [
  {},
  { a: { a: 1 } },
  [],
  [{ a: 1 }],
  [[[]]],
  { toString: 1 },
  true,
  -1,
]

/** The text of the document with the value at `index` of its scalars, keys apart, replaced; null: it has fewer. */
function replaced(document: Document, index: number, value: unknown): string | null {
  const copy = document.clone()
  let at = 0
  let isFound = false
  visit(copy, {
    Scalar(key) {
      if (key === 'key' || at++ !== index || isFound) return undefined
      isFound = true
      return copy.createNode(value)
    },
  })
  return isFound ? String(copy) : null
}

/** Each text in which one value of a document is of another type. */
function* variantsOf(text: string): Generator<string> {
  const document = parseDocument(text)
  for (let index = 0; ; index++)
    for (const value of others) {
      const variant = replaced(document, index, value)
      if (variant === null) return
      yield variant
    }
}

const slots = { takeSlot: () => 1, takeRow: () => 1, takeTargetIndex: () => 0 }

/** How many mistakes are named. */
function mistakesOfZone(text: string): number {
  const { document, source, problems, diagnostics } = readZone(
    'f.yaml',
    new TextEncoder().encode(text),
  )
  if (document === null) return diagnostics.length
  const compiled = source === null ? [] : compileZone({ source, serial: 1, ...slots }).problems
  return document.toDiagnostics([...problems, ...compiled]).length
}

test.each(readdirSync(good))('in the zone file %s', (file) => {
  const text = readFileSync(join(good, file), 'utf8')
  let [count, withMistakes] = [0, 0]
  for (const variant of variantsOf(text)) {
    count++
    if (mistakesOfZone(variant) > 0) withMistakes++
  }
  expect(withMistakes).toBeGreaterThan(count / 2)
})

test('in the settings', async () => {
  const keys = readFileSync(join(import.meta.dirname, '../contracts/settings-keys.txt'), 'utf8')
  const paths = keys
    .trim()
    .split('\n')
    .map((key) => key.split('.'))
  const file = join(temporaryFolder(), 'mxsteer.yaml')
  const host = { name: 'ns1', parallelism: 2 }
  let mistakes = 0
  for (const path of paths)
    for (const value of others) {
      const document = parseDocument('{}')
      document.setIn(path, document.createNode(value))
      if (!isMap(document.contents) || isScalar(document.contents)) throw new Error('no settings')
      writeFileSync(file, String(document))
      const loaded = await loadSettings({ flags: {}, env: {}, configFile: file, host })
      if (loaded.kind === 'rejected') mistakes += loaded.diagnostics.length
    }
  expect(mistakes).toBeGreaterThan(paths.length * (others.length / 2))
})
