// Names around the mail, with real TLS, real HTTPS and a reader of policies that is not ours.

import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer as createHttpsServer, type Server } from 'node:https'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'

import type { ReportLine } from '../../src/doctor/report.ts'
import { startBind } from '../support/bind.ts'
import { createAuthority, type MadeCertificate } from '../support/certificates.ts'
import type { ForeignServer } from '../support/foreign-server.ts'
import { apex, twoTargets, zoneOf } from '../support/names-zone.ts'
import { type ScriptedMta, startScriptedMta, type Step } from '../support/scripted-mta.ts'
import {
  launch,
  projectFolder,
  runCommand,
  startServer,
  temporaryFolder,
} from '../support/server.ts'

const authority = createAuthority()
const roots = join(temporaryFolder(), 'roots.pem')
writeFileSync(roots, authority.cert)

const ended: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ended.splice(0)) await end()
})

function folderOf(zone: string): string {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'smtp.yaml'), zone)
  return folder
}

describe('mxsteer mta-sts', () => {
  const folder = folderOf(
    zoneOf({
      ...twoTargets,
      top: `mta_sts: [{ domain: ${apex}, mode: enforce, max_age: 4w }, { domain: example.test, mode: testing, mx: [mx1.${apex}, mx2.${apex}] }]`,
    }),
  )

  /** The parser of postfix-mta-sts-resolver. */
  const readByOthers = (text: string): unknown =>
    JSON.parse(
      execFileSync(
        '/usr/bin/python3',
        [
          '-c',
          'import json, sys\nfrom postfix_mta_sts_resolver.utils import parse_mta_sts_policy\nprint(json.dumps(parse_mta_sts_policy(sys.stdin.buffer.read().decode())))',
        ],
        { input: text, encoding: 'utf8' },
      ),
    )

  it('prints octets that another reader takes as the policy', async () => {
    const { code, stdout, stderr } = await runCommand('mta-sts', apex, '--zones', folder)
    // Both policies are of that zone.
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(`several policies, name one of: ${apex}, example.test`)
    const one = await runCommand('mta-sts', 'example.test', '--zones', folder)
    expect(one.stdout).toBe(
      `version: STSv1\r\nmode: testing\r\nmx: mx1.${apex}\r\nmx: mx2.${apex}\r\nmax_age: 604800\r\n`,
    )
    expect(readByOthers(one.stdout)).toEqual({
      version: 'STSv1',
      mode: 'testing',
      mx: [`mx1.${apex}`, `mx2.${apex}`],
      max_age: '604800',
    })
    expect(one.stderr).toMatch(
      /host this as https:\/\/mta-sts\.example\.test\/\.well-known\/mta-sts\.txt.*\nthen publish _mta-sts\.example\.test\. TXT "v=STSv1; id=[0-9a-z]{28};"\n/,
    )
  })

  it('has one pattern for all targets, and the record of a domain in the zone', async () => {
    const { stdout } = await runCommand('mta-sts', '--json', '--zones', folder)
    const { policies } = JSON.parse(stdout) as {
      policies: readonly { mx: string[]; text: string; txt: { text: string; isHere: boolean } }[]
    }
    expect(policies.map(({ mx, txt }) => [mx, txt.isHere])).toEqual([
      [[`*.${apex}`], true],
      [[`mx1.${apex}`, `mx2.${apex}`], false],
    ])
    const zones = { 'smtp.yaml': readFileSync(join(folder, 'smtp.yaml'), 'utf8') }
    const server = await startServer({ zones })
    ended.push(() => server.stop())
    const dig = ['@127.0.0.1', '-p', `${server.port}`, '+short', `_mta-sts.${apex}`, 'TXT']
    const answer = execFileSync('dig', dig, { encoding: 'utf8' })
    expect(answer.trim()).toBe(`"${policies[0]?.txt.text}"`)
  })
})

