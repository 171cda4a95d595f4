// The store over TLS, as a real redis-server speaks it: authority, name, client certificate and ACL user are all asked
// for; what is wrong with any of them is reported by a code, and the server answers without the store.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'

import { type Authority, type MadeCertificate, createAuthority } from '../support/certificates.ts'
import { openUdpClient } from '../support/dns-client.ts'
import { freePort } from '../support/free-ports.ts'
import { mailDomain, mailZone } from '../support/mail-zone.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { type RunningServer, launch, startServer, temporaryFolder } from '../support/server.ts'
import { until } from '../support/wait.ts'

const folder = temporaryFolder()
const password = 'hunter2-over-tls'
const storeName = 'redis.example.test'
const zones = {
  'mail.yaml': mailZone({
    targets: { mx1: { address: '127.0.0.83', weight: 1 } },
    port: 9,
    probe: { level: 'banner' },
  }),
}

/** Writes it and tells where. */
function fileOf(name: string, text: string): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}

const pair = (
  name: string,
  { cert, key }: MadeCertificate,
): readonly [cert: string, key: string] => [fileOf(`${name}.pem`, cert), fileOf(`${name}.key`, key)]

let redis: RedisServer
let tlsPort: number
let files: Readonly<
  Record<'ca' | 'otherCa' | 'cert' | 'key' | 'strangeCert' | 'strangeKey', string>
>
let server: RunningServer | null = null

beforeAll(async () => {
  const authority: Authority = createAuthority()
  const other = createAuthority()
  tlsPort = await freePort()
  const [storeCert, storeKey] = pair('store', authority.sign([storeName]))
  const [cert, key] = pair('client', authority.sign(['ns1.example.test']))
  const [strangeCert, strangeKey] = pair('strange', other.sign(['ns1.example.test']))
  const ca = fileOf('ca.pem', authority.cert)
  files = { ca, otherCa: fileOf('other.pem', other.cert), cert, key, strangeCert, strangeKey }
  redis = await startRedis({
    config: [
      `tls-port ${tlsPort}`,
      `tls-cert-file ${storeCert}`,
      `tls-key-file ${storeKey}`,
      `tls-ca-cert-file ${ca}`,
      'tls-auth-clients yes',
      `user ns1 on >${password} resetkeys ~mxsteer:{default}:v1:* resetchannels -@all +@all -@admin`,
    ],
  })
})
afterEach(async () => {
  await server?.stop()
  server = null
})
afterAll(() => redis.kill())

type Given = Readonly<Record<string, string>>

const good = (): Given => ({
  state: `rediss://127.0.0.1:${tlsPort}`,
  state_ca: files.ca,
  state_certificate: files.cert,
  state_key: files.key,
  state_server_name: storeName,
  state_username: 'ns1',
  state_password: password,
  state_heartbeat: '300ms',
  instance: 'ns1',
  workers: '1',
  lameduck: '0',
})

const settingsOf = (given: Given): string =>
  Object.entries(given)
    .map(([key, value]) => `${key}: ${value}`)
    .join('\n')

async function start(given: Given): Promise<RunningServer> {
  server = await startServer({ zones, settings: settingsOf(given) })
  return server
}

const answers = async ({ port }: RunningServer): Promise<number> => {
  const client = openUdpClient(port)
  const reply = await client.ask(mailDomain, 'MX')
  client.close()
  return reply.answers.length
}

test('with authority, name, client certificate and user it shares over TLS alone', async () => {
  const running = await start(good())
  await until(async () => (await running.metric('mxsteer_state_degraded')) === 0, {
    what: 'in reach',
    withinMs: 60_000,
  })
  await until(async () => (await redis.command('EXISTS', 'mxsteer:{default}:v1:hb:ns1')) === ':1', {
    what: 'its heartbeat is in the store',
    withinMs: 60_000,
  })
  // The connection that waits for hints may be there a moment later than that of the heartbeat.
  const own = await until(
    async () => {
      const clients = (await redis.command('CLIENT', 'LIST')).split('\n')
      const ours = clients.filter((line) => line.includes('name=mxsteer-ns1'))
      return ours.length === 2 && ours
    },
    { what: 'two connections of its own', withinMs: 60_000 },
  )
  for (const line of own)
    expect(line).toMatch(new RegExp(`laddr=127\\.0\\.0\\.1:${tlsPort} .* user=ns1`))
  expect(running.stdout() + running.stderr()).not.toContain('hunter2')
})

const wrongs: readonly (readonly [what: string, change: () => Given, why: RegExp])[] = [
  [
    'another authority',
    () => ({ state_ca: files.otherCa }),
    /^(SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT_LOCALLY)$/,
  ],
  [
    'another name than the certificate has',
    () => ({ state_server_name: 'elsewhere.example.test' }),
    /^ERR_TLS_CERT_ALTNAME_INVALID$/,
  ],
  [
    'a client certificate of strangers',
    () => ({ state_certificate: files.strangeCert, state_key: files.strangeKey }),
    /^(ERR_SSL_TLSV1_ALERT_UNKNOWN_CA|ECONNRESET|EPIPE|CLOSED)$/,
  ],
  ['a wrong password', () => ({ state_password: 'hunter2-wrong' }), /^WRONGPASS$/],
  ['a user that there is not', () => ({ state_username: 'ns9' }), /^WRONGPASS$/],
  ['no TLS where there is', () => ({ state: `rediss://127.0.0.1:${redis.port}` }), /^[A-Z_0-9]+$/],
]

test.each(wrongs)('%s: one word says so, and it answers', async (_, change, why) => {
  const running = await start({ ...good(), ...change() })
  // On a busy machine `AWAY` or `TIMEOUT` may come first; a reason that becomes known later is reported too.
  await running.waitForLog(
    ({ event, why: said }) =>
      event === 'state.degraded' &&
      !/^(AWAY|TIMEOUT)$/.test(String(said)) &&
      why.test(String(said)),
    60_000,
  )
  expect(await answers(running)).toBe(1)
  expect(await running.metric('mxsteer_state_degraded')).toBe(1)
  expect(running.stdout() + running.stderr()).not.toContain('hunter2')
})

test('TLS files with a URL without TLS are refused at start', async () => {
  const config = fileOf(
    'bad.conf',
    settingsOf({ ...good(), state: `redis://127.0.0.1:${redis.port}` }),
  )
  const child = launch(['serve', '--config', config, '--zones', folder])
  expect(await child.exited).toMatchObject({ code: 2 })
  expect(child.stderr()).toMatch(/expected a rediss:\/\/ URL/)
  expect(child.stderr()).not.toContain('hunter2')
})
