// Wires of a decision, on drawings of any shape: each ribbon begins and ends on its nodes, is as wide as its share, and
// no two overlap at an end.

import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { type Box, type FlowBoxes, flowWires, type Wire } from '../../../console/charts/ribbons.ts'
import { runs } from '../../support/runs.ts'

const box = (left: number): fc.Arbitrary<Box> =>
  fc
    .record({ top: fc.integer({ min: 0, max: 900 }), height: fc.integer({ min: 40, max: 120 }) })
    .map(({ top, height }) => ({ left, right: left + 100, top, height }))

/** Pools that lead with the given parts of the whole, each with members that share what it leads. */
const flow: fc.Arbitrary<FlowBoxes> = fc
  .array(
    fc.tuple(box(400), fc.array(fc.tuple(box(600), fc.nat(9)), { minLength: 1, maxLength: 4 })),
    {
      minLength: 1,
      maxLength: 3,
    },
  )
  .chain((pools) => fc.tuple(fc.constant(pools), box(0), box(200), box(800)))
  .map(([pools, ask, rule, answer]) => {
    const all = pools.flatMap(([, members]) => members.map(([, part]) => part))
    const total = all.reduce((sum, part) => sum + part, 0) || 1
    return {
      asks: [ask],
      rule,
      fixed: null,
      answer,
      pools: pools.map(([at, members]) => ({
        box: at,
        hue: 'var(--h1)',
        lead: members.reduce((sum, [, part]) => sum + part, 0) / total,
      })),
      members: pools.flatMap(([, members], pool) =>
        members.map(([at, part]) => ({ box: at, pool, share: part / total, hue: 'var(--h1)' })),
      ),
    }
  })

interface Ends {
  readonly x1: number
  readonly y1: number
  readonly x2: number
  readonly y2: number
  readonly wide: number
}

function endsOf({ d }: Wire): Ends {
  const [x1 = 0, y1 = 0, , , , , x2 = 0, y2 = 0, , low = 0] = (d.match(/-?[\d.]+/g) ?? []).map(
    Number,
  )
  return { x1, y1, x2, y2, wide: low - y2 }
}

const ribbonsFrom = (wires: readonly Wire[], x: number): readonly Ends[] =>
  wires
    .filter(({ kind }) => kind === 'ribbon')
    .map(endsOf)
    .filter(({ x1 }) => x1 === x)

test('ribbons go from node to node, and their widths are in proportion to shares', () => {
  fc.assert(
    fc.property(flow, (boxes) => {
      const wires = flowWires(boxes)
      const shares = boxes.members.filter(({ share }) => share > 0)
      const toAnswer = ribbonsFrom(wires, 700)
      expect(toAnswer).toHaveLength(shares.length)
      for (const [i, { wide }] of toAnswer.entries()) {
        const [a, b] = [shares[i]?.share ?? 0, shares[0]?.share ?? 1]
        if (wide > 1.5 && (toAnswer[0]?.wide ?? 0) > 1.5)
          expect(wide / (toAnswer[0]?.wide ?? 1)).toBeCloseTo(a / b, 0)
      }
      for (const { y2, wide } of ribbonsFrom(wires, 500)) {
        const member = boxes.members.find(
          ({ box: { top, height } }) => y2 >= top && y2 + wide <= top + height,
        )
        expect(member).toBeDefined()
      }
    }),
    { numRuns: runs(500) },
  )
})

test('side by side on the rule, and within the answer', () => {
  fc.assert(
    fc.property(flow, (boxes) => {
      const wires = flowWires(boxes)
      const leaving = ribbonsFrom(wires, 300)
      for (const [i, { y1 }] of leaving.entries()) {
        const before = leaving[i - 1]
        if (before !== undefined) expect(y1).toBeGreaterThanOrEqual(before.y1 + before.wide - 0.3)
      }
      const answer = boxes.answer as Box
      for (const { y2, wide } of ribbonsFrom(wires, 700)) {
        expect(y2).toBeGreaterThanOrEqual(answer.top)
        expect(y2 + wide).toBeLessThanOrEqual(answer.top + answer.height)
      }
    }),
    { numRuns: runs(500) },
  )
})

test('what is never first hangs on a thread, and a fixed ladder goes past the pools', () => {
  const at = (left: number): Box => ({ left, right: left + 100, top: 0, height: 60 })
  const boxes: FlowBoxes = {
    asks: [at(0), at(0)],
    rule: at(200),
    pools: [{ box: at(400), lead: 1, hue: 'teal' }],
    members: [{ box: at(600), pool: 0, share: 0, hue: 'teal' }],
    fixed: null,
    answer: at(800),
  }
  const kinds = flowWires(boxes).map(({ kind, hue }) => `${kind} ${hue}`)
  expect(kinds).toEqual([
    'thread var(--accent)',
    'thread var(--accent)',
    'ribbon teal',
    'thread var(--line-2)',
    'thread var(--line-2)',
  ])
  expect(flowWires({ ...boxes, fixed: at(600) }).every(({ kind }) => kind === 'thread')).toBe(true)
  expect(flowWires({ ...boxes, rule: null })).toEqual([])
})
