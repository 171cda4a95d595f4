// What is known of a network is what was said of the widest that it lies in, or nothing: never what was said in another
// table, or of a network beside it.

import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  DecisionTables,
  unknownNetwork,
  type DecisionTable,
} from '../../../src/steer/scope/scope-cache.ts'
import { runs } from '../../support/runs.ts'

/** As a plain walk says it: the world is cut where the bits of `seed` say so, and each part is decided alike. */
function partOf(seed: number, network: number): { scope: number; decision: number } {
  let scope = 0
  let hash = seed | 1
  for (; scope < 24; scope++) {
    hash = Math.imul(hash ^ (network >>> (24 - scope)) ^ scope, 0x9e37_79b1)
    hash ^= hash >>> 15
    if (scope >= 4 && ((hash >>> 8) & 7) === 0) break
  }
  return { scope, decision: (hash >>> 12) % 600 }
}

const octetsOf = (network: number): Uint8Array =>
  Uint8Array.of(network >>> 16, network >>> 8, network, 0)
const recall = (table: DecisionTable | undefined, network: number): number | undefined =>
  table?.lookUp(octetsOf(network), 0)
const keep = (
  table: DecisionTable | undefined,
  network: number,
  scope: number,
  decision: number,
): void => table?.keep(octetsOf(network), scope, decision)

const joined = (decided: DecisionTables): DecisionTable => {
  const table = decided.join()
  if (table === null) throw new Error('no table')
  return table
}

const near = fc
  .tuple(fc.constantFrom(0, 0x0a_1200, 0xc6_3300, 0xff_ff00), fc.nat(255))
  .map(([from, low]) => from + low)
const network = fc.oneof(near, near, fc.nat(0xff_ffff))
const step = fc.record({ who: fc.constantFrom(0, 1, 2), network })

test('a network is known by its part, as soon as an address in it was decided', () => {
  let [known, others] = [0, 0]
  const run = fc.property(
    fc.integer(),
    fc.array(step, { minLength: 300, maxLength: 400 }),
    (seed, steps) => {
      const decided = new DecisionTables()
      const tables = [joined(decided), joined(decided), joined(decided)]
      const said = [new Set<string>(), new Set<string>(), new Set<string>()]
      for (const { who, network } of steps) {
        const { scope, decision } = partOf(seed + who, network)
        const part = `${scope} ${network >>> (24 - scope)}`
        const is = recall(tables[who], network)
        if (said[who]?.has(part)) expect(is).toBe(decision * 32 + scope)
        else expect(is).toBe(unknownNetwork)
        if (said[who]?.has(part)) known++
        else others++
        keep(tables[who], network, scope, decision)
        said[who]?.add(part)
      }
    },
  )
  fc.assert(run, { numRuns: runs(60) })
  expect(known).toBeGreaterThan(17 * runs(60))
  expect(others).toBeGreaterThan(17 * runs(60))
})

test('networks of every page, each decided alone; once all pages are taken, all are forgotten and kept anew', () => {
  let emptied = 0
  const table = joined(new DecisionTables(() => emptied++))
  const decisionOf = (network: number): number => (Math.imul(network, 0x9e37) % 600) & 0x1ff
  /** Eight of the 256 networks of each page, other ones on the next. */
  const perPage = 8
  const networkAt = (step: number): number => {
    const page = Math.floor(step / perPage)
    return page * 256 + ((page * 37 + (step % perPage) * 32) & 0xff)
  }
  const lookBack = perPage + 2
  let wrong = 0
  let forgotten = 0
  for (let step = 0; step < 2 ** 16 * perPage; step++) {
    const network = networkAt(step)
    keep(table, network, 24, decisionOf(network))
    if (recall(table, network) !== decisionOf(network) * 32 + 24) wrong++
    // One of the page before is kept still, or was forgotten with all others.
    if (step < lookBack) continue
    const before = networkAt(step - lookBack)
    const is = recall(table, before)
    if (is === unknownNetwork) forgotten++
    else if (is !== decisionOf(before) * 32 + 24) wrong++
  }
  expect(wrong).toBe(0)
  // 65,536 pages through room for 16,128: full four times, and each time so many networks find nothing behind them.
  expect([forgotten, emptied]).toEqual([4 * lookBack, 4])
})

test('what is too much for a cell is not kept, and does no harm', () => {
  const table = joined(new DecisionTables())
  keep(table, 0x0a_0001, 24, 0x800)
  keep(table, 0x0a_0002, 24, 0x7ff)
  expect([recall(table, 0x0a_0001), recall(table, 0x0a_0002)]).toEqual([
    unknownNetwork,
    0x7ff * 32 + 24,
  ])
})

test('whoever is one too many has no table, until all is forgotten', () => {
  const decided = new DecisionTables()
  const tables = Array.from({ length: 64 }, () => joined(decided))
  expect(decided.join()).toBe(null)
  keep(tables[5], 5, 8, 1)
  decided.clear()
  expect(recall(joined(decided), 5)).toBe(unknownNetwork)
})
