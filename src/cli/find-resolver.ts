// Whom commands ask about DNS: the flag --resolver, the setting `resolver`, else the first resolver of this host.

import { getServers } from 'node:dns'
import { existsSync } from 'node:fs'

import { formatDiagnostics, type Diagnostic } from '../zonefile/diagnostic.ts'
import { type Settings, loadSettings } from '../settings/settings.ts'
import { parseAddress, parseEndpoint } from '../lib/ip.ts'
import type { ServerEndpoint } from '../resolver/response.ts'
import type { FlagValues } from './flags.ts'

/** The flags of commands that use this. */
export const resolverFlags: readonly string[] = ['resolver', 'config']

type SettingsFound =
  | {
      readonly kind: 'found'
      readonly settings: Settings
      readonly warnings: readonly Diagnostic[]
      /** null: none is set, and this host has none. */
      readonly resolver: ServerEndpoint | null
    }
  | { readonly kind: 'bad'; readonly why: string }

const usualConfig = 'mxsteer.yaml'
const dnsPort = 53

/** `values`: those of `resolverFlags` and of `more` count as flags of serve. */
export async function findSettings(
  values: FlagValues,
  more: readonly string[] = [],
): Promise<SettingsFound> {
  const names = [...resolverFlags, ...more].filter((name) => values[name] !== undefined)
  const flags = Object.fromEntries(names.map((name) => [name, values[name]]))
  const configFile = existsSync(usualConfig) ? usualConfig : undefined
  const loaded = await loadSettings({ flags, env: process.env, configFile })
  if (loaded.kind === 'rejected')
    return { kind: 'bad', why: formatDiagnostics(loaded.diagnostics).trim() }
  const { settings, warnings } = loaded
  return { kind: 'found', settings, warnings, resolver: settings.resolver ?? hostResolver() }
}

/** As /etc/resolv.conf has it. */
function hostResolver(): ServerEndpoint | null {
  for (const text of getServers()) {
    const found = parseAddress(text) ? { address: text, port: dnsPort } : parseEndpoint(text)
    if (found) return found
  }
  return null
}