describe('mxsteer check --live', () => {
  let bind: ForeignServer | null = null
  afterAll(() => bind?.stop())

  interface Hosted {
    readonly status?: number
    readonly body: string
    readonly certificate?: MadeCertificate
  }

  async function host({ status = 200, body, certificate }: Hosted): Promise<number> {
    const made = certificate ?? authority.sign(['mta-sts.example.test'])
    const server: Server = createHttpsServer(made, (request, response) => {
      const isRight = request.url === '/.well-known/mta-sts.txt'
      response.writeHead(isRight ? status : 404, { location: 'https://elsewhere.test/' })
      response.end(body)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    ended.push(() => server.close())
    return (server.address() as AddressInfo).port
  }

  const folder = folderOf(
    zoneOf({
      ...twoTargets,
      top: `mta_sts: { domain: example.test, mode: enforce, mx: [mx1.${apex}, mx2.${apex}] }`,
    }),
  )

  const printed = async (): Promise<{ text: string; id: string }> => {
    const { stdout } = await runCommand('mta-sts', '--json', '--zones', folder)
    const { policies } = JSON.parse(stdout) as { policies: { text: string; id: string }[] }
    return policies[0] as { text: string; id: string }
  }

  /** The domain, as a resolver finds it; with the id of the policy of the zone file. */
  async function resolver(): Promise<string> {
    const { id } = await printed()
    bind ??= await startBind([
      {
        apex: 'example.test.',
        text: `$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
mta-sts A 127.0.0.1
_mta-sts TXT "v=STSv1; id=${id};"
@ MX 10 mx1.${apex}.
@ MX 20 mx2.${apex}.
`,
      },
    ])
    return `127.0.0.1:${bind.port}`
  }

  async function check(port: number): Promise<{ code: number | null; lines: readonly string[] }> {
    const flags = ['--resolver', await resolver(), '--policy-port', `${port}`]
    const command = launch(['check', folder, '--live', ...flags], projectFolder, {
      env: { NODE_EXTRA_CA_CERTS: roots },
    })
    const { code } = await command.exited
    const lines = command
      .stdout()
      .split('\n')
      .filter((line) => line.includes('example.test') && line.startsWith('warning'))
    const summary = command
      .stdout()
      .split('\n')
      .filter((line) => line.includes('hosted policies'))
    return { code, lines: [...lines, ...summary] }
  }

  it('finds what is hosted as the zone file has it', async () => {
    const port = await host({ body: (await printed()).text })
    expect(await check(port)).toEqual({
      code: 0,
      lines: ['1 of 1 hosted policies of MTA-STS are as the zone files have them'],
    })
  })

  async function doctor(port: number): Promise<readonly string[]> {
    const flags = ['--resolver', await resolver(), '--policy-port', `${port}`, '--json']
    const command = launch(
      ['doctor', '--zones', folder, '--domain', 'example.test', ...flags],
      projectFolder,
      { env: { NODE_EXTRA_CA_CERTS: roots } },
    )
    await command.exited
    const lines = JSON.parse(command.stdout()) as readonly ReportLine[]
    return lines.flatMap(({ check: name, status, text }) =>
      name === 'mta-sts' ? [`${status}: ${text}`] : [],
    )
  }

  it('has doctor say whether senders that go by it deliver', async () => {
    const { text } = await printed()
    expect(await doctor(await host({ body: text }))).toEqual([
      'ok: the hosted policy of example.test, in mode enforce, allows its MX',
    ])
    const other = text.replace(`mx: mx2.${apex}`, 'mx: mx2.elsewhere.test')
    expect(await doctor(await host({ body: other }))).toEqual([
      `fail: the hosted policy of example.test, in mode enforce, does not allow mx2.${apex}`,
    ])
    const testing = other.replace('enforce', 'testing')
    expect(await doctor(await host({ body: testing }))).toEqual([
      `warn: the hosted policy of example.test, in mode testing, does not allow mx2.${apex}`,
    ])
    const wider = text.replace('max_age: 604800', 'max_age: 1209600')
    expect(wider).not.toBe(text)
    expect(await doctor(await host({ body: wider }))).toEqual([
      'warn: https://mta-sts.example.test/.well-known/mta-sts.txt has max_age 1209600, expected 604800',
    ])
  })

  const where = 'warning: https://mta-sts.example.test/.well-known/mta-sts.txt'

  it.each<[string, Hosted, string | RegExp]>([
    [
      'another mode',
      {
        body: `version: STSv1\nmode: testing\nmx: mx1.${apex}\nmx: mx2.${apex}\nmax_age: 604800\n`,
      },
      `${where} has mode testing, expected enforce`,
    ],
    [
      'an exchange less',
      { body: `version: STSv1\nmode: enforce\nmx: mx1.${apex}\nmax_age: 604800\n` },
      `${where} has mx mx1.${apex}, expected mx1.${apex} mx2.${apex}`,
    ],
    [
      'a redirect',
      { status: 301, body: '' },
      `${where}: it answers 301, and senders follow no redirect: expected 200`,
    ],
    ['no policy', { body: '<html>' }, `${where}: a line has no "key: value"`],
    ['too much', { body: 'x'.repeat(70_000) }, `${where}: more than 65536 octets`],
    [
      'a certificate for another name',
      { body: '', certificate: authority.sign(['www.example.test']) },
      /ERR_TLS_CERT_ALTNAME_INVALID/,
    ],
    [
      'a certificate of nobody known',
      { body: '', certificate: createAuthority().sign(['mta-sts.example.test']) },
      /SELF_SIGNED_CERT_IN_CHAIN/,
    ],
  ])('says of %s what is wrong', async (_, hosted, expected) => {
    const { code, lines } = await check(await host(hosted))
    expect(code).toBe(1)
    expect(lines[0]).toMatch(expected)
    expect(lines.at(-1)).toContain('0 of 1 hosted')
  })
})

describe('mxsteer tlsa', () => {
  const [first, second] = [authority.sign([`mx1.${apex}`]), authority.sign([`mx1.${apex}`])]

  /** As openssl(1) has it, which is not ours. */
  function digestByOpenssl({ cert }: MadeCertificate): string {
    const key = execFileSync('openssl', ['x509', '-noout', '-pubkey'], { input: cert })
    const der = execFileSync('openssl', ['pkey', '-pubin', '-outform', 'DER'], { input: key })
    return execFileSync('openssl', ['dgst', '-sha256', '-r'], { input: der, encoding: 'utf8' })
      .split(' ', 1)
      .join()
  }

  const dialogue: readonly Step[] = [
    { send: `220 mx1.${apex} ESMTP\r\n` },
    { expect: 'EHLO' },
    { send: `250-mx1.${apex}\r\n250 STARTTLS\r\n` },
    { expect: 'STARTTLS' },
    { send: '220 go\r\n' },
    'secure',
    { send: `250 mx1.${apex}\r\n` },
    { send: '221 bye\r\n' },
  ]

  const present = async (certificate: MadeCertificate): Promise<ScriptedMta> => {
    const mta = await startScriptedMta(dialogue, { key: certificate.key, cert: certificate.cert })
    ended.push(() => mta.close())
    return mta
  }

  it('prints the record that openssl computes, and what may be replaced when', async () => {
    const mta = await present(first)
    const [a, b] = [digestByOpenssl(first), digestByOpenssl(second)]
    const keys = join(temporaryFolder(), 'keys')
    expect(await runCommand('keys', 'generate', apex, '--keys', keys)).toMatchObject({ code: 0 })
    const zone = (tlsa: string): string =>
      zoneOf({
        top: 'dnssec: {}',
        probes: `probes: { inbound: { port: ${mta.port}, interval: 1h } }`,
        targets: `mx1: { addresses: [127.0.0.1], tlsa: ${tlsa} }`,
        pool: 'mx1',
      })
    const both = zone(`{ current: 3 1 1 ${a}, next: 3 1 1 ${b} }`)
    const server = await startServer({
      zones: { 'smtp.yaml': zone(`3 1 1 ${a}`) },
      settings: `dnssec: { keys: ${keys} }\n`,
    })
    ended.push(() => server.stop())
    server.writeZone('smtp.yaml', both)
    await server.waitForLog(({ event, cause }) => event === 'config.loaded' && cause !== 'start')
    const admin = ['--zones', server.zonesFolder, '--admin', `127.0.0.1:${server.adminPort}`]
    const { code, stdout } = await runCommand('tlsa', 'mx1', ...admin)
    const lines = stdout.trimEnd().split('\n')
    expect(code).toBe(0)
    expect(lines[0]).toBe(`_25._tcp.mx1.${apex}. TLSA 3 1 1 ${a}`)
    expect(lines).toContain(`current: 3 1 1 ${a}: matches`)
    expect(lines).toContain(`next: 3 1 1 ${b}: does not match`)
    expect(lines.at(-1)).toMatch(
      /\(next\): its certificate may be presented from \d{4}-\d\d-\d\d \d\d:\d\d UTC on$/,
    )
    const whole = await runCommand('tlsa', 'mx1', '--selector', '0', '--matching', '2', ...admin)
    const fingerprint = execFileSync('openssl', ['x509', '-noout', '-fingerprint', '-sha512'], {
      input: first.cert,
      encoding: 'utf8',
    })
    const hex = fingerprint.split('=')[1]?.trim().replaceAll(':', '').toLowerCase()
    expect(whole.stdout.split('\n', 1)).toEqual([`_25._tcp.mx1.${apex}. TLSA 3 0 2 ${hex}`])
  })

  it('has check --live warn of a certificate that no record matches', async () => {
    const mta = await present(first)
    const [a, b] = [digestByOpenssl(first), digestByOpenssl(second)]
    const zone = (digest: string): string =>
      zoneOf({
        top: 'dnssec: {}',
        probes: `probes: { inbound: { port: ${mta.port}, level: tls } }`,
        targets: `mx1: { addresses: [127.0.0.1], tlsa: 3 1 1 ${digest} }`,
        pool: 'mx1',
      })
    const warnings = async (digest: string): Promise<readonly string[]> => {
      const { stdout } = await runCommand('check', folderOf(zone(digest)), '--live')
      return stdout.split('\n').filter((line) => line.includes(': tlsa: '))
    }
    expect(await warnings(a)).toEqual([])
    expect(await warnings(b)).toEqual([
      expect.stringMatching(new RegExp(`^warning: mx1\\.${apex}: tlsa: `)),
    ])
  })
})
