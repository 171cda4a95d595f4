// What the listener's thread answers by itself of the console, out of memory:
//
//   /               a browser is led to console/; other clients get 404 as for every path that there is none of
//   /console        led to console/
//   /console/FILE   the built files, compressed where the client takes that
//   /console/plain  and what is behind it are routes of the control thread (plain-page.ts, plain-forms.ts)
//
// Locations are relative, since a proxy may serve all this below a prefix.

import type { IncomingHttpHeaders } from 'node:http'

import { type Reply, text } from '../reply.ts'
import type { ConsoleFile, ConsoleFiles, Encoding } from './console-files.ts'

/** Headers of every page and file of the console; the opener policy is left out where `headersFor` says so. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; '),
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
}

/**
 * Whom the operator's own hand leads here (an address typed, a bookmark; Fetch Metadata) no page has opened, so that the opener
 * policy has nothing to keep away. Chromium would start a process for it that the page then waits for (ADR 23).
 */
function headersFor({
  'sec-fetch-site': from,
}: IncomingHttpHeaders): Readonly<Record<string, string>> {
  if (from !== 'none') return pageHeaders
  const { 'cross-origin-opener-policy': _, ...rest } = pageHeaders
  return rest
}

export interface PageRequest {
  readonly method: string | undefined
  /** Without the prefix; '': the prefix itself, without a slash behind it. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
}

export interface ConsolePages {
  /** null: no page of the console, or one that the control thread makes. */
  reply(request: PageRequest): Reply | Promise<Reply> | null
}

/**
 * `prefix`: '' or such as `/mxsteer`. `read` is called once, when a file is asked for; null: nothing is built, and browsers are
 * led to the plain page. `onOpen` is called when a browser takes the page, whose scripts will ask for the overview.
 */
export function createConsolePages(
  prefix: string,
  read: () => Promise<ConsoleFiles | null>,
  onOpen: () => void = () => {},
): ConsolePages {
  const own = prefix.slice(prefix.lastIndexOf('/') + 1)
  let files: Promise<ConsoleFiles | null> | null = null
  return {
    reply({ method, path, headers }) {
      if (method !== 'GET' && method !== 'HEAD') return null
      if (path === '') return redirect(`${own}/console/`, headers)
      if (path === '/') return takesHtml(headers) ? redirect('console/', headers) : null
      if (path === '/console') return redirect('console/', headers)
      if (!path.startsWith('/console/') || isPlain(path)) return null
      files ??= read()
      const name = path.slice('/console/'.length) || 'index.html'
      if (name === 'index.html' && method === 'GET') onOpen()
      return files.then((known) => namedReply(known, name, headers))
    },
  }
}

const isPlain = (path: string): boolean => /^\/console\/plain(?:\/|$)/.test(path)

function namedReply(files: ConsoleFiles | null, name: string, headers: IncomingHttpHeaders): Reply {
  if (files === null) return name === 'index.html' ? redirect('plain', headers) : notBuilt()
  const file = files.get(name)
  return file === undefined ? noSuchFile() : fileReply(file, headers)
}

/** Of a browser that goes to an address, not of a script or a monitor. */
const takesHtml = ({ accept = '' }: IncomingHttpHeaders): boolean => accept.includes('text/html')

const redirect = (location: string, headers: IncomingHttpHeaders): Reply => ({
  ...text(`see ${location}\n`, 302),
  headers: { ...headersFor(headers), location, vary: 'accept, sec-fetch-site' },
})

const noSuchFile = (): Reply => ({
  ...text('no such file of the console; it begins at console/\n', 404),
  headers: pageHeaders,
})

const notBuilt = (): Reply => ({
  ...text('the console is not built here: run npm ci, or see console/plain\n', 404),
  headers: pageHeaders,
})

function fileReply(file: ConsoleFile, headers: IncomingHttpHeaders): Reply {
  const { contentType, etag, isHashed } = file
  const common = isHashed
    ? {
        ...pageHeaders,
        etag,
        vary: 'accept-encoding',
        'cache-control': 'public, max-age=31536000, immutable',
      }
    : {
        ...headersFor(headers),
        etag,
        vary: 'accept-encoding, sec-fetch-site',
        'cache-control': 'no-cache',
      }
  if (isKnown(headers['if-none-match'], etag))
    return { status: 304, contentType, body: '', headers: common }
  const encoding = chosenEncoding(file, headers['accept-encoding'])
  if (encoding === null) return { status: 200, contentType, body: [file.octets], headers: common }
  const body = [file.compressed[encoding] ?? file.octets]
  return { status: 200, contentType, body, headers: { ...common, 'content-encoding': encoding } }
}

/** RFC 9110 §13.1.2: by weak comparison, since proxies that compress make a tag weak. */
const isKnown = (given: string | undefined, etag: string): boolean =>
  given !== undefined &&
  given.split(',').some((one) => ['*', etag].includes(one.trim().replace(/^W\//, '')))

function chosenEncoding(
  { compressed }: ConsoleFile,
  accepted: string | undefined = '',
): Encoding | null {
  const taken = new Set(
    accepted
      .toLowerCase()
      .split(',')
      .map((one) => one.split(';').map((part) => part.trim()))
      .filter((parts) => !parts.some((part) => /^q=0(?:\.0*)?$/.test(part)))
      .map(([name]) => name),
  )
  const known: readonly Encoding[] = ['br', 'gzip']
  return known.find((one) => taken.has(one) && compressed[one] !== undefined) ?? null
}
