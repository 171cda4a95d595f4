// What `keys rollover` and `keys retire` need of a zone: its keys, the TTLs of its zone file, and the way to its parent.

import type { PublicZoneKey, ZoneKey } from '../../dnssec/key-file.ts'
import { lookIntoKeyFolder } from '../../dnssec/key-folder.ts'
import type { KeyResponse } from '../../dnssec/offline/response.ts'
import type { DnsAccess } from '../../trust/parent.ts'
import { systemClock } from '../../lib/clock.ts'
import { gridSecondsOf } from '../../lib/signing-grid.ts'
import { createStubResolver } from '../../resolver/stub-resolver.ts'
import type { Settings } from '../../settings/settings.ts'
import { keyOfName, type Name, nameToText } from '../../wire/name.ts'
import { RRType } from '../../wire/rrtype.ts'
import type { Zone, ZoneSigning } from '../../zone/zone.ts'
import { formatDiagnostics } from '../../zonefile/diagnostic.ts'
import { loadZonesOnce } from '../../zonefile/run-load.ts'
import { readSettings, resolverFlags, resolverOf, zoneFolderOf } from '../command-settings.ts'
import type { FlagValues } from '../commands/flags.ts'
import { findKeyFolder, readZone } from './key-command.ts'

/** Exit code: what is to happen has not happened yet, and the command is to be run again. */
export const waitsCode = 4

/** Added to every TTL: for caches that keep records a little longer, and clocks that differ. */
export const marginMs = 3_600_000

/** Of a DS whose TTL was never seen. */
const defaultDsTtlSeconds = 86_400

/** The longest TTL that a DS was seen with, as the files of these keys have it, milliseconds; a day where none was. */
export function notedDsTtlMs(keys: readonly ZoneKey[]): number {
  const seconds = keys.flatMap(({ times }) => times.dsTtlSeconds ?? [])
  return (seconds.length > 0 ? Math.max(...seconds) : defaultDsTtlSeconds) * 1000
}

export interface RolledZone {
  readonly zone: Name
  readonly folder: string
  /** All that the folder has, those that are over included. */
  readonly keys: readonly ZoneKey[]
  /** Keys with flags 257 whose private ones are kept offline. */
  readonly publicKeys: readonly PublicZoneKey[]
  /** What these have signed; null: nothing is here. */
  readonly response: KeyResponse | null
  /** null: the zone file does not sign it. */
  readonly signing: ZoneSigning | null
  /** Of any set of the zone, DNSKEY included. */
  readonly longestTtlSeconds: number
  /** How much later than this server's a secondary's answers change with the keys: 0 where the settings allow no transfer. */
  readonly transferLagSeconds: number
  readonly access: DnsAccess | string
  /** Full seconds, as key files have them, not before the present. */
  readonly nowMs: number
}

/** Whether its keys with flags 257 are kept elsewhere. */
export const isSignedOffline = ({ publicKeys, response }: RolledZone): boolean =>
  publicKeys.length > 0 || response !== null

type RolledZoneRead =
  | { readonly kind: 'zone'; readonly rolled: RolledZone }
  /** `why`: a text, or diagnostics with their positions. */
  | { readonly kind: 'bad'; readonly why: string; readonly isUsage: boolean }

const usage = (why: string): RolledZoneRead => ({ kind: 'bad', why, isUsage: true })

/** `words`: those of the command line that are no flags. */
export async function readRolledZone(
  words: readonly string[],
  values: FlagValues,
): Promise<RolledZoneRead> {
  const [word, ...more] = words
  if (word === undefined || more.length > 0) return usage('give one zone, such as mail.example.com')
  const named = readZone(word)
  if (named.kind === 'bad') return usage(named.why)
  const read = await readSettings(values, [...resolverFlags, 'zones'])
  if (read.kind === 'bad') return usage(read.why)
  const access = parentAccess(read.settings, values)
  if (access === badPort) return usage(badPort)
  const found = await findKeyFolder(values)
  if (found.kind === 'bad') return usage(found.why)
  const { zones } = read.settings
  const loaded = await loadZonesOnce(zoneFolderOf(read.settings), systemClock.wallMs())
  if (loaded.kind === 'rejected') return usage(formatDiagnostics(loaded.diagnostics).trim())
  const name = nameToText(named.zone)
  const zone = loaded.catalog.zones.get(keyOfName(named.zone))
  if (zone === undefined) return usage(`no zone ${name} in ${zones}: give --zones DIR`)
  const inFolder = await keysOf(found.folder, named.zone)
  if (typeof inFolder === 'string') return usage(inFolder)
  if (inFolder.keys.length === 0)
    return { kind: 'bad', why: `no key of ${name} in ${found.folder}`, isUsage: false }
  const rolled: RolledZone = {
    zone: named.zone,
    folder: found.folder,
    ...inFolder,
    signing: zone.signing,
    longestTtlSeconds: longestTtl(zone),
    transferLagSeconds: read.settings.streams.transferAllow.length > 0 ? transferLag(zone) : 0,
    access,
    nowMs: Math.ceil(systemClock.wallMs() / 1000) * 1000,
  }
  return { kind: 'zone', rolled }
}

/** A text: mistakes in them. */
async function keysOf(
  folder: string,
  zone: Name,
): Promise<Pick<RolledZone, 'keys' | 'publicKeys' | 'response'> | string> {
  const { keys, publicKeys, responses, diagnostics } = await lookIntoKeyFolder(folder, [zone])
  const errors = diagnostics.filter(({ severity }) => severity === 'error')
  if (errors.length > 0) return formatDiagnostics(errors).trim()
  const apexKey = keyOfName(zone)
  return {
    keys: keys.get(apexKey) ?? [],
    publicKeys: publicKeys.get(apexKey) ?? [],
    response: responses.get(apexKey) ?? null,
  }
}

function longestTtl({ nodes, signing }: Zone): number {
  let longest = signing?.dnskeyTtl ?? 0
  for (const { sets } of nodes.values())
    for (const { ttl } of sets.values()) longest = Math.max(longest, ttl)
  return longest
}

/** A secondary asks each `refresh`, and learns of other signatures by a serial that moves with the grid (lib/signing-grid.ts). */
function transferLag({ apexKey, nodes, signing }: Zone): number {
  const soa = nodes.get(apexKey)?.sets.get(RRType.SOA)
  if (signing === null || soa?.kind !== 'plain') return 0
  const { buffer, byteOffset, length } = soa.rdata[0]?.octets ?? new Uint8Array(refreshFromEnd)
  const refresh = new DataView(buffer, byteOffset).getUint32(length - refreshFromEnd)
  return gridSecondsOf(signing.validitySeconds) + refresh
}

/** Serial, refresh, retry, expire and minimum end the rdata (RFC 1035 §3.3.13). */
const refreshFromEnd = 16

const badPort = '--port is no port'
const dnsPort = 53
const timeoutMs = 3000

/** A text: why the parent cannot be asked. */
export function parentAccess(settings: Settings, values: FlagValues): DnsAccess | string {
  const port = Number(values['port'] ?? dnsPort)
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return badPort
  const server = resolverOf(settings)
  if (server === null) return 'no resolver is known: give one with --resolver ADDR:PORT'
  const resolver = createStubResolver({ server, clock: systemClock, timeoutMs })
  return { resolver, port, timeoutMs }
}
