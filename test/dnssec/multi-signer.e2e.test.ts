// A zone that BIND and this server answer, each with signatures by keys of its own (RFC 8901 §2.1.2), as it is while a zone
// moves from one to the other. A resolver that validates asks now the one, now the other.

import { execFileSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'

import { beforeAll, expect, it } from 'vitest'

import { startBind } from '../support/bind.ts'
import { dig } from '../support/dig.ts'
import { foreignPath } from '../support/foreign-server.ts'
import { resolverVerdicts } from '../support/foreign-validators.ts'
import { inTurns } from '../support/in-turns.ts'
import { type RunningServer, startServer, temporaryFolder } from '../support/server.ts'
import {
  delegationSigner,
  type ForeignKeys,
  generateKeys,
  signZone,
} from '../support/signed-zone.ts'
import { startValidatingUnbound } from '../support/unbound.ts'
import { until } from '../support/wait.ts'

const apex = 'shared.example.test'
const hosts = Array.from({ length: 40 }, (_, i) => `host${i}`)

const zoneFile = (foreign: readonly string[]): string => `
zone: ${apex}
ttl: 60
dnssec: { foreign_keys: ${JSON.stringify(foreign)} }
soa: { mname: ns1, rname: hostmaster }
records:
  '@': { NS: ns1, MX: '10 host0' }
  ns1: { A: 127.0.0.1 }
${hosts.map((host) => `  ${host}: { A: 192.0.2.1 }`).join('\n')}
`

/** The keys of this server stand among the records that BIND's sign. */
const masterFile = (keys: ForeignKeys): string => `
$ORIGIN ${apex}.
$TTL 60
@ SOA ns1 hostmaster 1 3600 600 604800 60
@ NS ns1
@ MX 10 host0
ns1 A 127.0.0.1
${hosts.map((host) => `${host} A 192.0.2.1`).join('\n')}
${keys.text}`

const folder = temporaryFolder()
let ours: ForeignKeys
let theirs: ForeignKeys
let server: RunningServer
/** Where both are asked in turns. */
let port = 0

const run = (command: string, args: readonly string[]): string =>
  execFileSync(command, args, { env: { ...process.env, PATH: foreignPath }, encoding: 'utf8' })

const rdataOf = ({ text }: ForeignKeys): readonly string[] =>
  text.split('\n').flatMap((line) => line.split(/ DNSKEY /)[1] ?? [])

beforeAll(async () => {
  ours = generateKeys(`${apex}.`, 'ECDSAP256SHA256', false, folder)
  for (const name of ours.names) run('dnssec-settime', ['-K', folder, '-P', 'sync', 'now', name])
  for (const name of ours.names) chmodSync(join(folder, `${name}.private`), 0o600)
  theirs = generateKeys(`${apex}.`, 'ECDSAP256SHA256', true)
  const signed = signZone(`${apex}.`, masterFile(ours), theirs)
  const bind = await startBind([{ apex: `${apex}.`, text: signed.text }])
  server = await startServer({
    zones: { 'a.yaml': zoneFile(rdataOf(theirs)) },
    settings: `dnssec: { keys: ${folder} }\nlameduck: 0s\n`,
  })
  const turns = await inTurns([bind.port, server.port])
  port = turns.port
  return async () => {
    turns.close()
    await Promise.all([server.stop(), bind.stop()])
  }
})

const questions = [
  ...hosts.map((host) => ({ qname: `${host}.${apex}.`, qtype: 1 })),
  ...hosts.map((host) => ({ qname: `${host}-not.${apex}.`, qtype: 1 })),
  ...[6, 15, 48].map((qtype) => ({ qname: `${apex}.`, qtype })),
]

/** How many of the answers a new resolver finds what, with the keys of both as anchors. */
async function verdicts(): Promise<ReadonlyMap<string, number>> {
  const keys = ours.text + theirs.text
  const resolver = await startValidatingUnbound([{ apex: `${apex}.`, port, keys }])
  try {
    const kinds = (await resolverVerdicts(resolver.port, questions)).map(({ kind }) => kind)
    return new Map(kinds.map((kind) => [kind, kinds.filter((one) => one === kind).length]))
  } finally {
    await resolver.stop()
  }
}

it('is secure by both where each has the keys of the other', async () => {
  expect(Object.fromEntries(await verdicts())).toEqual({ secure: questions.length })
})

it('has the parent told of the keys of both', async () => {
  const digests = [ours, theirs].map((keys) => delegationSigner(keys).split(' DS ')[1] ?? '')
  const { answer } = await dig(server.port, apex, 'CDS', '+crypto')
  const bare = (text: string): string => text.replaceAll(/\s/g, '')
  expect(answer.map(({ rdata }) => bare(rdata)).toSorted()).toEqual(digests.map(bare).toSorted())
})

it('refuses a key of an algorithm that nothing here signs with', async () => {
  const { text } = generateKeys(`${apex}.`, 'ED25519', false)
  server.writeZone('a.yaml', zoneFile(rdataOf({ ...theirs, text })))
  const line = await server.waitForLog(({ code }) => code === 'key-algorithm-gap', 60_000)
  expect(line['message']).toContain('algorithm 15 is in DNSKEY by "foreign_keys"')
  expect((await dig(server.port, apex, 'DNSKEY')).answer).toHaveLength(3)
})

it('is not where this server lacks those of the other', async () => {
  server.writeZone('a.yaml', zoneFile([]))
  const keyCount = async (): Promise<number> =>
    (await dig(server.port, apex, 'DNSKEY')).answer.length
  await until(async () => (await keyCount()) === 1, { what: 'one DNSKEY', withinMs: 60_000 })
  let bogus = 0
  for (let tries = 0; tries < 20 && bogus === 0; tries++)
    bogus = (await verdicts()).get('bogus') ?? 0
  expect(bogus).toBeGreaterThan(0)
})
