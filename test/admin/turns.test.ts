// Views that are made in many turns: their text, and what comes in between.

import fc from 'fast-check'
import { expect, test } from 'vitest'

import { assemble, jsonPieces, Turns, viewed } from '../../src/admin/turns.ts'

const textOf = async (pieces: Iterable<string | Promise<string>>): Promise<string> => {
  const { body } = await assemble(pieces, new Turns())
  return Buffer.concat(body).toString()
}

test('JSON is written as JSON.stringify does', async () => {
  const value = fc.oneof(fc.jsonValue(), fc.array(fc.jsonValue()), fc.constant(undefined))
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.string(), value), async (fields) => {
      expect(await textOf(jsonPieces(fields))).toBe(`${JSON.stringify(fields, null, 2)}\n`)
    }),
    { numRuns: 300 },
  )
})

test('what is made one by one is an array', async () => {
  const fields = {
    none: viewed(() => [], Object),
    some: viewed(
      () => [1, 2],
      (n) => ({ n }),
    ),
  }
  expect(JSON.parse(await textOf(jsonPieces(fields)))).toEqual({
    none: [],
    some: [{ n: 1 }, { n: 2 }],
  })
})

test('text of several turns comes whole, in UTF-8', async () => {
  expect(await textOf(slowPieces(['a', Promise.resolve('é€'), '😀', 'b']))).toBe('aé€😀b')
})

test('between two stretches others have their turn, vital ones first', async () => {
  const turns = new Turns()
  const order: string[] = []
  const note = (what: string): void => void order.push(what)
  const views = [1, 2].map((view) =>
    assemble(
      slowPieces(['', '', ''], () => note(`view ${view}`)),
      turns,
    ),
  )
  const handler = turns.next().then(() => note('handler'))
  const vital = turns.next(true).then(() => note('vital'))
  await Promise.all([...views, handler, vital])
  expect(order).toEqual([
    'vital',
    'view 1',
    'view 2',
    'handler',
    'view 1',
    'view 2',
    'view 1',
    'view 2',
  ])
})

test('timers fire between two stretches', async () => {
  const fired: number[] = []
  let made = 0
  const timer = setInterval(() => fired.push(made), 1)
  await assemble(
    slowPieces(['', '', '', '', ''], () => made++),
    new Turns(),
  )
  clearInterval(timer)
  expect(new Set(fired).size).toBeGreaterThan(2)
})

test('a piece that throws rejects, and ends what makes the pieces', async () => {
  let hasEnded = false
  function* failing(): Generator<string | Promise<string>> {
    try {
      yield 'a'
      yield Promise.reject(new Error('as a bug would'))
    } finally {
      hasEnded = true
    }
  }
  await expect(assemble(failing(), new Turns())).rejects.toThrow('as a bug would')
  expect(hasEnded).toBe(true)
})

/** Each takes longer than a view may go on in one turn, by CPU time. */
function* slowPieces<Piece>(pieces: readonly Piece[], onPiece = (): void => {}): Generator<Piece> {
  for (const piece of pieces) {
    onPiece()
    const before = process.threadCpuUsage()
    const spentMs = (): number => process.threadCpuUsage(before).user / 1000
    while (spentMs() < 30);
    yield piece
  }
}
