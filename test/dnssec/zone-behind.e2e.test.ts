// Two instances with the same keys of which one has a zone file that is a version behind, as while a change is rolled out. A
// resolver that validates, and keeps denials for names nobody has asked for, asks now the one, now the other.

import { chmodSync } from 'node:fs'
import { join } from 'node:path'

import { beforeAll, expect, it } from 'vitest'

import { dig } from '../support/dig.ts'
import { resolverVerdicts } from '../support/foreign-validators.ts'
import { inTurns } from '../support/in-turns.ts'
import { type RunningServer, startServer, temporaryFolder } from '../support/server.ts'
import { type ForeignKeys, generateKeys } from '../support/signed-zone.ts'
import { startValidatingUnbound } from '../support/unbound.ts'
import { until } from '../support/wait.ts'

const apex = 'rolled.example.test'
const common = Array.from({ length: 12 }, (_, i) => `host${i}`)
const gone = Array.from({ length: 12 }, (_, i) => `old${i}`)
const added = Array.from({ length: 12 }, (_, i) => `new${i}`)

/** `address`: of all hosts. */
const zoneFile = (hosts: readonly string[], address: string, more: string): string => `
zone: ${apex}
ttl: 60
dnssec: {}
soa: { mname: ns1, rname: hostmaster }
targets:
  mx1: { addresses: [${address}] }
  mx2: { addresses: [198.51.100.2] }
pools: { main: { targets: [mx1, mx2] } }
steering: { inbound: [{ pools: [main] }] }
records:
  '@': { NS: ns1, MX: { steer: inbound }${more} }
  ns1: { A: 127.0.0.1 }
${hosts.map((host) => `  ${host}: { A: ${address} }`).join('\n')}
`

const before = zoneFile([...common, ...gone], '192.0.2.1', '')
const after = zoneFile([...common, ...added], '192.0.2.2', ", TXT: 'a text'")

const folder = temporaryFolder()
let keys: ForeignKeys
let late: RunningServer
let early: RunningServer
let port = 0

beforeAll(async () => {
  keys = generateKeys(`${apex}.`, 'ECDSAP256SHA256', false, folder)
  for (const name of keys.names) chmodSync(join(folder, `${name}.private`), 0o600)
  const options = {
    zones: { 'a.yaml': before },
    settings: `dnssec: { keys: ${folder} }\nlameduck: 0s\n`,
  }
  ;[late, early] = await Promise.all([startServer(options), startServer(options)])
  early.writeZone('a.yaml', after)
  const isNew = async (): Promise<boolean> =>
    (await dig(early.port, `${added[0]}.${apex}`, 'A')).answer.length > 0
  await until(isNew, { what: 'the new zone', withinMs: 60_000 })
  const turns = await inTurns([late.port, early.port])
  port = turns.port
  return async () => {
    turns.close()
    await Promise.all([late.stop(), early.stop()])
  }
})

it('is secure whichever of them a resolver asks, in any mixture', async () => {
  const serials = await Promise.all(
    [late, early].map(async (server) => (await dig(server.port, apex, 'SOA')).answer[0]?.rdata),
  )
  expect(serials[0]).not.toBe(serials[1])
  const names = [...common, ...gone, ...added].map((host) => `${host}.${apex}.`)
  const questions = [
    ...names.flatMap((qname) => [1, 16, 28].map((qtype) => ({ qname, qtype }))),
    ...common.map((host) => ({ qname: `${host}-not.${apex}.`, qtype: 1 })),
    ...[6, 2, 15, 16, 48].map((qtype) => ({ qname: `${apex}.`, qtype })),
    ...['mx1', 'mx2'].map((host) => ({ qname: `${host}.${apex}.`, qtype: 1 })),
  ]
  for (let round = 0; round < 4; round++) {
    const resolver = await startValidatingUnbound([{ apex: `${apex}.`, port, keys: keys.text }])
    try {
      // Each resolver begins with another instance, and what it keeps of one meets what it hears of the other.
      const asked = [...questions.slice(round), ...questions.slice(0, round), ...questions]
      const verdicts = await resolverVerdicts(resolver.port, asked)
      const others = verdicts.flatMap(({ kind }, i) =>
        kind === 'secure' ? [] : [{ kind, ...asked[i] }],
      )
      expect(others).toEqual([])
    } finally {
      await resolver.stop()
    }
  }
})
