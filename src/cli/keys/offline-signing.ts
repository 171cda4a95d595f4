// `mxsteer keys request ZONE`: what a key that is kept offline is to sign, on standard output: the public keys that sign the zone here,
// from each time on at which they change. `keys sign` answers it, where the key is; so do dnssec-ksr of BIND and keymgr of Knot.
//
// `mxsteer keys sign REQUEST`: where the private key with flags 257 is, the response to a request, on standard output: DNSKEY, CDS and
// CDNSKEY with their signatures, for as many days as are asked for. Servers have it as `K<zone>.skr` in their folder of keys.
//
// The latter needs no settings, no zone file and no network: it is for a host that has none.

import { describeFailure, readRegularFile } from '../../files/read-file.ts'
import { lookIntoKeyFolder } from '../../dnssec/key-folder.ts'
import { isEntryPoint } from '../../dnssec/key-set.ts'
import { lastLine, maxDatedOctets } from '../../dnssec/offline/dated-records.ts'
import { keyRequest, keyRequestLines, readKeyRequest } from '../../dnssec/offline/request.ts'
import { signRequest } from '../../dnssec/offline/sign-request.ts'
import { systemClock } from '../../lib/clock.ts'
import { keyOfName, type Name, nameToText } from '../../wire/name.ts'
import { defaultDnskeyTtlSeconds } from '../../zone/zone.ts'
import { formatDiagnostics } from '../../zonefile/diagnostic.ts'
import { fail, failAt, type FlagValues, parseFlags } from '../commands/flags.ts'
import { printJson, printLines } from '../text/output.ts'
import { findKeyFolder } from './key-command.ts'
import { readRolledZone } from './rolled-zone.ts'

export async function request(argv: readonly string[]): Promise<number> {
  const flags = parseFlags('keys request', argv)
  if (flags.kind === 'bad') return fail('keys request', flags.why)
  const read = await readRolledZone(flags.words, flags.values)
  if (read.kind === 'bad')
    return read.isUsage ? failAt('keys request', read.why) : fail('keys request', read.why, 1)
  const { zone, keys, signing, nowMs } = read.rolled
  const ttlSeconds = signing?.dnskeyTtl ?? defaultDnskeyTtlSeconds
  const asked = keyRequest(zone, keys, signing?.foreignKeys ?? [], { nowMs, ttlSeconds })
  if (asked === null) {
    const text = nameToText(zone)
    const why = `no key of ${text} with flags 256 is in DNSKEY by its times: "mxsteer keys generate ${text} --zsk" makes one`
    return fail('keys request', why, 1)
  }
  const lines = [...keyRequestLines(asked), lastLine('KeySigningRequest', nowMs)]
  printText(lines, zone, flags.values)
  return 0
}

/** With --json as a text in a value, to be written to a file as it is. */
function printText(lines: readonly string[], zone: Name, values: FlagValues): void {
  if (values['json'] === undefined) printLines(lines)
  else printJson({ zone: nameToText(zone), text: lines.map((line) => `${line}\n`).join('') })
}

const name = 'keys sign'
const defaultDays = 180
const maxDays = 3660
const dayMs = 86_400_000

export async function sign(argv: readonly string[]): Promise<number> {
  const flags = parseFlags(name, argv)
  if (flags.kind === 'bad') return fail(name, flags.why)
  const [file, ...more] = flags.words
  if (file === undefined || more.length > 0)
    return fail(name, 'give one file, which mxsteer keys request made')
  const days = Number(flags.values['days'] ?? defaultDays)
  if (!Number.isInteger(days) || days < 1 || days > maxDays)
    return fail(name, `--days takes a number from 1 to ${maxDays}`)
  const found = await findKeyFolder(flags.values)
  if (found.kind === 'bad') return failAt(name, found.why)
  const octets = await readRegularFile(file, { maxOctets: maxDatedOctets })
  if (octets.kind !== 'octets') return fail(name, `cannot read ${file}: ${describeFailure(octets)}`)
  const read = readKeyRequest({ file, octets: octets.octets })
  if (read.kind === 'bad') return failAt(name, formatDiagnostics(read.diagnostics).trim())
  const { zone, parts } = read.request
  const { keys, diagnostics } = await lookIntoKeyFolder(found.folder, [zone])
  const errors = diagnostics.filter(({ severity }) => severity === 'error')
  if (errors.length > 0) return failAt(name, formatDiagnostics(errors).trim())
  const own = keys.get(keyOfName(zone)) ?? []
  if (!own.some(isEntryPoint))
    return fail(
      name,
      `no key of ${nameToText(zone)} with flags 257 in ${found.folder}: give --keys DIR, where the key is that is kept offline`,
      1,
    )
  const untilMs = parts[0].fromMs + days * dayMs
  const isUnsigning = flags.values['unsign'] !== undefined
  const signed = signRequest(read.request, { keys: own, untilMs, isUnsigning })
  if (signed.kind === 'refused') return fail(name, signed.why, 1)
  const lines = [...signed.lines, lastLine('SignedKeyResponse', systemClock.wallMs())]
  printText(lines, zone, flags.values)
  return 0
}
