// What operators get wrong, as data: each row has what was written, and each line that is said of it: where, what is wrong,
// and what to write. The rows were read once more by someone in the place of who wrote the file: whether the place is that
// of the slip, whether the words are theirs and not those of a library, and whether it says what to do.

import { afterAll, describe, expect, it } from 'vitest'

import { kinds, linesOf, type Mistake, openMistakes, readRows, writtenIn } from './mistakes.ts'

const all = kinds.flatMap((kind) => readRows(kind).mistakes)

const title = (row: Mistake): string =>
  `${JSON.stringify(writtenIn(row))}${row.as === undefined ? '' : ` as ${row.as}`}`

const { say, close } = openMistakes()
afterAll(close)

describe.each(kinds)('%s', (kind) => {
  it.each(readRows(kind).mistakes.map((row) => [title(row), row] as const))(
    '%s',
    async (_, row) => {
      expect(await say(kind, row)).toEqual(linesOf(row))
    },
  )
})

describe('all of them', () => {
  it('are many, and no two are the same', () => {
    expect(all.length).toBeGreaterThanOrEqual(128)
    expect(new Set(all.map((one) => JSON.stringify([one.was, title(one)]))).size).toBe(all.length)
  })

  it('say what to do', () => {
    const advice =
      /expected|did you mean|[:,;] (?:write|give|put|take|save)|such as|[Ss]ee mxsteer|One of|goes with|leave|is a setting|needs a|say |mend|"mxsteer import|which \w+\?|--zone NAME|is a final dot missing|takes|makes one|there is no zone with|it does not exist|^nowhere: 1 mistake$/
    const silent = all.flatMap(linesOf).filter((line) => !advice.test(line))
    expect(silent).toEqual([])
  })

  it('have no words of the parsers', () => {
    const foreign =
      /Invalid input|flow (?:map|sequence|collection)|implicit key|scalar|unexpected token|undefined|\[object/i
    expect(all.flatMap(linesOf).filter((line) => foreign.test(line))).toEqual([])
  })
})
