// What the sub-commands of `mxsteer keys` have in common: the folder of keys, the zone that is named, DS records.

import { algorithmName } from '../../dnssec/algorithms.ts'
import { type DigestType, dsRdata } from '../../dnssec/dnskey.ts'
import type { PublicZoneKey, ZoneKey } from '../../dnssec/key-file.ts'
import { type Name, nameToText, parseName } from '../../wire/name.ts'
import { formatRdata } from '../../wire/rdata/format.ts'
import { RRType } from '../../wire/rrtype.ts'
import { readSettings } from '../command-settings.ts'
import type { FlagValues } from '../commands/flags.ts'

type FolderFound =
  | { readonly kind: 'folder'; readonly folder: string }
  | { readonly kind: 'bad'; readonly why: string }

/** `--keys`, else the folder that the settings name. */
export async function findKeyFolder(values: FlagValues): Promise<FolderFound> {
  const { keys } = values
  if (keys !== undefined) return { kind: 'folder', folder: String(keys) }
  const read = await readSettings(values, ['config'])
  if (read.kind === 'bad') return read
  const { keysFolder } = read.settings
  return keysFolder === null
    ? {
        kind: 'bad',
        why: 'which folder? Give --keys DIR, or set "dnssec: { keys: DIR }" in mxsteer.yaml',
      }
    : { kind: 'folder', folder: keysFolder }
}

type ZoneRead =
  | { readonly kind: 'zone'; readonly zone: Name }
  | { readonly kind: 'bad'; readonly why: string }

/** A name in presentation form, with or without its final dot. */
export function readZone(text: string): ZoneRead {
  const parsed = parseName(text)
  if (parsed.kind === 'bad' || text === '@') {
    const why = parsed.kind === 'bad' ? parsed.why : 'expected one such as mail.example.com'
    return { kind: 'bad', why: `"${text}" is no name of a zone: ${why}` }
  }
  return { kind: 'zone', zone: parsed.name }
}

/** `mail.example.com. IN DS 45796 13 2 …` */
export const dsLine = ({ zone, dnskey }: PublicZoneKey, digest: DigestType): string =>
  `${nameToText(zone)} IN DS ${formatRdata(RRType.DS, dsRdata(zone, dnskey, digest))}`

export const dnskeyLine = ({ zone, dnskey }: PublicZoneKey): string =>
  `${nameToText(zone)} IN DNSKEY ${formatRdata(RRType.DNSKEY, dnskey)}`

/** As RFC 9499 §10 calls keys by what they sign. `others`: keys of the zone that are not gone. */
export function roleOf(
  { flags, algorithm }: PublicZoneKey,
  others: readonly PublicZoneKey[],
): 'CSK' | 'KSK' | 'ZSK' {
  if (flags === 256) return 'ZSK'
  return others.some((one) => one.flags === 256 && one.algorithm === algorithm) ? 'KSK' : 'CSK'
}

/** `45796 ECDSAP256SHA256` */
export const keyTitle = ({ tag, algorithm }: ZoneKey): string =>
  `${tag} ${algorithmName(algorithm)}`

/** A key that was written, for --json. `name`: of its files. */
export const keyReport = (folder: string, name: string, key: ZoneKey): object => ({
  zone: nameToText(key.zone),
  tag: key.tag,
  algorithm: key.algorithm,
  flags: key.flags,
  files: [`${folder}/${name}.key`, `${folder}/${name}.private`],
  publish: timeOf(key.times.publishMs),
  activate: timeOf(key.times.activateMs),
  ds: key.flags === 257 ? dsLine(key, 2) : null,
})

const timeOf = (ms: number | null): string | null => (ms === null ? null : timeText(ms))

/** A time for people and programs, in UTC to the second. */
export const timeText = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`
