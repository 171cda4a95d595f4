// Keys of a server that runs: made by `mxsteer keys`, rolled over by the times in their files, taken away, and left open.
// Meanwhile delv asks with the DNSKEY of either key as its anchor, and every answer is valid.

import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'

import { keyTimeText } from '../../src/dnssec/key-file.ts'
import { dig } from '../support/dig.ts'
import { delv } from '../support/foreign-validators.ts'
import {
  launch,
  type RunningServer,
  runCommand,
  startServer,
  temporaryFolder,
} from '../support/server.ts'
import { qtypes } from '../support/signed-questions.ts'
import { until } from '../support/wait.ts'

const apex = 'mail.example.test.'
const zone = `
zone: ${apex}
ttl: 60
dnssec: {}
soa: { mname: ns1, rname: hostmaster.example.test., minimum: 30 }
targets: { mx1: { addresses: [127.0.0.91] }, mx2: { addresses: [127.0.0.92] } }
pools: { main: { targets: { mx1: 3, mx2: 1 } } }
steering: { inbound: [{ pools: [main] }] }
records: { '@': { NS: ns1, MX: { steer: inbound } }, ns1: { A: 127.0.0.1 } }
`
const folder = join(temporaryFolder(), 'keys')
const away = temporaryFolder()
let server: RunningServer

/** Makes a key and returns the name of its files without their endings. */
async function generate(): Promise<string> {
  const before = names()
  expect(await runCommand('keys', 'generate', apex, '--keys', folder)).toMatchObject({ code: 0 })
  return names().find((name) => !before.includes(name)) ?? ''
}

const names = (): string[] => {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return readdirSync(folder).flatMap((file) => (file.endsWith('.key') ? [file.slice(0, -4)] : []))
}

const secretOf = (base: string): string => join(folder, `${base}.private`)
const tagOf = (base: string): string => String(Number(base.slice(-5)))

/** Replaces the times of a key. */
function setTimes(base: string, times: Readonly<Record<string, string>>): void {
  const file = secretOf(base)
  const kept = readFileSync(file, 'utf8')
    .split('\n')
    .filter(
      (line) => line !== '' && !Object.keys(times).some((field) => line.startsWith(`${field}:`)),
    )
  const lines = Object.entries(times).map(([field, time]) => `${field}: ${time}`)
  writeFileSync(join(away, 'private'), [...kept, ...lines, ''].join('\n'), { mode: 0o600 })
  renameSync(join(away, 'private'), file)
}

/** Tags of the keys in DNSKEY, and of those that sign the type; and what delv says of the MX. */
async function view(): Promise<{ published: string[]; signers: string[] }> {
  const keys = readdirSync(folder)
    .filter((file) => file.endsWith('.key'))
    .map(
      (file) =>
        `${
          readFileSync(join(folder, file), 'utf8')
            .split('\n')
            .findLast((line) => line !== '') ?? ''
        }\n`,
    )
    .join('')
  expect(await delv({ apex, port: server.port, keys }, { qname: apex, qtype: qtypes.MX })).toEqual({
    kind: 'secure',
  })
  const [dnskey, mx] = await Promise.all([signersOf('DNSKEY'), signersOf('MX')])
  return { published: dnskey, signers: mx }
}

/** RRSIG in presentation form: type, algorithm, labels, TTL, expiration, inception, key tag. Every key with 257 signs DNSKEY. */
async function signersOf(type: string): Promise<string[]> {
  const { answer } = await dig(server.port, apex, type, '+dnssec')
  return answer
    .filter((record) => record.type === 'RRSIG')
    .map(({ rdata }) => rdata.split(' ')[6] ?? '')
    .sort()
}

/** Waits until these keys are published and this one signs; every answer until then is valid too. */
function comesTo(published: readonly string[], signer: string): Promise<boolean> {
  const wanted = published.map(tagOf).sort().join()
  return until(
    async () => {
      const seen = await view()
      return seen.published.join() === wanted && seen.signers.join() === tagOf(signer)
    },
    { what: `${wanted} in DNSKEY, ${tagOf(signer)} signs`, withinMs: 60_000 },
  )
}

it('does not start for want of a key, and says which command makes one', async () => {
  const settings = join(away, 'settings.yaml')
  const zones = temporaryFolder()
  writeFileSync(settings, `dnssec: { keys: ${folder} }\nadmin: off\n`)
  writeFileSync(join(zones, 'mail.yaml'), zone)
  names()
  const started = launch(['serve', '--zones', zones, '--config', settings])
  expect((await started.exited).code).toBe(2)
  expect(started.stderr()).toContain(
    `no key of ${apex} here: "mxsteer keys generate ${apex}" makes one`,
  )
})

describe('a server with one key', () => {
  let old = ''
  let next = ''
  beforeAll(async () => {
    old = await generate()
    server = await startServer({
      zones: { 'mail.yaml': zone },
      settings: `dnssec: { keys: ${folder} }\n`,
    })
  })

  it('goes over to another as their times pass, without a reload', async () => {
    expect(await comesTo([old], old)).toBe(true)
    next = await generate()
    setTimes(next, { Publish: '20260101000000' })
    expect(await comesTo([old, next], old)).toBe(true)
    const soon = keyTimeText(Date.now() + 3000)
    setTimes(next, { Activate: soon })
    setTimes(old, { Inactive: soon })
    expect(await comesTo([old, next], next)).toBe(true)
    setTimes(old, { Delete: keyTimeText(Date.now() + 3000) })
    expect(await comesTo([next], next)).toBe(true)
  })

  it('keeps a key that is taken away or left open to others, and says so', async () => {
    for (const ending of ['.key', '.private'])
      renameSync(join(folder, next + ending), join(away, next + ending))
    await server.waitForLog(
      ({ event, code }) => event === 'config.error' && code === 'key-vanished',
    )
    expect(await signersOf('MX')).toEqual([tagOf(next)])
    for (const ending of ['.private', '.key'])
      renameSync(join(away, next + ending), join(folder, next + ending))
    chmodSync(secretOf(next), 0o644)
    // A change of its mode alone is no change of a file.
    appendFileSync(secretOf(next), '\n')
    await server.waitForLog(
      ({ event, code }) => event === 'config.error' && code === 'key-open-to-others',
    )
    expect(await comesTo([next], next)).toBe(true)
  })
})
