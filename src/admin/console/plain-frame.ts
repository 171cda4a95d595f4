// What all pages of console/plain are made of: head and foot, tables, and refusals in words. What others wrote is escaped
// twice: control characters, then HTML.

import { printable } from '../../lib/printable.ts'
import type { Reply } from '../reply.ts'
import { pageHeaders } from './console-pages.ts'

export const htmlType = 'text/html; charset=utf-8'

/** With `no-referrer` a browser would send forms with `Origin: null`, as those of any other site. */
export const plainHeaders: Readonly<Record<string, string>> = {
  ...pageHeaders,
  'referrer-policy': 'same-origin',
}

/** A page behind console/plain. `title` is plain text, `main` HTML. */
export const innerPage = (title: string, main: string, status: number = 200): Reply => ({
  status,
  contentType: htmlType,
  body: `${head(title, '../plain.css')}<h1>${escaped(title)}</h1>\n${main}<p><a href="../plain">All of it</a></p>\n${foot}`,
  headers: plainHeaders,
})

/**
 * A refusal in words, for who looks at pages. `isInner`: of a page behind console/plain. Where it is that nobody is signed in, it
 * asks for that.
 */
export function plainRefusal(reply: Reply, isInner: boolean): Reply {
  const to = isInner ? '' : 'plain/'
  const form = reply.status === 401 ? signInForm(`${to}session`) : ''
  const words = `<h1>Not done</h1>\n<p><b>${escaped(refusalText(reply))}</b></p>\n`
  const back = `<p><a href="${isInner ? '../' : ''}plain">All of it</a></p>\n`
  const css = `${isInner ? '../' : ''}plain.css`
  const body = head('Not done', css) + words + form + back + foot
  return { ...reply, contentType: htmlType, body, headers: { ...reply.headers, ...plainHeaders } }
}

/** What a refusal says: the message of its JSON, or its text. */
export function refusalText({ body, contentType }: Reply): string {
  if (typeof body !== 'string') return 'not possible'
  if (!contentType.startsWith('application/json')) return body.trim()
  return (JSON.parse(body) as { readonly error: { readonly message: string } }).error.message
}

const signInForm = (action: string): string => `<form method="post" action="${action}">
${tokenFields}<p><button>Sign in</button></p>
</form>
`

/** For who signs in, or orders something without being signed in. */
export const tokenFields: string = `<p><label>Admin token<br>
<input type="password" name="token" size="40" maxlength="512" autocomplete="current-password" required></label></p>
<p><label>Your name, for colleagues to see<br>
<input name="name" size="40" maxlength="60" autocomplete="username" required></label></p>
`

export const head = (title: string, css: string, refresh = ''): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${refresh}<title>${escaped(title)} · mxsteer</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${css}">
</head>
<body>
<main>
`

export const foot: string = '</main>\n</body>\n</html>\n'

/** Rows of a table; the number of the others is said. */
export const mostRows = 500

/** Text, or a link to a form. */
type Cell = string | { readonly html: string }

/** Nothing where there are no rows. */
export function* table(
  title: string,
  head: readonly string[],
  rows: readonly (readonly [string, ...Cell[]])[],
): Generator<string> {
  if (rows.length === 0) return
  const cells = head.map((one) => `<th scope="col">${one}</th>`).join('')
  const region = `<div class="wide" role="region" tabindex="0" aria-label="${escaped(title)}">`
  yield `<h2>${escaped(title)}</h2>\n${region}\n<table>\n<thead><tr>${cells}</tr></thead>\n<tbody>\n`
  for (const [first, ...rest] of rows.slice(0, mostRows))
    yield `<tr><th scope="row">${escaped(first)}</th>${rest.map((one) => `<td>${htmlOf(one)}</td>`).join('')}</tr>\n`
  yield '</tbody>\n</table>\n</div>\n'
  if (rows.length > mostRows) yield `<p>And ${rows.length - mostRows} more.</p>\n`
}

const htmlOf = (cell: Cell): string => (typeof cell === 'string' ? escaped(cell) : cell.html)

/** A link of console/plain to one of the forms behind it. `label`: what it does, out of context. */
export const formLink = (
  form: 'drain' | 'undo',
  parameters: Readonly<Record<string, string>>,
  label: string,
): Cell => {
  const href = escaped(`plain/${form}?${String(new URLSearchParams(parameters))}`)
  return { html: `<a href="${href}" aria-label="${escaped(label)}">${form}</a>` }
}

export const shortTime = (iso: string): string => iso.replace('T', ' ').slice(0, 16)

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

export const escaped = (text: string): string =>
  printable(text).replaceAll(/[&<>"']/g, (one) => entities[one] ?? one)
