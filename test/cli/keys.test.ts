// `mxsteer keys`: what it writes, prints and refuses. Keys of other servers are what their tools wrote.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import { check } from '../../src/cli/check.ts'
import { keys } from '../../src/cli/keys/keys.ts'
import { temporaryFolder } from '../support/server.ts'

let folder = ''
beforeEach(() => {
  folder = join(temporaryFolder(), 'keys')
})
afterEach(() => vi.restoreAllMocks())

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

const run = (...argv: string[]): Promise<Ran> =>
  captured(() => keys(argv.length === 0 ? [] : [...argv, '--keys', folder]))

async function captured(command: () => Promise<number>): Promise<Ran> {
  const written = { out: '', err: '' }
  vi.spyOn(process.stdout, 'write').mockImplementation(
    (text) => (written.out += String(text)) !== '',
  )
  vi.spyOn(process.stderr, 'write').mockImplementation(
    (text) => (written.err += String(text)) !== '',
  )
  const code = await command()
  vi.restoreAllMocks()
  return { code, ...written }
}

interface StatusReport {
  readonly zone: string
  readonly keys: readonly Record<
    'role' | 'state' | 'tag' | 'flags' | 'algorithm' | 'next',
    unknown
  >[]
  readonly refused: object | null
}

async function status(zone: string): Promise<StatusReport> {
  const { out } = await run('status', zone, '--json')
  return (JSON.parse(out) as StatusReport[])[0] as StatusReport
}

const roles = ({ keys: all }: StatusReport): string[] =>
  all.map(({ role, state }) => `${String(role)} ${String(state)}`).sort()

describe('keys generate', () => {
  test('makes a key that is active at once, and prints its DS', async () => {
    const { code, out } = await run('generate', 'mail.example.com')
    expect(code).toBe(0)
    const names = readdirSync(folder)
    expect(names).toHaveLength(2)
    for (const name of names) expect(out).toContain(join(folder, name))
    expect(out).toMatch(/^mail\.example\.com\. IN DS \d+ 13 2 [0-9A-F]{64}$/m)
    const report = await status('mail.example.com')
    expect(roles(report)).toEqual(['CSK active'])
    expect(report.refused).toBeNull()
  })

  test('makes two with --split, and of Ed25519', async () => {
    await run('generate', 'mail.example.com.', '--split', '--algorithm', '15')
    const report = await status('mail.example.com')
    expect(roles(report)).toEqual(['KSK active', 'ZSK active'])
    expect(report.keys.map(({ algorithm }) => algorithm)).toEqual([15, 15])
  })

  test('beside others, a key is published later and not active', async () => {
    await run('generate', 'mail.example.com')
    const { out } = await run('generate', 'mail.example.com')
    expect(out).toContain('It signs once Activate is set')
    await run('generate', 'mail.example.com', '--zsk')
    expect(roles(await status('mail.example.com'))).toEqual([
      'KSK active',
      'KSK hidden',
      'ZSK hidden',
    ])
  })

  test.each([
    ['a key for no DS first', ['mail.example.com', '--zsk'], 'a zone needs a key with flags 257'],
    ['both kinds and one', ['mail.example.com', '--split', '--zsk'], 'leave out --zsk'],
    ['another algorithm', ['mail.example.com', '--algorithm', '8'], '--algorithm takes 13'],
    ['no name', ['a..b'], '"a..b" is no name of a zone'],
    ['two zones', ['a.example', 'b.example'], 'one zone, such as'],
    ['no zone', [], 'one zone, such as'],
    ['an unknown flag', ['a.example', '--ttl', '1'], 'no option --ttl'],
  ])('refuses %s', async (_, argv, why) => {
    const { code, err } = await run('generate', ...argv)
    expect(code).toBe(2)
    expect(err).toContain(why)
    expect(existsSync(folder)).toBe(false)
  })

  test('refuses what the keys that are there do not allow', async () => {
    await run('generate', 'mail.example.com')
    const algorithm = await run('generate', 'mail.example.com', '--algorithm', '15')
    expect(algorithm.err).toContain('the zone has a key of algorithm 13')
    expect((await run('generate', 'mail.example.com', '--split')).err).toContain('--zsk adds one')
    const [file = ''] = readdirSync(folder)
    writeFileSync(join(folder, file), 'broken')
    const broken = await run('generate', 'mail.example.com')
    expect([broken.code, broken.err]).toEqual([2, expect.stringContaining(file)])
    expect(readdirSync(folder)).toHaveLength(2)
  })
})

