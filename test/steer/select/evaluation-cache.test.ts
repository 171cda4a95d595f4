// A cached evaluation of a pool is what a new one would be, after every change of health, for every family; and draws that
// reorder its candidates do not change it.

import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createHealthTable, SlotState, Standing } from '../../../src/health/table.ts'
import { swap } from '../../../src/steer/draw/candidates.ts'
import {
  evaluatePool,
  createPoolEvaluation,
  type PoolEvaluation,
} from '../../../src/steer/select/eligibility.ts'
import { EvaluationCache } from '../../../src/steer/select/evaluation-cache.ts'
import { memberOf, poolOf, targetOf } from '../../support/steered-zone.ts'
import { runs } from '../../support/runs.ts'

const members = [1, 2, 3, 4].map((i) => memberOf(targetOf(`mx${i}`, i, i % 2 ? [4, 6, 4] : [4]), i))
const pool = { ...poolOf('main', members), panic: 0.3 }

const view = ({ up, suspect, ...rest }: PoolEvaluation): unknown => [
  rest,
  ...[up, suspect].flatMap(({ count, weights, members: of, addresses }) => [
    [...weights.subarray(0, count)],
    [...of.subarray(0, count)],
    [...addresses.subarray(0, count)],
  ]),
]

const change = fc.record({
  slot: fc.integer({ min: 10, max: 42 }),
  row: fc.integer({ min: 1, max: 4 }),
  state: fc.constantFrom(...Object.values(SlotState)),
  standing: fc.constantFrom(...Object.values(Standing)),
  factor: fc.constantFrom(1, 0.5, 0),
  reader: fc.constantFrom(0, 1),
  panic: fc.constantFrom(0, 0.3),
})

test('is what a new evaluation would be', () => {
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 20 }), (changes) => {
      const tables = [createHealthTable(64, 8), createHealthTable(64, 8)]
      const caches = tables.map((table) => new EvaluationCache(table))
      const [cached, fresh] = [createPoolEvaluation(), createPoolEvaluation()]
      for (const { slot, row, state, standing, factor, reader, panic } of changes) {
        const health = tables[reader] as (typeof tables)[number]
        health.set(slot, state, factor, 20)
        health.setRow(row, standing, factor + 0.5, 40)
        for (const family of [null, 4, 6, 4, null] as const) {
          caches[reader]?.evaluate(cached, pool, family, panic)
          evaluatePool(fresh, pool, family, health, panic)
          expect(view(cached)).toEqual(view(fresh))
          if (cached.up.count > 1) swap(cached.up, 0, 1)
        }
      }
    }),
    { numRuns: runs(200) },
  )
})
