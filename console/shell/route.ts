// Where the page is: views and what they show stand in the fragment, so that no proxy rewrites them, and every state is
// an address: `#/target/smtp.example.com/mx1`, `#/ask?name=smtp.example.com&client=198.51.100.7`.

import { type ReadonlySignal, signal } from '@preact/signals'

export interface Route {
  /** Of the path, percent-decoded; none: the overview. */
  readonly segments: readonly string[]
  readonly query: URLSearchParams
}

export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#/, '').split('?', 2)
  const segments = path.split('/').filter(Boolean).map(decoded)
  return { segments, query: new URLSearchParams(query) }
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

/** `href(['target', zone, name])`; values of `query` that are '' are left out. */
export function href(
  segments: readonly string[],
  query: Readonly<Record<string, string | readonly string[]>> = {},
): string {
  const parameters = new URLSearchParams()
  for (const [key, value] of Object.entries(query))
    for (const one of [value].flat()) if (one !== '') parameters.append(key, one)
  const path = segments.map((one) => encodeURIComponent(one)).join('/')
  return `#/${path}${parameters.size === 0 ? '' : `?${parameters}`}`
}

// Tests of parts have no page.
const current = signal(parseRoute(globalThis.location?.hash ?? ''))

export const route: ReadonlySignal<Route> = current

export function followFragment(): void {
  addEventListener('hashchange', () => {
    current.value = parseRoute(location.hash)
  })
}

/** `isReplacing`: for what is typed into a form, of which not every state is a step back. */
export function go(to: string, isReplacing: boolean = false): void {
  if (isReplacing) history.replaceState(null, '', to)
  else location.hash = to
  current.value = parseRoute(to)
}
