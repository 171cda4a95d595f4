// The checks that operators and registries run against a server: those of RFC 8906 §8 and of the EDNS compliance tester,
// asked and judged by dig.

import { describe, expect, it } from 'vitest'

import { dig } from '../support/dig.ts'
import { servedZone } from '../support/served-zone.ts'

const zone = 'edns.example.test'
const zoneFile = `
zone: ${zone}
soa: { mname: ns1, rname: hostmaster.example.test. }
records:
  "@": { NS: [ns1] }
  ns1: { A: 192.0.2.53 }
  big: { TXT: [${Array.from({ length: 9 }, (_, i) => `'"${i}${'x'.repeat(200)}"'`).join(', ')}] }
`

const server = servedZone({ zones: { 'edns.yaml': zoneFile }, flags: ['--instance', 'edns-1'] })

interface Seen {
  readonly status: string
  /** Of the header, in dig's order; a reserved bit shows as MBZ. */
  readonly flags: string
  /** `version: 0, flags: do; udp: 1232`; null without an OPT. */
  readonly edns: string | null
  /** What dig makes of the options, by name. */
  readonly options: readonly string[]
  readonly answers: number
}

const optionLine = /^; (COOKIE|NSID|CLIENT-SUBNET|TCP.KEEPALIVE|PADDING|PAD|EXPIRE|EDE|OPT=\d+)\b/gm

async function see(...args: readonly string[]): Promise<Seen> {
  const { text, status, answer } = await dig(server.port, ...args)
  return {
    status,
    flags: (/^;; flags: ?([^;]*);(?: (MBZ: \S+))?/m.exec(text) ?? [])
      .slice(1)
      .filter(Boolean)
      .join(' '),
    edns: /^; EDNS: (.*)$/m.exec(text)?.[1] ?? null,
    options: [...text.matchAll(optionLine)]
      .map((match) => (match[1] as string).replace('TCP-', 'TCP '))
      .sort(),
    answers: answer.length,
  }
}

const plain: Seen = { status: 'NOERROR', flags: 'qr aa', edns: null, options: [], answers: 1 }
const edns: Seen = { ...plain, edns: 'version: 0, flags:; udp: 1232' }
const withDo = { edns: 'version: 0, flags: do; udp: 1232' }
const badVersion: Seen = { ...edns, status: 'BADVERS', flags: 'qr', answers: 0 }
const version1 = ['+edns=1', '+noednsneg']

