// Whether this host is isolated, from canaries and targets together.

import { expect, test } from 'vitest'
import { Isolation } from '../../src/health/isolation.ts'

const targets = (isolation: Isolation, passes: number, fails: number, nowMs: number): void => {
  for (let i = 0; i < passes; i++) isolation.recordTarget(true, nowMs)
  for (let i = 0; i < fails; i++) isolation.recordTarget(false, nowMs)
}

const lose = (isolation: Isolation, count: number): void => {
  for (let round = 0; round < 2; round++)
    for (let i = 0; i < count; i++) isolation.recordCanary(i, false)
}

test('all canaries lost and targets failing: isolated, until one canary answers', () => {
  const isolation = new Isolation(2)
  targets(isolation, 100, 0, 0)
  lose(isolation, 2)
  expect(isolation.isIsolated(1000)).toBe(false)
  // What passed before the canaries were lost is of another time.
  targets(isolation, 0, 1, 1000)
  expect(isolation.isIsolated(1000)).toBe(true)
  isolation.recordCanary(1, true)
  expect(isolation.isIsolated(2000)).toBe(false)
})

test('one failure of a canary is none; one canary that answers is enough', () => {
  const isolation = new Isolation(2)
  isolation.recordCanary(0, false)
  isolation.recordCanary(1, false)
  targets(isolation, 0, 50, 0)
  expect(isolation.isIsolated(0)).toBe(false)
  lose(isolation, 1)
  targets(isolation, 0, 50, 0)
  expect(isolation.isIsolated(0)).toBe(false)
})

test('one target in ten that passes: the canaries are at fault', () => {
  const isolation = new Isolation(1)
  lose(isolation, 1)
  targets(isolation, 9, 91, 0)
  expect(isolation.isIsolated(0)).toBe(true)
  targets(isolation, 2, 8, 0)
  expect(isolation.isIsolated(0)).toBe(false)
})

test('dead canaries stop hiding failures within a minute of targets that pass again', () => {
  const isolation = new Isolation(1)
  lose(isolation, 1)
  for (let nowMs = 0; nowMs < 600_000; nowMs += 1000) targets(isolation, 0, 10, nowMs)
  expect(isolation.isIsolated(600_000)).toBe(true)
  let isolatedUntilMs = 600_000
  for (let nowMs = 600_000; nowMs < 700_000; nowMs += 1000) {
    targets(isolation, 5, 5, nowMs)
    if (isolation.isIsolated(nowMs)) isolatedUntilMs = nowMs
  }
  expect(isolatedUntilMs).toBeGreaterThan(600_000)
  expect(isolatedUntilMs).toBeLessThan(660_000)
})

test('where nothing ends it stays as it was', () => {
  const isolation = new Isolation(1)
  lose(isolation, 1)
  targets(isolation, 0, 3, 0)
  expect(isolation.isIsolated(0)).toBe(true)
  expect(isolation.isIsolated(3_600_000)).toBe(true)
})

test('without canaries never', () => {
  const isolation = new Isolation(0)
  targets(isolation, 0, 1000, 0)
  expect(isolation.isIsolated(0)).toBe(false)
})