/** Written by pdnsutil 4.7.3, for which it names the DS below. */
const powerdns = `Private-key-format: v1.2
Algorithm: 13 (ECDSAP256SHA256)
PrivateKey: wzIzKMcM39d5JiNyE2j+AotWS6BEMj0t3evlgaZr+8s=

`
const powerdnsPem = `-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIMMyMyjHDN/XeSYjchNo/gKLVkugRDI9Ld3r5YGma/vLoAoGCCqGSM49
AwEHoUQDQgAECGu84NpfRUkuEknQiup73UioPVrVQ4SKxBhP6A849EShUZZ0kMHM
Aun/ilIsk7wB4LbtUL2lWh39KPhSYNbGHQ==
-----END EC PRIVATE KEY-----
`
const powerdnsDs =
  'mail.example.com. IN DS 21161 13 2 2325A8A0746339898860E1B24B8D4442D7A62C42C83D093BE587855CF353CFC5'

/** Written by Knot's keymgr 3.2.6, which prints the DS. */
const knotPem = `-----BEGIN PRIVATE KEY-----
MIGTAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBHkwdwIBAQQgCmvq+b2YBr8zYfOC
FRbDjddVi/aF/APRb1FgXH6f7MSgCgYIKoZIzj0DAQehRANCAAQ4q+Vbdtf5tf5N
PLroF/ioFruMGMcfjkB0XB67PZ5zTi2KQ3YmHOsHUukq/wWfKTNhkl8UiOIYJAdG
nQFPELYX
-----END PRIVATE KEY-----
`
const knotDs =
  'mail.example.com. IN DS 9376 13 2 7B0F324D330FE178047D9F003AF54B3989D307C12F145EEE66BAAD4E44B83E03'

/** Writes the times of the key with this tag anew. */
function setTimes(tag: string, times: readonly string[]): void {
  const file = join(
    folder,
    readdirSync(folder).find((name) => name.endsWith(`${tag}.private`)) ?? '',
  )
  const key = readFileSync(file, 'utf8').split('\n').slice(0, 3)
  writeFileSync(file, [...key, ...times, ''].join('\n'))
}

function source(name: string, text: string): string {
  const file = join(temporaryFolder(), name)
  writeFileSync(file, text)
  return file
}

/** The first key with the public key of the second: in either it stands last, in 64 octets. */
function swappedPublicKey(pem: string, other: string): string {
  const derOf = (text: string): Buffer => Buffer.from(text.replace(/-----.*-----/g, ''), 'base64')
  const der = Buffer.concat([derOf(pem).subarray(0, -64), derOf(other).subarray(-64)])
  return `-----BEGIN PRIVATE KEY-----\n${der.toString('base64')}\n-----END PRIVATE KEY-----\n`
}

describe('keys import', () => {
  test.each([
    ['of PowerDNS', powerdns, powerdnsDs],
    ['of PowerDNS in PEM', powerdnsPem, powerdnsDs],
    ['of Knot', knotPem, knotDs],
  ])('%s, with the DS that it had', async (_, text, ds) => {
    const { code, out } = await run('import', source('key', text), '--zone', 'mail.example.com')
    expect(code).toBe(0)
    expect(out).toContain(' CSK ')
    expect(out).toContain(ds)
    expect((await run('ds', 'mail.example.com')).out).toContain(ds)
    expect(roles(await status('mail.example.com'))).toEqual(['CSK active'])
  })

  test('of BIND: a pair, both files named or one', async () => {
    await run('generate', 'mail.example.com')
    const from = folder
    const files = readdirSync(from).map((name) => join(from, name))
    for (const named of [files, files.slice(0, 1), files.slice(1)]) {
      folder = join(temporaryFolder(), 'other')
      expect((await run('import', ...named)).code).toBe(0)
      expect(readdirSync(folder)).toEqual(readdirSync(from))
      for (const name of readdirSync(from))
        expect(readFileSync(join(folder, name), 'utf8')).toBe(
          readFileSync(join(from, name), 'utf8'),
        )
    }
  })

  test('with --zsk says what is still missing', async () => {
    const file = source('key', powerdns)
    const { code, out, err } = await run('import', file, '--zone', 'mail.example.com', '--zsk')
    expect([code, err]).toEqual([0, expect.stringContaining('no key with flags 257 is active')])
    expect(out).toContain(' ZSK ')
  })

  test.each([
    ['a key of whom nobody says', powerdns, [], 'give --zone'],
    ['no key', 'nothing', ['--zone', 'a.example'], 'expected a field and its value'],
    [
      'a broken PEM',
      '-----BEGIN PRIVATE KEY-----\n',
      ['--zone', 'a.example'],
      'no private key in PEM',
    ],
    [
      'a PEM whose public key is of another key',
      swappedPublicKey(knotPem, powerdnsPem),
      ['--zone', 'a.example'],
      'the public key in it is not that of the private key',
    ],
    [
      'RSA',
      powerdns.replace('13 (ECDSAP256SHA256)', '8 (RSASHA256)'),
      ['--zone', 'a.example'],
      'algorithm 8, expected 13',
    ],
  ])('refuses %s', async (_, text, argv, why) => {
    const { code, err } = await run('import', source('key', text), ...argv)
    expect([code, err]).toEqual([2, expect.stringContaining(why)])
    expect(err).not.toContain('wzIzKMcM')
    expect(existsSync(folder)).toBe(false)
  })

  test('writes nothing where one of several files is bad', async () => {
    const good = source('good', powerdns)
    const { code } = await run('import', good, source('bad', ''), '--zone', 'mail.example.com')
    expect([code, existsSync(folder)]).toEqual([2, false])
  })
})

