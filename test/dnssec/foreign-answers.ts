// Answers of NSD and BIND to questions of every kind, out of zones that dnssec-signzone signed: all of them secure, but for
// a few that are known.

import { askOverTcp } from '../differential/ask.ts'
import { startBind } from '../support/bind.ts'
import { labelsOf, wireOf } from '../support/dnssec/names.ts'
import { type TrustedZone, trustKeys } from '../support/dnssec/signatures.ts'
import type { Flaw, Outcome } from '../support/dnssec-validator.ts'
import { startNsd } from '../support/nsd.ts'
import { buildQuery } from '../support/packet-builder.ts'
import {
  type KeyAlgorithm,
  type SignedZone,
  generateKeys,
  signZone,
} from '../support/signed-zone.ts'

export const apexOf: Readonly<Record<KeyAlgorithm, string>> = {
  ECDSAP256SHA256: 'p256.test.',
  ED25519: 'ed25519.test.',
}

const zoneText = (apex: string): string => `
$ORIGIN ${apex}
$TTL 300
@ IN SOA ns1 hostmaster 1 3600 600 604800 60
@ NS ns1
@ NS NS2.Elsewhere.Test.
@ MX 10 mx1
@ MX 20 mx2
ns1 A 192.0.2.53
mx1 A 192.0.2.1
mx1 A 192.0.2.2
mx1 AAAA 2001:db8::1
mx2 A 192.0.2.3
MiXed TXT "letters of any case"
alias CNAME mx1
first CNAME second
second CNAME alias
outward CNAME www.elsewhere.test.
dangling CNAME nowhere
*.wild A 192.0.2.7
*.wild MX 10 MX1
there.wild TXT "closer"
*.walias CNAME mx1
a.b.ent TXT "below two empty non-terminals"
only.*.starent TXT "below a wildcard that is empty"
tree DNAME mx-tree
x.mx-tree A 192.0.2.9
safe NS ns.safe
safe DS 12345 13 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
ns.safe A 192.0.2.11
open NS ns.open
ns.open A 192.0.2.12
_sip._tcp SRV 1 2 5060 MX1
_25._tcp.mx1 TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
svc SVCB 1 MX2 alpn=h2
@ CAA 0 issue ";"
big TXT ${Array.from({ length: 4 }, (_, i) => `"${String(i).repeat(200)}"`).join(' ')}
`

const [a, ns, cname, soa, mx, txt, aaaa, srv, ds, nsec, dnskey, any] = [
  1, 2, 5, 6, 15, 16, 28, 33, 43, 47, 48, 255,
] as const

/** What is asked, below the apex, and what the answer has to prove. */
export const cases: readonly (readonly [string, number, Outcome])[] = [
  ['', mx, 'data'],
  ['', soa, 'data'],
  ['', ns, 'data'],
  ['', dnskey, 'data'],
  ['', 257, 'data'],
  ['', nsec, 'data'],
  ['', aaaa, 'no data'],
  ['', ds, 'no data'],
  ['mx1', a, 'data'],
  ['mx1', mx, 'no data'],
  ['MX1', aaaa, 'data'],
  ['mixed', txt, 'data'],
  ['mIXED', a, 'no data'],
  ['alias', a, 'data'],
  ['alias', cname, 'data'],
  ['alias', mx, 'no data'],
  ['first', aaaa, 'data'],
  ['outward', a, 'alias'],
  ['dangling', a, 'no name'],
  ['0', a, 'no name'],
  ['zzzz', a, 'no name'],
  ['a.mx1', a, 'no name'],
  ['mx1a', a, 'no name'],
  ['\\000', a, 'no name'],
  ['\\255', a, 'no name'],
  ['any.wild', a, 'data'],
  ['any.wild', txt, 'no data'],
  ['two.labels.wild', mx, 'data'],
  ['*.wild', a, 'data'],
  ['there.wild', a, 'no data'],
  ['below.there.wild', a, 'no name'],
  ['wild', a, 'no data'],
  ['any.walias', a, 'data'],
  ['any.walias', mx, 'no data'],
  ['ent', a, 'no data'],
  ['b.ent', a, 'no data'],
  ['c.ent', a, 'no name'],
  ['c.b.ent', a, 'no name'],
  ['any.starent', a, 'no data'],
  ['x.tree', a, 'data'],
  ['y.tree', a, 'no name'],
  ['tree', a, 'no data'],
  ['safe', a, 'signed referral'],
  ['www.safe', a, 'signed referral'],
  ['safe', ds, 'data'],
  ['open', mx, 'insecure referral'],
  ['www.open', a, 'insecure referral'],
  ['open', ds, 'no data'],
  ['_sip._tcp', srv, 'data'],
  ['_tcp', srv, 'no data'],
  ['_25._tcp.mx1', 52, 'data'],
  ['_25._tcp.mx2', 52, 'no name'],
  ['svc', 64, 'data'],
  ['big', txt, 'data'],
  ['mx2', any, 'data'],
]

/** What NSD 4.6 and BIND 9.18 get wrong: server, name, type, and what comes of it. */
const faults: readonly (readonly [string, string, number, Flaw])[] = [
  // It proves no nonexistence of what a DNAME led to.
  ['NSD', 'y.tree', a, 'name is not denied'],
  // It lowers a name that was signed as it was written (RFC 6840 §5.1).
  ['NSD', 'svc', 64, 'does not verify'],
  // It leaves out that the wildcard is an empty non-terminal.
  ['BIND', 'any.starent', a, 'wildcard is not denied'],
]

export interface Answered {
  readonly server: string
  readonly zone: TrustedZone
  readonly qname: string
  readonly qtype: number
  readonly outcome: Outcome
  readonly response: Buffer
}

/** A zone by each algorithm, the keys of the first of which are split. */
export const signedZones = (): SignedZone[] =>
  (['ECDSAP256SHA256', 'ED25519'] as const).map((algorithm, i) => {
    const apex = apexOf[algorithm]
    return signZone(apex, zoneText(apex), generateKeys(apex, algorithm, i === 0))
  })

/** Both servers' answers to all questions to all of the zones, over TCP. */
export async function foreignAnswers(signed: readonly SignedZone[]): Promise<Answered[]> {
  const servers = await Promise.all([startNsd(signed), startBind(signed)])
  const answered: Answered[] = []
  for (const [i, { port }] of servers.entries())
    for (const { apex, keys } of signed) {
      const zone = trustKeys(apex, keys.text)
      const packets = cases.map(([name, qtype]) => query(below(name, apex), qtype))
      const responses = await askOverTcp(port, packets)
      for (const [at, [name, qtype, outcome]] of cases.entries()) {
        const qname = below(name, apex)
        const response = responses[at] as Buffer
        answered.push({ server: i === 0 ? 'NSD' : 'BIND', zone, qname, qtype, outcome, response })
      }
    }
  await Promise.all(servers.map((server) => server.stop()))
  return answered
}

export const below = (name: string, apex: string): string =>
  name === '' ? apex : `${name}.${apex}`

const query = (qname: string, qtype: number): Buffer =>
  Buffer.from(
    buildQuery({ rawName: [...wireOf(labelsOf(qname))], type: qtype, opts: [{ dnssecOk: true }] }),
  )

/** What is wrong with an answer as it came; null where it should be secure. */
export const faultOf = ({ server, zone, qname, qtype }: Answered): Flaw | null =>
  faults.find(
    ([whose, name, type]) =>
      whose === server && qname === below(name, `${zone.apex.join('.')}.`) && type === qtype,
  )?.[3] ?? null
