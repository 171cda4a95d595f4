// What name servers answer of a signed zone, each asked on its own, with DO.

import { readSignature, type SetSignature } from '../dnssec/chain-of-trust.ts'
import { type DnssecResponse, queryAuthority } from '../resolver/dnssec-query.ts'
import type { RawRecord } from '../resolver/raw-message.ts'
import { createConcurrencyLimit } from '../resolver/stub-resolver.ts'
import { keyOfName, type Name, type NameKey } from '../wire/name.ts'
import { RRType } from '../wire/rrtype.ts'
import type { ServerAddress } from './name-servers.ts'
import type { DnsAccess } from '../trust/parent.ts'

/** A set as a server sends it, with its signatures. Without records it is denied. */
export interface SignedSet {
  readonly owner: Name
  readonly type: number
  readonly rdatas: readonly Uint8Array[]
  readonly signatures: readonly SetSignature[]
}

/** The same for sets of the same records, in whatever order. */
export const contentOf = (rdatas: readonly Uint8Array[]): string =>
  rdatas
    .map((rdata) => Buffer.from(rdata).toString('hex'))
    .sort()
    .join()

export interface Problem {
  readonly problem: string
}

/** What one address of a name server answers. */
export interface ZoneServer extends ServerAddress {
  readonly dnskey: SignedSet | Problem
  readonly soa: SignedSet | Problem
  /** The NSEC and NSEC3 sets that deny a name which does not exist. */
  readonly denial: readonly SignedSet[] | Problem
  readonly cds: SignedSet | Problem
  readonly cdnskey: SignedSet | Problem
}

/** A label that no zone has, and a type (NULL) that no wildcard has: even beside a wildcard an NSEC denies the name itself. */
const absentLabel = 'mxsteer-doctor-asks'
const absentType = 10

/** A name of the zone that does not exist. */
export const absentName = (apex: Name): Name =>
  Buffer.concat([Uint8Array.of(absentLabel.length), Buffer.from(absentLabel), apex])

const limits = { inFlight: 16, waiting: 512 }

export async function queryZoneServers(
  apex: Name,
  servers: readonly ServerAddress[],
  access: DnsAccess,
): Promise<readonly ZoneServer[]> {
  const limit = createConcurrencyLimit(limits.inFlight, limits.waiting)
  const replies = await Promise.all(
    servers.map((server) => limit.run(() => queryZoneServer(apex, server, access))),
  )
  return replies.filter((one) => one !== null)
}

async function queryZoneServer(
  apex: Name,
  server: ServerAddress,
  access: DnsAccess,
): Promise<ZoneServer> {
  const ask = (type: number): Promise<SignedSet | Problem> =>
    querySet(server.address, apex, type, access)
  const [dnskey, soa, cds, cdnskey, denial] = await Promise.all([
    ask(RRType.DNSKEY),
    ask(RRType.SOA),
    ask(RRType.CDS),
    ask(RRType.CDNSKEY),
    queryDenial(server.address, apex, access),
  ])
  return { ...server, dnskey, soa, cds, cdnskey, denial }
}

/** The set that the server has with authority. */
export async function querySet(
  address: string,
  owner: Name,
  type: number,
  access: DnsAccess,
): Promise<SignedSet | Problem> {
  const reply = await queryWithAuthority(address, { name: owner, type }, access)
  return 'problem' in reply ? reply : setAt(reply.answers, owner, type)
}

async function queryDenial(
  address: string,
  apex: Name,
  access: DnsAccess,
): Promise<readonly SignedSet[] | Problem> {
  const question = { name: absentName(apex), type: absentType }
  const reply = await queryWithAuthority(address, question, access)
  if ('problem' in reply) return reply
  const proofs = reply.authority.filter(({ type }) => type === RRType.NSEC || type === nsec3)
  const sets = Map.groupBy(proofs, ({ owner, type }) => `${type} ${owner}`)
  return [...sets.values()].map(([first]) => {
    const { owner, type } = first as RawRecord
    return setAt(reply.authority, nameOfKey(owner), type)
  })
}

const nsec3 = 50

type Authoritative = Extract<DnssecResponse, { kind: 'reply' }>

async function queryWithAuthority(
  address: string,
  question: { readonly name: Name; readonly type: number },
  { port, timeoutMs }: DnsAccess,
): Promise<Authoritative | Problem> {
  const reply = await queryAuthority({ address, port }, question, { timeoutMs })
  return reply.kind === 'failed' ? { problem: reply.why } : reply
}

function setAt(section: readonly RawRecord[], owner: Name, type: number): SignedSet {
  const key = keyOfName(owner)
  const own = section.filter((record) => record.owner === key)
  return {
    owner,
    type,
    rdatas: own.filter((record) => record.type === type).map(({ rdata }) => rdata),
    signatures: own.flatMap((record) => {
      const signature = record.type === RRType.RRSIG ? readSignature(record.rdata) : null
      return signature?.covered === type ? [signature] : []
    }),
  }
}

const nameOfKey = (key: NameKey): Name => Buffer.from(key, 'latin1')
