// What operators get wrong, as data: each row has what was written, and each line that is said of it: where, what is wrong,
// and what to write. A second reader judges each row, in the place of who wrote the file (CONTRIBUTING.md, tests), and what
// comes of the advice is `fixed`, which is to be accepted.

import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'

import {
  digestOf,
  kinds,
  linesOf,
  type Mistake,
  openMistakes,
  readRows,
  writtenIn,
} from './mistakes.ts'

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
      // What the message says to write is taken without a word.
      if (row.fixed !== undefined) expect(await say(kind, row, row.fixed)).toEqual([])
    },
  )
})

/** What a message says to write, where that is a word or a value. */
function namedIn(line: string): string | null {
  const [, meant, value] =
    /did you mean "?([^\s"?]+)"?\?|: write ([\w.:[\]%-]+)(?: alone|,|$| \[[a-z])/.exec(line) ?? []
  return meant ?? value ?? null
}

/** The lines of a text that another one has otherwise, counted from 1: the first and the last. */
function changedLines(text: string, other: string): readonly [number, number] {
  const [before, after] = [text.split('\n'), other.split('\n')]
  const isSame = (line: string | undefined, i: number): boolean => line === after.at(i)
  const first = before.findIndex((line, i) => !isSame(line, i))
  const fromEnd = before.toReversed().findIndex((line, i) => !isSame(line, -1 - i))
  return [first + 1, Math.max(first + 1, before.length - Math.max(0, fromEnd))]
}

const zone = readRows('zone-files').zone ?? ''
const wholeOf = ({ was, text }: Mistake, written: string): string =>
  text === undefined ? zone.replace(was ?? '', () => written) : written

/** The mistake may be in this line, or in one beside it. */
const isOfTwoLines = (line: string): boolean =>
  /indented otherwise than those above|begin the next line where/.test(line)

describe('all of them', () => {
  it('are many, and no two are the same', () => {
    expect(all.length).toBeGreaterThanOrEqual(500)
    expect(new Set(all.map((one) => JSON.stringify([one.was, title(one)]))).size).toBe(all.length)
  })

  it('are judged as they are', () => {
    const moved = all.filter((row) => row.judged !== digestOf(row)).map(title)
    expect(
      moved,
      'read them by CONTRIBUTING.md, then: node test/mistakes/judge.ts --judged',
    ).toEqual([])
  })

  it('have what comes of the advice, or why nothing does', () => {
    expect(all.filter(({ fixed, open }) => (fixed === undefined) === (open === undefined))).toEqual(
      [],
    )
    expect(all.filter(({ fixed }) => fixed !== undefined).length).toBeGreaterThanOrEqual(350)
  })

  it('are mended to the letter', () => {
    const bare = (text: string): string => text.replace(/["'\s]/g, '')
    const otherwise = all.flatMap((row) => {
      const { fixed } = row
      if (fixed === undefined) return []
      return linesOf(row).filter((line) => !bare(fixed).includes(bare(namedIn(line) ?? '')))
    })
    expect(otherwise).toEqual([])
  })

  it('are found in the lines that are mended', () => {
    const elsewhere = kinds
      .filter((kind) => kind !== 'command-lines')
      .flatMap((kind) => readRows(kind).mistakes)
      .flatMap((row) => {
        const { fixed } = row
        if (fixed === undefined) return []
        const [first, last] = changedLines(wholeOf(row, writtenIn(row)), wholeOf(row, fixed))
        return linesOf(row).filter((line) => {
          const at = Number(/^(?:db\.example\.com:)?(\d+):\d+/.exec(line)?.[1] ?? first)
          return !isOfTwoLines(line) && (at < first || at > last)
        })
      })
    expect(elsewhere).toEqual([])
  })

  it('have codes that docs/errors.md explains', () => {
    const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')
    const codes = all.flatMap(linesOf).map((line) => / \[([a-z0-9-]+)\]$/.exec(line)?.[1])
    const unknown = codes.filter((code) => code !== undefined && !page.includes(`| \`${code}\` |`))
    expect(new Set(codes).size).toBeGreaterThan(20)
    expect(unknown).toEqual([])
  })

  it('say what to do', () => {
    const advice =
      /expected|did you mean|[:,;] (?:write|give|put|take|save)|such as|[Ss]ee mxsteer|One of|goes with|leave|is a setting|needs a|say |mend|"mxsteer import|which \w+\?|--zone NAME|is a final dot missing|takes|makes one|is given by|comes first|there is no zone with|it does not exist|^(?:nowhere|zones more): 1 mistake$/
    const silent = all.flatMap(linesOf).filter((line) => !advice.test(line))
    expect(silent).toEqual([])
  })

  it('have no words of the parsers', () => {
    const foreign =
      /Invalid input|flow (?:map|sequence|collection)|implicit key|scalar|unexpected token|undefined|\[object/i
    expect(all.flatMap(linesOf).filter((line) => foreign.test(line))).toEqual([])
  })
})
