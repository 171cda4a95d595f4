// Settings of answers: identification of the server (NSID, CHAOS), DNS cookies, the rate limit.

import { Buffer } from 'node:buffer'
import { z } from 'zod'
import { maxNsidOctets } from '../answer/context.ts'
import { rateLimitDefaults } from '../admission/rate-limit.ts'
import { parseNetwork, type Network } from '../lib/ip.ts'
import {
  closedMap,
  integer,
  leaf,
  oneOrMany,
  passOn,
  trueOrFalse,
  withInput,
} from '../zonefile/leaf.ts'
import type { Diagnostic } from '../zonefile/diagnostic.ts'
import { readSecretFile } from './secret-file.ts'
import { network } from './setting-leaves.ts'

/** Text that is sent as it is, or `off`: then the server does not identify itself this way. */
const identityText = (maxOctets: number): z.ZodType<string> =>
  leaf({
    expected: `1 to ${maxOctets} printable ASCII characters, or off`,
    fallback: 'off',
    read(value) {
      // YAML 1.2 reads `off` as text, YAML 1.1 as false: an operator may write either.
      if (value === false) return 'off'
      const isPrintable = typeof value === 'string' && /^[ -~]+$/.test(value)
      return isPrintable && value.length <= maxOctets ? value : null
    },
  })

export const nsid: z.ZodType<string> = identityText(maxNsidOctets)
/** One character-string of a TXT record. */
export const chaosText: z.ZodType<string> = identityText(255)

const expectedDigits = '32 hexadecimal digits'
const expectedSecret = `expected ${expectedDigits}, in quotes, such as openssl rand -hex 16 makes`
const secretPattern = /^[0-9a-f]{32}$/i

const fromHex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))

/** A secret of 16 octets. Not a leaf(), whose message would show the value. */
const secret: z.ZodType<Uint8Array> = z.unknown().transform((value, context): Uint8Array => {
  if (typeof value === 'string' && secretPattern.test(value)) return fromHex(value)
  context.issues.push({ code: 'custom', input: undefined, message: expectedSecret })
  return z.NEVER
})

/** The first secret signs cookies; all of them verify, also staged and retired ones. */
export const cookieSecrets: z.ZodType<readonly Uint8Array[]> = oneOrMany(secret)

/** `rate_limit:` of mxsteer.yaml. */
export interface RateLimitValues {
  readonly enabled?: boolean | undefined
  readonly per_second?: number | undefined
  readonly burst?: number | undefined
  readonly slip?: number | undefined
  readonly dry_run?: boolean | undefined
  readonly exempt?: readonly Network[] | undefined
}

/** Unlike other lists it may be empty: that ends the exemption of loopback addresses. */
const readExempt: z.ZodType<readonly Network[]> = z
  .unknown()
  .transform((value, context): readonly Network[] => {
    if (Array.isArray(value) && value.length === 0) return []
    const parsed = oneOrMany(network).safeParse(value)
    if (parsed.success) return parsed.data
    passOn(parsed.error.issues, [], context)
    return z.NEVER
  })

const exemptNetworks = withInput(readExempt, {
  kind: 'either',
  schemas: [oneOrMany(network), z.array(network)],
})

export const rateLimit: z.ZodType<RateLimitValues> = closedMap(
  {
    enabled: trueOrFalse.optional(),
    per_second: integer('answers a second', 1, 1_000_000).optional(),
    burst: integer('a count', 1, 1_000_000).optional(),
    slip: integer('a count', 1, 100).optional(),
    dry_run: trueOrFalse.optional(),
    exempt: exemptNetworks.optional(),
  },
  '{ per_second: 100 }',
)

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

/** Least burst a worker: the queries of one client are not spread evenly over the workers. */
const workerBurst = 25

/** null: the rate limit is off. */
export function rateLimitSettings(
  values: RateLimitValues | undefined,
  workers: number,
): RateLimitSettings | null {
  if (values?.enabled === false) return null
  const perSecond = values?.per_second ?? rateLimitDefaults.perSecond
  const burst = Math.ceil((perSecond * rateLimitDefaults.burst) / rateLimitDefaults.perSecond)
  return {
    perSecond,
    burst: values?.burst ?? Math.max(burst, workers * workerBurst),
    slip: values?.slip ?? rateLimitDefaults.slip,
    dryRun: values?.dry_run ?? false,
    exempt: values?.exempt ?? loopback,
  }
}

type SecretsRead =
  | { readonly kind: 'secrets'; readonly secrets: readonly Uint8Array[] }
  | { readonly kind: 'bad'; readonly diagnostic: Diagnostic }

interface CookieValues {
  readonly cookie_secret?: readonly Uint8Array[] | undefined
  readonly cookie_secret_file?: string | undefined
}

/**
 * Secrets given directly come before those of the file, so that one can be made to sign without
 * touching the file.
 */
export async function readCookieSecrets(values: CookieValues): Promise<SecretsRead> {
  const secrets = values.cookie_secret ?? []
  if (values.cookie_secret_file === undefined) return { kind: 'secrets', secrets }
  const read = await readSecretFile(values.cookie_secret_file, secretPattern, expectedDigits)
  if (read.kind === 'bad') return read
  return { kind: 'secrets', secrets: [...secrets, ...read.lines.map(fromHex)] }
}
