// Sticky answers: the same for one network, balanced by weight over networks, and moving only the clients that must move.

import { describe, expect, test } from 'vitest'
import { SlotState, Standing } from '../../../src/health/table.ts'
import type { Policy, Pool } from '../../../src/steer/policy.ts'
import {
  addressesOf,
  arrange,
  catchAllOf,
  locusAt,
  mxOf,
  policyOf,
  selectAddresses,
  selectMx,
} from '../arrange.ts'
import type { Arranged, World } from '../arrange.ts'
import { createSteering, standingClock } from '../../../src/steer/select/steering.ts'

const clients = 20_000
const clientAt = (at: number) => locusAt(`100.${at >> 8}.${at & 255}.7`)
const noChance = (): number => {
  throw new Error('a sticky answer asked for chance')
}

interface Subject extends Arranged {
  readonly policy: Policy
}

function subject(world: World): Subject {
  const arranged = arrange(world)
  return { ...arranged, policy: policyOf([catchAllOf(Object.values(arranged.pools))]) }
}

function answersTo({ policy, health }: Subject, count: number, answers: number): string[][] {
  const set = addressesOf(policy, answers, { sticky: true })
  const steering = createSteering({ health, random: noChance, clock: standingClock })
  return Array.from({ length: count }, (_, at) => {
    const selection = selectAddresses(set, clientAt(at), steering)
    return selection.kind === 'selected'
      ? selection.addresses.map(({ address }) => address.text)
      : [selection.kind]
  })
}

const ten: World = {
  eu: Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`mx${i}`, `${1 + (i % 3)} up`])),
}

describe('addresses', () => {
  test('of one network are one answer; its neighbour has another sooner or later', () => {
    const it = subject(ten)
    const set = addressesOf(it.policy, 2, { sticky: true })
    const steering = createSteering({ health: it.health, random: noChance, clock: standingClock })
    const ask = (client: string) => selectAddresses(set, locusAt(client), steering)
    expect(ask('192.0.2.1')).toEqual(ask('192.0.2.254'))
    expect(ask('2001:db8:0:1ff::1')).toEqual(ask('2001:db8:0:1aa:ffff::9'))
    const texts = answersTo(it, 200, 2).map((answer) => answer.join())
    expect(new Set(texts).size).toBeGreaterThan(20)
  })

  test('are as many as weight says, within 5 σ', () => {
    const counts = new Map<string, number>()
    for (const [first = ''] of answersTo(subject(ten), clients, 1))
      counts.set(first, (counts.get(first) ?? 0) + 1)
    const total = 1 + 2 + 3 + 1 + 2 + 3 + 1 + 2 + 3 + 1
    for (let i = 0; i < 10; i++) {
      const odd = (1 + (i % 3)) / total
      const sigma = Math.sqrt(clients * odd * (1 - odd))
      const distance = Math.abs((counts.get(`10.0.${i}.0`) ?? 0) - clients * odd) / sigma
      expect(distance, `mx${i}: ${counts.get(`10.0.${i}.0`)}`).toBeLessThan(5)
    }
  })

  test.each([1, 2, 3])('k = %i: one of ten leaves, and only its clients move', (answers) => {
    const it = subject(ten)
    const before = answersTo(it, clients, answers)
    it.health.set(4, SlotState.down, 1, Infinity)
    const gone = '10.0.3.0'
    const after = answersTo(it, clients, answers)
    let moved = 0
    for (const [at, had] of before.entries()) {
      const has = after[at] as string[]
      if (!had.includes(gone)) expect(has).toEqual(had)
      else {
        moved++
        expect(has.filter((text) => !had.includes(text))).toHaveLength(1)
        expect(had.filter((text) => !has.includes(text))).toEqual([gone])
      }
    }
    expect(moved).toBeGreaterThan(clients / 40)
    it.health.set(4, SlotState.up, 1, Infinity)
    expect(answersTo(it, clients, answers)).toEqual(before)
  })

  test('less weight only loses clients, more only gains them', () => {
    const it = subject(ten)
    const before = answersTo(it, clients, 1)
    it.health.setRow(3, Standing.normal, 0.5)
    const less = answersTo(it, clients, 1)
    for (const [at, [had]] of before.entries())
      if (less[at]?.[0] !== had) expect(had).toBe('10.0.2.0')
    const kept = less.filter(([has]) => has === '10.0.2.0').length
    const had = before.filter(([has]) => has === '10.0.2.0').length
    expect(kept / had).toBeGreaterThan(0.45)
    expect(kept / had).toBeLessThan(0.65)
  })

  test('a target whose second address goes down keeps all its clients', () => {
    const it = subject({ eu: { a: '3 up up', b: '2 up', c: '1 up' } })
    const targetOf = (texts: string[]): string => (texts[0] ?? '').slice(0, 6)
    const before = answersTo(it, 5000, 1)
    it.health.set(2, SlotState.down, 1, Infinity)
    const after = answersTo(it, 5000, 1)
    expect(after.map(targetOf)).toEqual(before.map(targetOf))
    expect(before.some(([text]) => text === '10.0.0.1')).toBe(true)
    expect(after.some(([text]) => text === '10.0.0.1')).toBe(false)
  })

  test('a pool that hands over in proportion hands over the same clients, whoever asks', () => {
    const world = { eu: { a: '1 up', b: '1 down' }, us: { c: '1 up' } }
    const arranged = arrange(world)
    const pools = Object.values(arranged.pools).map((pool): Pool => ({
      ...pool,
      minHealthy: 1,
      spill: 'proportional',
    }))
    const it = { ...arranged, policy: policyOf([catchAllOf(pools)]) }
    const answers = answersTo(it, clients, 1)
    const share = answers.filter(([text]) => text === '10.0.2.0').length / clients
    expect(Math.abs(share - 0.5)).toBeLessThan(5 * Math.sqrt(0.25 / clients))
    expect(answersTo(it, clients, 1)).toEqual(answers)
  })
})

test('what instances agree on does not move with a release: answers of before are answers of now', () => {
  const it = subject(ten)
  const set = mxOf(it.policy, { sticky: true })
  const texts = [1, 2, 3].map((at) => {
    const selection = selectMx(
      set,
      clientAt(at),
      createSteering({ health: it.health, random: noChance, clock: standingClock }),
    )
    return selection.kind === 'selected'
      ? selection.rungs.map(({ target }) => target.name).join(' ')
      : ''
  })
  expect(texts).toMatchInlineSnapshot(`
    [
      "mx9 mx1 mx5 mx4",
      "mx5 mx1 mx4 mx0",
      "mx9 mx1 mx0 mx4",
    ]
  `)
  expect(answersTo(it, 3, 2)).toMatchInlineSnapshot(`
    [
      [
        "10.0.5.0",
        "10.0.2.0",
      ],
      [
        "10.0.9.0",
        "10.0.1.0",
      ],
      [
        "10.0.5.0",
        "10.0.1.0",
      ],
    ]
  `)
})
