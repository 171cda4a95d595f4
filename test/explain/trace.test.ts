import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SlotState, Standing } from '../../src/health/table.ts'
import { traceSteering } from '../../src/explain/trace.ts'
import {
  addressesOf,
  arrange,
  catchAllOf,
  locusAt,
  mxOf,
  network,
  nowhere,
  policyOf,
  seeded,
  selectMx,
} from '../steer/arrange.ts'
import { build } from '../steer/model-world.ts'
import { worlds } from '../steer/random-worlds.ts'
import { runs } from '../support/runs.ts'
import { createSteering, standingClock } from '../../src/steer/select/steering.ts'

describe('a trace', () => {
  test('has every selected member in, and none of them out', () => {
    fc.assert(
      fc.property(worlds, fc.nat(), (world, seed) => {
        const { policy, health } = build(world)
        const set = mxOf(policy, { ladder: 16 })
        const trace = traceSteering(set, nowhere, health)
        const selection = selectMx(
          set,
          nowhere,
          createSteering({ health, random: seeded(seed), clock: standingClock }),
        )
        const isDecided =
          selection.kind === 'selected' &&
          ['eligible', 'spilled', 'panic'].includes(selection.reason)
        expect(trace.isAllDown).toBe(!isDecided)
        if (selection.kind !== 'selected' || !isDecided) return
        const inTrace = trace.pools.flatMap((pool) =>
          pool.members
            .filter(({ standing }) => standing !== 'out')
            .map((one) => one.member.target.name),
        )
        expect(selection.rungs.map(({ target }) => target.name).sort()).toEqual(inTrace.sort())
        const lead = trace.pools.find(({ pool }) =>
          pool.members.some(({ target }) => target.name === selection.rungs[0]?.target.name),
        )
        const upsOfLead = trace.pools.filter(({ members }) =>
          members.some((one) => one.standing === 'up'),
        )
        if (upsOfLead.length === trace.pools.length) expect(lead?.lead).toBeGreaterThan(0)
        for (const { members } of trace.pools)
          for (const one of members) {
            expect(one.weight).toBeCloseTo(one.configured * one.share * one.factor, 6)
            expect(one.why === null).toBe(one.standing !== 'out')
          }
      }),
      { numRuns: runs(1000) },
    )
  })

  test('gives the weight of every member, or why it is out', () => {
    const { pools, health } = arrange({
      eu: {
        up: '4 up*0.5',
        down: '1 down',
        zero: '0 up',
        drained: '1 up',
        disabled: '1 up',
        cold: '1 up',
        forced: '2 down',
        shed: '1 up*0',
        six: '1 v6:up',
      },
    })
    health.setRow(4, Standing.drained, 1)
    health.setRow(5, Standing.disabled, 1)
    health.setRow(6, Standing.normal, 0)
    health.setRow(7, Standing.forced, 1.5)
    const set = addressesOf(policyOf([catchAllOf(Object.values(pools))]), 2)
    const [pool] = traceSteering(set, nowhere, health).pools
    expect(
      pool?.members.map(({ member, why, weight }) => [member.target.name, why ?? weight]),
    ).toEqual([
      ['up', 2],
      ['down', 'down'],
      ['zero', 'zero-weight'],
      ['drained', 'drained'],
      ['disabled', 'disabled'],
      ['cold', 'zero-share'],
      ['forced', 3],
      ['shed', 'zero-factor'],
      ['six', 'no-family'],
    ])
    expect(pool?.members[6]).toMatchObject({ overruled: 'forced', factor: 1, share: 1.5 })
    expect(pool?.lead).toBe(1)
    expect(pool?.healthy).toBeCloseTo((4 + 2) / 11, 9)
  })

  test('names the conditions that did not match in earlier rules', () => {
    const { pools, health } = arrange({ eu: { a: '1 up' } })
    const all = Object.values(pools)
    const when = { continents: ['EU'], countries: ['DE'], asns: null, networks: null }
    const here = {
      ...when,
      continents: null,
      countries: null,
      networks: [network('192.0.2.0', 24)],
    }
    const rules = [{ when, pools: all }, { when: here, pools: all }, catchAllOf(all)]
    const set = mxOf(policyOf(rules), { internal: [network('192.0.2.9', 32)] })
    const client = locusAt('192.0.2.1', { continent: 'EU', country: 'FR' })
    expect(traceSteering(set, client, health)).toMatchObject({
      isInternal: false,
      rules: [
        { index: 0, matches: false, failed: ['countries'] },
        { index: 1, matches: true, failed: [] },
        { index: 2, matches: false, failed: [] },
      ],
    })
    expect(traceSteering(set, locusAt('192.0.2.9'), health).isInternal).toBe(true)
    health.set(1, SlotState.down, 1, Infinity)
    expect(traceSteering(set, client, health).isAllDown).toBe(true)
  })
})
