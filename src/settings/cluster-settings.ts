// Settings of shared state: how to reach the store, and how this instance takes part in it.

import type { Diagnostic } from '../zonefile/diagnostic.ts'
import { readSmallFile } from '../zonefile/read-folder.ts'
import { isPassword } from './setting-leaves.ts'
import type { SettingValues } from './setting-values.ts'
import type { StoreUrl } from './store-url.ts'

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
  return { kind: 'state', state: sharedState(values, url, { password, sentinelPassword, pems }) }
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
): SharedStateSettings {
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

const badState = (file: string, message: string): StateRead => ({
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
