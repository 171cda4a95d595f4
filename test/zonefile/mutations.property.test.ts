// A good file with slices cut out, doubled or replaced: never a throw, and every mistake lies inside the file.

import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { readZone } from '../../src/zonefile/load-zones.ts'
import { compileZone } from '../../src/zone/compile/compile.ts'
import { runs } from '../support/runs.ts'

const good = join(import.meta.dirname, '../fixtures/config/good')
const originals = readdirSync(good).map((file) => readFileSync(join(good, file), 'utf8'))

const junk = fc.oneof(
  fc.constantFrom(
    '',
    '{',
    '}',
    '[',
    ']',
    ':',
    '- ',
    '"',
    "'",
    '\n',
    '\t',
    '*a',
    '&a ',
    '!!x ',
    '#',
    '~',
    '-1',
    '99999999999',
    '\u0000',
    'é',
    '@',
    '.',
    '..',
    '__proto__',
    '{}',
    '[]',
    'null',
    '\\',
  ),
  fc.string({ maxLength: 8 }),
)
const edit = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  length: fc.nat({ max: 12 }),
  put: junk,
})

function mutate(
  text: string,
  edits: readonly { at: number; length: number; put: string }[],
): string {
  return edits.reduce((before, { at, length, put }) => {
    const from = Math.floor(at * before.length)
    return before.slice(0, from) + put + before.slice(from + length)
  }, text)
}

it('of good files never throw', () => {
  const numRuns = runs(2000)
  const outcomes = { good: 0, bad: 0 }
  fc.assert(
    fc.property(
      fc.constantFrom(...originals),
      fc.array(edit, { minLength: 1, maxLength: 3 }),
      (original, edits) => {
        const text = mutate(original, edits)
        const zone = readZone('f.yaml', new TextEncoder().encode(text))
        const diagnostics = [...zone.diagnostics]
        const { source, document, problems } = zone
        if (document) diagnostics.push(...document.toDiagnostics(problems))
        if (source && document) {
          const compiled = compileZone({
            source,
            serial: 1,
            takeSlot: () => 1,
            takeRow: () => 1,
            takeTargetIndex: () => 0,
          })
          diagnostics.push(...document.toDiagnostics(compiled.problems))
          if (compiled.zone && problems.length === 0) outcomes.good++
        }
        if (diagnostics.some(({ severity }) => severity === 'error')) outcomes.bad++
        const lines = text.toWellFormed().split('\n')
        for (const { line, column, message } of diagnostics) {
          expect(message).not.toBe('')
          expect(line).toBeGreaterThanOrEqual(1)
          expect(line).toBeLessThanOrEqual(lines.length)
          expect(column).toBeGreaterThanOrEqual(1)
          expect(column).toBeLessThanOrEqual((lines[line - 1] ?? '').length + 1)
        }
      },
    ),
    { numRuns },
  )
  // Both outcomes occurred, or this proved nothing.
  expect(outcomes.good).toBeGreaterThan(numRuns / 100)
  expect(outcomes.bad).toBeGreaterThan(numRuns / 20)
}, 600_000)
