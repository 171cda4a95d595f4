// Keys of dnssec-keygen read here, and keys made here used by BIND's tools: dnssec-settime, dnssec-dsfromkey,
// dnssec-signzone and dnssec-verify.

import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

import { type Algorithm, generatePrivateKey } from '../../src/dnssec/algorithms.ts'
import { type DigestType, dsRdata, type KeyFlags } from '../../src/dnssec/dnskey.ts'
import { keyFileName, keyFileTexts, readKeyPair, type ZoneKey } from '../../src/dnssec/key-file.ts'
import { firstRefusal, keyRolesAt, noTimes } from '../../src/dnssec/key-set.ts'
import { createSigningKey } from '../../src/dnssec/signing-key.ts'
import { nameToText, parseName } from '../../src/wire/name.ts'
import { formatRdata } from '../../src/wire/rdata/format.ts'
import { RRType } from '../../src/wire/rrtype.ts'
import { temporaryFolder } from '../support/server.ts'

const folder = temporaryFolder()

const run = (command: string, ...args: string[]): string =>
  execFileSync(command, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

function read(base: string): ZoneKey {
  const fileOf = (ending: string): { file: string; octets: Uint8Array } => {
    const file = join(folder, base + ending)
    return { file, octets: readFileSync(file) }
  }
  const pair = readKeyPair(fileOf('.key'), fileOf('.private'))
  if (pair.kind === 'bad') throw new Error(JSON.stringify(pair.diagnostics))
  return pair.key
}

/** DS records by dnssec-dsfromkey, without the owner and class. */
const dsByBind = (base: string, digest: DigestType): string =>
  run('dnssec-dsfromkey', '-a', digest === 2 ? 'SHA-256' : 'SHA-384', base)
    .trim()
    .replace(/^\S+ IN DS /, '')

const dsByUs = ({ zone, dnskey }: ZoneKey, digest: DigestType): string =>
  formatRdata(RRType.DS, dsRdata(zone, dnskey, digest))

describe('keys of dnssec-keygen', () => {
  test.each([
    ['a KSK', ['-a', '13', '-f', 'KSK', 'mail.example.com']],
    ['a ZSK of a name in capitals', ['-a', '13', 'Mail.Example.COM']],
    ['Ed25519', ['-a', 'ED25519', '-f', 'KSK', '-L', '3600', 'mail.example.com']],
    ['without times', ['-a', '13', '-C', 'mail.example.com']],
    ['with no time but Created', ['-a', '13', '-G', 'mail.example.com']],
    [
      'with all times',
      '-a 15 -P now -P sync +1h -A +2h -I +3d -D +4d -D sync +5d mail.example.com'.split(' '),
    ],
    ['of a strange name', ['-a', '13', 'a/b\\.c\\032d.example']],
    ['of the root', ['-a', '13', '.']],
  ])('%s', (_, args) => {
    const base = run('dnssec-keygen', '-q', ...args).trim()
    const key = read(base)
    expect(keyFileName(key)).toBe(base)
    expect(dsByUs(key, 2)).toBe(dsByBind(base, 2))
    expect(dsByUs(key, 4)).toBe(dsByBind(base, 4))
    if (!args.includes('-C'))
      expect(keyFileTexts(key).private).toBe(readFileSync(join(folder, `${base}.private`), 'utf8'))
  })
})

function write(
  zone: string,
  algorithm: Algorithm,
  flags: KeyFlags,
  times: Partial<ZoneKey['times']>,
): string {
  const parsed = parseName(zone)
  if (parsed.kind === 'bad') throw new Error(parsed.why)
  const signing = createSigningKey(algorithm, flags, generatePrivateKey(algorithm))
  const key = { ...signing, zone: parsed.name, times: { ...noTimes, ...times } }
  const texts = keyFileTexts(key)
  writeFileSync(join(folder, `${keyFileName(key)}.key`), texts.public)
  writeFileSync(join(folder, `${keyFileName(key)}.private`), texts.private, { mode: 0o600 })
  return keyFileName(key)
}

describe.each([13, 15] as const)('keys made here, of algorithm %i', (algorithm) => {
  test('have the DS and the times that BIND reads', () => {
    const base = write('Mail.example.com.', algorithm, 257, {
      createdMs: Date.UTC(2026, 0, 1),
      publishMs: Date.UTC(2026, 0, 2),
      activateMs: Date.UTC(2026, 0, 3, 4, 5, 6),
      deleteMs: Date.UTC(2027, 0, 1),
    })
    expect(dsByUs(read(base), 2)).toBe(dsByBind(base, 2))
    expect(run('dnssec-settime', '-u', '-p', 'all', base).trim().split('\n').sort()).toEqual([
      'Activate: 1767413106',
      'Created: 1767225600',
      'DS Delete: UNSET',
      'DS Publish: UNSET',
      'Delete: 1798761600',
      'Inactive: UNSET',
      'Publish: 1767312000',
      'Revoke: UNSET',
      'SYNC Delete: UNSET',
      'SYNC Publish: UNSET',
    ])
  })

  test('can be changed by dnssec-settime and are read again', () => {
    const base = write('mail.example.com.', algorithm, 257, { publishMs: 0, activateMs: 0 })
    run('dnssec-settime', '-I', '20300101000000', '-D', '20310101000000', base)
    expect(read(base).times).toMatchObject({
      activateMs: 0,
      inactiveMs: Date.UTC(2030, 0, 1),
      deleteMs: Date.UTC(2031, 0, 1),
    })
  })

  test.each([
    ['one key that signs all', [257]],
    ['one for DNSKEY, one for the rest', [257, 256]],
  ] as const)('sign a zone: %s', (_, flags) => {
    const zone = `signed${flags.length}-${algorithm}.example.`
    const keys = flags.map((one) => write(zone, algorithm, one, { publishMs: 0, activateMs: 0 }))
    const file = join(folder, zone)
    writeFileSync(file, `@ 60 SOA ns hostmaster 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n`)
    // -z: a key with flags 257 may sign all.
    const options = [...(flags.length === 1 ? ['-z'] : []), '-o', zone]
    run('dnssec-signzone', '-S', ...options, '-f', `${file}.signed`, file, ...keys)
    expect(run('dnssec-verify', ...options, `${file}.signed`)).toContain('Zone fully signed')
    for (const key of keys)
      expect(readFileSync(`${file}.signed`, 'latin1')).toContain(
        ` ${read(key).tag} ${nameToText(read(key).zone)}`,
      )
  })
})

/** The commands of docs/operations/dnssec.md, with times that have the same order. */
describe('a roll-over by dnssec-settime', () => {
  const minute = 60_000
  const hour = 60 * minute
  const keygen = (...args: string[]): string =>
    run('dnssec-keygen', '-q', '-f', 'KSK', ...args).trim()

  /** How many keys are published, and the algorithms or tags of those that sign data. */
  function at(bases: readonly string[], laterMs: number): readonly unknown[] {
    const keys = bases.map(read)
    const sinceMs = Math.max(...keys.map(({ times }) => times.createdMs ?? 0))
    expect(firstRefusal(keys, sinceMs)).toBeNull()
    const roles = keyRolesAt(keys, sinceMs + laterMs)
    if (roles.kind === 'refused') throw new Error(roles.why)
    return [
      roles.published.length,
      roles.dataSigners.map(({ tag }) =>
        bases.findIndex((base) => base.endsWith(String(tag).padStart(5, '0'))),
      ),
    ]
  }

  test('of the one key', () => {
    const old = keygen('-a', '13', 'csk.example')
    const next = keygen('-a', '13', '-P', '+10mi', '-A', 'none', 'csk.example')
    expect(at([old, next], hour)).toEqual([2, [0]])
    run('dnssec-settime', '-A', '+27h', next)
    run('dnssec-settime', '-I', '+27h', '-D', '+29h', old)
    expect([0, hour, 28 * hour, 30 * hour].map((ms) => at([old, next], ms))).toEqual([
      [1, [0]],
      [2, [0]],
      [2, [1]],
      [1, [1]],
    ])
  })

  test('of the algorithm', () => {
    const old = keygen('-a', '13', 'algorithm.example')
    const next = keygen('-a', '15', '-A', '+10mi', '-P', '+2h', 'algorithm.example')
    run('dnssec-settime', '-D', '+30h', '-I', '+31h', old)
    expect([0, hour, 3 * hour, 30.5 * hour, 32 * hour].map((ms) => at([old, next], ms))).toEqual([
      [1, [0]],
      [1, [0, 1]],
      [2, [0, 1]],
      [1, [0, 1]],
      [1, [1]],
    ])
  })
})
