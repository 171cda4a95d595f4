// A zone that is printed as a master file in any layout is read as the same records.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { readMasterText, recordsOf } from '../support/master-file.ts'
import { printedZone } from '../support/master-layouts.ts'
import { runs } from '../support/runs.ts'

it('in any layout has the same records', () => {
  let parentheses = 0
  fc.assert(
    fc.property(printedZone, ({ text, expected }) => {
      if (text.includes('(')) parentheses++
      const { records: read, problems } = readMasterText(text)
      expect([text, problems]).toEqual([text, []])
      expect([text, recordsOf(read)]).toEqual([text, expected])
    }),
    { numRuns: runs(3000) },
  )
  expect(parentheses).toBeGreaterThan(runs(3000) / 4)
}, 600_000)
