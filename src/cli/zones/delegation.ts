// `mxsteer delegation [ZONE]`: what has to be published elsewhere so that resolvers find the zones of this server, and with
// --domain what the zone of a mail domain has to publish so that its mail comes here. Writes records, asks nobody.

import { dsRdata } from '../../dnssec/dnskey.ts'
import { lookIntoKeyFolder } from '../../dnssec/key-folder.ts'
import { keysForParent } from '../../dnssec/key-set.ts'
import { recordsOfDomain } from '../../delegation/domain-records.ts'
import { delegationOf, type RecordSection } from '../../delegation/parent-records.ts'
import { formatRecords, recordFormats } from '../../delegation/record-formats.ts'
import { bareName } from '../../lib/bare-name.ts'
import { systemClock } from '../../lib/clock.ts'
import { suggestName } from '../../lib/suggest-name.ts'
import { type Name, nameToBareText, parseName } from '../../wire/name.ts'
import { formatRdata } from '../../wire/rdata/format.ts'
import { RRType } from '../../wire/rrtype.ts'
import type { Zone } from '../../zone/zone.ts'
import { formatDiagnostics } from '../../zonefile/diagnostic.ts'
import { readSettings, zoneFolderOf } from '../command-settings.ts'
import { fail, failAt, type FlagValues, noZone, parseFlags } from '../commands/flags.ts'
import { loadFolder } from '../offline-data.ts'
import { printJson } from '../text/output.ts'

const command = 'delegation'
const defaultTtlSeconds = 3600
const maxTtlSeconds = 604_800

/** Something is left open, which is written to standard error. */
const incomplete = 1

export async function delegation(argv: readonly string[]): Promise<number> {
  const flags = parseFlags(command, argv)
  if (flags.kind === 'bad') return fail(command, flags.why)
  const options = readOptions(flags.values, flags.words)
  if (typeof options === 'string') return fail(command, options)
  const read = await readSettings(flags.values, ['zones', 'config'])
  if (read.kind === 'bad') return failAt(command, read.why)
  const loaded = await loadFolder(zoneFolderOf(read.settings))
  if (loaded.kind === 'bad') return failAt(command, loaded.why)
  const all = [...loaded.catalog.zones.values()]
  const zones =
    options.zone === null ? all : all.filter((one) => nameToBareText(one.apex) === options.zone)
  const [only, ...others] = zones
  const known = all.map(({ apex }) => nameToBareText(apex)).sort()
  if (only === undefined)
    return fail(command, noZone(options.zone ?? '', read.settings.zones, known))
  if (others.length > 0 && (options.domain !== null || options.parent !== null))
    return fail(command, `which zone is it about? One of ${known.join(', ')}`)
  const misplaced = parentMistake(options.parent, nameToBareText(only.apex))
  if (misplaced !== null) return fail(command, misplaced)
  const keys = String(flags.values['keys'] ?? read.settings.keysFolder ?? '')
  const ds = await readDs(zones, keys)
  const sections = zones.map((zone) =>
    delegationOf({ ...options, zone, ds: ds.get(zone.apexKey) ?? null }),
  )
  const open = openOf(zones, ds)
  if (options.domain !== null) {
    const policies = loaded.mail.flatMap((one) => one.policies)
    const found = recordsOfDomain({ ...options, zone: only, domain: options.domain, policies })
    if (found.kind === 'open') open.push(found.why)
    else sections.push(found.section)
  }
  const shown = sections.filter(isWorthwhile)
  if (flags.values['json'] === undefined) process.stdout.write(formatRecords(shown, options.format))
  else printJson({ sections: shown, open })
  for (const why of open) fail(command, why)
  return open.length > 0 ? incomplete : 0
}

/** null: the zone is below the parent, or none is named. */
function parentMistake(parent: string | null, zone: string): string | null {
  if (parent === null || parent === '' || zone.endsWith(`.${parent}`)) return null
  const above = zone.split('.').slice(1).join('.')
  return `--parent is "${parent}", expected a zone above ${zone}, such as ${above === '' ? '.' : above}`
}

