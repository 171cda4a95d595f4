// Settings of answers: what the server says of itself, the secrets of its cookies, its rate limit.
//
// A secret never shows: no mistake repeats it, and no excerpt shows its line (settings.ts).

import { Buffer } from 'node:buffer'
import { z } from 'zod'
import { maxNsidOctets } from '../answer/context.ts'
import { rateLimitDefaults } from '../admission/rate-limit.ts'
import { parseNetwork, type Network } from '../lib/ip.ts'
import { closedMap, integer, leaf, oneOrMany } from '../zonefile/leaf.ts'
import type { Diagnostic } from '../zonefile/diagnostic.ts'
import { readOne } from '../zonefile/read-folder.ts'

/** Text that goes out on the wire as it is; `off`: the question is not answered. */
const word = (maxOctets: number): z.ZodType<string> =>
  leaf({
    expected: `1 to ${maxOctets} printable ASCII characters, or off`,
    fallback: 'off',
    read(value) {
      // YAML 1.2 reads `off` as text, but `false` is what it would be to many.
      if (value === false) return 'off'
      const isWord = typeof value === 'string' && /^[ -~]+$/.test(value)
      return isWord && value.length <= maxOctets ? value : null
    },
  })

export const nsid: z.ZodType<string> = word(maxNsidOctets)
export const chaosText: z.ZodType<string> = word(255)

const expectedSecret = 'expected 32 hexadecimal digits, in quotes'
const secretPattern = /^[0-9a-f]{32}$/i

const fromHex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))

/** Without the words of leaf(), which would show what was given. */
const secret: z.ZodType<Uint8Array> = z.unknown().transform((value, context): Uint8Array => {
  if (typeof value === 'string' && secretPattern.test(value)) return fromHex(value)
  context.issues.push({ code: 'custom', input: undefined, message: expectedSecret })
  return z.NEVER
})

/** The first one signs; the others, staged or retired, are accepted. */
export const cookieSecrets: z.ZodType<readonly Uint8Array[]> = oneOrMany(secret)

const flag: z.ZodType<boolean> = leaf({
  expected: 'true or false',
  fallback: true,
  read: (value) => (typeof value === 'boolean' ? value : null),
})

export const network: z.ZodType<Network> = leaf({
  expected: 'a network such as 192.0.2.0/24',
  fallback: '192.0.2.0/24',
  read(value) {
    const parsed = typeof value === 'string' ? parseNetwork(value) : null
    return parsed?.kind === 'network' ? parsed : null
  },
})

export interface RateLimitValues {
  readonly enabled?: boolean | undefined
  readonly per_second?: number | undefined
  readonly burst?: number | undefined
  readonly slip?: number | undefined
  readonly dry_run?: boolean | undefined
  readonly exempt?: readonly Network[] | undefined
}

const networks: z.ZodType<readonly Network[]> = z
  .unknown()
  .transform((value, context): readonly Network[] => {
    // An empty list is worth having here: it takes the exemption of loopback away.
    if (Array.isArray(value) && value.length === 0) return []
    const parsed = oneOrMany(network).safeParse(value)
    if (parsed.success) return parsed.data
    for (const issue of parsed.error.issues)
      context.issues.push(issue as unknown as z.core.$ZodRawIssue)
    return z.NEVER
  })

export const rateLimit: z.ZodType<RateLimitValues> = closedMap({
  enabled: flag.optional(),
  per_second: integer('answers a second', 1, 1_000_000).optional(),
  burst: integer('a count', 1, 1_000_000).optional(),
  slip: integer('a count', 1, 100).optional(),
  dry_run: flag.optional(),
  exempt: networks.optional(),
})

export interface RateLimitSettings {
  readonly perSecond: number
  readonly burst: number
  readonly slip: number
  readonly dryRun: boolean
  readonly exempt: readonly Network[]
}

const loopback: readonly Network[] = ['127.0.0.0/8', '::1/128', '::ffff:127.0.0.0/104'].flatMap(
  (text) => {
    const parsed = parseNetwork(text)
    return parsed.kind === 'network' ? [parsed] : []
  },
)

/** A client's queries do not fall on the workers evenly: each of them needs some room. */
const workerBurst = 25

/** null: off. */
export function rateLimitOf(
  values: RateLimitValues | undefined,
  workers: number,
): RateLimitSettings | null {
  if (values?.enabled === false) return null
  const perSecond = values?.per_second ?? rateLimitDefaults.perSecond
  const usual = Math.ceil((perSecond * rateLimitDefaults.burst) / rateLimitDefaults.perSecond)
  return {
    perSecond,
    burst: values?.burst ?? Math.max(usual, workers * workerBurst),
    slip: values?.slip ?? rateLimitDefaults.slip,
    dryRun: values?.dry_run ?? false,
    exempt: values?.exempt ?? loopback,
  }
}

export type SecretFile =
  | { readonly kind: 'secrets'; readonly secrets: readonly Uint8Array[] }
  | { readonly kind: 'bad'; readonly diagnostic: Diagnostic }

/** One secret a line, the first one signs; empty lines and lines that start with # are skipped. */
export async function readSecretFile(file: string): Promise<SecretFile> {
  const read = await readOne(file)
  if (read.kind === 'bad') return read
  const secrets: Uint8Array[] = []
  const lines = new TextDecoder().decode(read.octets).split('\n')
  for (const [i, line] of lines.entries()) {
    const text = line.trim()
    if (text === '' || text.startsWith('#')) continue
    if (!secretPattern.test(text)) return badSecret(file, i + 1, 'expected 32 hexadecimal digits')
    secrets.push(fromHex(text))
  }
  return secrets.length === 0 ? badSecret(file, 0, 'no secret in it') : { kind: 'secrets', secrets }
}

const badSecret = (file: string, line: number, message: string): SecretFile => ({
  kind: 'bad',
  diagnostic: {
    severity: 'error',
    code: 'bad-value',
    file,
    line,
    column: line === 0 ? 0 : 1,
    path: '',
    excerpt: '',
    message,
  },
})
