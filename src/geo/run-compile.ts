// Compiles one database in a thread of its own, whose memory is freed when it ends. A file that takes too much memory
// or time is a file that cannot be used.

import { Worker } from 'node:worker_threads'

import type { CompileJob, CompileResult } from './compile-database.ts'

/**
 * Compiles a database. Never rejects: every failure is a result of kind `broken`. After an abort it resolves once the
 * thread has ended.
 */
export type Compile = (job: CompileJob, signal?: AbortSignal) => Promise<CompileResult>

const timeoutMs = 120_000
const maxHeapMebibytes = 1024

// The entry has the same extension as this file: .ts when run from source, .js from dist.
const entry = new URL(
  import.meta.url.endsWith('.ts') ? './compile-thread.ts' : './compile-thread.js',
  import.meta.url,
)

export const compileInThread: Compile = (job, signal) =>
  new Promise((resolve) => {
    const source = job.file ?? 'the database that comes with mxsteer'
    const fail = (why: string): void => resolve({ kind: 'broken', why: `${source}: ${why}` })
    let thread: Worker
    try {
      thread = new Worker(entry, {
        workerData: job,
        name: `geoip-${job.database}`,
        resourceLimits: { maxOldGenerationSizeMb: maxHeapMebibytes },
      })
    } catch (error) {
      return fail(String(error))
    }
    const end = (): void => void thread.terminate()
    signal?.addEventListener('abort', end)
    // A thread that waits for its file system does not end, so that its end is not waited for.
    const overdue = setTimeout(() => {
      fail(`was not read within ${timeoutMs / 1000} s`)
      end()
    }, timeoutMs)
    thread.once('message', (result: CompileResult) =>
      result.kind === 'broken' ? fail(result.why) : resolve(result),
    )
    thread.once('error', (error) => fail(String(error)))
    // No effect if a message or an error came first.
    thread.once('exit', () => {
      clearTimeout(overdue)
      signal?.removeEventListener('abort', end)
      fail('its thread ended early')
    })
  })
