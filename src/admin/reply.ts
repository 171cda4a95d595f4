// Replies of the admin HTTP server.

export interface Reply {
  readonly status: number
  readonly contentType: string
  readonly body: string
  /** For the header Retry-After. */
  readonly retryAfterSeconds?: number
  /** CPU time that the reply took elsewhere than in the call of its handler, in milliseconds. */
  readonly spentMs?: number
}

/** `value` as indented JSON with a final newline. */
export const json = (value: unknown, status: number = 200): Reply => ({
  status,
  contentType: 'application/json; charset=utf-8',
  body: `${JSON.stringify(value, null, 2)}\n`,
})

/** A reply with a `text/plain` body in UTF-8. */
export const text = (body: string, status: number = 200): Reply => ({
  status,
  contentType: 'text/plain; charset=utf-8',
  body,
})

/**
 * An error as JSON: `{"error": {"code", "message"}}`. docs/operations.md lists the codes, which are
 * stable.
 */
export const refuse = (status: number, code: string, message: string): Reply =>
  json({ error: { code, message } }, status)

/** Too much was asked for: 503 `busy`, with the time after which to ask again. */
export const busy = (afterMs: number): Reply => {
  const retryAfterSeconds = Math.max(1, Math.ceil(afterMs / 1000))
  const message = `too much is asked for at once: ask again in ${retryAfterSeconds} s`
  return { ...refuse(503, 'busy', message), retryAfterSeconds }
}

/** The value of `compute`, and the CPU time that it took in this thread, in milliseconds. */
export function timed<Value>(compute: () => Value): {
  readonly value: Value
  readonly spentMs: number
} {
  const before = process.threadCpuUsage()
  const value = compute()
  const { user, system } = process.threadCpuUsage(before)
  return { value, spentMs: (user + system) / 1000 }
}
