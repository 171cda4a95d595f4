// `mxsteer doctor`: checks everything that clients need in order to reach the zones of this server,
// one line each, with advice. Exit code 0: all is well; 1: warnings; 2: failures, or bad usage.

import type { Diagnostic } from '../zonefile/diagnostic.ts'
import { isIntegerWithin } from '../zonefile/leaf.ts'
import { loadZonesOnce } from '../zonefile/run-load.ts'
import { type DoctorInput, examine } from '../doctor/examine.ts'
import { type ReportLine, exitCodeOf } from '../doctor/report.ts'
import { bareName } from '../lib/bare-name.ts'
import { systemClock } from '../lib/clock.ts'
import { parseAddress, parseEndpoint } from '../lib/ip.ts'
import { printable } from '../lib/printable.ts'
import { parseName } from '../wire/name.ts'
import { readSettings, resolverFlags, resolverOf, zoneFolderOf } from './command-settings.ts'
import { fail, type FlagValues, noPort, noZone, noWords, parseFlags } from './commands/flags.ts'
import type { Paint } from './text/columns.ts'
import { paintFor, printJson } from './text/output.ts'

const dnsPort = 53
const smtpPort = 25
const httpsPort = 443

export async function doctor(argv: readonly string[]): Promise<number> {
  const flags = parseFlags('doctor', argv)
  if (flags.kind === 'bad') return fail('doctor', flags.why)
  if (flags.words.length > 0) return fail('doctor', noWords('doctor', flags.words))
  const options = readOptions(flags.values)
  if (typeof options === 'string') return fail('doctor', options)
  const read = await readSettings(flags.values, [...resolverFlags, 'zones'])
  if (read.kind === 'bad') return fail('doctor', read.why)
  const { settings } = read
  const resolver = resolverOf(settings)
  const loaded = await loadZonesOnce(zoneFolderOf(settings), systemClock.wallMs())
  if (loaded.kind === 'loaded' && options.zone !== null) {
    const names = loaded.zones.map(({ name }) => name)
    if (!names.includes(options.zone))
      return fail('doctor', noZone(options.zone, settings.zones, names))
  }
  const zoneWarnings = loaded.kind === 'loaded' ? loaded.warnings : []
  const warnings = [...read.warnings, ...zoneWarnings].map(diagnosticText)
  const { random } = Math
  const lines = await examine({ ...options, settings, loaded, warnings, resolver, random })
  if (flags.values['json']) printJson(lines)
  else {
    const paint = paintFor(flags.values['color'])
    for (const line of lines) printPainted(line, paint)
  }
  return exitCodeOf(lines)
}

/** What the flags limit the checks to. */
type DoctorOptions = Pick<
  DoctorInput,
  'port' | 'zone' | 'domain' | 'policyPort' | 'egress' | 'peers'
>

/** Returns a text if a flag is wrong. */
function readOptions(values: FlagValues): DoctorOptions | string {
  const port = Number(values['port'] ?? dnsPort)
  if (!isIntegerWithin(port, 1, 65_535)) return noPort('port', values)
  const policyPort = Number(values['policy-port'] ?? httpsPort)
  if (!isIntegerWithin(policyPort, 1, 65_535)) return noPort('policy-port', values)
  if (values['policy-port'] !== undefined && values['domain'] === undefined)
    return '--policy-port goes with --domain: it is where the policy of that domain is hosted'
  const peers = [values['peer'] ?? []].flat()
  const badPeer = peers.find((peer) => parseEndpoint(peer) === null)
  if (badPeer !== undefined)
    return `--peer is "${badPeer}", expected ADDR:PORT of an admin server, such as 192.0.2.54:8053`
  const egress = readEgress(values['egress'])
  if (egress === null)
    return `--egress is "${String(values['egress'])}", expected HOST or HOST:PORT such as mx.example.net:25`
  const zone = values['zone']?.toString() ?? null
  const domain = readDomain(values)
  if (typeof domain === 'string') return domain
  return { port, zone: zone && bareName(zone), domain, policyPort, peers, egress }
}

function readDomain(values: FlagValues): DoctorInput['domain'] | string {
  const elsewhere = [values['elsewhere'] ?? []].flat().map(bareName)
  const domain = values['domain']?.toString()
  if (domain === undefined) return elsewhere.length > 0 ? '--elsewhere goes with --domain' : null
  const isName = parseName(domain).kind === 'name' && bareName(domain) !== '' && domain !== '@'
  return isName
    ? { domain: bareName(domain), elsewhere }
    : `--domain is "${domain}", expected a name`
}

/**
 * `HOST`, `HOST:PORT`, `[IPv6]:PORT`; null: none of these. Without the flag, hosts are taken from
 * zones.
 */
function readEgress(value: FlagValues[string]): DoctorInput['egress'] | null {
  if (value === undefined) return { host: null, port: smtpPort }
  const parts = /^(?:\[([^\]]+)\]|([^:[\]]+)|([0-9a-f:]+))(?::(\d{1,5}))?$/i.exec(String(value))
  const host = parts?.[1] ?? parts?.[2] ?? parts?.[3]
  const port = Number(parts?.[4] ?? smtpPort)
  const isHost = parts?.[3] === undefined || parseAddress(parts[3]) !== null
  return host !== undefined && isHost && port >= 1 && port <= 65_535 ? { host, port } : null
}

const diagnosticText = ({ file, line, column, path, message }: Diagnostic): string =>
  `${line > 0 ? `${file}:${line}:${column}` : file} ${path}: ${message}`

const marks = { ok: 'ok  ', warn: 'WARN', fail: 'FAIL', skip: 'skip' }
const checkWidth = 10

const styles = { ok: 'green', warn: 'yellow', fail: 'red', skip: 'dim' } as const

function printPainted({ status, check, zone, text, advice }: ReportLine, paint: Paint): void {
  const about = zone === null ? '' : `${zone}: `
  const head = printable(`  ${check.padEnd(checkWidth)}  ${about}${text}`)
  const more = advice === null ? '' : `${printable(`${' '.repeat(checkWidth + 8)}→ ${advice}`)}\n`
  process.stdout.write(`${paint(styles[status], marks[status])}${head}\n${more}`)
}
