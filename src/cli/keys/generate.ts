// `mxsteer keys generate ZONE`: a new key, or two with --split, and what to do with it.
//
// The first keys of a zone are active at once: nobody can have seen the zone signed otherwise. A key beside others is
// published after ten minutes, in which it can be copied to every instance, and has no time to become active: that
// depends on the parent and on caches.

import { type Algorithm, algorithmOfNumber, generatePrivateKey } from '../../dnssec/algorithms.ts'
import type { KeyFlags } from '../../dnssec/dnskey.ts'
import type { PublicZoneKey, ZoneKey } from '../../dnssec/key-file.ts'
import { lookIntoKeyFolder, writeKey } from '../../dnssec/key-folder.ts'
import { isEntryPoint, keyStateAt, type KeyTimes, noTimes } from '../../dnssec/key-set.ts'
import { createSigningKey } from '../../dnssec/signing-key.ts'
import { systemClock } from '../../lib/clock.ts'
import { keyOfName, type Name, nameToText } from '../../wire/name.ts'
import { fail, failAt, parseFlags } from '../commands/flags.ts'
import { printJson, printLines } from '../text/output.ts'
import { formatDiagnostics } from '../../zonefile/diagnostic.ts'
import { dsLine, findKeyFolder, keyReport, readZone, timeText } from './key-command.ts'

/** In which the files of a key are copied to every instance, before it is published. */
export const copyMs = 600_000

interface Wanted {
  readonly zone: Name
  readonly algorithm: Algorithm
  readonly flags: readonly KeyFlags[]
  readonly times: KeyTimes
}

export async function generate(argv: readonly string[]): Promise<number> {
  const name = 'keys generate'
  const flags = parseFlags(name, argv)
  if (flags.kind === 'bad') return fail(name, flags.why)
  const [word, ...more] = flags.words
  if (word === undefined || more.length > 0)
    return fail(name, 'give one zone, such as mail.example.com')
  if (flags.values['split'] && flags.values['zsk'])
    return fail(name, '--split makes a key of either kind: leave out --zsk')
  const zone = readZone(word)
  if (zone.kind === 'bad') return fail(name, zone.why)
  const algorithm = algorithmOfNumber(Number(flags.values['algorithm'] ?? 13))
  if (algorithm === null)
    return fail(
      name,
      '--algorithm takes 13 (ECDSAP256SHA256), which every validator knows, or 15 (ED25519)',
    )
  const found = await findKeyFolder(flags.values)
  if (found.kind === 'bad') return failAt(name, found.why)
  const roles: readonly KeyFlags[] = flags.values['split']
    ? [257, 256]
    : [flags.values['zsk'] ? 256 : 257]
  const asJson = flags.values['json'] !== undefined
  return generateIn(found.folder, { zone: zone.zone, algorithm, flags: roles }, asJson)
}

async function generateIn(
  folder: string,
  wanted: Omit<Wanted, 'times'>,
  asJson: boolean,
): Promise<number> {
  const name = 'keys generate'
  const nowMs = systemClock.wallMs()
  const { keys, publicKeys, diagnostics } = await lookIntoKeyFolder(folder, [wanted.zone])
  // A folder that is missing is made. Keys that cannot be read could be doubled, or clash.
  const errors = diagnostics.filter((one) => one.severity === 'error' && one.file !== folder)
  if (errors.length > 0) return failAt(name, formatDiagnostics(errors).trim())
  const own = keys.get(keyOfName(wanted.zone)) ?? []
  const present = own.filter((key) => keyStateAt(key, nowMs) !== 'gone')
  const elsewhere = publicKeys.get(keyOfName(wanted.zone)) ?? []
  const why = whyNot(wanted, present, elsewhere)
  if (why !== null) return fail(name, why)
  const isFirst = present.length === 0
  const publishMs = isFirst ? nowMs : nowMs + copyMs
  const times = { ...noTimes, createdMs: nowMs, publishMs, activateMs: isFirst ? nowMs : null }
  const made: ZoneKey[] = []
  const names: string[] = []
  for (const flags of wanted.flags) {
    const key = newKey({ ...wanted, times }, flags, [...own, ...elsewhere, ...made])
    const written = await writeKey(folder, key)
    if (written.kind === 'failed') return fail(name, written.why, 1)
    made.push(key)
    names.push(written.name)
  }
  if (asJson) printJson({ keys: made.map((key, i) => keyReport(folder, names[i] ?? '', key)) })
  else {
    printLines(names.flatMap((one) => [`${folder}/${one}.key`, `${folder}/${one}.private`]))
    printLines(['', ...nextSteps(made, isFirst, elsewhere.length > 0)])
  }
  return 0
}

function whyNot(
  { algorithm, flags }: Omit<Wanted, 'times'>,
  present: readonly ZoneKey[],
  elsewhere: readonly PublicZoneKey[],
): string | null {
  if (elsewhere.length > 0 && flags.includes(257))
    return 'the key with flags 257 is kept offline: make another one there, and here --zsk'
  if (present.length === 0 && elsewhere.length === 0)
    return flags.includes(257)
      ? null
      : 'a zone needs a key with flags 257 first: --split makes both'
  if (flags.length > 1) return 'the zone has keys: --zsk adds one with flags 256'
  const other = [...present, ...elsewhere].find((key) => key.algorithm !== algorithm)
  return other
    ? `the zone has a key of algorithm ${other.algorithm}: to change the algorithm see docs/operations/dnssec.md`
    : null
}

/** Validators and people tell keys apart by tag: no two of a zone have one. */
export function newKey(
  { zone, algorithm, times }: Omit<Wanted, 'flags'>,
  flags: KeyFlags,
  others: readonly Pick<ZoneKey, 'tag'>[],
): ZoneKey {
  for (;;) {
    const signing = createSigningKey(algorithm, flags, generatePrivateKey(algorithm))
    if (!others.some(({ tag }) => tag === signing.tag)) return { ...signing, zone, times }
  }
}

function nextSteps(
  made: readonly ZoneKey[],
  isFirst: boolean,
  isOffline: boolean,
): readonly string[] {
  const copy =
    'Copy the files to the folder of keys of every instance, readable by the server alone.'
  const entry = made.find(isEntryPoint)
  const [first] = made
  if (first === undefined) return []
  if (isOffline)
    return [
      copy,
      'It signs once a response of the key that is kept offline has it in DNSKEY:',
      `mxsteer keys request ${nameToText(first.zone)}`,
    ]
  if (!isFirst)
    return [
      `${copy} Published from ${timeText(first.times.publishMs ?? 0)} on.`,
      'It signs once Activate is set in its .private: docs/operations/dnssec.md has the steps.',
      ...(entry
        ? ['', 'DS for the parent, once it is published everywhere:', dsLine(entry, 2)]
        : []),
    ]
  return [
    copy,
    `Then put "dnssec: {}" into the zone file of ${nameToText(first.zone)}`,
    'and, once every instance answers signed, this DS into the parent:',
    '',
    ...(entry ? [dsLine(entry, 2)] : []),
  ]
}
