// A master file signed by BIND's dnssec-keygen and dnssec-signzone, with the keys that it is to be trusted by.

import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { foreignPath } from './foreign-server.ts'
import { temporaryFolder } from './server.ts'

export type KeyAlgorithm = 'ECDSAP256SHA256' | 'ED25519'

export interface ForeignKeys {
  /** Where `K<zone>+<algorithm>+<tag>.key` and `.private` lie. */
  readonly folder: string
  /** Names of the files without their endings. */
  readonly names: readonly string[]
  /** The DNSKEY records, a line each. */
  readonly text: string
}

/** One key with the SEP flag that signs everything, or one that signs the keys and one for the rest. */
export function generateKeys(
  apex: string,
  algorithm: KeyAlgorithm,
  isSplit: boolean,
  folder: string = temporaryFolder(),
): ForeignKeys {
  const generate = (...flags: string[]): string =>
    run('dnssec-keygen', ['-q', '-K', folder, '-a', algorithm, '-n', 'ZONE', ...flags, apex]).trim()
  const names = [generate('-f', 'KSK'), ...(isSplit ? [generate()] : [])]
  return {
    folder,
    names,
    text: names.map((name) => keyRecord(join(folder, `${name}.key`))).join(''),
  }
}

const keyRecord = (file: string): string =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => / DNSKEY /.test(line) && !line.startsWith(';'))
    .map((line) => `${line}\n`)
    .join('')

export interface SignedZone {
  readonly apex: string
  readonly text: string
  readonly keys: ForeignKeys
}

/**
 * `text`: a master file without DNSSEC records. Signatures run from an hour ago for 30 days, unless `times`, flags of
 * dnssec-signzone, say otherwise.
 */
export function signZone(
  apex: string,
  text: string,
  keys: ForeignKeys,
  times: readonly string[] = [],
): SignedZone {
  const file = join(temporaryFolder(), 'zone')
  writeFileSync(file, text)
  const signsAll = keys.names.length === 1 ? ['-z'] : []
  const flags = [
    '-q',
    '-P',
    '-S',
    ...times,
    ...signsAll,
    '-K',
    keys.folder,
    '-d',
    keys.folder,
    '-o',
    apex,
  ]
  run('dnssec-signzone', [...flags, '-f', `${file}.signed`, file])
  return { apex, text: readFileSync(`${file}.signed`, 'utf8'), keys }
}

/** The DS record of the key with the SEP flag, by SHA-256, or by another digest of dnssec-dsfromkey. */
export const delegationSigner = (
  { folder, names: [name = ''] }: ForeignKeys,
  digest = 'SHA-256',
): string => run('dnssec-dsfromkey', ['-a', digest, join(folder, `${name}.key`)])

const run = (command: string, args: readonly string[]): string =>
  execFileSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, PATH: foreignPath },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
