// The thread that explains, when it hangs, dies or has too much to do.

import { expect, test } from 'vitest'

import {
  createExplainWorker,
  type ExplainWorker,
  type ExplainWorkerOptions,
} from '../../../src/admin/explaining/explain-worker.ts'
import type { Asked, World } from '../../../src/admin/explaining/messages.ts'

const question = {} as Asked

/** A thread whose code is `onQuestion`; `port` is the way back. */
const threadOf = (onQuestion: string): URL =>
  new URL(
    `data:text/javascript,${encodeURIComponent(
      `import { parentPort as port } from 'node:worker_threads'
       port.on('message', ({ kind }) => { if (kind === 'question') { ${onQuestion} } })`,
    )}`,
  )

interface Scene {
  readonly worker: ExplainWorker
  readonly events: string[]
  readonly pass: (ms: number) => void
}

function arrange(onQuestion: string, options: Partial<ExplainWorkerOptions> = {}): Scene {
  let nowMs = 0
  const events: string[] = []
  const worker = createExplainWorker({
    healthBuffer: new SharedArrayBuffer(8),
    world: () => ({}) as World,
    notes: () => ({ members: new Map(), probes: new Map() }),
    clock: { monotonicMs: () => nowMs },
    onExit: (why, backoffMs) => events.push(`${why}, ${backoffMs}`),
    onRestart: () => events.push('restarted'),
    entry: threadOf(onQuestion),
    ...options,
  })
  return { worker, events, pass: (ms) => void (nowMs += ms) }
}

const answer = `port.postMessage({ kind: 'explained', body: 'why', spentMs: 1 })`

test.each([
  ['hangs', 'for (;;);', /^no answer within/, 1000],
  ['dies', 'process.exit(1)', /^it exited/, 60_000],
  ['throws', `throw new Error('a bug')`, /^a bug/, 60_000],
])(
  'one that %s is ended, and refused until its backoff has passed',
  async (_, code, why, deadlineMs) => {
    const { worker, events, pass } = arrange(code, { deadlineMs })
    expect(await worker.explain(question)).toMatchObject({ kind: 'unavailable', afterMs: 200 })
    expect(await worker.explain(question)).toMatchObject({ kind: 'unavailable', afterMs: 200 })
    expect(events).toEqual([expect.stringMatching(why)])
    pass(200)
    expect(await worker.explain(question)).toMatchObject({ kind: 'unavailable', afterMs: 400 })
    await worker.close()
  },
)

test('one that is given no CPU time is waited for, and not without end', async () => {
  const sleep = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000)'
  const slow = arrange(`${sleep}; ${answer}`, { deadlineMs: 1000 })
  expect(await slow.worker.explain(question)).toMatchObject({ kind: 'explained' })
  expect(slow.events).toEqual([])
  await slow.worker.close()
  const silent = arrange('', { deadlineMs: 500 })
  const why = 'no answer within 3 s'
  expect(await silent.worker.explain(question)).toMatchObject({ kind: 'unavailable', why })
  await silent.worker.close()
})

test('one that is busy takes eight more questions, and no ninth', async () => {
  const { worker } = arrange('')
  const waiting = Array.from({ length: 9 }, () => worker.explain(question))
  expect(await worker.explain(question)).toEqual({ kind: 'busy' })
  await worker.close()
  for (const outcome of await Promise.all(waiting)) expect(outcome.kind).toBe('unavailable')
})

test('questions are explained in order, by one thread', async () => {
  const { worker, events } = arrange(answer)
  const outcomes = await Promise.all([worker.explain(question), worker.explain(question)])
  expect(outcomes.map(({ kind }) => kind)).toEqual(['explained', 'explained'])
  expect(events).toEqual([])
  await worker.close()
})
