// `mxsteer keys ds ZONE`: the DS records that the parent needs, and the DNSKEY records that some registries ask for.

import type { DigestType } from '../../dnssec/dnskey.ts'
import type { PublicZoneKey, ZoneKey } from '../../dnssec/key-file.ts'
import { lookIntoKeyFolder } from '../../dnssec/key-folder.ts'
import { keyStateAt, keysForParent } from '../../dnssec/key-set.ts'
import { systemClock } from '../../lib/clock.ts'
import { keyOfName, nameToText } from '../../wire/name.ts'
import { formatDiagnostics } from '../../zonefile/diagnostic.ts'
import { fail, failAt, parseFlags } from '../commands/flags.ts'
import { printJson, printLines } from '../text/output.ts'
import { dnskeyLine, dsLine, findKeyFolder, readZone } from './key-command.ts'

export async function ds(argv: readonly string[]): Promise<number> {
  const name = 'keys ds'
  const flags = parseFlags(name, argv)
  if (flags.kind === 'bad') return fail(name, flags.why)
  const [word, ...more] = flags.words
  if (word === undefined || more.length > 0)
    return fail(name, 'give one zone, such as mail.example.com')
  const zone = readZone(word)
  if (zone.kind === 'bad') return fail(name, zone.why)
  const digest = readDigest(String(flags.values['digest'] ?? '2'))
  if (digest === null) return fail(name, '--digest takes 2 (SHA-256) or 4 (SHA-384)')
  const found = await findKeyFolder(flags.values)
  if (found.kind === 'bad') return failAt(name, found.why)
  const { keys, publicKeys, diagnostics } = await lookIntoKeyFolder(found.folder, [zone.zone])
  process.stderr.write(formatDiagnostics(diagnostics))
  const nowMs = systemClock.wallMs()
  const apexKey = keyOfName(zone.zone)
  const here = keysForParent(keys.get(apexKey) ?? [], nowMs)
  const wanted = [...here, ...(publicKeys.get(apexKey) ?? [])]
  if (wanted.length === 0)
    return fail(
      name,
      `no key of ${nameToText(zone.zone)} with flags 257 in ${found.folder}: mxsteer keys generate makes one`,
      1,
    )
  if (flags.values['json']) printJson(wanted.map((key) => reportOf(key, digest, nowMs)))
  else printLines(wanted.flatMap((key) => [dsLine(key, digest), `; ${dnskeyLine(key)}`]))
  return 0
}

const readDigest = (text: string): DigestType | null => (text === '2' ? 2 : text === '4' ? 4 : null)

/** Records without their owner and class. */
const reportOf = (key: ZoneKey | PublicZoneKey, digest: DigestType, nowMs: number): object => ({
  zone: nameToText(key.zone),
  tag: key.tag,
  algorithm: key.algorithm,
  // Its times are where its private key is.
  state: 'times' in key ? keyStateAt(key, nowMs) : 'offline',
  ds: rdataOf(dsLine(key, digest)),
  dnskey: rdataOf(dnskeyLine(key)),
})

const rdataOf = (line: string): string => line.split(' ').slice(3).join(' ')
