// `mxsteer doctor` of signed zones, between a parent that BIND signs and serves, a second server of it that is behind, our
// server and NSD as name servers of the zones, and Unbound that validates: one run over all zones, of which each has one fault.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'

import type { ReportLine } from '../../src/doctor/report.ts'
import { startBind } from '../support/bind.ts'
import { startDnsRelay } from '../support/dns-relay.ts'
import { type ForeignServer, type ForeignZone } from '../support/foreign-server.ts'
import { startNsd } from '../support/nsd.ts'
import { type RunningServer, runCommand, startServer, temporaryFolder } from '../support/server.ts'
import { type ForeignKeys, generateKeys, signZone } from '../support/signed-zone.ts'
import { startValidatingUnbound } from '../support/unbound.ts'
import {
  alsoOurs,
  apexOf,
  behind,
  type Case,
  cases,
  ours,
  p256,
  theirs,
} from '../support/signed-cases.ts'

const zoneFile = (one: Case): string => `
zone: ${apexOf(one)}
${one.dnssec ?? 'dnssec: {}'}
soa: { mname: ns1, rname: hostmaster.example.test., serial: 7 }
records:
  "@": { NS: [ns1, ns2], MX: 10 mail }
  mail: { A: 192.0.2.1 }
  ns1: { A: ${ours} }
  ns2: { A: ${secondOf(one)} }
  ${one.records ?? ''}
`
const secondOf = (one: Case): string => (one.other === undefined ? alsoOurs : theirs)

const [parent, unsignedParent] = ['example.test.', 'open.example.test.']

/** A zone that delegates the zones of the cases; the second server of `parent` may have other DS of them. */
function parentText(apex: string, isBehind: boolean): string {
  const lines = cases
    .filter((one) => (one.parent ?? parent) === apex)
    .map((one) => {
      const ds = (isBehind && one.dsBehind?.(keysOf(one))) || one.ds(keysOf(one), apexOf(one))
      return `${one.name} NS ns1.${one.name}
${one.name} NS ns2.${one.name}
ns1.${one.name} A ${ours}
ns2.${one.name} A ${secondOf(one)}
${ds.join('')}`
    })
  return `$ORIGIN ${apex}
$TTL 60
@ SOA ns1 hostmaster 1 3600 600 86400 60
@ NS ns1
@ NS ns2
ns1 A 127.0.0.1
ns2 A ${behind}
${apex === parent ? `open NS ns1\nopen NS ns2\n` : ''}${lines.join('\n')}
`
}

const stops: (() => Promise<unknown>)[] = []
const keysByName = new Map<string, ForeignKeys>()
const keysOf = ({ name }: Case): ForeignKeys => keysByName.get(name) as ForeignKeys

async function started<Server extends { stop(): Promise<unknown> }>(
  server: Promise<Server>,
): Promise<Server> {
  const one = await server
  stops.push(() => one.stop())
  return one
}

async function relayed(address: string, port: number, to: ForeignServer): Promise<void> {
  const relay = await startDnsRelay({ address, port }, to.port)
  stops.push(() => relay.close())
}

/** Starts the name servers of the parents; returns their port. */
async function startParents(keys: ForeignKeys): Promise<number> {
  const zones = (isBehind: boolean): ForeignZone[] => [
    { apex: parent, text: signZone(parent, parentText(parent, isBehind), keys).text },
    { apex: unsignedParent, text: parentText(unsignedParent, isBehind) },
  ]
  const [first, second] = await Promise.all([
    started(startBind(zones(false))),
    started(startBind(zones(true))),
  ])
  await relayed(behind, first.port, second)
  return first.port
}

const startOthers = (): Promise<ForeignServer> =>
  started(
    startNsd(
      cases.flatMap((one) => {
        const text = one.other?.(apexOf(one), keysOf(one))
        return text === undefined ? [] : [{ apex: apexOf(one), text }]
      }),
    ),
  )

