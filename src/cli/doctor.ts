// `mxsteer doctor`: what stands between the world and this server's zones, line by line, and what to do.
// Exit 0: nothing to mend; 1: something to look at; 2: something is broken, or bad usage.

import { createAllocation } from '../zonefile/allocation.ts'
import { loadZones } from '../zonefile/load-zones.ts'
import type { Diagnostic } from '../zonefile/diagnostic.ts'
import { createSerialKeeper } from '../zonefile/serials.ts'
import { type Examination, examine } from '../doctor/examine.ts'
import { type DoctorLine, exitCodeOf } from '../doctor/line.ts'
import { systemClock } from '../lib/clock.ts'
import { parseEndpoint } from '../lib/ip.ts'
import { findSettings, resolverFlags } from './find-resolver.ts'
import { type FlagValues, parseFlags } from './flags.ts'

const single = [...resolverFlags, 'zones', 'zone', 'port', 'egress']
const dnsPort = 53
const smtpPort = 25

export async function doctor(argv: readonly string[]): Promise<number> {
  const flags = parseFlags(argv, single, ['peer'], ['json'])
  if (flags.kind === 'bad') return usage(flags.why)
  if (flags.words.length > 0) return usage('it takes options only')
  const wanted = readWanted(flags.values)
  if (typeof wanted === 'string') return usage(wanted)
  const found = await findSettings(flags.values, ['zones'])
  if (found.kind === 'bad') return usage(found.why)
  const { settings, resolver } = found
  const serials = createSerialKeeper(systemClock)
  const loaded = await loadZones(settings.zones, createAllocation(), serials)
  if (loaded.kind === 'loaded' && wanted.zone !== null) {
    const names = loaded.zones.map(({ name }) => name)
    if (!names.includes(wanted.zone)) return usage(`no zone ${wanted.zone} in ${settings.zones}`)
  }
  const ofZones = loaded.kind === 'loaded' ? loaded.warnings : []
  const warnings = [...found.warnings, ...ofZones].map(inWords)
  const { random } = Math
  const lines = await examine({ ...wanted, settings, loaded, warnings, resolver, random })
  process.stdout.write(
    flags.values['json'] ? `${JSON.stringify(lines, null, 2)}\n` : lines.map(inLines).join(''),
  )
  return exitCodeOf(lines)
}

function usage(why: string): number {
  process.stderr.write(`mxsteer doctor: ${why}\n`)
  return 2
}

type Wanted = Pick<Examination, 'port' | 'zone' | 'egress' | 'peers'>

/** A text: what is wrong with the flags. */
function readWanted(values: FlagValues): Wanted | string {
  const port = Number(values['port'] ?? dnsPort)
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return '--port is no port'
  const peers = [values['peer'] ?? []].flat()
  const noPeer = peers.find((peer) => parseEndpoint(peer) === null)
  if (noPeer !== undefined) return `--peer is "${noPeer}", expected ADDR:PORT of an admin server`
  const egress = readEgress(values['egress'])
  if (egress === null) return '--egress is no HOST[:PORT]'
  const zone = values['zone']?.toString().replace(/\.$/, '').toLowerCase() ?? null
  return { port, zone, peers, egress }
}

function readEgress(given: string | string[] | undefined): Examination['egress'] | null {
  if (given === undefined) return { host: null, port: smtpPort }
  const parts = /^(?:\[([^\]]+)\]|([^:[\]]+)|([0-9a-f:]+))(?::(\d{1,5}))?$/i.exec(String(given))
  const host = parts?.[1] ?? parts?.[2] ?? parts?.[3]
  const port = Number(parts?.[4] ?? smtpPort)
  return host !== undefined && port >= 1 && port <= 65_535 ? { host, port } : null
}

const inWords = ({ file, line, column, path, message }: Diagnostic): string =>
  `${line > 0 ? `${file}:${line}:${column}` : file} ${path}: ${message}`

const marks = { ok: 'ok  ', warn: 'WARN', fail: 'FAIL', skip: 'skip' }
const checkWidth = 10

function inLines({ status, check, zone, text, advice }: DoctorLine): string {
  const about = zone === null ? '' : `${zone}: `
  const head = `${marks[status]}  ${check.padEnd(checkWidth)}  ${about}${text}\n`
  return advice === null ? head : `${head}${' '.repeat(checkWidth + 8)}→ ${advice}\n`
}
