// `mxsteer keys rollover` and `retire` against a parent zone in BIND whose DS a hook changes by nsupdate, with a server that runs on
// the keys, all of them at times that pass in hours a step. Every answer is judged from the DS that the parent has then, and the files by
// dnssec-settime.

import { execFileSync } from 'node:child_process'
import { chmodSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'

import { keys as runKeys } from '../../src/cli/keys/keys.ts'
import { bindBasics } from '../support/bind.ts'
import { dig } from '../support/dig.ts'
import { labelsOf, wireOf } from '../support/dnssec/names.ts'
import { decodeMessage, encodeMessage, type Rr } from '../support/dnssec/message.ts'
import { parseDelegationSigners, type TrustedZone } from '../support/dnssec/signatures.ts'
import { trustByDs, validate } from '../support/dnssec-validator.ts'
import { createFakeTime } from '../support/fake-time.ts'
import { type ForeignServer, foreignPath, startForeign } from '../support/foreign-server.ts'
import { buildQuery } from '../support/packet-builder.ts'
import { type RunningServer, startServer, temporaryFolder } from '../support/server.ts'
import { queryUdp } from '../support/udp-query.ts'
import { until } from '../support/wait.ts'

const apex = 'mail.example.test.'
const zoneFile = (dnssec: string): string => `
zone: ${apex}
ttl: 3600
${dnssec}
soa: { mname: ns1, rname: hostmaster, minimum: 300 }
records: { '@': { NS: ns1, MX: 10 ns1 }, ns1: { A: 127.0.0.1 } }
`
const parentText = `$TTL 3600
example.test. SOA ns1.example.test. hostmaster.example.test. 1 3600 600 86400 300
example.test. NS ns1.example.test.
ns1.example.test. A 127.0.0.1
${apex} NS ns1.${apex}
ns1.${apex} A 127.0.0.1
`
const dsTtlSeconds = 7200
const [hour, minute] = [3_600_000, 60_000]

const folder = join(temporaryFolder(), 'keys')
const hook = join(temporaryFolder(), 'hook')
const fakeTime = createFakeTime()
let parent: ForeignServer
let server: RunningServer
let shiftMs = 0

const nowMs = (): number => Math.floor(performance.timeOrigin + performance.now()) + shiftMs

/** Both the server and the commands are at this time then. */
function goTo(time: string | number): void {
  shiftMs += (typeof time === 'number' ? time : Date.parse(time)) - nowMs()
  fakeTime.shift(Math.ceil(shiftMs / 1000))
}

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

async function run(...argv: string[]): Promise<Ran> {
  const written = { out: '', err: '' }
  vi.spyOn(process.stdout, 'write').mockImplementation(
    (text) => (written.out += String(text)) !== '',
  )
  vi.spyOn(process.stderr, 'write').mockImplementation(
    (text) => (written.err += String(text)) !== '',
  )
  vi.spyOn(Date, 'now').mockImplementation(nowMs)
  const code = await runKeys([...argv, '--keys', folder])
  vi.restoreAllMocks()
  return { code, ...written }
}

const parentFlags = (): string[] => [
  '--zones',
  server.zonesFolder,
  '--resolver',
  `127.0.0.1:${parent.port}`,
  '--port',
  String(parent.port),
]

interface Report {
  readonly did: string
  readonly kind: string | null
  readonly outgoing: readonly number[]
  readonly incoming: readonly number[]
  readonly steps: readonly { readonly at: string | null; readonly what: string }[]
  readonly waitsFor: { readonly on: string; readonly until: string | null; why: string[] } | null
}

async function rollover(...flags: string[]): Promise<Report & { readonly code: number }> {
  const { code, out, err } = await run('rollover', apex, '--json', ...parentFlags(), ...flags)
  expect(err).toBe('')
  return { ...(JSON.parse(out) as Report), code }
}

interface Retired {
  readonly step: string
  readonly until: string | null
}

async function retire(...flags: string[]): Promise<Retired & { readonly code: number }> {
  const { code, out } = await run('retire', apex, '--json', ...parentFlags(), ...flags)
  return { ...(JSON.parse(out) as Retired), code }
}

const tagsIn = async (type: string): Promise<string> => {
  const { answer } = await dig(server.port, apex, type, '+dnssec')
  const found = answer.filter((record) => record.type === 'RRSIG')
  return found
    .map(({ rdata }) => rdata.split(' ')[6] ?? '')
    .sort()
    .join()
}

const deletesDs = async (): Promise<boolean> => {
  const { answer } = await dig(server.port, apex, 'CDS')
  return answer.some(({ rdata }) => rdata.startsWith('0 0 0 '))
}

/** Waits until these keys sign, and finds what was answered secure by the DS that the parent has. */
async function signedBy(dnskey: readonly number[], data: readonly number[]): Promise<void> {
  const wanted = [dnskey, data].map((tags) => tags.map(String).sort().join()).join(' ')
  await until(async () => `${await tagsIn('DNSKEY')} ${await tagsIn('MX')}` === wanted, {
    what: `DNSKEY and MX signed by ${wanted}`,
    withinMs: 30_000,
  })
  const { answer } = await dig(parent.port, apex, 'DS', '+crypto')
  const signers = parseDelegationSigners(answer.map(({ rdata }) => `DS ${rdata}`).join('\n'))
  expect(signers).toHaveLength(1)
  const ask = (qtype: number): Promise<Buffer> =>
    queryUdp(
      server.port,
      buildQuery({ rawName: [...wireOf(labelsOf(apex))], type: qtype, opts: [{ dnssecOk: true }] }),
    )
  const nowSeconds = Math.floor(nowMs() / 1000)
  const trusted = trustByDs(apex, signers, await ask(48), nowSeconds)
  expect(trusted.kind).toBe('trusted')
  if (trusted.kind !== 'trusted') return
  const response = withoutUnseen(await ask(15), trusted.zone)
  const judged = validate([trusted.zone], { qname: apex, qtype: 15 }, response, nowSeconds)
  expect(judged).toMatchObject({ kind: 'secure', outcome: 'data' })
}

/** Resolvers pass over signatures of keys that are not in DNSKEY (RFC 4035 §5.3.1), which the validator calls bogus. */
function withoutUnseen(response: Buffer, { keys }: TrustedZone): Buffer {
  const message = decodeMessage(response)
  const tags = keys.map(({ tag }) => tag)
  const seen = (records: readonly Rr[]): Rr[] =>
    records.filter(({ type, rdata }) => type !== 46 || tags.includes(rdata.readUInt16BE(16)))
  const { answer, authority, additional } = message
  return encodeMessage({
    ...message,
    answer: seen(answer),
    authority: seen(authority),
    additional: seen(additional),
  })
}

const stepAt = ({ steps }: Report, what: string): string =>
  steps.find((step) => step.what.endsWith(what))?.at ?? `no step "${what}"`

/** The times of a key in the eyes of dnssec-settime. */
function settimeOf(tag: number): Readonly<Record<string, string>> {
  const ending = `+${String(tag).padStart(5, '0')}.private`
  const file = join(folder, readdirSync(folder).find((name) => name.endsWith(ending)) ?? '')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const args = ['-u', '-p', 'all', file.replace(/\.private$/, '')]
  const env = { ...process.env, PATH: foreignPath }
  const lines = execFileSync('dnssec-settime', args, { encoding: 'utf8', env }).split('\n')
  return Object.fromEntries(
    lines.flatMap((line) => {
      const [, name = '', seconds = ''] = /^(.*): (\d+)$/.exec(line) ?? []
      return name === ''
        ? []
        : [[name, `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}Z`]]
    }),
  )
}

const nsupdate = (lines: string): string => `#!/bin/sh
{ echo "server 127.0.0.1 ${parent.port}"; echo "zone example.test."; ${lines}; echo send; } | nsupdate
`

beforeAll(async () => {
  parent = await startForeign(
    {
      command: 'named',
      arguments: (file) => ['-g', '-n', '1', '-c', file],
      configuration: (place) => `
options {
${bindBasics(place)}
  recursion no;
  dnssec-validation no;
  notify no;
  empty-zones-enable no;
};
controls { };
${place.zones.map((zone) => `zone "${zone.apex}" { type primary; file "${zone.file}"; allow-update { 127.0.0.1; }; };`).join('\n')}
`,
    },
    [{ apex: 'example.test.', text: parentText }],
  )
  const change = `echo "update delete $ZONE DS"; echo "$DS" | sed -n "s/ IN / ${dsTtlSeconds} IN /; s/^[^ ]/update add &/p"`
  writeFileSync(hook, nsupdate(change))
  chmodSync(hook, 0o700)
  await run('generate', apex)
  const { out } = await run('ds', apex)
  const [ds = ''] = out.split('\n')
  execFileSync(hook, { env: { ...process.env, PATH: foreignPath, ZONE: apex, DS: ds } })
  server = await startServer({
    zones: { 'mail.yaml': zoneFile('dnssec: {}') },
    settings: `dnssec: { keys: ${folder} }\nlameduck: 0s\n`,
    ...fakeTime.surroundings,
  })
})
afterAll(async () => {
  await server.stop()
  await parent.stop()
})
afterEach(() => vi.restoreAllMocks())

describe('keys rollover', () => {
  test('of one key that signs all, as far as the parent lets it', async () => {
    const begun = await rollover()
    expect(begun).toMatchObject({ code: 4, did: 'begun', kind: 'csk', waitsFor: { on: 'copies' } })
    const [old = 0, next = 0] = [...begun.outgoing, ...begun.incoming]
    await signedBy([old], [old])
    goTo(Date.parse(stepAt(begun, 'on every instance before')) + 1000)
    await signedBy([old, next], [old])
    expect(await rollover()).toMatchObject({ code: 4, waitsFor: { on: 'caches' } })
    goTo(Date.parse(stepAt(begun, 'is due at the parent')) + 1000)
    const due = await rollover()
    expect(due).toMatchObject({ code: 4, waitsFor: { on: 'parent', until: null } })
    expect(due.waitsFor?.why).toEqual([
      `ns1.example.test (127.0.0.1) has no DS of ${next}`,
      `ns1.example.test (127.0.0.1) still has the DS of ${old}`,
    ])
    const seenMs = nowMs()
    const planned = await rollover('--hook', hook)
    expect(planned).toMatchObject({ code: 0, waitsFor: null })
    const changeMs = Date.parse(stepAt(planned, 'in place of the old one'))
    const endMs = Date.parse(stepAt(planned, 'is gone from DNSKEY'))
    // The DS had a TTL of two hours, the zone has one of one: an hour more each.
    expect(Math.abs(changeMs - seenMs - 3 * hour)).toBeLessThan(minute)
    expect(endMs - changeMs).toBe(2 * hour)
    await signedBy([old, next], [old])
    goTo(changeMs + 1000)
    await signedBy([old, next], [next])
    expect(await rollover()).toMatchObject({ code: 0, did: 'ending' })
    goTo(endMs + 1000)
    await signedBy([next], [next])
  })

  test('of the algorithm, and what dnssec-settime reads', async () => {
    const begun = await rollover('--algorithm', '15')
    expect(begun).toMatchObject({ code: 4, kind: 'algorithm' })
    const [old = 0, next = 0] = [...begun.outgoing, ...begun.incoming]
    goTo(Date.parse(begun.steps[0]?.at ?? '') + 1000)
    await signedBy([old], [old, next])
    goTo(Date.parse(stepAt(begun, 'is due at the parent')) + 1000)
    const planned = await rollover('--hook', hook)
    expect(planned.code).toBe(0)
    expect(settimeOf(next)).toMatchObject({
      Publish: stepAt(begun, 'on every instance before'),
      'DS Publish': stepAt(planned, 'and no longer the old'),
    })
    expect(settimeOf(old)).toMatchObject({
      Delete: stepAt(planned, 'is gone from DNSKEY'),
      Inactive: stepAt(planned, 'no longer signs'),
    })
    goTo(Date.parse(stepAt(planned, 'is gone from DNSKEY')) + 1000)
    await signedBy([next], [old, next])
    goTo(Date.parse(stepAt(planned, 'no longer signs')) + 1000)
    await signedBy([next], [next])
  })

  test('is undone while the parent knows nothing of it, and says why not later', async () => {
    const begun = await rollover()
    const [old = 0, next = 0] = [...begun.outgoing, ...begun.incoming]
    goTo(Date.parse(stepAt(begun, 'on every instance before')) + 1000)
    await signedBy([old, next], [old])
    expect(await rollover('--abort')).toMatchObject({ code: 0, did: 'aborted' })
    goTo(nowMs() + 11 * minute)
    await signedBy([old], [old])
    const again = await rollover('--now')
    goTo(Date.parse(stepAt(again, 'is due at the parent')) + 1000)
    const planned = await rollover('--hook', hook)
    expect(planned.code).toBe(0)
    const late = await run('rollover', apex, ...parentFlags(), '--abort')
    expect(late.code).toBe(1)
    expect(late.err).toContain('(rollover-at-parent)')
    expect((await run('retire', apex, ...parentFlags())).err).toContain('(rollover-under-way)')
    goTo(Date.parse(stepAt(planned, 'is gone from DNSKEY')) + 1000)
  })
})

describe('keys status --parents', () => {
  test('tells what each name server of the parent has', async () => {
    const { out } = await run('status', apex, '--parents', ...parentFlags().slice(2))
    expect(out).toMatch(
      /^ns1\.example\.test \(127\.0\.0\.1\) of example\.test: DS \d+ of algorithm 15$/m,
    )
  })
})

describe('keys retire', () => {
  test('comes to an unsigned zone when no cache has a DS any more', async () => {
    expect(await retire()).toMatchObject({ code: 4, step: 'zone-file-unsign' })
    server.writeZone('mail.yaml', zoneFile('dnssec: { unsign: true }'))
    expect(await retire()).toMatchObject({ code: 4, step: 'parent-to-drop-ds' })
    // Without having read this the server refuses a zone file without `dnssec`.
    await until(deletesDs, { what: 'CDS 0 0 0 00', withinMs: 30_000 })
    const goneMs = nowMs()
    const dropped = await retire('--hook', hook)
    expect(dropped).toMatchObject({ code: 4, step: 'caches-to-drop-ds' })
    const safeMs = Date.parse(dropped.until ?? '')
    expect(Math.abs(safeMs - goneMs - 3 * hour)).toBeLessThan(minute)
    server.writeZone('mail.yaml', zoneFile(''))
    expect(await retire()).toMatchObject({ code: 1, step: 'sign-again', until: dropped.until })
    server.writeZone('mail.yaml', zoneFile('dnssec: { unsign: true }'))
    goTo(safeMs + 1000)
    expect(await retire()).toMatchObject({ code: 4, step: 'zone-file-unsigned' })
    server.writeZone('mail.yaml', zoneFile(''))
    expect(await retire()).toMatchObject({ code: 0, step: 'retired' })
    expect(await retire()).toMatchObject({ code: 0, step: 'retired' })
    await until(async () => (await tagsIn('MX')) === '', {
      what: 'answers without signatures',
      withinMs: 30_000,
    })
  })
})