const isWorthwhile = ({ records, notes }: RecordSection): boolean =>
  records.length + notes.length > 0

interface DelegationOptions {
  /** Without final dot, in lower case; null: all. */
  readonly zone: string | null
  readonly format: (typeof recordFormats)[number]
  readonly domain: Name | null
  readonly exchanges: readonly Name[]
  readonly parent: string | null
  readonly ttlSeconds: number
}

/** Returns a text if a flag is wrong. */
function readOptions(values: FlagValues, words: readonly string[]): DelegationOptions | string {
  if (words.length > 1) return 'one zone at a time'
  const wanted = String(values['format'] ?? 'text')
  const format = recordFormats.find((one) => one === wanted)
  if (format === undefined)
    return `--format is "${wanted}", ${suggestName('format', recordFormats, wanted)}`
  const ttlSeconds = Number(values['ttl'] ?? defaultTtlSeconds)
  if (!Number.isInteger(ttlSeconds) || ttlSeconds < 1 || ttlSeconds > maxTtlSeconds)
    return `--ttl is "${String(values['ttl'])}", expected a number of seconds from 1 to ${maxTtlSeconds}`
  if (values['json'] !== undefined && values['format'] !== undefined)
    return '--json is a format of its own, expected it without --format'
  if (values['mx'] !== undefined && values['domain'] === undefined) return '--mx goes with --domain'
  const texts = values['mx'] === undefined ? [] : String(values['mx']).split(',')
  const exchanges: Name[] = []
  for (const text of texts) {
    const name = readAbsolute(text)
    if (name === null) return `--mx takes whole names with commas between them, got "${text}"`
    exchanges.push(name)
  }
  const domain = values['domain'] === undefined ? null : readAbsolute(String(values['domain']))
  if (values['domain'] !== undefined && domain === null)
    return `--domain is "${String(values['domain'])}", expected a name such as example.com`
  const [zone = null] = words
  const parent = values['parent'] === undefined ? null : bareName(String(values['parent']))
  return { zone: zone && bareName(zone), format, domain, exchanges, parent, ttlSeconds }
}

/** null: the text is no name, or the root. */
function readAbsolute(text: string): Name | null {
  const parsed = text === '@' ? null : parseName(text.trim().toLowerCase())
  return parsed?.kind === 'name' && parsed.name.length > 1 ? parsed.name : null
}

/** DS rdata of the keys that the parent is to trust, by zone; a zone is missing where no folder is known. */
async function readDs(
  zones: readonly Zone[],
  folder: string,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const signed = zones.filter(({ signing }) => signing !== null)
  if (folder === '' || signed.length === 0) return new Map()
  const { keys, publicKeys, diagnostics } = await lookIntoKeyFolder(
    folder,
    signed.map(({ apex }) => apex),
  )
  process.stderr.write(formatDiagnostics(diagnostics))
  const nowMs = systemClock.wallMs()
  return new Map(
    signed.map(({ apexKey }) => {
      const here = keysForParent(keys.get(apexKey) ?? [], nowMs)
      const wanted = [...here, ...(publicKeys.get(apexKey) ?? [])]
      return [
        apexKey,
        wanted.map(({ zone, dnskey }) => formatRdata(RRType.DS, dsRdata(zone, dnskey, 2))),
      ]
    }),
  )
}

function openOf(zones: readonly Zone[], ds: ReadonlyMap<string, readonly string[]>): string[] {
  return zones
    .filter(({ signing }) => signing !== null && !signing.isUnsigning)
    .filter(({ apexKey }) => (ds.get(apexKey) ?? []).length === 0)
    .map(
      ({ apex }) =>
        `${nameToBareText(apex)} is signed, and no key of it was found: give --keys DIR`,
    )
}
