// `mxsteer delegation`: what it prints, as BIND reads it, as octoDNS documents its files, and as JSON of Terraform; DS as
// BIND's dnssec-dsfromkey has them.

import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { parseAllDocuments } from 'yaml'

import { delegation } from '../../src/cli/zones/delegation.ts'
import { rawRecords } from '../support/bind-raw.ts'
import { temporaryFolder } from '../support/server.ts'

let folder = ''
let keys = ''
beforeEach(() => {
  folder = temporaryFolder()
  keys = join(folder, 'keys')
  mkdirSync(keys, { mode: 0o700 })
})
afterEach(() => vi.restoreAllMocks())

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

async function run(zones: Readonly<Record<string, string>>, ...argv: string[]): Promise<Ran> {
  const zonesFolder = join(folder, 'zones')
  mkdirSync(zonesFolder, { recursive: true })
  for (const [name, text] of Object.entries(zones))
    writeFileSync(join(zonesFolder, `${name}.yaml`), text)
  const written = { out: '', err: '' }
  vi.spyOn(process.stdout, 'write').mockImplementation(
    (text) => (written.out += String(text)) !== '',
  )
  vi.spyOn(process.stderr, 'write').mockImplementation(
    (text) => (written.err += String(text)) !== '',
  )
  const code = await delegation(['--zones', zonesFolder, ...argv])
  return { code, ...written }
}

const zoneFile = (records: string, more = '', name = 'smtp.example.com'): string => `zone: ${name}
soa: { mname: ns1, rname: hostmaster }
${more}
targets: { mx1: { addresses: [192.0.2.1] }, mx2: { addresses: [192.0.2.2, 2001:db8::2] } }
pools: { main: { targets: [mx1, mx2] } }
steering: { inbound: [{ pools: [main] }] }
records:
  ns1: { A: 192.0.2.53 }
  ns2: { A: 192.0.2.54, AAAA: 2001:db8::54 }
${records}`

const plain = zoneFile(`  '@': { NS: [ns1, ns2, ns.example.net.], MX: { steer: inbound } }
  relay: { address: { steer: inbound } }
  _spf: { spf: { pools: [main], all: -all } }
  _mta-sts: { TXT: v=STSv1; id=1 }
  _acme-challenge.mta-sts.example.com: { TXT: token }
`)

const delegated = [
  'smtp.example.com. 3600 IN NS ns1.smtp.example.com.',
  'smtp.example.com. 3600 IN NS ns2.smtp.example.com.',
  'smtp.example.com. 3600 IN NS ns.example.net.',
  'ns1.smtp.example.com. 3600 IN A 192.0.2.53',
  'ns2.smtp.example.com. 3600 IN A 192.0.2.54',
  'ns2.smtp.example.com. 3600 IN AAAA 2001:db8::54',
]
const ofDomain = [
  'example.com. 3600 IN MX 10 relay.smtp.example.com.',
  'example.com. 3600 IN TXT "v=spf1 include:_spf.smtp.example.com ?all"',
  '_mta-sts.example.com. 3600 IN CNAME _mta-sts.smtp.example.com.',
  '_acme-challenge.mta-sts.example.com. 3600 IN CNAME _acme-challenge.mta-sts.example.com.smtp.example.com.',
]

const recordLines = (out: string): string[] =>
  out.split('\n').filter((line) => line !== '' && !line.startsWith(';'))

/** The records that BIND finds in a parent zone with these lines, as many as there are. */
function readByBind(lines: readonly string[], apex = 'example.com.'): number {
  const file = join(folder, 'parent.zone')
  const parent = `$ORIGIN elsewhere.\n${apex} 60 IN SOA ns. root. 1 2 3 4 5\n${apex} 60 IN NS ns.\n`
  writeFileSync(file, `${parent}${lines.join('\n')}\n`)
  execFileSync('named-checkzone', ['-i', 'local', apex, file], { stdio: 'pipe' })
  return rawRecords(apex, file).length - 2
}

