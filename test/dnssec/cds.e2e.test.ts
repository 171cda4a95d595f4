// CDS and CDNSKEY of a server that runs, taken by BIND's dnssec-cds as a parent does it: a key of another DS, and none any
// more. A zone file that forgets that it is signed is refused.

import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'

import { foreignPath } from '../support/foreign-server.ts'
import { type RunningServer, startServer, temporaryFolder } from '../support/server.ts'
import { until } from '../support/wait.ts'

const apex = 'cds.example.test'
const zone = (dnssec: string): string => `
zone: ${apex}
${dnssec}
soa: { mname: ns1, rname: hostmaster }
records: { '@': { NS: ns1 }, ns1: { A: 127.0.0.1 } }
`
const folder = join(temporaryFolder(), 'keys')
let server: RunningServer
let [standing, next] = ['', '']

const run = (command: string, args: readonly string[]): string =>
  execFileSync(command, args, { env: { ...process.env, PATH: foreignPath }, encoding: 'utf8' })

/** Makes a key and returns the name of its files without their endings. */
function generate(...flags: string[]): string {
  const args = ['-q', '-K', folder, '-a', 'ECDSAP256SHA256', '-f', 'KSK', ...flags, apex]
  return run('dnssec-keygen', args).trim()
}

const dsOf = (name: string): string =>
  run('dnssec-dsfromkey', ['-2', join(folder, `${name}.key`)]).trim()

/** Without blanks: these are where a line was broken. */
const digestOf = (ds: string): string => ds.split(' DS ')[1]?.replaceAll(/\s/g, '') ?? ''

/** The rdata of the apex's records, without the blanks in a digest or key. */
const shortOf = (type: string): readonly string[] =>
  run('dig', ['@127.0.0.1', '-p', String(server.port), '+short', apex, type])
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [line.replaceAll(/\s/g, '')]))

/** What a parent that has `ds` makes of the zone. */
async function parentAfter(ds: string): Promise<string> {
  const files = temporaryFolder()
  writeFileSync(join(files, 'dsset'), `${ds}\n`)
  const types = ['DNSKEY', 'CDS', 'CDNSKEY']
  const records = types.map((type) =>
    run('dig', [
      `@127.0.0.1`,
      '-p',
      String(server.port),
      '+dnssec',
      '+noall',
      '+answer',
      apex,
      type,
    ]),
  )
  writeFileSync(join(files, 'child'), records.join(''))
  const args = [
    '-a',
    'SHA-256',
    '-s',
    '-86400',
    '-f',
    join(files, 'child'),
    '-d',
    join(files, 'dsset'),
    apex,
  ]
  return run('dnssec-cds', args).trim()
}

beforeAll(async () => {
  mkdirSync(folder, { mode: 0o700 })
  standing = generate()
  next = generate('-P', 'now', '-A', 'now', '-P', 'sync', 'now')
  for (const name of [standing, next]) chmodSync(join(folder, `${name}.private`), 0o600)
  server = await startServer({
    zones: { 'a.yaml': zone('dnssec: {}') },
    settings: `dnssec: { keys: ${folder} }\nlameduck: 0s\n`,
  })
  return async () => void (await server.stop())
})

it('tells the parent which key to name, and only of that one', async () => {
  expect(shortOf('CDS')).toEqual([digestOf(dsOf(next))])
  expect(shortOf('CDNSKEY')).toHaveLength(1)
  expect(digestOf(await parentAfter(dsOf(standing)))).toBe(digestOf(dsOf(next)))
})

const isCds = (what: string): Promise<unknown> =>
  until(() => shortOf('CDS').join() === what, { what: `CDS ${what}`, withinMs: 60_000 })

it('tells it to name none before the zone becomes unsigned', async () => {
  server.writeZone('a.yaml', zone('dnssec: { unsign: true }'))
  await isCds('00000')
  // RFC 8078 §4. dnssec-cds of BIND 9.18 makes a DS of it.
  expect(shortOf('CDNSKEY')).toEqual(['030AA=='])
})

it('refuses a zone file that forgets that it is signed, unless it was to become unsigned', async () => {
  server.writeZone('a.yaml', zone('dnssec: {}'))
  await isCds(digestOf(dsOf(next)))
  server.writeZone('a.yaml', zone(''))
  await server.waitForLog(({ code }) => code === 'dnssec-dropped', 60_000)
  expect(shortOf('DNSKEY')).toHaveLength(2)
  server.writeZone('a.yaml', zone('dnssec: { unsign: true }'))
  await isCds('00000')
  server.writeZone('a.yaml', zone(''))
  await until(() => shortOf('DNSKEY').length === 0, { what: 'no DNSKEY', withinMs: 60_000 })
})
