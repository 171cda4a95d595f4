// Durations and shares as zone files, settings and flags give them.

import { describe, expect, it } from 'vitest'
import { durationMs, readDurationMs, readShare, seconds } from '../../src/zonefile/leaf.ts'

describe('durations', () => {
  it.each<[unknown, number | null]>([
    ['500ms', 500],
    ['10s', 10_000],
    ['2m', 120_000],
    ['1.5h', 5_400_000],
    ['1h30m', 5_400_000],
    ['2w', 1_209_600_000],
    ['1w2d3h4m5s6ms', 788_645_006],
    ['1d12h', 129_600_000],
    ['1m500ms', 60_500],
    ['0s', 0],
    [90, 90_000],
    ['90', 90_000],
    [0.5, 500],
    ['', null],
    ['30m1h', null],
    ['1h1h', null],
    ['1.5h30m', null],
    ['1h30', null],
    ['1h 30m', null],
    ['-1s', null],
    ['1y', null],
    ['h', null],
    [true, null],
    [null, null],
    [['1h'], null],
  ])('%j', (text, expected) => expect(readDurationMs(text)).toBe(expected))

  it('have bounds, whatever the units', () => {
    const between = durationMs('1m', '1h30m', '1m')
    expect(between.safeParse('1h30m').data).toBe(5_400_000)
    expect(between.safeParse('1h30m1ms').success).toBe(false)
    expect(seconds('a TTL', 1, 604_800).safeParse('6d24h').data).toBe(604_800)
    expect(seconds('a TTL', 1, 604_800).safeParse('1m1ms').success).toBe(false)
    expect(seconds('a TTL', 1, 604_800).safeParse('9999999999w').success).toBe(false)
  })
})

describe('shares', () => {
  it.each<[unknown, number | null]>([
    [0.5, 0.5],
    ['50%', 0.5],
    ['50 %', 0.5],
    ['99.95%', 0.9995],
    ['0.000001%', 1e-8],
    ['100%', 1],
    ['150%', 1.5],
    ['%', null],
    ['-5%', null],
    ['5%%', null],
    ['0.5', null],
    [true, null],
  ])('%j', (text, expected) => expect(readShare(text)).toBe(expected))
})
