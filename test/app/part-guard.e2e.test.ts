// The guard of the parts, in processes that really throw at the top.

import { spawn } from 'node:child_process'

import { expect, test } from 'vitest'

import { type Launched, watchChild } from '../support/server.ts'

const fixture = new URL('../fixtures/parts/failing-parts.ts', import.meta.url).pathname

const run = (...args: readonly string[]): Launched =>
  watchChild(spawn(process.execPath, [fixture, ...args], { stdio: ['ignore', 'pipe', 'pipe'] }))

test('each failure belongs to its part, is logged once without secrets, and the process goes on', async () => {
  const child = run()
  expect(await child.exited).toEqual({ code: 0, signal: null })
  const last = child.logs().at(-1) as Readonly<Record<string, unknown>>
  expect(last).toEqual({
    failures: {
      store: 101,
      admin: 1,
      probes: 1,
      identity: 1,
      geoip: 1,
      zones: 1,
      weights: 1,
      'state-file': 0,
      announce: 1,
      service: 1,
      workers: 1,
      unknown: 1,
    },
    // Of 101 failures at once.
    restarts: 1,
    calls: 2,
  })
  const failed = child.logs().filter(({ event }) => event === 'part.failed')
  const counts = Object.entries(last['failures'] as Readonly<Record<string, number>>)
  expect(new Set(failed.map(({ part }) => part))).toEqual(
    new Set(counts.flatMap(([part, count]) => (count > 0 ? [part] : []))),
  )
  expect(failed).toHaveLength(11)
  expect(failed.find(({ part }) => part === 'store')).toMatchObject({
    error: 'Error EFAULT',
    stack: [expect.stringContaining('failing-parts.ts'), expect.any(String)],
  })
  expect(failed.find(({ part }) => part === 'zones')).toMatchObject({
    error: 'TypeError',
    why: 'x is not iterable',
  })
  expect(child.stdout() + child.stderr()).not.toContain('hunter2')
})

test('a fault of the composition, before the start is done, ends the process', async () => {
  const child = run('start')
  expect(await child.exited).toEqual({ code: 1, signal: null })
  expect(child.stderr()).toContain('failing-parts.ts')
  expect(child.stderr()).not.toContain('hunter2')
})
