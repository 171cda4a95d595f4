// deploy/systemd/mxsteer-geoip-fetch against a site of this test: what it puts in place, what it refuses, and that the
// token is seen nowhere. The units that call it are in test/long/geoip-units.test.ts.

import { execFile, execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { asnOf, cityOf, mmdbFile } from '../support/mmdb-writer.ts'
import { mainFile, temporaryFolder } from '../support/server.ts'

const root = new URL('../../', import.meta.url).pathname
const script = join(root, 'deploy/systemd/mxsteer-geoip-fetch')

const country = mmdbFile([['11.0.0.0/8', cityOf('DE', 'EU')]], { type: 'DBIP-Country-Lite' })
const asn = mmdbFile([['11.0.0.0/8', asnOf(64_500)]], { type: 'DBIP-ASN-Lite' })
const lite = mmdbFile([['11.0.0.0/8', { country_code: 'CA', asn: 'AS64501' }]], { type: 'ipinfo' })

/** What the site has, by path; what was asked for. */
const site = new Map<string, Buffer>()
const asked: string[] = []
const logins: string[] = []
const server = createServer((request, response) => {
  asked.push(request.url ?? '')
  const given = request.headers.authorization?.replace(/^Basic /, '')
  if (given !== undefined) logins.push(Buffer.from(given, 'base64').toString())
  const file = site.get(request.url ?? '')
  response.statusCode = file === undefined ? 404 : 200
  response.end(file)
})
let address = ''
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => server.close())

const programs = temporaryFolder()
const credentials = temporaryFolder()
const token = 'token-of-this-test'
/** Where curl notes its arguments, as ps would show them. */
const argumentsSeen = join(programs, 'arguments')

function program(name: string, text: string): void {
  writeFileSync(join(programs, name), `#!/bin/sh\n${text}\n`)
  chmodSync(join(programs, name), 0o755)
}

beforeAll(() => {
  program('mxsteer', `exec '${process.execPath}' '${mainFile}' "$@"`)
  program('curl', `echo "$@" >>'${argumentsSeen}'; exec /usr/bin/curl "$@"`)
  writeFileSync(join(credentials, 'ipinfo-token'), `${token}\n`)
  writeFileSync(
    join(credentials, 'GeoIP.conf'),
    `# of this test\nAccountID 1\nLicenseKey ${token}\n`,
  )
})

let folder = ''
beforeEach(() => {
  folder = join(temporaryFolder(), 'databases')
  mkdirSync(folder)
  site.clear()
  asked.length = 0
})

const fetchFrom = (source: string): Promise<{ readonly code: number; readonly said: string }> =>
  new Promise((resolve) => {
    const env = {
      PATH: `${programs}:/usr/bin:/bin`,
      STATE_DIRECTORY: folder,
      CREDENTIALS_DIRECTORY: credentials,
      DBIP_URL: address,
      IPINFO_URL: address,
      MAXMIND_URL: address,
    }
    execFile(script, [source], { env }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), said: stdout + stderr }),
    )
  })

const month = (back: number): string => {
  const now = new Date()
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back, 1))
    .toISOString()
    .slice(0, 7)
}
const inFolder = (name: string): Buffer => readFileSync(join(folder, name))

describe('mxsteer-geoip-fetch', () => {
  test('dbip: of this month, or of the month before where there is none yet', async () => {
    const names = [
      `/dbip-country-lite-${month(0)}.mmdb.gz`,
      `/dbip-asn-lite-${month(1)}.mmdb.gz`,
    ] as const
    site.set(names[0], gzipSync(country))
    site.set(names[1], gzipSync(asn))
    const { code, said } = await fetchFrom('dbip')
    expect([code, said]).toEqual([0, expect.stringContaining('asn database of type')])
    expect(inFolder('country.mmdb').equals(country)).toBe(true)
    expect(inFolder('asn.mmdb').equals(asn)).toBe(true)
    expect(asked).toEqual([names[0], `/dbip-asn-lite-${month(0)}.mmdb.gz`, names[1]])
    expect(readdirSync(folder)).toEqual(['asn.mmdb', 'country.mmdb'])
  })

  test('ipinfo: one file for both, and the token in no argument and no output', async () => {
    site.set(`/ipinfo_lite.mmdb?token=${token}`, lite)
    const { code, said } = await fetchFrom('ipinfo')
    expect([code, said]).toEqual([0, expect.not.stringContaining(token)])
    expect(readFileSync(argumentsSeen, 'utf8')).toContain('--config')
    expect(readFileSync(argumentsSeen, 'utf8')).not.toContain(token)
    for (const name of ['country.mmdb', 'asn.mmdb']) expect(inFolder(name).equals(lite)).toBe(true)
  })

  test('ipinfo: a token that is not taken is an error, without the token', async () => {
    writeFileSync(join(folder, 'country.mmdb'), 'before')
    const { code, said } = await fetchFrom('ipinfo')
    expect(code).not.toBe(0)
    expect(said).toContain('404')
    expect(said).not.toContain(token)
    expect(inFolder('country.mmdb').toString()).toBe('before')
  })

  test('maxmind: out of archives, by account and key, which are in no argument and no output', async () => {
    for (const [name, octets] of [
      ['GeoLite2-Country', country],
      ['GeoLite2-ASN', asn],
    ] as const) {
      const inside = temporaryFolder()
      mkdirSync(join(inside, `${name}_20261127`))
      writeFileSync(join(inside, `${name}_20261127`, `${name}.mmdb`), octets)
      const archive = execFileSync('tar', ['-czf', '-', '-C', inside, `${name}_20261127`])
      site.set(`/${name}/download?suffix=tar.gz`, archive)
    }
    const { code, said } = await fetchFrom('maxmind')
    expect([code, said]).toEqual([0, expect.not.stringContaining(token)])
    expect(logins).toEqual([`1:${token}`, `1:${token}`])
    expect(readFileSync(argumentsSeen, 'utf8')).not.toContain(token)
    expect(inFolder('country.mmdb').equals(country)).toBe(true)
    expect(inFolder('asn.mmdb').equals(asn)).toBe(true)
  })

  test('maxmind: a file without a key is an error that names both lines', async () => {
    writeFileSync(join(credentials, 'GeoIP.conf'), 'AccountID 1\n')
    const { code, said } = await fetchFrom('maxmind')
    expect([code, said]).toEqual([1, expect.stringContaining('LicenseKey KEY')])
  })

  test.each([
    ['a page of words', Buffer.from('<html>Too many requests</html>')],
    ['what is cut short', lite.subarray(0, -40)],
    ['a database without countries', asn],
  ])('%s does not replace what was there', async (_, octets) => {
    writeFileSync(join(folder, 'country.mmdb'), country)
    site.set(`/ipinfo_lite.mmdb?token=${token}`, octets)
    const { code, said } = await fetchFrom('ipinfo')
    expect([code, said]).toEqual([1, expect.stringContaining('mxsteer geoip: as country database')])
    expect(inFolder('country.mmdb').equals(country)).toBe(true)
    expect(readdirSync(folder)).toEqual(['country.mmdb'])
  })

  test('says what it takes', async () => {
    expect(await fetchFrom('')).toMatchObject({ code: 2, said: expect.stringContaining('usage') })
  })
})
