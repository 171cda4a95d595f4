// The tokens of whoever may write through the admin server, all or loads alone. They never show: no mistake repeats
// them.

import { z } from 'zod'
import { closedMap, text } from '../zonefile/leaf.ts'
import type { Diagnostic } from '../zonefile/diagnostic.ts'
import { readOne } from '../zonefile/read-folder.ts'

const pattern = /^[\x21-\x7e]{16,256}$/

const expected = 'expected 16 to 256 printable ASCII characters without spaces, in quotes'

export const adminToken: z.ZodType<string> = z.unknown().transform((value, context): string => {
  if (typeof value === 'string' && pattern.test(value)) return value
  context.issues.push({ code: 'custom', input: undefined, message: expected })
  return z.NEVER
})

type AdminTokenRead =
  | { readonly kind: 'token'; readonly token: string | null }
  | { readonly kind: 'bad'; readonly diagnostic: Diagnostic }

interface TokensGiven {
  readonly admin_token?: string | undefined
  readonly admin_token_file?: string | undefined
  readonly load_token?: string | undefined
  readonly load_token_file?: string | undefined
}

export const adminTokenOf = (values: TokensGiven): Promise<AdminTokenRead> =>
  tokenOf(values.admin_token, values.admin_token_file)

/** Of who may tell loads of targets, and nothing else. */
export const loadTokenOf = (values: TokensGiven): Promise<AdminTokenRead> =>
  tokenOf(values.load_token, values.load_token_file)

/** The token given by itself goes before that of the file, which is its first line. */
async function tokenOf(given?: string, file?: string): Promise<AdminTokenRead> {
  if (given !== undefined || file === undefined) return { kind: 'token', token: given ?? null }
  const read = await readOne(file)
  if (read.kind === 'bad') return read
  const token = new TextDecoder().decode(read.octets).split('\n')[0]?.trim() ?? ''
  return pattern.test(token)
    ? { kind: 'token', token }
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
  message: expected.replace(', in quotes', ''),
})

// Where it is told whether to announce the service addresses: a file that a routing daemon's watcher reads, and a program.

/** What only the file can say. */
export interface AnnounceValues {
  readonly file: string
  readonly command?: string | undefined
}

export interface AnnounceSettings {
  readonly file: string
  /** Run with `up` or `down` as its argument; null: none is. */
  readonly command: string | null
}

export const announce: z.ZodType<AnnounceValues> = closedMap({
  file: text('a path', /^[^\0]{1,4096}$/, '.'),
  command: text('an absolute path of a program', /^\/[^\0]{0,4095}$/, '/bin/true').optional(),
})

/** null: told nowhere. */
export const announceOf = (given: AnnounceValues | undefined): AnnounceSettings | null =>
  given === undefined ? null : { file: given.file, command: given.command ?? null }
