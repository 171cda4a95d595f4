// `mxsteer keys rollover` and `retire` where no parent is asked, or none answers: what is written, kept and refused.

import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'

import { keys } from '../../src/cli/keys/keys.ts'
import { replyTo, startScriptedDns } from '../support/scripted-dns.ts'
import { temporaryFolder } from '../support/server.ts'

const apex = 'mail.example.com'
let folder = ''
let zones = ''
beforeEach(() => {
  folder = join(temporaryFolder(), 'keys')
  zones = join(temporaryFolder(), 'zones')
  mkdirSync(zones)
  writeZone('dnssec: {}')
})
afterEach(() => vi.restoreAllMocks())

const writeZone = (dnssec: string): void =>
  writeFileSync(
    join(zones, 'mail.yaml'),
    `zone: ${apex}\n${dnssec}\nsoa: { mname: ns1, rname: hostmaster }\nrecords: { '@': { NS: ns1 }, ns1: { A: 127.0.0.1 } }\n`,
  )

/** A resolver that refuses all questions. */
let nobody: readonly string[] = []
beforeAll(async () => {
  const resolver = await startScriptedDns({ udp: (query) => [replyTo(query, { flags: 0x8185 })] })
  nobody = ['--resolver', `${resolver.address}:${resolver.port}`]
  return () => resolver.close()
})

async function run(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const written = { out: '', err: '' }
  vi.spyOn(process.stdout, 'write').mockImplementation(
    (text) => (written.out += String(text)) !== '',
  )
  vi.spyOn(process.stderr, 'write').mockImplementation(
    (text) => (written.err += String(text)) !== '',
  )
  const code = await keys([...argv, '--keys', folder])
  vi.restoreAllMocks()
  return { code, ...written }
}

const rollover = (...flags: string[]): ReturnType<typeof run> =>
  run('rollover', apex, '--zones', zones, ...nobody, ...flags)

const files = (): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
  )

test('a ZSK is rolled at once, and back', async () => {
  await run('generate', apex, '--split')
  const before = files()
  expect((await rollover('--zsk', '--dry-run')).code).toBe(0)
  expect(files()).toEqual(before)
  const { code, out } = await rollover('--zsk')
  expect(code).toBe(0)
  expect(out).toContain('signs in place of the old one')
  expect(readdirSync(folder)).toHaveLength(6)
  for (const name of readdirSync(folder))
    expect(statSync(join(folder, name)).mode & 0o777).toBe(name.endsWith('.key') ? 0o644 : 0o600)
  expect((await rollover('--ksk')).err).toContain('(rollover-under-way)')
  expect((await rollover('--zsk', '--abort')).code).toBe(0)
  const after = files()
  for (const [name, text] of Object.entries(before)) expect(after[name]).toBe(text)
})

test('what else stands in a .private stays, and its mode', async () => {
  await run('generate', apex, '--split')
  const zsk = readdirSync(folder).find(
    (name) => name.endsWith('.key') && readFileSync(join(folder, name), 'utf8').includes(' 256 '),
  )
  const file = join(folder, (zsk ?? '').replace('.key', '.private'))
  const text = readFileSync(file, 'utf8')
  writeFileSync(file, `${text}Successor: 12345\n`)
  chmodSync(file, 0o640)
  await rollover('--zsk')
  expect(readFileSync(file, 'utf8')).toMatch(/^Successor: 12345$/m)
  expect(readFileSync(file, 'utf8')).toMatch(/^Inactive: \d{14}\nDelete: \d{14}$/m)
  expect(statSync(file).mode & 0o777).toBe(0o640)
})

test.each([
  ['which of two kinds', ['--split'], [], 'rollover-wrong-kind'],
  ['a kind that there is not', [], ['--zsk'], 'rollover-wrong-kind'],
  ['a part of an algorithm', [], ['--ksk', '--algorithm', '15'], 'rollover-wrong-kind'],
  ['the end of what has not begun', [], ['--abort'], 'rollover-none'],
])('refuses %s', async (_, made, flags, code) => {
  await run('generate', apex, ...made)
  const before = files()
  expect(await rollover(...flags)).toMatchObject({
    code: 1,
    err: expect.stringContaining(`(${code})`) as unknown,
  })
  expect(files()).toEqual(before)
})

test('the key stays where the parent cannot be asked', async () => {
  await run('generate', apex)
  expect((await rollover()).code).toBe(4)
  expect((await rollover('--abort')).err).toContain('(rollover-at-parent)')
  expect((await run('retire', apex, '--zones', zones, ...nobody)).code).toBe(1)
})

test('refuses a zone that is not signed', async () => {
  await run('generate', apex)
  writeZone('')
  expect(await rollover()).toMatchObject({ code: 1, out: '' })
})

test('keys wait for secondaries too, where the settings allow transfers', async () => {
  const settings = join(temporaryFolder(), 'mxsteer.yaml')
  writeFileSync(settings, 'transfer: { allow: 192.0.2.53/32 }\n')
  const seconds = (text: string, field: string): number => {
    const [, year, month, day, hour, minute, second] =
      new RegExp(`^${field}: (\\d{4})(\\d\\d)(\\d\\d)(\\d\\d)(\\d\\d)(\\d\\d)`, 'm')
        .exec(text)
        ?.map(Number) ?? []
    return Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second) / 1000
  }
  const waits: number[][] = []
  for (const flags of [[], ['--config', settings]]) {
    await run('generate', apex, '--split')
    expect((await rollover('--zsk', ...flags)).code).toBe(0)
    const written = Object.entries(files()).filter(([name]) => name.endsWith('.private'))
    const texts = written.map(([, text]) => text)
    const old = texts.find((text) => text.includes('\nDelete: ')) ?? ''
    const other = texts.find((text) => seconds(text, 'Publish') > seconds(old, 'Publish')) ?? ''
    waits.push([
      seconds(other, 'Activate') - seconds(other, 'Publish'),
      seconds(old, 'Delete') - seconds(old, 'Inactive'),
    ])
    rmSync(folder, { recursive: true })
  }
  // A twelfth of 3 days, and the default of `refresh`.
  const lag = 6 * 3600 + 3600
  expect(waits[1]).toEqual(waits[0]?.map((wait) => wait + lag))
  expect(waits[0]?.every((wait) => wait > 0)).toBe(true)
})
