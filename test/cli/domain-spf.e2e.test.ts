// `mxsteer check --live DOMAIN…`: SPF of domains elsewhere, which BIND has, against the targets of the zone.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { startBind } from '../support/bind.ts'
import type { ForeignServer } from '../support/foreign-server.ts'
import { runCommand, temporaryFolder } from '../support/server.ts'

const zone = `
zone: smtp.example.test
soa: { mname: ns1, rname: hostmaster }
targets:
  mx1: { addresses: [192.0.2.1] }
  mx2: { addresses: [192.0.2.2, 2001:db8::2] }
  inbound: { addresses: [198.51.100.1] }
pools:
  out: { targets: [mx1, mx2] }
  in: { targets: [inbound] }
steering: { in: [{ pools: [in] }] }
records:
  '@': { NS: ns1, MX: { steer: in } }
  ns1: { A: 192.0.2.53 }
  send: { spf: { pools: [out], all: -all } }
`

/** Longer than a string of a TXT record, which BIND takes as they are. */
const long = Array.from({ length: 40 }, (_, i) => `"ip4:203.0.113.${i} "`)
const elsewhere = `$ORIGIN mail.test.
@ 300 SOA ns hostmaster 1 3600 900 604800 60
@ NS ns
ns A 127.0.0.1
whole TXT "v=spf1 include:_spf.mail.test -all"
_spf TXT "v=spf1 ip4:192.0.2.0/30 ip6:2001:db8::/48" " -all"
by-mx TXT "v=spf1 mx ~all"
by-mx MX 10 host
host A 192.0.2.1
part TXT "v=spf1 " ${long.join(' ')} "ip4:192.0.2.1 ip4:192.0.2.2 -all"
none TXT "hello"
twice TXT "v=spf1 -all"
twice TXT "v=spf1 ~all"
wild TXT "v=spf1 exists:%{ir}.ok.mail.test -all"
1.2.0.192.ok A 127.0.0.2
`

let bind: ForeignServer
beforeAll(async () => void (bind = await startBind([{ apex: 'mail.test.', text: elsewhere }])))
afterAll(() => bind?.stop())

const folder = temporaryFolder()
writeFileSync(join(folder, 'smtp.yaml'), zone)

async function check(...domains: readonly string[]) {
  const resolver = ['--resolver', `127.0.0.1:${bind.port}`]
  const { code, stdout, stderr } = await runCommand(
    'check',
    folder,
    '--live',
    ...domains,
    ...resolver,
  )
  return { code, lines: stdout.split('\n').filter((line) => line.includes('SPF')), stderr }
}

it('says for which addresses of targets that send SPF does not pass, and why', async () => {
  const names = 'whole by-mx part none twice wild gone'.split(' ')
  const { code, lines } = await check(...names.map((name) => `${name}.mail.test`))
  const [at1, at2, at6] = [
    'mx1.smtp.example.test at 192.0.2.1',
    'mx2.smtp.example.test at 192.0.2.2',
    'mx2.smtp.example.test at 2001:db8::2',
  ]
  expect(lines).toEqual([
    'whole.mail.test: SPF passes for all 3 addresses of targets that send',
    `warning: by-mx.mail.test: SPF is softfail for ${at2}, ${at6}`,
    `warning: part.mail.test: SPF is fail for ${at6}`,
    `warning: none.mail.test: SPF is none for ${at1}, ${at2}, ${at6}`,
    `warning: twice.mail.test: SPF is permerror (twice.mail.test has 2 SPF records, expected one) for ${at1}, ${at2}, ${at6}`,
    `warning: wild.mail.test: SPF is fail for ${at2}, ${at6}`,
    `warning: gone.mail.test: SPF is none for ${at1}, ${at2}, ${at6}`,
  ])
  expect(code).toBe(1)
})

it('exits 0 where all may send, and 2 at a word that is neither a path nor a domain', async () => {
  expect((await check('Whole.mail.test.')).code).toBe(0)
  expect(await check('whole.mail.test', 'whole')).toMatchObject({ code: 2, lines: [] })
})
