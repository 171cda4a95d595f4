// A server whose parent, BIND, has a DS of another key, and then of its own: on a host of its own, since name servers are
// asked at port 53.

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { foreignPath } from '../support/foreign-server.ts'
import { createNamespace, type Namespace } from '../support/namespace.ts'
import { dnsPort, launchIn, type NamespacedServer } from '../support/namespaced-server.ts'
import { stopChild, temporaryFolder, watchChild } from '../support/server.ts'
import { delegationSigner, type ForeignKeys, generateKeys } from '../support/signed-zone.ts'
import { until } from '../support/wait.ts'

const zone = 'mail.example.test'
const zoneFile = `
zone: ${zone}
dnssec: {}
soa: { mname: ns1, rname: hostmaster }
records: { '@': { NS: ns1 }, ns1: { A: 127.0.0.1 } }
`
const folder = temporaryFolder()
const parentZone = (ds: string): string => `$TTL 60
$ORIGIN example.test.
@ SOA ns1 hostmaster 1 3600 600 86400 60
@ NS ns1
ns1 A 127.0.0.1
mail NS ns1.mail
ns1.mail A 127.0.0.2
${ds}`

let host: Namespace
let keys: ForeignKeys
let server: NamespacedServer
const stops: (() => Promise<unknown>)[] = []

async function startParent(ds: string): Promise<() => Promise<unknown>> {
  writeFileSync(join(folder, 'parent.zone'), parentZone(ds))
  const options = `directory "${folder}"; listen-on { 127.0.0.1; }; listen-on-v6 { none; };
    pid-file none; lock-file none; session-keyfile none; managed-keys-directory "${folder}"; recursion no;`
  writeFileSync(
    join(folder, 'named.conf'),
    `options { ${options} }; controls { };
     zone "example.test" { type primary; file "${folder}/parent.zone"; };`,
  )
  const env = { ...process.env, PATH: foreignPath }
  const named = watchChild(
    host.spawn('named', ['-g', '-n', '1', '-c', `${folder}/named.conf`], env),
  )
  await until(() => named.stderr().includes('running'), { what: named.stderr(), withinMs: 60_000 })
  return () => stopChild(named, 10_000)
}

beforeAll(() => {
  host = createNamespace()
  host.ip('link set lo up')
  keys = generateKeys(`${zone}.`, 'ECDSAP256SHA256', false)
})
afterAll(async () => {
  await server?.stop()
  await Promise.all(stops.map((stop) => stop()))
  host?.remove()
})

test('is told of, until the parent has the right one', async () => {
  const stray = delegationSigner(generateKeys(`${zone}.`, 'ECDSAP256SHA256', false))
  const stopParent = await startParent(stray)
  server = launchIn(host, {
    zone: zoneFile,
    flags: ['--listen', `127.0.0.1:${dnsPort}`],
    settings: `dnssec: { keys: ${keys.folder} }\nresolver: 127.0.0.1:53\n`,
  })
  const ds = stray.replace(/^.* DS (\d+ \d+ \d+) .*$/s, '$1')
  const told = await server.waitForLog(({ event }) => event === 'ds.mismatch')
  expect(told).toMatchObject({
    level: 'error',
    zone,
    parent: 'example.test',
    servers: ['ns1.example.test (127.0.0.1)'],
    ds: [ds],
  })
  await server.waitForLog(({ event }) => event === 'server.ready')
  const sample = `mxsteer_dnssec_ds_matches{zone="${zone}"}`
  expect(await server.metric(sample)).toBe(0)
  const { problems } = JSON.parse((await server.http('/status')).body) as {
    problems: { kind: string; subject: string }[]
  }
  expect(problems).toContainEqual(expect.objectContaining({ kind: 'ds-mismatch', subject: zone }))
  await stopParent()
  stops.push(await startParent(delegationSigner(keys)))
  // Keys with another time are other keys: the parent is asked at once.
  execFileSync('dnssec-settime', ['-K', keys.folder, '-D', '+1y', keys.names[0] ?? ''], {
    env: { ...process.env, PATH: foreignPath },
  })
  const resolved = await server.waitForLog(({ event }) => event === 'ds.resolved', 90_000)
  expect(resolved).toMatchObject({ zone, why: 'matches' })
  expect(await server.metric(sample)).toBe(1)
})