describe('as a master file', () => {
  test('NS and glue, and for a domain MX, the SPF include and aliases', async () => {
    const { code, out, err } = await run({ a: plain }, '--domain=Example.COM.', '--format=bind')
    expect([code, err]).toEqual([0, ''])
    const lines = recordLines(out)
    expect(lines).toEqual([...delegated, ...ofDomain])
    expect(readByBind(lines)).toBe(lines.length)
  })

  test('is that of the zone alone without a domain, with another TTL', async () => {
    const { out } = await run({ a: plain }, '--format', 'bind', '--ttl', '300')
    expect(recordLines(out)).toEqual(delegated.map((line) => line.replace('3600', '300')))
  })

  test('has the DS that dnssec-dsfromkey makes, and no word of a DS that is missing', async () => {
    const args = ['-q', '-K', keys, '-a', '13', '-f', 'KSK', 'smtp.example.com']
    const base = execFileSync('dnssec-keygen', args, { encoding: 'utf8' }).trim()
    execFileSync('dnssec-keygen', ['-q', '-K', keys, '-a', '13', 'smtp.example.com'])
    const signed = plain.replace('targets:', 'dnssec: {}\ntargets:')
    const { code, out, err } = await run({ a: signed }, '--format', 'bind', '--keys', keys)
    expect([code, err]).toEqual([0, ''])
    const ds = execFileSync('dnssec-dsfromkey', ['-2', join(keys, base)], { encoding: 'utf8' })
    const [, rdata = ''] = ds.trim().split(' IN DS ')
    const lines = recordLines(out)
    expect(lines.at(-1)).toBe(`smtp.example.com. 3600 IN DS ${rdata}`)
    expect(readByBind(lines)).toBe(delegated.length + 1)
  })
})

test('without the keys of a signed zone it prints the rest, and fails', async () => {
  const signed = plain.replace('targets:', 'dnssec: {}\ntargets:')
  const { code, out, err } = await run({ a: signed }, '--format', 'bind', '--keys', keys)
  expect([code, recordLines(out)]).toEqual([1, delegated])
  expect(err).toBe(
    'mxsteer delegation: smtp.example.com is signed, and no key of it was found: give --keys DIR\n',
  )
})

test('a zone that is to become unsigned has no DS', async () => {
  const leaving = plain.replace('targets:', 'dnssec: { unsign: true }\ntargets:')
  const { code, out } = await run({ a: leaving }, '--format', 'bind', '--keys', keys)
  expect([code, recordLines(out)]).toEqual([0, delegated])
  expect(out).toContain('; The zone is on its way to be unsigned: have the DS taken away.')
})

test('name servers that are targets or steered have all of their addresses as glue', async () => {
  const steered = zoneFile(`  '@': { NS: [mx2, relay] }
  relay: { address: { steer: inbound } }
`)
  const { out } = await run({ a: steered }, '--format', 'bind')
  const at = (name: string, rdata: string): string => `${name}.smtp.example.com. 3600 IN ${rdata}`
  expect(recordLines(out).slice(2)).toEqual([
    at('mx2', 'A 192.0.2.2'),
    at('mx2', 'AAAA 2001:db8::2'),
    at('relay', 'A 192.0.2.1'),
    at('relay', 'A 192.0.2.2'),
    at('relay', 'AAAA 2001:db8::2'),
  ])
})