describe('keys ds', () => {
  test('leaves out keys that are retired, and tells of those in JSON', async () => {
    await run('import', source('key', powerdns), '--zone', 'mail.example.com')
    await run('generate', 'mail.example.com')
    setTimes('21161', ['Publish: 20200101000000', 'Inactive: 20210101000000'])
    const { out, err } = await run('ds', 'mail.example.com', '--digest', '4', '--json')
    expect(err).toBe('')
    const [only, ...more] = JSON.parse(out) as { tag: number; ds: string; state: string }[]
    expect(more).toEqual([])
    expect(only).toMatchObject({
      state: 'hidden',
      ds: expect.stringMatching(/^\d+ 13 4 [0-9A-F]{96}$/),
    })
  })

  test.each([
    ['of a zone without keys', ['mail.example.org'], 1],
    ['with SHA-1', ['mail.example.com', '--digest', '1'], 2],
  ])('%s fails', async (_, argv, code) => {
    await run('generate', 'mail.example.com')
    expect((await run('ds', ...argv)).code).toBe(code)
  })
})

describe('keys status', () => {
  test('shows a roll-over, step by step, and what it waits for', async () => {
    await run('import', source('key', powerdns), '--zone', 'mail.example.com')
    await run('generate', 'mail.example.com')
    const { code, out } = await run('status')
    expect(code).toBe(0)
    const rows = out.split('\n').filter((line) => line.startsWith('mail.example.com.'))
    expect(rows).toHaveLength(2)
    expect(rows.join('\n')).toMatch(/ 21161 +13 +CSK +active +\S+Z +- +- +-$/m)
    expect(rows.join('\n')).toMatch(/ hidden +- +published +\S+Z +the files on every instance$/m)
  })

  test('tells of keys that cannot sign, or will not', async () => {
    await run('import', source('key', powerdns), '--zone', 'mail.example.com')
    setTimes('21161', ['Activate: 20200101000000', 'Inactive: 29990101000000'])
    expect(await run('status')).toMatchObject({
      code: 0,
      out: expect.stringContaining(
        'needs another key or other times before 2999-01-01T00:00:00Z, when no key with flags 257',
      ),
    })
    setTimes('21161', ['Activate: 20200101000000', 'Inactive: 20210101000000'])
    expect(await run('status')).toMatchObject({
      code: 1,
      out: expect.stringContaining('cannot be signed with these keys: no key with flags 257'),
      err: '',
    })
  })

  test('exits with 1 where a file is wrong, and shows the others', async () => {
    await run('generate', 'a.example')
    await run('generate', 'b.example')
    const [first = ''] = readdirSync(folder)
    writeFileSync(join(folder, first), '')
    const { code, out, err } = await run('status')
    expect(code).toBe(1)
    expect(err).toContain(`${first}:1:1: no DNSKEY record in it`)
    expect(out).toContain('b.example.')
  })
})

test('check --keys looks at the keys of signed zones', async () => {
  const zones = temporaryFolder()
  const zoneOf = (name: string, extra: string): void =>
    writeFileSync(
      join(zones, `${name}.yaml`),
      `zone: ${name}\nsoa: { mname: ns1, rname: a.${name}. }\nrecords: { '@': { NS: ns1 }, ns1: { A: 127.0.0.1 } }\n${extra}`,
    )
  zoneOf('a.example', 'dnssec: {}\n')
  zoneOf('b.example', '')
  await run('generate', 'b.example')
  const looked = (): Promise<Ran> => captured(() => check([zones, '--keys', folder]))
  expect(await looked()).toMatchObject({
    code: 1,
    err: expect.stringContaining(`${folder}: no key of a.example. here`),
  })
  await run('generate', 'a.example')
  expect(await looked()).toMatchObject({ code: 0, err: '' })
  const compared = await captured(() => check([zones, '--diff', zones, '--keys', folder]))
  expect([compared.code, compared.err]).toEqual([2, expect.stringContaining('without --diff')])
})

test.each([
  [[], 'do what?'],
  [['rotate'], '"rotate" is no command: expected one of: ds, generate,'],
])('keys %j', async (argv, why) => {
  const { code, err } = await run(...argv)
  expect([code, err]).toEqual([2, expect.stringContaining(why)])
})
