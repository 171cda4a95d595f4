// Settings of the admin server, the tokens for its writes, and of the announce hook.

import { z } from 'zod'
import { bareName } from '../lib/bare-name.ts'
import { webUrl } from '../lib/web-url.ts'
import { closedMap, leaf, oneOrMany, path, text } from '../zonefile/leaf.ts'
import type { Diagnostic } from '../zonefile/diagnostic.ts'
import { readSmallFile } from '../zonefile/read-folder.ts'

const tokenPattern = /^[\x21-\x7e]{16,256}$/

const expectedToken = 'expected 16 to 256 printable ASCII characters without spaces, in quotes'

/** A bearer token. Not a leaf(), whose message would show the value. */
export const adminToken: z.ZodType<string> = z.unknown().transform((value, context): string => {
  if (typeof value === 'string' && tokenPattern.test(value)) return value
  context.issues.push({ code: 'custom', input: undefined, message: expectedToken })
  return z.NEVER
})

/** A host name as the Host header has it: in lower case, without a final dot and a port. */
const hostName: z.ZodType<string> = leaf({
  expected: 'a host name such as ns1.example.com, without a port',
  fallback: 'localhost',
  read(value) {
    const name = typeof value === 'string' ? bareName(value.trim()) : ''
    return /^(?=.{1,253}$)[a-z0-9_]([\w-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([\w-]{0,61}[a-z0-9_])?)*$/.test(
      name,
    )
      ? name
      : null
  },
})

/** '' or path segments, each behind a slash. */
export const adminPrefix: z.ZodType<string> = leaf({
  expected: 'nothing, or a path without a slash at its end such as /mxsteer',
  fallback: '',
  read: (value) =>
    typeof value === 'string' && /^(?=.{0,200}$)(?:\/[\w~-][\w.~-]*)*$/.test(value) ? value : null,
})

const maxAdminHosts = 64

/** Names that the admin server may be asked by. */
export const adminHosts: z.ZodType<readonly string[]> = oneOrMany(hostName).refine(
  (names) => names.length <= maxAdminHosts,
  `expected at most ${maxAdminHosts} names`,
)

/** Who may read from the admin server. */
export const adminRead: z.ZodType<'open' | 'token'> = leaf({
  expected: 'open, or token: only those who are signed in or give the admin token may read',
  fallback: 'open',
  read: (value) => (value === 'open' || value === 'token' ? value : null),
})

/** Where a browser finds the console of this instance. */
export const consoleUrl: z.ZodType<string> = leaf({
  expected: 'a URL such as https://ns1.example.com/console/, without a user and a password',
  fallback: 'https://ns1.example.com/console/',
  read: (value) => (typeof value === 'string' ? webUrl(value) : null),
})

type TokenRead =
  | { readonly kind: 'token'; readonly token: string | null }
  | { readonly kind: 'bad'; readonly diagnostic: Diagnostic }

interface TokenValues {
  readonly admin_token?: string | undefined
  readonly admin_token_file?: string | undefined
  readonly load_token?: string | undefined
  readonly load_token_file?: string | undefined
}

/** The token that permits every write through the admin server; null: none is set. */
export const readAdminToken = (values: TokenValues): Promise<TokenRead> =>
  readToken(values.admin_token, values.admin_token_file)

/** The token that permits reports of load from MTAs, and nothing else; null: none is set. */
export const readLoadToken = (values: TokenValues): Promise<TokenRead> =>
  readToken(values.load_token, values.load_token_file)

/** A token given directly wins over the first line of the file. */
async function readToken(token?: string, file?: string): Promise<TokenRead> {
  if (token !== undefined || file === undefined) return { kind: 'token', token: token ?? null }
  const read = await readSmallFile(file)
  if (read.kind === 'bad') return read
  const line = new TextDecoder().decode(read.octets).split('\n')[0]?.trim() ?? ''
  return tokenPattern.test(line)
    ? { kind: 'token', token: line }
    : { kind: 'bad', diagnostic: badToken(file) }
}

const badToken = (file: string): Diagnostic => ({
  severity: 'error',
  code: 'bad-value',
  file,
  line: 1,
  column: 1,
  path: '',
  excerpt: '',
  message: expectedToken.replace(', in quotes', ''),
})

/** `announce:` of mxsteer.yaml. */
export interface AnnounceValues {
  readonly file: string
  readonly command?: string | undefined
}

/** The hook by which a routing daemon learns whether to announce the service addresses. */
export interface AnnounceSettings {
  readonly file: string
  /** Program that is run with `up` or `down` as its argument; null: none. */
  readonly command: string | null
}

export const announce: z.ZodType<AnnounceValues> = closedMap(
  {
    file: path,
    command: text('an absolute path of a program', /^\/[^\0]{0,4095}$/, '/bin/true').optional(),
  },
  '{ file: /run/mxsteer/announce }',
)

/** null: the announce hook is off. */
export const announceSettings = (values: AnnounceValues | undefined): AnnounceSettings | null =>
  values === undefined ? null : { file: values.file, command: values.command ?? null }
