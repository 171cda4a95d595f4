// A key that is kept offline, by the commands as an operator uses them and by Knot in their place: the server has its public key and what
// it has signed, delv and the checkers of whole zones find that right, over a turn of the period as well.

import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { keyTimeText } from '../../../src/dnssec/key-file.ts'
import { dig } from '../../support/dig.ts'
import { createFakeTime } from '../../support/fake-time.ts'
import { type ForeignServer, foreignPath } from '../../support/foreign-server.ts'
import {
  delv,
  type ForeignVerdict,
  resolverVerdicts,
  verifyByBind,
  verifyByLdns,
} from '../../support/foreign-validators.ts'
import {
  type RunningServer,
  runCommand,
  startServer,
  temporaryFolder,
} from '../../support/server.ts'
import { qtypes } from '../../support/signed-questions.ts'
import { startValidatingUnbound } from '../../support/unbound.ts'
import { until } from '../../support/wait.ts'

const minute = 60_000
const apex = 'offline.example.test.'
const zone = `
zone: ${apex}
ttl: 60
dnssec: { dnskey_ttl: 60 }
soa: { mname: ns1, rname: hostmaster.example.test., minimum: 30 }
targets: { mx1: { addresses: [127.0.0.91] }, mx2: { addresses: [127.0.0.92] } }
pools: { main: { targets: { mx1: 3, mx2: 1 } } }
steering: { inbound: [{ pools: [main] }] }
records: { '@': { NS: ns1, MX: { steer: inbound } }, ns1: { A: 127.0.0.1 } }
`
/** Where the private key is, and where the server is. */
const [vault, folder] = [join(temporaryFolder(), 'vault'), join(temporaryFolder(), 'keys')]
const response = join(folder, `K${apex}skr`)
const zones = temporaryFolder()
let server: RunningServer | undefined

async function keys(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand('keys', ...args)
  expect([code, stderr]).toEqual([0, ''])
  return stdout
}

const request = (): Promise<string> => keys('request', apex, '--keys', folder, '--zones', zones)

async function sign(text: string): Promise<string> {
  const file = join(temporaryFolder(), 'request')
  writeFileSync(file, text)
  return keys('sign', file, '--keys', vault, '--days', '30')
}

const filesOf = (where: string, ending: string): string[] =>
  readdirSync(where).filter((file) => file.endsWith(ending))

/** The DNSKEY record of the key that is trusted. */
const anchor = (): string =>
  filesOf(vault, '.key')
    .map((file) => readFileSync(join(vault, file), 'utf8').split('\n').at(-2) ?? '')
    .join('\n')

beforeAll(async () => {
  writeFileSync(join(zones, 'mail.yaml'), zone)
  await keys('generate', apex, '--keys', vault)
  mkdirSync(folder, { mode: 0o700 })
  for (const file of filesOf(vault, '.key')) copyFileSync(join(vault, file), join(folder, file))
  await keys('generate', apex, '--zsk', '--keys', folder)
})
afterAll(() => server?.stop())

it('is wanted before the zone is signed', async () => {
  const checked = await runCommand('check', zones, '--keys', folder)
  expect(checked.code).toBe(1)
  expect(checked.stderr).toContain(`of a key that is kept offline, K${apex}skr has to be here`)
  const status = await runCommand('keys', 'status', apex, '--keys', folder)
  expect([status.code, status.stdout]).toEqual([1, expect.stringContaining('hidden')])
  for (const flags of [[], ['--ksk'], ['--algorithm', '15']]) {
    const rolled = await runCommand(
      'keys',
      'rollover',
      apex,
      '--keys',
      folder,
      '--zones',
      zones,
      ...flags,
    )
    expect([rolled.code, rolled.stderr]).toEqual([1, expect.stringContaining('rollover-offline')])
  }
  const made = await runCommand('keys', 'generate', apex, '--keys', folder)
  expect([made.code, made.stderr]).toEqual([2, expect.stringContaining('is kept offline')])
})

