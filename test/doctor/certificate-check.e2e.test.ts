// `mxsteer doctor` before real Postfix with STARTTLS: what each target presents against its TLSA records, whose digests openssl has made.

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { certificateResults } from '../../src/doctor/certificate-check.ts'
import type { ReportLine } from '../../src/doctor/report.ts'
import { makeCertificate, type TestCertificate } from '../support/certificate.ts'
import { freePort } from '../support/free-ports.ts'
import { createPostfix, type Postfix } from '../support/postfix.ts'
import { runCommand, temporaryFolder } from '../support/server.ts'

const apex = 'dane.example.test'
const addresses = ['127.0.0.71', '127.0.0.72', '127.0.0.73', '127.0.0.74'] as const
const [served, other] = [makeCertificate(`mx1.${apex}`), makeCertificate(`mx2.${apex}`)]
let postfix: Postfix
let port = 0

beforeAll(async () => {
  port = await freePort([...addresses])
  const chain = join(temporaryFolder(), 'chain.pem')
  writeFileSync(chain, served.pair.key + served.pair.certificate)
  const [first, second, third] = addresses
  postfix = await createPostfix({
    name: `mx1.${apex}`,
    address: first,
    port,
    main: [`smtpd_tls_chain_files = ${chain}`, 'smtpd_tls_security_level = may'],
    services: [
      `${second}:${port} inet n - n - - smtpd`,
      `${third}:${port} inet n - n - - smtpd -o smtpd_tls_security_level=none`,
      'tlsmgr unix - - n 1000? 1 tlsmgr',
    ],
  })
  await postfix.start()
})
afterAll(() => postfix?.stop())

/** `3 1 1` of a certificate, as the docs say how to make it. */
function tlsa({ certificate }: TestCertificate): string {
  const command = `openssl x509 -in ${certificate} -noout -pubkey | openssl pkey -pubin -outform DER | openssl sha256`
  const digest = execFileSync('sh', ['-c', command], { encoding: 'utf8' })
  return `3 1 1 ${/[0-9a-f]{64}/.exec(digest)?.[0]}`
}

const zoneFile = (dnssec: string): string => `
zone: ${apex}
${dnssec}
soa: { mname: ns1, rname: hostmaster }
probes: { inbound: { port: ${port} } }
targets:
${addresses.map((address, i) => `  mx${i + 1}: { addresses: [${address}] }`).join('\n')}
pools: { main: { targets: [mx1, mx2, mx3, mx4], probe: inbound } }
steering: { inbound: [{ pools: [main] }] }
records:
  '@': { NS: ns1, MX: { steer: inbound } }
  ns1: { A: 127.0.0.1 }
  _${port}._tcp.mx1: { TLSA: [${tlsa(other)}, ${tlsa(served)}] }
  _${port}._tcp.mx2: { TLSA: ${tlsa(other)} }
  _${port}._tcp.mx3: { TLSA: ${tlsa(served)} }
  _${port}._tcp.mx4: { TLSA: ${tlsa(served)} }
`

async function look(dnssec: string): Promise<string[]> {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'zone.yaml'), zoneFile(dnssec))
  const flags = ['--zones', folder, '--resolver', '127.0.0.1:1', '--json']
  const { stdout } = await runCommand('doctor', ...flags)
  return (JSON.parse(stdout) as ReportLine[])
    .filter(({ check, zone }) => check === 'certificates' && zone === apex)
    .map(({ status, text }) => `${status} ${text.replaceAll(` port ${port}`, '')}`)
    .sort()
}

it('tells of those that match, of those that do not, and of those that it cannot see', async () => {
  const unseen = 'has TLSA records, and its certificate could not be seen'
  expect(await look('dnssec: {}')).toEqual([
    'fail mx2 at 127.0.0.72 presents a certificate that matches none of its TLSA records: senders that use DANE defer mail to it',
    `fail mx3 at 127.0.0.73 ${unseen}: starttls-missing`,
    'ok mx1 at 127.0.0.71 by TLSA',
    `warn mx4 at 127.0.0.74 ${unseen}: connect-refused`,
  ])
})

it('only warns where the zone is not signed, since TLSA counts for nobody there', async () => {
  const statuses = (await look('')).map((line) => line.split(' ', 2).join(' '))
  expect(statuses).toEqual(['ok mx1', 'warn mx2', 'warn mx3', 'warn mx4'])
})

it('says nothing of targets without TLSA', () => {
  expect(certificateResults([], true)).toEqual([])
})
