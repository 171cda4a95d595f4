// The store is there, and in trouble: hints get lost (R7), it is slow, it is full (R8), its clock jumps (C3). Each of
// three instances probes two thirds of the targets, so that every one of them has to learn something from the others.
//
// Redis refuses to start under another clock (faketime and jemalloc exclude each other), so its jumps are made of what
// they do: lifetimes that end at once, or a minute later.

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'

import { pause, until } from '../support/wait.ts'
import { type Fleet, eachInstance, heartbeatMs, slowMachineMs, startFleet } from './fleet.ts'
import {
  degraded,
  allAreBack,
  leavesAllAnswers,
  lastNamedAfterMs,
  mustHaveAnswered,
  percentile,
  prefix,
  total,
  transitions,
} from './instance-state.ts'

let fleet: Fleet

beforeAll(async () => {
  fleet = await startFleet(3, { network: '127.0.4', settings: ['vantages: 2'] })
})
afterAll(async () => {
  await fleet?.stop()
})
afterEach(() => mustHaveAnswered(fleet))

const mustSay = async (...words: readonly string[]): Promise<string> => {
  const reply = await fleet.redis.command(...words)
  expect(reply).not.toMatch(/^-/)
  return reply
}

describe('hints are lost (R7): an instance reads what no hint named', () => {
  // An interval with its jitter and two fast ones, and all votes are read anew after 10 heartbeats ± 20 %.
  const withinMs = 1100 + 2 * 275 + 12 * heartbeatMs + slowMachineMs

  test.each([
    { what: 'no instance may read them', kept: null },
    { what: 'and all but the last are gone', kept: '1' },
  ])('$what', async ({ kept }) => {
    await mustSay('ACL', 'SETUSER', 'default', '-xread')
    await pause(heartbeatMs)
    const killedMs = performance.now()
    await fleet.mtas.mx1.die()
    const trimmed = new AbortController()
    if (kept === null) trimmed.abort()
    const trimming = (async (): Promise<void> => {
      while (!trimmed.signal.aborted) {
        await mustSay('XTRIM', `${prefix}ev`, 'MAXLEN', kept ?? '1')
        await pause(20)
      }
    })()
    await leavesAllAnswers(fleet, 'mx1')
    trimmed.abort()
    await trimming
    const tookMs = lastNamedAfterMs(fleet, 'mx1', killedMs)
    console.info(`hints lost, ${kept ?? 'all'} kept: last answer after ${tookMs.toFixed()} ms`)
    expect(tookMs).toBeLessThan(withinMs)
    await mustSay('ACL', 'SETUSER', 'default', '+xread')
    await fleet.mtas.mx1.revive()
    await allAreBack(fleet, 60_000)
  })
})

