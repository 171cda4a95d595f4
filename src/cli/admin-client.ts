// Asks the admin server of a running instance: where it is and with what token, as `serve` would have it.

import { existsSync } from 'node:fs'
import { request } from 'node:http'

import { formatDiagnostics } from '../zonefile/diagnostic.ts'
import { loadSettings } from '../settings/settings.ts'
import type { FlagValues } from './flags.ts'

interface AdminClient {
  ask(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<AdminAnswer>
}

export type AdminAnswer =
  | { readonly kind: 'answer'; readonly status: number; readonly value: unknown }
  | { readonly kind: 'failed'; readonly why: string }

type AdminFound =
  | { readonly kind: 'client'; readonly client: AdminClient }
  | { readonly kind: 'bad'; readonly why: string }

/** The flags of every command that uses this. */
export const adminFlags: readonly string[] = ['admin', 'config']

const timeoutMs = 5000
const usualConfig = 'mxsteer.yaml'

export async function findAdmin(values: FlagValues): Promise<AdminFound> {
  const { admin, config } = values
  const flags = {
    ...(admin === undefined ? {} : { admin }),
    ...(config === undefined ? {} : { config }),
  }
  const configFile = existsSync(usualConfig) ? usualConfig : undefined
  const loaded = await loadSettings({ flags, env: process.env, configFile })
  if (loaded.kind === 'rejected')
    return { kind: 'bad', why: formatDiagnostics(loaded.diagnostics).trim() }
  const { admin: endpoint, adminToken } = loaded.settings
  if (endpoint === null)
    return { kind: 'bad', why: 'the admin server is off; give --admin ADDR:PORT' }
  const where = { host: askable(endpoint.address), port: endpoint.port, token: adminToken }
  return {
    kind: 'client',
    client: { ask: (method, path, body) => exchange(where, method, path, body) },
  }
}

const askable = (address: string): string =>
  address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address

interface Where {
  readonly host: string
  readonly port: number
  readonly token: string | null
}

function exchange(
  { host, port, token }: Where,
  method: string,
  path: string,
  body?: object,
): Promise<AdminAnswer> {
  const payload = body === undefined ? '' : JSON.stringify(body)
  const headers = {
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    'content-length': Buffer.byteLength(payload),
  }
  return new Promise((resolve) => {
    const failed = (why: string): void =>
      resolve({
        kind: 'failed',
        why: `no answer from the admin server at ${host} port ${port}: ${why}`,
      })
    const options = { host, port, method, path, headers, timeout: timeoutMs, agent: false }
    const outgoing = request(options, (reply) => {
      let text = ''
      reply.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      reply.on('end', () => resolve(answerOf(reply.statusCode ?? 0, text)))
      reply.on('error', (error) => failed(error.message))
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error(`none within ${timeoutMs} ms`)))
    outgoing.on('error', (error) => failed(error.message || String(error)))
    outgoing.end(payload)
  })
}

function answerOf(status: number, text: string): AdminAnswer {
  try {
    return { kind: 'answer', status, value: JSON.parse(text) as unknown }
  } catch {
    return { kind: 'failed', why: `the admin server says ${status}: ${text.trim().slice(0, 200)}` }
  }
}
