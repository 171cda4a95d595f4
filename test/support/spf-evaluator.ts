// pyspf, an evaluator of SPF that is not ours: one process for as long as a test wants it, asked a question at a time.

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('spf-evaluator.py', import.meta.url))

/** Name → type → data. */
export type SpfRecords = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>

/** Who sends for `postmaster` of the domain, and where the records are: at a name server on loopback, or here. */
export type SpfAsked = { readonly ip: string; readonly domain: string } & (
  | { readonly port: number }
  | { readonly records: SpfRecords }
)

export interface SpfEvaluated {
  /** As RFC 7208 §2.6 has it: `pass`, `fail`, `permerror`… */
  readonly result: string
  readonly why: string
}

export interface SpfEvaluator {
  evaluate(asked: SpfAsked): Promise<SpfEvaluated>
  stop(): void
}

export function startSpfEvaluator(): SpfEvaluator {
  const child = spawn('/usr/bin/python3', [script], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async evaluate(asked) {
      child.stdin.write(`${JSON.stringify(asked)}\n`)
      const { value, done } = await lines.next()
      if (done === true) throw new Error('pyspf has ended: is python3-spf installed?')
      return JSON.parse(value) as SpfEvaluated
    },
    stop: () => void child.kill(),
  }
}
