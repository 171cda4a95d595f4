// Runs one compilation in a thread that ends with it: its memory goes with it, and a file that takes too much of
// memory or time is a file that cannot be used.

import { Worker } from 'node:worker_threads'

import type { CompileJob, CompileResult } from './compile-database.ts'

/** Never rejects. */
export type Compile = (job: CompileJob) => Promise<CompileResult>

const withinMs = 120_000
const heapMebibytes = 1024

// The entry has the ending of the file we run from: .ts from source, .js from dist.
const entry = new URL(
  import.meta.url.endsWith('.ts') ? './compile-thread.ts' : './compile-thread.js',
  import.meta.url,
)

export const compileInThread: Compile = (job) =>
  new Promise((resolve) => {
    const named = job.file ?? 'the database that comes with mxsteer'
    const fail = (why: string): void => resolve({ kind: 'broken', why: `${named}: ${why}` })
    let thread: Worker
    try {
      thread = new Worker(entry, {
        workerData: job,
        name: `geoip-${job.database}`,
        resourceLimits: { maxOldGenerationSizeMb: heapMebibytes },
      })
    } catch (error) {
      return fail(String(error))
    }
    const overdue = setTimeout(() => void thread.terminate(), withinMs)
    thread.once('message', (result: CompileResult) =>
      result.kind === 'broken' ? fail(result.why) : resolve(result),
    )
    thread.once('error', (error) => fail(String(error)))
    // Without effect where one of the others came first.
    thread.once('exit', () => {
      clearTimeout(overdue)
      fail(`was not read within ${withinMs / 1000} s`)
    })
  })