test('octoDNS: a document a zone, its keys in natural order, values as its record types have them', async () => {
  const many = plain
    .replace('NS: [ns1, ns2, ns.example.net.]', 'NS: [ns10, ns9, ns.example.net.]')
    .replace('  ns1:', '  ns9:')
    .replace('  ns2:', '  ns10:')
  const { out } = await run({ a: many }, '--domain', 'example.org', '--format', 'octodns')
  const [first, second, ...others] = parseAllDocuments(out).map((one) => one.toJS() as unknown)
  expect(others).toEqual([])
  expect(first).toEqual({
    'ns9.smtp': [{ ttl: 3600, type: 'A', values: ['192.0.2.53'] }],
    'ns10.smtp': [
      { ttl: 3600, type: 'A', values: ['192.0.2.54'] },
      { ttl: 3600, type: 'AAAA', values: ['2001:db8::54'] },
    ],
    smtp: [
      {
        ttl: 3600,
        type: 'NS',
        values: ['ns10.smtp.example.com.', 'ns9.smtp.example.com.', 'ns.example.net.'],
      },
    ],
  })
  expect(Object.keys(first as object)).toEqual(['ns9.smtp', 'ns10.smtp', 'smtp'])
  expect(second).toEqual({
    '': [
      { ttl: 3600, type: 'MX', values: [{ exchange: 'relay.smtp.example.com.', preference: 10 }] },
      { ttl: 3600, type: 'TXT', values: ['v=spf1 include:_spf.smtp.example.com ?all'] },
    ],
    '_mta-sts': [{ ttl: 3600, type: 'CNAME', value: '_mta-sts.smtp.example.com.' }],
  })
  expect(out).toMatch(/^# config\/example\.com\.yaml\n/)
  expect(out).toContain('\n# config/example.org.yaml\n')
})

test('octoDNS has the fields of a DS', async () => {
  execFileSync('dnssec-keygen', ['-q', '-K', keys, '-a', '13', '-f', 'KSK', 'smtp.example.com'])
  const signed = plain.replace('targets:', 'dnssec: {}\ntargets:')
  const bind = await run({ a: signed }, '--format', 'bind', '--keys', keys)
  const [, tag, digest] = / DS (\d+) 13 2 ([0-9A-F]{64})$/m.exec(bind.out) ?? []
  const { out } = await run({ a: signed }, '--format', 'octodns', '--keys', keys)
  const [document] = parseAllDocuments(out).map((one) => one.toJS() as Record<string, unknown[]>)
  expect(document?.['smtp']).toContainEqual({
    ttl: 3600,
    type: 'DS',
    values: [{ algorithm: 13, digest, digest_type: 2, key_tag: Number(tag) }],
  })
})

test('Terraform: a local value with a set a key', async () => {
  const { out } = await run({ a: plain }, '--domain', 'example.com', '--format', 'terraform')
  const { locals } = JSON.parse(out) as { locals: { mxsteer_records: Record<string, unknown> } }
  const value = (name: string, type: string, records: string[]): object => ({
    zone: 'example.com',
    name,
    type,
    ttl: 3600,
    records,
  })
  expect(locals.mxsteer_records).toMatchObject({
    'smtp.example.com NS': value('smtp.example.com.', 'NS', [
      'ns1.smtp.example.com.',
      'ns2.smtp.example.com.',
      'ns.example.net.',
    ]),
    'example.com MX': value('example.com.', 'MX', ['10 relay.smtp.example.com.']),
    'example.com TXT': value('example.com.', 'TXT', [
      '"v=spf1 include:_spf.smtp.example.com ?all"',
    ]),
  })
  expect(Object.keys(locals.mxsteer_records).length).toBe(8)
})

test('as text: what belongs into which zone, and why', async () => {
  const { out } = await run({ a: plain }, '--domain', 'example.org')
  expect(out).toContain('In example.com, which leads resolvers to smtp.example.com:\n  smtp.')
  expect(out).toContain('In example.org, which leads the mail of example.org to smtp.example.com:')
  expect(out).toContain('→ The zone is not signed: a DS in the parent would make it fail')
  expect(out).toContain(
    '→ Where example.org has an MTA-STS policy, it has to allow these exchanges',
  )
})

describe('a domain', () => {
  test('gets the record of the policy of MTA-STS that the zone has for it, in place of an alias', async () => {
    const policy = `${plain}mta_sts: { domain: example.org, mode: testing, mx: [relay.smtp.example.com] }\n`
    const { code, out } = await run({ a: policy }, '--domain', 'example.org', '--format=bind')
    const ofPolicy = recordLines(out).filter((line) => line.startsWith('_mta-sts.'))
    expect([code, ofPolicy]).toEqual([
      0,
      [expect.stringMatching(/^_mta-sts\.example\.org\. 3600 IN TXT "v=STSv1; id=[0-9a-z]{28};"$/)],
    ])
    expect(out).toContain('mxsteer mta-sts example.org')
  })

  test('that is the zone itself needs nothing else', async () => {
    const { code, out } = await run({ a: plain }, '--domain=smtp.example.com', '--format=bind')
    expect([code, recordLines(out)]).toEqual([0, delegated])
    expect(out).toContain('its MX is answered here')
  })

  test('in the zone without MX is told of', async () => {
    const { code, err } = await run({ a: plain }, '--domain', 'in.smtp.example.com')
    expect(code).toBe(1)
    expect(err).toContain(
      'in.smtp.example.com is in the zone smtp.example.com, and has no MX there',
    )
  })

  test('has its choice where there are several names, and an order', async () => {
    const two = plain.replace('  relay:', '  other: { address: { steer: inbound } }\n  relay:')
    const open = await run({ a: two }, '--domain', 'example.org', '--format', 'bind')
    expect([open.code, recordLines(open.out)]).toEqual([1, delegated])
    expect(open.err).toBe(
      'mxsteer delegation: Which exchanges? Give --mx other.smtp.example.com or relay.smtp.example.com.\n',
    )
    const { out } = await run(
      { a: two },
      '--domain=example.org',
      '--format=bind',
      '--mx=relay.smtp.example.com,mx1.smtp.example.com',
    )
    expect(recordLines(out).filter((line) => line.includes(' MX '))).toEqual([
      'example.org. 3600 IN MX 10 relay.smtp.example.com.',
      'example.org. 3600 IN MX 20 mx1.smtp.example.com.',
    ])
  })

  test('has the slots of the zone in their order, before relays', async () => {
    const slots = plain.replace(
      'records:',
      'slots: { steer: inbound, names: [in1, in10, in2] }\nrecords:',
    )
    const { out } = await run({ a: slots }, '--domain', 'example.org', '--format', 'bind')
    const exchanges = recordLines(out).filter((line) => line.includes(' MX '))
    expect(exchanges.map((line) => line.replace('.smtp.example.com.', ''))).toEqual([
      'example.org. 3600 IN MX 10 in1',
      'example.org. 3600 IN MX 20 in10',
      'example.org. 3600 IN MX 30 in2',
    ])
  })

  test('finds no exchange where an MX alone is steered', async () => {
    const without = zoneFile("  '@': { NS: [ns1, ns2], MX: { steer: inbound } }\n")
    const { code, err } = await run({ a: without }, '--domain', 'example.org')
    expect(code).toBe(1)
    expect(err).toContain('an MX cannot name another MX')
  })
})

test.each([
  [['--format', 'json'], '--format is "json", expected one of: bind, octodns, terraform, text'],
  [['--ttl', '0'], '--ttl is "0", expected a number of seconds from 1 to 604800'],
  [['--mx', 'a'], '--mx goes with --domain'],
  [['--domain', '..'], '--domain is "..", expected a name such as example.com'],
  [['--domain', 'a.test', '--mx', 'a,,b'], 'got ""'],
  [['--domain', 'a.test', '--mx', 'nobody.example.com'], 'has no address in this zone'],
  [['a.test', 'b.test'], 'one zone at a time'],
  [['strange.test'], 'no zone strange.test'],
  [['--domain', 'a.test'], 'which zone is it about? One of other.test, smtp.example.com'],
])('refuses %j', async (argv, why) => {
  const several = argv.includes('nobody.example.com')
    ? { a: plain }
    : { a: plain, b: zoneFile("  '@': { NS: [ns1, ns2] }\n", '', 'other.test') }
  const { code, err } = await run(several, ...argv)
  expect(code).toBeGreaterThan(0)
  expect(err).toContain(why)
})
