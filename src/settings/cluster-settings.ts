// Settings of shared state: how to reach the store, and how this instance takes part in it.

import { Buffer } from 'node:buffer'
import { z } from 'zod'
import type { Diagnostic } from '../zonefile/diagnostic.ts'
import { oneOrMany } from '../zonefile/leaf.ts'
import { readSmallFile } from '../zonefile/read-folder.ts'
import { readSecretFile } from './secret-file.ts'
import { isPassword } from './setting-leaves.ts'
import type { SealMode, SettingValues } from './setting-values.ts'
import type { StoreUrl } from './store-url.ts'

/** Shorter ones could be guessed by a reader of a record; commas part the values of a variable. */
const secretPattern = /^[!-+\--~]{32,256}$/

const expectedSecret = '32 to 256 printable ASCII characters without spaces and commas'

const secretsLimit = 8

const toOctets = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'))

/** A secret of the records of the store. Not a leaf(), whose message would show the value. */
const stateSecret: z.ZodType<Uint8Array> = z.unknown().transform((value, context): Uint8Array => {
  if (typeof value === 'string' && secretPattern.test(value)) return toOctets(value)
  const message = `expected ${expectedSecret}, in quotes`
  context.issues.push({ code: 'custom', input: undefined, message })
  return z.NEVER
})

/** The first secret seals records; all of them verify, also staged and retired ones. */
export const stateSecrets: z.ZodType<readonly Uint8Array[]> = oneOrMany(stateSecret)

/** How to reach the store: the URL with the settings that override parts of it. */
interface StoreAccess {
  readonly where: StoreUrl['where']
  readonly username: string | null
  readonly password: string | null
  readonly database: number
  /** Texts of PEM files, as node:tls takes them; null: without TLS. */
  readonly tls: {
    readonly ca?: string
    readonly cert?: string
    readonly key?: string
    readonly servername?: string
  } | null
  readonly sentinelUsername: string | null
  readonly sentinelPassword: string | null
}

export interface SharedStateSettings {
  readonly address: StoreAccess
  readonly namespace: string
  readonly heartbeatMs: number
  /** How many instances probe an endpoint. */
  readonly vantages: number
  /** How long the votes of other instances count after the store is out of reach. */
  readonly peerHoldMs: number
  /** null: records are neither sealed nor verified. */
  readonly seals: SealSettings | null
}

interface SealSettings {
  /** The first one seals, all of them verify. */
  readonly secrets: readonly [Uint8Array, ...Uint8Array[]]
  readonly mode: SealMode
}

type StateRead =
  | { readonly kind: 'state'; readonly state: 'memory' | SharedStateSettings }
  | { readonly kind: 'bad'; readonly diagnostic: Diagnostic }

/**
 * Reads the files that the settings name. A password given directly wins over its file, and that
 * over the URL.
 */
export async function readState(values: SettingValues): Promise<StateRead> {
  const { state: url } = values
  if (url === 'memory') return { kind: 'state', state: 'memory' }
  const files = [
    values.state_password_file,
    values.state_sentinel_password_file,
    values.state_ca,
    values.state_certificate,
    values.state_key,
  ]
  const texts: (string | null)[] = []
  for (const file of files) {
    const read = file === undefined ? null : await readSmallFile(file)
    if (read?.kind === 'bad') return read
    texts.push(read && new TextDecoder().decode(read.octets))
  }
  const [password = null, sentinelPassword = null, ...pems] = texts
  for (const [i, content] of [password, sentinelPassword].entries())
    if (content !== null && !isPassword(firstLine(content))) return noPassword(files[i] ?? '')
  const needsTls = pems.some((pem) => pem !== null) || values.state_server_name !== undefined
  if (needsTls && !url.isTls) return noTls()
  const seals = await readSeals(values)
  if (seals.kind === 'bad') return seals
  const access = sharedState(values, url, { password, sentinelPassword, pems })
  return { kind: 'state', state: { ...access, seals: seals.seals } }
}

type SealsRead =
  | { readonly kind: 'seals'; readonly seals: SealSettings | null }
  | { readonly kind: 'bad'; readonly diagnostic: Diagnostic }

/** Secrets given directly come before those of the file, so that one can be made to seal without touching the file. */
async function readSeals({
  state_secret: given = [],
  state_secret_file: file,
  state_secret_mode: mode,
}: SettingValues): Promise<SealsRead> {
  const read = file === undefined ? null : await readSecretFile(file, secretPattern, expectedSecret)
  if (read?.kind === 'bad') return read
  const [first, ...others] = [...given, ...(read?.lines ?? []).map(toOctets)]
  if (others.length >= secretsLimit)
    return badState(file ?? 'state_secret', `expected at most ${secretsLimit} secrets in all`)
  return {
    kind: 'seals',
    seals: first === undefined ? null : { secrets: [first, ...others], mode },
  }
}

/** Contents of the files that the settings name; null: no such file is named. */
interface FileContents {
  readonly password: string | null
  readonly sentinelPassword: string | null
  /** Authorities, certificate, key. */
  readonly pems: readonly (string | null)[]
}

function sharedState(
  values: SettingValues,
  url: StoreUrl,
  { password, sentinelPassword, pems }: FileContents,
): Omit<SharedStateSettings, 'seals'> {
  const [ca, cert, key] = pems
  const tlsOptions = { ca, cert, key, servername: values.state_server_name }
  const tls = Object.fromEntries(Object.entries(tlsOptions).filter(([, option]) => option))
  return {
    address: {
      where: url.where,
      username: values.state_username ?? url.username,
      password: values.state_password ?? (password && firstLine(password)) ?? url.password,
      database: url.database,
      tls: url.isTls ? tls : null,
      sentinelUsername: values.state_sentinel_username ?? null,
      sentinelPassword:
        values.state_sentinel_password ?? (sentinelPassword && firstLine(sentinelPassword)),
    },
    namespace: values.state_namespace,
    heartbeatMs: values.state_heartbeat,
    vantages: values.vantages,
    peerHoldMs: values.peer_hold,
  }
}

const firstLine = (content: string): string => content.split('\n')[0]?.trim() ?? ''

const noTls = (): StateRead =>
  badState('state', 'expected a rediss:// URL, since files or a name for TLS are given')

const noPassword = (file: string): StateRead =>
  badState(file, 'expected a password of 1 to 512 characters in its first line')

const badState = (
  file: string,
  message: string,
): { readonly kind: 'bad'; readonly diagnostic: Diagnostic } => ({
  kind: 'bad',
  diagnostic: {
    severity: 'error',
    code: 'bad-value',
    file,
    line: 0,
    column: 0,
    path: '',
    excerpt: '',
    message,
  },
})
