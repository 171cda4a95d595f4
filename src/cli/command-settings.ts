// The settings that `serve` would have in this folder and environment, for commands that work
// without a server or have to find one.

import { getServers } from 'node:dns'
import { existsSync } from 'node:fs'

import { parseAddress, parseEndpoint } from '../lib/ip.ts'
import type { ServerEndpoint } from '../resolver/response.ts'
import { type Settings, loadSettings } from '../settings/settings.ts'
import { type Diagnostic, formatDiagnostics } from '../zonefile/diagnostic.ts'
import { defaultFilesMax, type ZoneFolder } from '../zonefile/read-folder.ts'
import type { FlagValues } from './commands/flags.ts'

type SettingsRead =
  | {
      readonly kind: 'settings'
      readonly settings: Settings
      readonly warnings: readonly Diagnostic[]
    }
  | { readonly kind: 'bad'; readonly why: string }

/** The settings file, if this folder has one. */
export const defaultConfigFile = (): string | undefined =>
  existsSync('mxsteer.yaml') ? 'mxsteer.yaml' : undefined

/** `names`: those flags of the command that are flags of `serve` too. `why` may have many lines. */
export async function readSettings(
  values: FlagValues,
  names: readonly string[],
): Promise<SettingsRead> {
  const present = names.filter((name) => values[name] !== undefined)
  const flags = Object.fromEntries(present.map((name) => [name, values[name]]))
  const loaded = await loadSettings({ flags, env: process.env, configFile: defaultConfigFile() })
  return loaded.kind === 'rejected'
    ? { kind: 'bad', why: formatDiagnostics(loaded.diagnostics).trim() }
    : loaded
}

/** The folder of zone files that `serve` would read. */
export const zoneFolderOf = ({ zones, maxZoneFiles }: Settings): ZoneFolder => ({
  folder: zones,
  filesMax: maxZoneFiles,
})

/** The setting `max_zone_files`; its default where the settings cannot be read, for commands that need none of them. */
export async function filesMaxOf(values: FlagValues): Promise<number> {
  const read = await readSettings(values, ['config'])
  return read.kind === 'settings' ? read.settings.maxZoneFiles : defaultFilesMax
}

/** The flags of commands that query DNS. */
export const resolverFlags: readonly string[] = ['resolver', 'config']

const dnsPort = 53

/** The setting `resolver`, else the first resolver of this host; null: there is neither. */
export function resolverOf({ resolver }: Settings): ServerEndpoint | null {
  if (resolver !== null) return resolver
  for (const text of getServers()) {
    const server = parseAddress(text) ? { address: text, port: dnsPort } : parseEndpoint(text)
    if (server) return server
  }
  return null
}
