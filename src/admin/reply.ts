// Replies of the admin HTTP server.

import { assemble, jsonPieces, type Pieces, type Turns, type Utf8Chunks } from './turns.ts'

export interface Reply {
  readonly status: number
  readonly contentType: string
  readonly body: string | Utf8Chunks
  /** For the header Retry-After. */
  readonly retryAfterSeconds?: number
  /** Further headers by their names in lower case; they take the place of those that every reply has. */
  readonly headers?: Readonly<Record<string, string>>
  /** Of the beginning of a stream: the last message that it covers. */
  readonly streamSequence?: number
  /** CPU time that the reply took elsewhere than in the call of its handler, in milliseconds. */
  readonly spentMs?: number
}

/** A reply that was made in one go. */
type TextReply = Reply & { readonly body: string }

const jsonType = 'application/json; charset=utf-8'

/** `value` as indented JSON with a final newline. */
export const json = (value: unknown, status: number = 200): TextReply => ({
  status,
  contentType: jsonType,
  body: `${JSON.stringify(value, null, 2)}\n`,
})

/** `value` as JSON in one line: for machines that read it often. */
export const compactJson = (value: unknown, status: number = 200): TextReply => ({
  status,
  contentType: jsonType,
  body: `${JSON.stringify(value)}\n`,
})

/** A reply with status 200 whose body is made in many turns of the event loop. */
export async function assembledReply(
  contentType: string,
  pieces: Pieces,
  turns: Turns,
): Promise<Reply> {
  return { status: 200, contentType, ...(await assemble(pieces, turns)) }
}

/** As `json`, with the fields written piece by piece. */
export const assembledJson = (
  fields: Readonly<Record<string, unknown>>,
  turns: Turns,
): Promise<Reply> => assembledReply(jsonType, jsonPieces(fields), turns)

/** A reply with a `text/plain` body in UTF-8. */
export const text = (body: string, status: number = 200): TextReply => ({
  status,
  contentType: 'text/plain; charset=utf-8',
  body,
})

/**
 * An error as JSON: `{"error": {"code", "message"}}`. docs/operations.md lists the codes, which are
 * stable.
 */
export const refuse = (status: number, code: string, message: string): TextReply =>
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
