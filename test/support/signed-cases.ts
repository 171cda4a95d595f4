// What `mxsteer doctor` says of signed zones of which each has one fault; test/long/doctor-signed-zones.test.ts has them served.

import { execFileSync } from 'node:child_process'
import { foreignPath } from './foreign-server.ts'
import { temporaryFolder } from './server.ts'
import {
  delegationSigner,
  type ForeignKeys,
  generateKeys,
  type KeyAlgorithm,
  signZone,
} from './signed-zone.ts'

/** The second server of the parents; name servers of the zones: our server at two addresses, and NSD. */
export const behind = '127.0.0.84'
export const ours = '127.0.0.82'
export const alsoOurs = '127.0.0.85'
export const theirs = '127.0.0.83'

export interface Case {
  readonly name: string
  /** The zone above it. */
  readonly parent?: string
  /** Of the zone file; '' leaves the zone unsigned. */
  readonly dnssec?: string
  /** More records of the zone file. */
  readonly records?: string
  /** Without a key that is made before: one of ECDSA P-256 that signs everything. */
  readonly makeKeys?: (apex: string, folder: string) => ForeignKeys
  /** DS records at the parent. */
  readonly ds: (keys: ForeignKeys, apex: string) => readonly string[]
  /** Where those at the second server of the parent are others. */
  readonly dsBehind?: (keys: ForeignKeys) => readonly string[]
  /** The zone as NSD serves it, where it is the second name server; else our server is both. */
  readonly other?: (apex: string, keys: ForeignKeys) => string
  readonly expected: readonly string[]
}

export const p256 = (apex: string, folder: string): ForeignKeys =>
  generateKeys(apex, 'ECDSAP256SHA256', false, folder)

const strays = new Map<string, string>()

/** A DS of a key that the zone does not have; always the same. */
function stray(apex: string, algorithm: KeyAlgorithm = 'ECDSAP256SHA256'): string {
  const known = strays.get(apex) ?? delegationSigner(generateKeys(apex, algorithm, false))
  strays.set(apex, known)
  return known
}

const tlsa = `_25._tcp.mail: { TLSA: 3 1 1 ${'ab'.repeat(32)} }`

const right = (keys: ForeignKeys): readonly string[] => [delegationSigner(keys)]

const run = (command: string, args: readonly string[]): string =>
  execFileSync(command, args, { encoding: 'utf8', env: { ...process.env, PATH: foreignPath } })

/** Two keys, of which the second one is what CDS asks for. */
function keysWithCds(apex: string, folder: string): ForeignKeys {
  const keys = p256(apex, folder)
  const next = p256(apex, folder)
  run('dnssec-settime', ['-K', folder, '-P', 'sync', 'now', next.names[0] ?? ''])
  return { ...keys, names: [...keys.names, ...next.names], text: keys.text + next.text }
}

const well = {
  ds: 'ds ok: example.test has DS K 13 2, and DNSKEY is signed accordingly',
  keys: 'keys ok: all have K (algorithm 13)',
  signatures: 'signatures ok: of DNSKEY and SOA are valid, the first until TIME',
  denial: 'denial ok: all deny a name that does not exist, and alike',
  cds: 'cds skip: none is published: example.test is told of keys by hand',
  validation: 'validation ok: UNBOUND validates SOA, MX and a name that does not exist',
}
const bogus =
  'validation fail: UNBOUND refuses SOA, MX, a name that does not exist as bogus: it answers only unchecked'
/** What our server does well, whatever the parent does. */
const served = [well.keys, well.signatures, well.denial, well.cds]
const refused = 'resolvers that validate refuse every answer'
const ns2 = `ns2.ZONE at ${theirs}`

