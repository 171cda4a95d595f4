// A zone that is to be signed with every kind of content, and a question to it for every kind of answer, with what the
// answer has to come to: for whoever judges signed answers.

import type { Outcome } from './dnssec-validator.ts'

export interface SignedQuestion {
  readonly qname: string
  readonly qtype: number
  readonly outcome: Outcome
}

export const qtypes = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  DNAME: 39,
  DS: 43,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  NSEC3PARAM: 51,
  TLSA: 52,
  CDS: 59,
  CDNSKEY: 60,
  SVCB: 64,
  HTTPS: 65,
  /** A type that no answer has (RFC 9824 §3.1), and that no bitmap but that of a name which does not exist. */
  NXNAME: 128,
  ANY: 255,
  CAA: 257,
  /** Of no meaning. */
  TYPE65400: 65400,
} as const
export type QtypeWord = keyof typeof qtypes

const longLabel = `${'Long-Label-'.repeat(5)}5`
/** Apex included, near 255 octets. */
const longName = Array.from({ length: 3 }, (_, i) => `${longLabel}${i}`).join('.')

const dualStacked: readonly string[] = [
  '203.0.113.1, "2001:db8::1"',
  '203.0.113.2, "2001:db8::2"',
  '203.0.113.3',
  '203.0.113.4, "2001:db8::4"',
]

/**
 * A zone file's text. `probe`: the body of the probe in flow form, e.g. `port: 2525, interval: 1s`; without it no target is
 * probed. `addresses`: those of each of the four targets, as a flow list without brackets.
 */
export const signedZoneText = (
  apex: string,
  {
    probe = null,
    addresses = dualStacked,
    dnssec = '{}',
    extra = '',
  }: {
    readonly probe?: string | null
    readonly addresses?: readonly string[]
    readonly dnssec?: string
    readonly extra?: string
  } = {},
): string => `
zone: ${apex.replace(/\.$/, '')}
ttl: 60
dnssec: ${dnssec}
soa: { mname: ns1, rname: HostMaster.Example.Test., minimum: 30 }
targets:
  mx1: { addresses: [${addresses[0]}], region: eu, tlsa: "3 1 1 ${'ab'.repeat(32)}" }
  Mx2: { addresses: [${addresses[1]}], region: eu, tlsa: "3 1 1 ${'cd'.repeat(32)}" }
  mx3: { addresses: [${addresses[2]}], region: us }
  mx4: { addresses: [${addresses[3]}], region: ap }
probes:
  p: { ${probe ?? ''} }
pools:
  eu: { ${probe === null ? '' : 'probe: p, '}targets: { mx1: 2, Mx2: 1 } }
  us: { ${probe === null ? '' : 'probe: p, '}targets: { mx3: 3, mx4: 1 } }
  all: { ${probe === null ? '' : 'probe: p, '}targets: { mx1: 4, Mx2: 3, mx3: 2, mx4: 1 } }
steering:
  in:
    - { when: { country: [US, CA] }, pools: [us, eu] }
    - { when: { network: [198.51.100.0/25, 198.51.100.128/26] }, pools: [us] }
    - { pools: [eu, us] }
  all:
    - { pools: [all] }
slots: { steer: all, names: [in1, In2, in3] }
records:
  "@":
    NS: [ns1, NS2.Elsewhere.Test.]
    MX: { steer: all }
    TXT: ['"First Text"', '"Second Text"']
    CAA: 0 issue ";"
  ns1: { A: 192.0.2.53, AAAA: "2001:db8:53::1" }
  relay: { address: { steer: in, answers: 2 } }
  sticky: { address: { steer: all, answers: 2, sticky: true }, MX: { steer: all, sticky: true } }
  regional: { MX: { steer: in, ladder: 3 } }
  _submission._tcp: { SRV: { steer: in, port: 587 } }
  slotted: { MX: [10 in1, 20 in2, 30 in3] }
  plain: { A: [192.0.2.1, 192.0.2.2], MX: ["10 MX1", "20 Mail.Elsewhere.Test."], TXT: '"x"' }
  MiXeD.CaSe: { TXT: '"letters"', MX: 10 PLAIN }
  alias: { CNAME: Plain }
  chain: { CNAME: alias }
  torelay: { CNAME: relay }
  tomissing: { CNAME: missing }
  towild: { CNAME: any.wild }
  tocut: { CNAME: www.open }
  outward: { CNAME: WWW.Elsewhere.Test. }
  tree: { DNAME: grove }
  oak.grove: { A: 192.0.2.3, TXT: '"oak"' }
  forest: { DNAME: Elsewhere.Test. }
  "*.wild": { A: 192.0.2.4, MX: { steer: all, ladder: 2 }, TXT: '"w"' }
  there.wild: { TXT: '"closer"' }
  "*.walias": { CNAME: plain }
  "*.wmx": { MX: { steer: all } }
  a.b.ent: { TXT: '"below two empty non-terminals"' }
  only.*.starent: { TXT: '"below a wildcard that is empty"' }
  safe: { NS: ns.safe, DS: 12345 13 2 ${'01'.repeat(32)} }
  ns.safe: { A: 192.0.2.11 }
  open: { NS: [ns.open, ns1] }
  ns.open: { A: 192.0.2.12, AAAA: "2001:db8::12" }
  _sip._udp: { SRV: 1 2 5060 PLAIN }
  svc: { SVCB: 1 Plain alpn=h2, HTTPS: 1 . alpn=h2 }
  _443._tcp.plain: { TLSA: 3 1 1 ${'ef'.repeat(32)} }
  odd: { TYPE65400: '\\# 2 0a00' }
  big: { TXT: [${Array.from({ length: 6 }, (_, i) => `'"${String(i).repeat(200)}"'`).join(', ')}] }
  ${longName}: { TXT: '"long"' }
${extra}`