it('signs for a server that does not have it, over a turn of the period', async () => {
  const [first = '', record = ''] = (await request()).split('\n')
  // The same keys and one that another name server has, when the clock of the server is set to half an hour later: validators take
  // both for valid then.
  const [turn, later] = [Date.now() + 20 * minute, 30 * 60]
  const time = createFakeTime()
  const other = record.replace(
    /\S+$/,
    'B4EOqXTOpXc+Y7iX83476aCeel/puXGkTRBlrCo6kxFjfkek+ZRkoP3ORKiOx9cDqRg8HQZVLZ4ta3YGlIHFdw==',
  )
  const second = `;; KeySigningRequest 1.0 ${keyTimeText(turn)}`
  const asked = [first, record, second, record, other, '']
  writeFileSync(response, await sign(asked.join('\n')))
  expect(await runCommand('check', zones, '--keys', folder)).toMatchObject({ code: 0, stderr: '' })
  server = await startServer({
    zones: { 'mail.yaml': zone },
    settings: `dnssec: { keys: ${folder} }\ntransfer: { allow: 127.0.0.1 }\n`,
    ...time.surroundings,
  })
  const { port } = server
  const trusted = { apex, port, keys: anchor() }
  const unbound = await startValidatingUnbound([trusted])
  const verdicts = (): Promise<unknown[]> =>
    Promise.all(
      [qtypes.DNSKEY, qtypes.MX, qtypes.TXT].map((qtype) => delv(trusted, { qname: apex, qtype })),
    )
  const secure = [{ kind: 'secure' }, { kind: 'secure' }, { kind: 'secure' }]
  /** Of names that it has not been asked for: it has the keys, of before the turn where it has been asked then, and not the data. */
  const byUnbound = (resolver: ForeignServer, label: string): Promise<ForeignVerdict[]> =>
    resolverVerdicts(
      resolver.port,
      [label, `${label}.ns1`, `${label}.mx1`].map((name) => ({
        qname: `${name}.${apex}`,
        qtype: qtypes.A,
      })),
    )
  expect(await verdicts()).toEqual(secure)
  expect(await byUnbound(unbound, 'before')).toEqual(secure)
  const published = async (): Promise<number> =>
    (await dig(port, apex, 'DNSKEY')).answer.filter(({ type }) => type === 'DNSKEY').length
  expect(await published()).toBe(2)
  time.shift(later)
  await until(async () => (await published()) === 3, { what: 'the period turns', withinMs: 60_000 })
  expect(await byUnbound(unbound, 'at')).toEqual(secure)
  await unbound.stop()
  const fresh = await startValidatingUnbound([trusted])
  expect(await byUnbound(fresh, 'after')).toEqual(secure)
  const [keysThere] = await resolverVerdicts(fresh.port, [{ qname: apex, qtype: qtypes.DNSKEY }])
  expect(keysThere).toEqual({ kind: 'secure' })
  await fresh.stop()
  expect(await verdicts()).toEqual(secure)
  const { text } = await dig(port, apex, 'AXFR', '+onesoa', '+crypto', '+noidnout')
  expect(await verifyByBind(apex, text, true)).toEqual({ kind: 'secure' })
  expect(await verifyByLdns(text, anchor())).toEqual({ kind: 'secure' })
})

it('is told of by keys status and keys ds', async () => {
  const [report] = JSON.parse(await keys('status', apex, '--keys', folder, '--json')) as {
    keys: { role: string; state: string }[]
    offline: { until: string }
  }[]
  expect(report?.keys.map(({ role, state }) => `${role} ${state}`)).toEqual([
    'KSK active',
    'ZSK active',
  ])
  const days = (Date.parse(report?.offline.until ?? '') - Date.now()) / 86_400_000
  expect(Math.round(days)).toBe(40)
  const ds = await keys('ds', apex, '--keys', folder)
  expect(ds).toBe(await keys('ds', apex, '--keys', vault))
})

