// Questions to the server that the page came from. Its paths are beside `console/`, whatever prefix a proxy puts before.

export type ApiReply<Value> =
  | { readonly kind: 'answered'; readonly status: number; readonly value: Value }
  /** 304: what was asked since stands. */
  | { readonly kind: 'unchanged' }
  | ApiRefusal

export type ApiRefusal =
  | {
      readonly kind: 'refused'
      readonly status: number
      /** Stable; docs/errors.md. */
      readonly code: string
      readonly message: string
      readonly retryAfterSeconds: number | null
    }
  | { readonly kind: 'unreachable'; readonly why: string }

const timeoutMs = 10_000

export const apiUrl = (path: string): URL => new URL(`../${path}`, document.baseURI)

/** `path` without a leading slash: `targets/mx1?zone=example.com`. Never rejects. */
export async function ask<Value>(
  path: string,
  { method = 'GET', body }: { method?: string; body?: unknown } = {},
): Promise<ApiReply<Value>> {
  try {
    const response = await fetch(apiUrl(path), {
      method,
      credentials: 'same-origin',
      signal: AbortSignal.timeout(timeoutMs),
      ...(body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
    if (response.status === 304) return { kind: 'unchanged' }
    const text = await response.text()
    if (!response.ok) return refusalOf(response, text)
    const isJson = response.headers.get('content-type')?.startsWith('application/json') === true
    const value = (isJson ? JSON.parse(text) : text) as Value
    return { kind: 'answered', status: response.status, value }
  } catch (error) {
    return { kind: 'unreachable', why: error instanceof Error ? error.message : String(error) }
  }
}

export function refusalOf(response: Response, text: string): ApiRefusal {
  const after = Number(response.headers.get('retry-after') ?? NaN)
  return {
    kind: 'refused',
    status: response.status,
    ...errorOf(text, response.status),
    retryAfterSeconds: Number.isNaN(after) ? null : after,
  }
}

function errorOf(text: string, status: number): { code: string; message: string } {
  try {
    const { error } = JSON.parse(text) as { error: { code: string; message: string } }
    return { code: error.code, message: error.message }
  } catch {
    return { code: `status-${status}`, message: text.slice(0, 200) || `status ${status}` }
  }
}