let server: RunningServer
let port: number
let parentKeys: ForeignKeys
let unbound: ForeignServer
let lines: readonly ReportLine[] = []

beforeAll(async () => {
  const keyFolder = join(temporaryFolder(), 'keys')
  mkdirSync(keyFolder, { mode: 0o700 })
  for (const one of cases) {
    const { makeKeys = p256 } = one
    keysByName.set(one.name, makeKeys(apexOf(one), keyFolder))
  }
  parentKeys = generateKeys(parent, 'ECDSAP256SHA256', false)
  port = await startParents(parentKeys)
  await relayed(theirs, port, await startOthers())
  const listen = [ours, alsoOurs].flatMap((address) => ['--listen', `${address}:${port}`])
  server = await started(
    startServer({
      zones: Object.fromEntries(cases.map((one) => [`${one.name}.yaml`, zoneFile(one)])),
      settings: `dnssec: { keys: ${keyFolder} }\nlameduck: 0s\n`,
      flags: listen,
    }),
  )
  unbound = await startResolver(parentKeys.text)
  lines = await examined(unbound)
}, 120_000)
afterAll(async () => void (await Promise.all(stops.map((stop) => stop()))))

/** Unbound that trusts these keys of the parent; '': none. */
const startResolver = (trusted: string): Promise<ForeignServer> =>
  started(
    startValidatingUnbound([
      { apex: parent, port, keys: trusted },
      { apex: unsignedParent, port, keys: '' },
      ...cases.map((one) => ({ apex: apexOf(one), port: server.port, keys: '' })),
    ]),
  )

async function examined(
  resolver: ForeignServer,
  ...flags: readonly string[]
): Promise<readonly ReportLine[]> {
  const where = ['--zones', server.zonesFolder, '--resolver', `127.0.0.1:${resolver.port}`]
  const rest = ['--port', String(port), '--egress', '127.0.0.1:9', '--json', ...flags]
  const { stdout, stderr } = await runCommand('doctor', ...where, ...rest)
  expect(stderr).toBe('')
  return JSON.parse(stdout) as readonly ReportLine[]
}

const checks = 'ds keys signatures clock denial cds validation dane'.split(' ')

/** Lines of the checks above. Key tags of the zone are K and L, others X. */
function reported(one: Case, from: readonly ReportLine[] = lines): readonly string[] {
  const zone = apexOf(one).slice(0, -1)
  const tags = keysOf(one).names.map((name) => String(Number(name.slice(-5))))
  const tagText = (tag: string): string => 'KL'[tags.indexOf(tag)] ?? 'X'
  const said = (text: string): string =>
    text
      .replaceAll(
        /\b(\d{1,5}) (?=1[35] [124]\b|\(algorithm)/g,
        (_, tag: string) => `${tagText(tag)} `,
      )
      .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d UTC/g, 'TIME')
      .replaceAll(/the resolver 127\.0\.0\.1 port \d+/g, 'UNBOUND')
      .replaceAll(zone, 'ZONE')
      .replace('L (algorithm 13), K (algorithm 13)', 'K (algorithm 13), L (algorithm 13)')
  return from
    .filter((line) => line.zone === zone && checks.includes(line.check))
    .map(({ check, status, text }) => `${check} ${status}: ${said(text)}`)
}

it.each(cases.map((one) => [one.name, one] as const))('%s', (_, one) => {
  expect(reported(one)).toEqual(one.expected)
})

it('has advice where something is wrong', () => {
  const inChain = lines.filter(({ check }) => checks.includes(check))
  for (const { status, advice } of inChain)
    expect(advice !== null).toBe(status === 'warn' || status === 'fail')
})

it('says that a resolver without trust anchors validates nothing', async () => {
  const [right] = cases as readonly [Case]
  const seen = await examined(await startResolver(''), '--zone', 'right.example.test')
  expect(reported(right, seen)).toContain(
    'validation skip: UNBOUND does not validate: give one that does with --resolver',
  )
})