export const cases: readonly Case[] = [
  {
    name: 'right',
    records: tlsa,
    ds: (keys) => [delegationSigner(keys), delegationSigner(keys, 'SHA-384')],
    expected: [
      'ds ok: example.test has DS K 13 2, K 13 4, and DNSKEY is signed accordingly',
      ...served,
      well.validation,
      'dane ok: TLSA at _25._tcp.mail.ZONE, in a zone that is signed from its parent on',
    ],
  },
  {
    name: 'wrong-key',
    ds: (_, apex) => [stray(apex)],
    expected: [
      `ds fail: no DS of example.test leads to a key that signs: X 13 2: the zone has no such key; ${refused}`,
      ...served,
      bogus,
    ],
  },
  {
    name: 'wrong-digest',
    ds: (keys) => [
      delegationSigner(keys).replace(
        / ([0-9A-F])(\S*\s*)$/,
        (_, first: string, rest: string) => ` ${first === '0' ? '1' : '0'}${rest}`,
      ),
    ],
    expected: [
      `ds fail: no DS of example.test leads to a key that signs: K 13 2: the key with this tag has another digest; ${refused}`,
      ...served,
      bogus,
    ],
  },
  {
    name: 'sha1',
    ds: (keys) => [delegationSigner(keys, 'SHA-1')],
    expected: [
      'ds warn: example.test names K 13 1: SHA-1 is too old: resolvers begin to take the zone as unsigned',
      ...served,
      well.validation,
    ],
  },
  {
    name: 'sha1-beside',
    ds: (keys) => [delegationSigner(keys), delegationSigner(keys, 'SHA-1')],
    expected: [well.ds, 'ds warn: K 13 1: SHA-1 is too old', ...served, well.validation],
  },
  {
    name: 'no-ds',
    records: tlsa,
    ds: () => [],
    expected: [
      'ds warn: the zone is signed, and example.test has no DS: to resolvers it is unsigned',
      ...served,
      'validation skip: example.test has no DS: there is nothing to validate',
      'dane warn: TLSA at _25._tcp.mail.ZONE counts for nobody: example.test has no DS',
    ],
  },
  {
    name: 'stray',
    ds: (keys, apex) => [delegationSigner(keys), stray(apex)],
    expected: [
      well.ds,
      'ds warn: DS that lead to nothing: X 13 2: the zone has no such key',
      ...served,
      well.validation,
    ],
  },
  {
    name: 'algorithm',
    ds: (keys, apex) => [delegationSigner(keys), stray(apex, 'ED25519')],
    expected: [
      well.ds,
      'ds fail: X 15 2: the zone has no such key, and DNSKEY is not signed by algorithm 15: strict resolvers refuse every answer',
      ...served,
      bogus,
    ],
  },
  {
    name: 'unsigned',
    dnssec: '',
    ds: (_, apex) => [stray(apex)],
    expected: [
      `ds fail: example.test has DS X 13 2, and the zone is not signed: ${refused}`,
      bogus,
    ],
  },
  {
    name: 'plain',
    dnssec: '',
    records: tlsa,
    ds: () => [],
    expected: [
      'ds ok: example.test has none, and the zone is not signed',
      'dane warn: TLSA at _25._tcp.mail.ZONE counts for nobody: the zone is not signed',
    ],
  },
  {
    name: 'behind',
    ds: right,
    dsBehind: () => [],
    expected: [
      `${well.ds} (127.0.0.1)`,
      `ds warn: the zone is signed, and example.test has no DS: to resolvers it is unsigned (${behind})`,
      `ds warn: the servers of example.test differ: 127.0.0.1: K 13 2; ${behind}: none`,
      ...served,
      well.validation,
    ],
  },
  {
    name: 'broken-behind',
    ds: right,
    dsBehind: () => [stray('broken-behind.example.test.')],
    expected: [
      `${well.ds} (127.0.0.1)`,
      `ds fail: no DS of example.test leads to a key that signs: X 13 2: the zone has no such key; ${refused} (${behind})`,
      `ds warn: the servers of example.test differ: 127.0.0.1: K 13 2; ${behind}: X 13 2`,
      ...served,
      well.validation,
    ],
  },
  {
    name: 'other-unsigned',
    ds: right,
    other: (apex) => masterFile(apex),
    expected: [
      well.ds,
      `keys fail: ${ns2} serves the zone unsigned: with a DS, resolvers refuse its answers`,
      well.signatures,
      well.denial,
      well.cds,
      well.validation,
    ],
  },
  {
    name: 'other-keys',
    ds: right,
    other: (apex) => signZone(apex, masterFile(apex), p256(apex, temporaryFolder())).text,
    expected: [
      well.ds,
      `keys fail: ${ns2} has the keys X (algorithm 13); others have K (algorithm 13): resolvers refuse what one signs and the other does not know`,
      well.signatures,
      well.denial,
      well.cds,
      well.validation,
    ],
  },
  {
    name: 'expired',
    ds: right,
    other: (apex, keys) =>
      signZone(apex, masterFile(apex), keys, ['-s', '20200101000000', '-e', '20200201000000']).text,
    expected: [
      well.ds,
      well.keys,
      `signatures fail: ${ns2}: the signature of DNSKEY ended at TIME; the signature of SOA ended at TIME`,
      `denial fail: ${ns2}: the signature of NSEC ended at TIME`,
      well.cds,
      well.validation,
    ],
  },
  {
    name: 'early',
    ds: right,
    other: (apex, keys) =>
      signZone(apex, masterFile(apex), keys, ['-s', 'now+7200', '-e', 'now+86400']).text,
    expected: [
      well.ds,
      well.keys,
      `signatures fail: ${ns2}: the signature of DNSKEY begins at TIME, by this clock in the future; the signature of SOA begins at TIME, by this clock in the future`,
      `denial fail: ${ns2}: the signature of NSEC begins at TIME, by this clock in the future`,
      well.cds,
      well.validation,
    ],
  },
  {
    name: 'ahead',
    ds: right,
    // As an instance with the default validity signs, whose clock is five hours ahead at least.
    other: (apex, keys) =>
      signZone(apex, masterFile(apex), keys, ['-s', 'now-1800', '-e', `now+${78 * 3600 - 1800}`])
        .text,
    expected: [
      well.ds,
      well.keys,
      well.signatures,
      `clock warn: signatures of ${ns2} are those of a clock at least 5 h ahead`,
      well.denial,
      well.cds,
      well.validation,
    ],
  },
  {
    name: 'other-names',
    ds: right,
    other: (apex, keys) => signZone(apex, `${masterFile(apex)}more A 192.0.2.7\n`, keys).text,
    expected: [
      well.ds,
      well.keys,
      well.signatures,
      `denial warn: ${ns2} denies by NSEC ZONE. to mail.ZONE. (NS SOA MX RRSIG NSEC DNSKEY), NSEC more.ZONE. to ns1.ZONE. (A RRSIG NSEC); others by NSEC ZONE. to mail.ZONE. (NS SOA MX RRSIG NSEC DNSKEY), NSEC mail.ZONE. to ns1.ZONE. (A RRSIG NSEC)`,
      well.cds,
      well.validation,
    ],
  },
  {
    name: 'below-unsigned',
    parent: 'open.example.test.',
    records: tlsa,
    ds: right,
    expected: [
      well.ds.replace('example', 'open.example'),
      'ds warn: open.example.test is not signed itself: no resolver gets to these keys, and TLSA counts for nobody',
      well.keys,
      well.signatures,
      well.denial,
      well.cds.replace('example', 'open.example'),
      'validation warn: UNBOUND validates example.test, and takes open.example.test as unsigned: so it does the zone',
      'dane warn: TLSA at _25._tcp.mail.ZONE counts for nobody: open.example.test is not signed',
    ],
  },
  {
    name: 'cds',
    makeKeys: keysWithCds,
    ds: right,
    expected: [
      well.ds,
      'keys ok: all have K (algorithm 13), L (algorithm 13)',
      well.signatures,
      well.denial,
      `cds warn: example.test has yet to act: CDS asks for DS L 13 2; at 127.0.0.1, ${behind} there is K 13 2`,
      well.validation,
    ],
  },
  {
    name: 'unsigning',
    dnssec: 'dnssec: { unsign: true }',
    ds: right,
    expected: [
      well.ds,
      well.keys,
      well.signatures,
      well.denial,
      `cds warn: example.test has yet to act: CDS asks it to drop the DS, which is still at 127.0.0.1, ${behind}`,
      well.validation,
    ],
  },
]

export const apexOf = ({ name, parent = 'example.test.' }: Case): string => `${name}.${parent}`

function masterFile(apex: string): string {
  return `$ORIGIN ${apex}
$TTL 60
@ SOA ns1 hostmaster.example.test. 7 3600 600 86400 60
@ NS ns1
@ NS ns2
@ MX 10 mail
mail A 192.0.2.1
ns1 A ${ours}
ns2 A ${theirs}
`
}