it('rolls the other key over once it has signed for it', async () => {
  const roll = (): ReturnType<typeof runCommand> =>
    runCommand('keys', 'rollover', apex, '--zsk', '--keys', folder, '--zones', zones)
  expect(await roll()).toMatchObject({ code: 4, stdout: expect.stringContaining('begun') })
  expect(await roll()).toMatchObject({ code: 4, stdout: expect.stringContaining('a response of') })
  const asked = await request()
  // By its time Publish the new key is there in ten minutes: have it there now.
  const both = asked.split('\n').filter((line) => line !== '')
  const at = both.findLastIndex((line) => line.includes('KeySigningRequest 1.0 2'))
  writeFileSync(response, await sign([both[0], ...both.slice(at + 1)].join('\n')))
  expect(await roll()).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/all times are set/),
  })
  const ksk = ['keys', 'rollover', apex, '--ksk', '--keys', folder, '--zones', zones]
  expect(await runCommand(...(ksk as [string, ...string[]]))).toMatchObject({ code: 1 })
})

it('may be Knot, which reads the request and whose response is read; and Knot finds ours valid', async () => {
  const knot = temporaryFolder()
  const config = join(knot, 'knot.conf')
  writeFileSync(
    config,
    `
database:
  storage: "${knot}"
policy:
  - id: off
    algorithm: ecdsap256sha256
    offline-ksk: on
    manual: on
    cds-cdnskey-publish: none
zone:
  - domain: ${apex}
    dnssec-signing: on
    dnssec-policy: off
`,
  )
  const keymgr = (...args: readonly string[]): string =>
    execFileSync('keymgr', ['-c', config, apex, ...args], {
      env: { ...process.env, PATH: foreignPath },
      encoding: 'utf8',
    })
  /** Knot has seconds since 1970 where BIND has a time, and does not take its own key for active before it was made. */
  const inSeconds = (text: string, seconds?: number): string =>
    text.replace(/^(;; \w+ 1\.0) (\d{14}) .*$/gm, (_, head: string, time: string) => {
      const iso = time.replace(/(....)(..)(..)(..)(..)(..)/, '$1-$2-$3T$4:$5:$6Z')
      return `${head} ${seconds ?? Date.parse(iso) / 1000} ===`
    })
  const ours = join(knot, 'ours')
  writeFileSync(ours, inSeconds(readFileSync(response, 'utf8')))
  expect(keymgr('validate-skr', ours)).toContain('OK')

  keymgr('generate', 'ksk=yes', 'zsk=no')
  const asked = (await request()).split('\n\n')
  const file = join(knot, 'request')
  const nowSeconds = Math.floor(Date.now() / 1000)
  writeFileSync(file, inSeconds(`${asked[0]}\n${asked.at(-1)}`, nowSeconds))
  const signed = keymgr('sign-ksr', file)
  const record = /^.*DNSKEY 257 [^)]*\)/m.exec(signed)?.[0].replaceAll(/[()\s]+/g, ' ') ?? ''
  const [owner, ttl, , ...rdata] = record.trim().split(' ')
  const tag = /KSK, .*id = (\d+)/.exec(signed)?.[1] ?? ''
  const there = join(temporaryFolder(), 'keys')
  mkdirSync(there, { mode: 0o700 })
  for (const ending of ['.key', '.private'])
    for (const name of filesOf(folder, ending))
      if (readdirSync(folder).includes(name.replace(/\.\w+$/, '.private')))
        copyFileSync(join(folder, name), join(there, name))
  const base = `K${apex}+013+${tag.padStart(5, '0')}.key`
  writeFileSync(join(there, base), `${owner} ${ttl} IN DNSKEY ${rdata.join(' ')}\n`)
  writeFileSync(join(there, `K${apex}skr`), signed)
  const checked = await runCommand('check', zones, '--keys', there)
  expect([checked.code, checked.stderr]).toEqual([
    0,
    expect.stringMatching(/^(|.* warning: .*\n)$/),
  ])
})