describe('it is slow (R8)', () => {
  /** What 9 of 10 answers took in the best of so many seconds: other work on the machine spoils some of them, not all. */
  const watchFor = async (seconds: number): Promise<number> => {
    const each: number[] = []
    while (each.length < seconds) {
      for (const { watch } of fleet.instances) watch.lately()
      await pause(1000)
      const tookMs = fleet.instances.flatMap(({ watch }) => watch.lately().tookMs)
      each.push(percentile(tookMs, 0.9))
    }
    return Math.min(...each)
  }

  // A command may take half a heartbeat, or 250 ms: 500 ms at the default are 50 ms here.
  test.each([
    { heldMs: 25, cutOff: 0 },
    { heldMs: 250, cutOff: 1 },
  ])(
    '$heldMs ms a way: one batch at a time, and answers do not notice',
    async ({ heldMs, cutOff }) => {
      const before = await transitions(fleet)
      const calmMs = await watchFor(3)
      for (const { proxy } of fleet.instances) proxy.delay(heldMs)
      if (cutOff === 1)
        await eachInstance(fleet, 'is degraded', async (one) => (await degraded(one)) === 1)
      const troubledMs = await watchFor(4)
      const unanswered = fleet.instances.map(({ proxy }) => proxy.mostUnanswered())
      for (const one of fleet.instances) expect(await degraded(one)).toBe(cutOff)
      for (const { proxy } of fleet.instances) proxy.delay(0)
      await allAreBack(fleet)
      expect(await transitions(fleet)).toEqual(before)
      console.info(
        `store ${2 * heldMs} ms away: p90 ${troubledMs.toFixed(1)} ms, else ${calmMs.toFixed(1)} ms; unanswered batches ${unanswered.join(', ')}`,
      )
      // Cut off they try anew, and a greeting is of several pieces.
      if (cutOff === 0) expect(Math.max(...unanswered)).toBe(1)
      // An answer that waited for the store would take there and back longer.
      expect(troubledMs).toBeLessThan(calmMs + 2 * heldMs)
    },
  )

  test('it is full: said so, and nothing moves', async () => {
    const before = await transitions(fleet)
    const calmMs = await watchFor(3)
    await mustSay('CONFIG', 'SET', 'maxmemory', '1')
    await eachInstance(fleet, 'is degraded', async (one) => (await degraded(one)) === 1)
    const troubledMs = await watchFor(3)
    await mustSay('CONFIG', 'SET', 'maxmemory', '0')
    await allAreBack(fleet)
    const why = fleet.instances.map(
      ({ server }) => server.logs().findLast(({ event }) => event === 'state.degraded')?.['why'],
    )
    // On a busy machine one may have had a silence before.
    expect(why).toContain('OOM')
    for (const word of why) expect(['OOM', 'TIMEOUT', 'CLOSED']).toContain(word)
    expect(await transitions(fleet)).toEqual(before)
    expect(troubledMs).toBeLessThan(calmMs + 100)
  })
})

describe('its clock jumps (C3): an instance that misses its own heartbeat takes no other for dead', () => {
  test.each([
    { what: 'forward: all that has a lifetime is gone at once', lifetimeMs: '1' },
    { what: 'back: it stays for a minute longer', lifetimeMs: '60000' },
  ])('$what', async ({ lifetimeMs }) => {
    const before = await transitions(fleet)
    const names = fleet.instances.map(({ name }) => name)
    const gone = (): number =>
      fleet.instances.flatMap(({ server }) =>
        server.logs().filter(({ event }) => event === 'peer.gone'),
      ).length
    const goneBefore = gone()
    const rewrites = (): Promise<readonly number[]> =>
      Promise.all(fleet.instances.map((one) => total(one, 'mxsteer_state_rewrites_total')))
    const rewritesBefore = await rewrites()
    // How the targets fall to the instances is a matter of hashes; that each is probed by two is not.
    const votes = (): Promise<readonly number[]> =>
      Promise.all(
        names.map(async (name) => Number((await mustSay('HLEN', `${prefix}v:${name}`)).slice(1))),
      )
    // Who was cut off probed all of them, and takes the votes on those of others back a moment after.
    const votesBefore = await until(
      async () => {
        const counts = await votes()
        const sum = counts.reduce((all, count) => all + count, 0)
        return sum === 2 * Object.keys(fleet.mtas).length && counts
      },
      { what: 'two votes on each target', withinMs: 60_000 },
    )
    for (let jump = 0; jump < 5; jump++) {
      const keys = names.flatMap((name) => [`${prefix}hb:${name}`, `${prefix}v:${name}`])
      const all = `for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[1]) end`
      await mustSay('EVAL', all, String(keys.length), ...keys, lifetimeMs)
      await pause(2 * heartbeatMs)
    }
    await pause(10 * heartbeatMs)
    await allAreBack(fleet)
    expect(await transitions(fleet)).toEqual(before)
    expect(gone()).toBe(goneBefore)
    const rewritten = (await rewrites()).map((count, i) => count - (rewritesBefore[i] ?? 0))
    if (lifetimeMs === '1') for (const count of rewritten) expect(count).toBeGreaterThan(0)
    await until(async () => (await votes()).join() === votesBefore.join(), {
      what: `as many votes as before: ${votesBefore.join(', ')}`,
      withinMs: 60_000,
    })
  })
})