/** Below the apex, types by their words, and what it comes to. */
const cases: readonly (readonly [names: string, types: string, outcome: Outcome])[] = [
  ['@', 'SOA NS MX TXT CAA DNSKEY NSEC RRSIG ANY', 'data'],
  ['@', 'A AAAA DS CDS CDNSKEY CNAME SRV NSEC3PARAM TYPE65400', 'no data'],
  ['ns1 relay sticky mx1 mx2 mx4', 'A AAAA NSEC RRSIG ANY', 'data'],
  ['ns1 relay mx1 mx3', 'MX TXT DS DNSKEY', 'no data'],
  ['mx3', 'A', 'data'],
  ['mx3', 'AAAA', 'no data'],
  ['in1 in2 IN3', 'A AAAA NSEC ANY', 'data'],
  ['in1 in3', 'MX TXT', 'no data'],
  ['_25._tcp.in1 _25._tcp.in2', 'TLSA', 'data'],
  ['a.in1 in4', 'A', 'no name'],
  ['slotted', 'MX', 'data'],
  ['regional sticky', 'MX', 'data'],
  ['regional', 'A AAAA SRV', 'no data'],
  ['_submission._tcp _sip._udp', 'SRV', 'data'],
  ['_submission._tcp _sip._udp', 'A MX TLSA', 'no data'],
  ['plain', 'A MX TXT', 'data'],
  ['plain', 'AAAA SRV CAA HTTPS TYPE65400', 'no data'],
  ['mixed.case MIXED.CASE', 'TXT MX', 'data'],
  ['mixed.case', 'A NS', 'no data'],
  ['case', 'A TXT', 'no data'],
  ['alias chain', 'A MX TXT CNAME', 'data'],
  ['alias chain', 'AAAA SRV', 'no data'],
  ['torelay', 'A AAAA', 'data'],
  ['torelay', 'MX', 'no data'],
  ['tomissing', 'A MX', 'no name'],
  ['tomissing outward', 'CNAME', 'data'],
  ['towild', 'A MX', 'data'],
  ['towild', 'AAAA', 'no data'],
  ['tocut', 'A', 'insecure referral'],
  ['outward', 'A MX', 'alias'],
  ['tree forest', 'DNAME', 'data'],
  ['tree forest', 'A CNAME', 'no data'],
  ['oak.tree', 'A TXT', 'data'],
  ['oak.tree', 'MX', 'no data'],
  ['elm.tree a.b.tree', 'A', 'no name'],
  ['oak.forest', 'A', 'alias'],
  ['oak.tree', 'CNAME', 'data'],
  ['any.wild a.b.wild zz.wild', 'A MX TXT ANY', 'data'],
  ['any.wild zz.wild', 'AAAA CNAME', 'no data'],
  ['*.wild', 'A MX NSEC', 'data'],
  ['*.wild', 'AAAA', 'no data'],
  ['there.wild', 'TXT', 'data'],
  ['there.wild', 'A MX', 'no data'],
  ['below.there.wild', 'A', 'no name'],
  ['wild walias wmx', 'A MX NS', 'no data'],
  ['any.walias', 'A MX CNAME', 'data'],
  ['any.walias', 'AAAA', 'no data'],
  ['any.wmx', 'MX', 'data'],
  ['any.wmx', 'A', 'no data'],
  ['ent b.ent', 'A MX DS ANY', 'no data'],
  ['a.b.ent', 'TXT', 'data'],
  ['c.ent c.b.ent 0.a.b.ent', 'A', 'no name'],
  ['any.starent starent *.starent', 'A TXT', 'no data'],
  ['only.*.starent', 'TXT', 'data'],
  ['safe www.safe ns.safe a.b.safe', 'A MX AAAA', 'signed referral'],
  ['open www.open ns.open a.b.open', 'A MX TXT', 'insecure referral'],
  ['safe', 'DS', 'data'],
  ['open', 'DS', 'no data'],
  ['www.open', 'DS', 'insecure referral'],
  ['_tcp _udp', 'A SRV', 'no data'],
  ['svc', 'SVCB HTTPS', 'data'],
  ['_25._tcp.mx1 _25._tcp.mx2 _443._tcp.plain', 'TLSA', 'data'],
  ['_25._tcp.mx1', 'A MX', 'no data'],
  ['_25._tcp.relay _25._tcp.sticky', 'TLSA', 'data'],
  ['_25._tcp.relay', 'A MX', 'no data'],
  ['_tcp.relay', 'TLSA', 'no data'],
  ['_25._tcp.mx3 _25._tcp.plain', 'TLSA', 'no name'],
  ['_tcp.mx1', 'TLSA', 'no data'],
  ['odd', 'TYPE65400', 'data'],
  ['odd', 'A', 'no data'],
  ['big', 'TXT', 'data'],
  ['big', 'A', 'no data'],
  [longName, 'TXT', 'data'],
  [`x.${longName} x${longName}`, 'TXT', 'no name'],
  [longName, 'A', 'no data'],
  ['\\000 0 zzzz \\255 - missing a.missing', 'A MX', 'no name'],
  ['mx1a mx0 a.mx1 \\000.mx1 _.mx1 z.plain a.alias a.odd', 'A', 'no name'],
  ['plai plainz plain\\000 \\000.plain x.ns1', 'A', 'no name'],
  ['\\@ a\\.b A\\032space', 'A', 'no name'],
]

/** Every question once, as `apex` has it. */
export const signedQuestions = (apex: string): SignedQuestion[] =>
  cases.flatMap(([names, words, outcome]) =>
    names.split(' ').flatMap((name) =>
      words.split(' ').map((word) => ({
        qname: name === '@' ? apex : `${name}.${apex}`,
        qtype: qtypes[word as QtypeWord],
        outcome,
      })),
    ),
  )

/** The name with each letter in either case, by a source of random numbers. */
export const inRandomCase = (qname: string, random: () => number): string =>
  qname.replace(/[a-z]/gi, (letter) =>
    random() < 0.5 ? letter.toLowerCase() : letter.toUpperCase(),
  )
