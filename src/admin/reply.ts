// Replies of the admin HTTP server.

export interface Reply {
  readonly status: number
  readonly contentType: string
  readonly body: string
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
