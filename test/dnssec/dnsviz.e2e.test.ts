// DNSViz, which analyses zones as operators see them drawn, over every kind of answer of a signed zone and the delegations
// in it: it finds no error and no warning. And it does find them once answers are older than their signatures.

import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, it } from 'vitest'

import { type ForeignServer, foreignPath } from '../support/foreign-server.ts'
import { sepKeys } from '../support/foreign-validators.ts'
import { startNsd } from '../support/nsd.ts'
import { temporaryFolder } from '../support/server.ts'
import { servedZone } from '../support/served-zone.ts'
import {
  delegationSigner,
  type ForeignKeys,
  generateKeys,
  signZone,
} from '../support/signed-zone.ts'

const zone = 'signed.example.test'
const childText = (apex: string): string => `
$ORIGIN ${apex}
$TTL 60
@ SOA ns1 hostmaster 1 3600 600 604800 60
@ NS ns1
@ A 192.0.2.7
ns1 A 127.0.0.1
`
/** Nothing leads out of the zone but to its children: DNSViz would ask there too. */
const zoneText = (ds: string): string => `
zone: ${zone}
ttl: 60
dnssec: {}
soa: { mname: ns1, rname: hostmaster.example.test., minimum: 30 }
targets:
  mx1: { addresses: [203.0.113.1, "2001:db8::1"], tlsa: "3 1 1 ${'ab'.repeat(32)}" }
  mx2: { addresses: [203.0.113.2, "2001:db8::2"], tlsa: "3 1 1 ${'cd'.repeat(32)}" }
pools: { main: { targets: { mx1: 3, mx2: 1 } } }
steering: { inbound: [{ pools: [main] }] }
records:
  '@': { NS: ns1, MX: { steer: inbound }, TXT: '"text"' }
  ns1: { A: 127.0.0.1 }
  relay: { address: { steer: inbound } }
  alias: { CNAME: relay }
  tree: { DNAME: grove }
  oak.grove: { A: 192.0.2.3 }
  '*.wild': { A: 192.0.2.4, MX: { steer: inbound } }
  '*.walias': { CNAME: relay }
  below.ent: { TXT: '"below an empty non-terminal"' }
  safe: { NS: ns1.safe, DS: ${ds} }
  ns1.safe: { A: 127.0.0.1 }
  open: { NS: ns1.open }
  ns1.open: { A: 127.0.0.1 }
`
/** What is asked for, at each of the names. */
const types = 'A,AAAA,MX,TXT,TLSA,CNAME'
const asked =
  '@ relay alias oak.tree elm.tree any.wild any.walias ent mx1 _25._tcp.mx1 _25._tcp.relay missing safe open'
    .split(' ')
    .map((name) => (name === '@' ? zone : `${name}.${zone}`))

let keys: ForeignKeys
let children: ForeignServer
const server = servedZone(async () => {
  keys = generateKeys(`${zone}.`, 'ECDSAP256SHA256', true)
  const [safe, open] = [`safe.${zone}.`, `open.${zone}.`]
  const safeKeys = generateKeys(safe, 'ECDSAP256SHA256', false)
  children = await startNsd([
    signZone(safe, childText(safe), safeKeys),
    { apex: open, text: childText(open) },
  ])
  const ds = delegationSigner(safeKeys)
    .replace(/^\S+ IN DS /, '')
    .trim()
  return {
    zones: { 'signed.yaml': zoneText(ds) },
    settings: `dnssec: { keys: ${keys.folder} }\n`,
  }
})
afterAll(() => children?.stop())

/** DNSViz asks pygraphviz for its version, which Debian's says at another place. */
const program = `
import pygraphviz, runpy, sys, types
pygraphviz.release = types.SimpleNamespace(version=pygraphviz.__version__)
sys.argv[0] = 'dnsviz'
runpy.run_path('/usr/bin/dnsviz', run_name='__main__')
`

async function dnsviz(...args: readonly string[]): Promise<string> {
  const env = { ...process.env, PATH: foreignPath }
  const limits = { env, timeout: 60_000, maxBuffer: 1 << 26 }
  return (await promisify(execFile)('/usr/bin/python3', ['-c', program, ...args], limits)).stdout
}

/** Answers of our server, and of the children's at NSD; nobody else is asked. */
async function probe(file: string): Promise<string> {
  const ours = `127.0.0.1:${server.port}`
  const servers = [`${zone}+:ns1.${zone}=${ours}`].concat(
    ['safe', 'open'].map((name) => {
      const child = `${name}.${zone}`
      return `${child}:ns1.${child}=127.0.0.1:${children.port}`
    }),
  )
  const where = servers.flatMap((one) => ['-x', one])
  await dnsviz(
    'probe',
    '-4',
    '-A',
    '-t',
    '4',
    '-a',
    zone,
    ...where,
    '-R',
    types,
    '-o',
    file,
    ...asked,
  )
  return readFileSync(file, 'utf8')
}

/** Per name what is made of it: a line for a set, a denial or a signature, marked \`.\` where it is secure. */
async function analyse(collected: string, anchors: string): Promise<Map<string, string[]>> {
  const text = await dnsviz('print', '-t', anchors, '-r', collected)
  const sections = new Map<string, string[]>()
  let section: string[] = []
  for (const line of text.split('\n')) {
    const [, name, marks] = /^([\w.]\S*)(.*)/.exec(line) ?? []
    if (name !== undefined) sections.set(name, (section = [`delegation${marks}`]))
    else if (line !== '') section.push(line.replaceAll(/^ {2}|\s+$/g, ''))
  }
  return sections
}

/** Of errors and warnings: `E:SOME_CODE`. */
const findings = (lines: readonly string[]): string[] =>
  lines.filter((line) => /^\s*[EW]:/.test(line)).map((line) => line.trim())

it('finds nothing wrong in any kind of answer, and what is expired', async () => {
  const folder = temporaryFolder()
  const [file, late, anchors] = [join(folder, 'probe'), join(folder, 'late'), join(folder, 'keys')]
  writeFileSync(anchors, sepKeys(keys.text))
  const collected = await probe(file)
  const sections = await analyse(file, anchors)
  expect(asked.filter((name) => !sections.has(name))).toEqual([])
  expect(findings([...sections.values()].flat())).toEqual([])
  for (const [name, [head, ...lines]] of sections) {
    const isOpen = name === `open.${zone}`
    if (isOpen || name === `safe.${zone}`)
      expect(head).toBe(`delegation ${isOpen ? '[-] [-]' : '[.] [.]'}`)
    const secure = lines.filter((line) => line.startsWith('[.]'))
    // What is below the cut without a DS is insecure, and that there is no DS is secure.
    if (isOpen) expect(secure[0]).toBe('[.]  DS: NODATA')
    else expect([name, ...secure]).toEqual([name, ...lines])
  }
  expect(sections.get(`missing.${zone}`)).toContain('[.]  A: NXDOMAIN')
  const year = new Date().getUTCFullYear()
  writeFileSync(
    late,
    collected.replaceAll(`"analysis_end": "${year}`, `"analysis_end": "${year + 1}`),
  )
  expect(findings([...(await analyse(late, anchors)).values()].flat())).toContain(
    'E:EXPIRATION_IN_PAST',
  )
})