describe.each([
  ['UDP', '+notcp'],
  ['TCP', '+tcp'],
])('over %s', (_, transport) => {
  it.each<[string, readonly string[], Seen]>([
    ['plain', ['+noedns', '+noad'], plain],
    ['an unknown type', ['+noedns', '+noad', 'TYPE1000'], { ...plain, answers: 0 }],
    ['CD', ['+noedns', '+noad', '+cd'], plain],
    ['AD', ['+noedns', '+ad'], plain],
    ['the reserved bit', ['+noedns', '+noad', '+zflag'], plain],
    ['RD', ['+noedns', '+noad', '+rec'], { ...plain, flags: 'qr aa rd' }],
    ['AA, TC and RA in a query', ['+noedns', '+noad', '+aaflag', '+tcflag', '+raflag'], plain],
    ['EDNS', ['+edns=0'], edns],
    ['EDNS at 512', ['+edns=0', '+bufsize=512'], edns],
    ['EDNS at 0', ['+edns=0', '+bufsize=0'], edns],
    ['EDNS version 1', version1, badVersion],
    ['an unknown option', ['+ednsopt=100'], edns],
    ['an unknown option with data', ['+ednsopt=65001:deadbeef'], edns],
    ['an unknown flag', ['+ednsflags=0x40'], edns],
    ['every unknown flag', ['+ednsflags=0x7fff'], edns],
    ['version 1 and an unknown flag', [...version1, '+ednsflags=0x40'], badVersion],
    ['version 1 and an unknown option', [...version1, '+ednsopt=100'], badVersion],
    ['DO', ['+dnssec'], { ...edns, ...withDo }],
    ['version 1 and DO', [...version1, '+dnssec'], { ...badVersion, ...withDo }],
    ['DO and a cookie', ['+dnssec', '+cookie'], { ...edns, ...withDo, options: ['COOKIE'] }],
    [
      'a list of options',
      ['+cookie', '+nsid', '+expire', '+subnet=0.0.0.0/0'],
      { ...edns, options: ['CLIENT-SUBNET', 'COOKIE', 'NSID'] },
    ],
    ['padding in the clear', ['+padding=128', '+edns=0'], edns],
  ])('%s', async (_what, args, expected) => {
    const type = args.some((arg) => arg.startsWith('TYPE')) ? [] : ['SOA']
    expect(await see(transport, zone, ...type, ...args)).toEqual(expected)
  })

  it('keepalive is for connections alone', async () => {
    const options = transport === '+tcp' ? ['TCP KEEPALIVE'] : []
    expect(await see(transport, zone, 'SOA', '+keepalive')).toEqual({ ...edns, options })
  })

  it.each([1, 2, 3, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])('opcode %i', async (opcode) => {
    const notImplemented = { ...plain, status: 'NOTIMP', flags: 'qr', answers: 0 }
    const args = [transport, zone, 'SOA', `+opcode=${opcode}`, '+noad']
    expect(await see(...args, '+noedns', '+header-only')).toEqual(notImplemented)
    expect(await see(...args, '+noedns')).toEqual(notImplemented)
    expect(await see(...args, '+dnssec')).toEqual({ ...notImplemented, ...withDo })
  })

  it('NOTIFY and UPDATE are refused by name', async () => {
    const args = [transport, '+edns=0', '+noad']
    const refused = { ...edns, flags: 'qr', answers: 0, options: ['EDE'] }
    for (const opcode of ['+opcode=NOTIFY', '+opcode=UPDATE']) {
      expect(await see(zone, 'SOA', opcode, ...args)).toEqual({ ...refused, status: 'REFUSED' })
      const elsewhere = await see('example.org', 'SOA', opcode, ...args)
      expect(elsewhere).toEqual({ ...refused, status: 'NOTAUTH' })
    }
  })
})

describe('options, as dig reads them', () => {
  const text = async (...args: string[]): Promise<string> => (await dig(server.port, ...args)).text
  it('NSID and CHAOS tell the instance', async () => {
    expect(await text(zone, 'SOA', '+nsid')).toContain('; NSID: 65 64 6e 73 2d 31 ("edns-1")')
    for (const name of ['id.server', 'hostname.bind'])
      expect((await dig(server.port, name, 'TXT', 'CH')).answer[0]?.rdata).toBe('"edns-1"')
    for (const name of ['version.server', 'VERSION.bind'])
      expect((await dig(server.port, name, 'TXT', 'CH')).answer[0]?.rdata).toBe('"mxsteer"')
    expect((await dig(server.port, 'authors.bind', 'TXT', 'CH')).status).toBe('REFUSED')
  })
  it('subnets come back with scope 0 where nothing depends on the client', async () => {
    expect(await text(zone, 'SOA', '+subnet=198.51.100.0/22')).toContain(
      '; CLIENT-SUBNET: 198.51.100.0/22/0',
    )
    expect(await text(zone, 'SOA', '+subnet=2001:db8::/56')).toContain(
      '; CLIENT-SUBNET: 2001:db8::/56/0',
    )
  })
  it('extended errors say why', async () => {
    expect(await text('example.org', 'A')).toContain('; EDE: 20 (Not Authoritative)')
    expect(await text(zone, 'IXFR=1', '+notcp')).toContain('; EDE: 18 (Prohibited)')
  })
  it('what is truncated keeps its OPT', async () => {
    const cut = await see(`big.${zone}`, 'TXT', '+dnssec', '+bufsize=512', '+ignore', '+nsid')
    expect(cut).toEqual({ ...edns, ...withDo, flags: 'qr aa tc', answers: 0, options: ['NSID'] })
  })
})
