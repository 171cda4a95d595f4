// The DS records of a zone as each name server of its parent has them. All are asked, since a resolver may ask any of
// them: a DS counts as changed once the last one has the change.

import { type DnssecResponse, queryAuthority } from '../resolver/dnssec-query.ts'
import type { ServerEndpoint } from '../resolver/response.ts'
import { createConcurrencyLimit } from '../resolver/stub-resolver.ts'
import { keyOfName, type Name, nameToBareText } from '../wire/name.ts'
import { RRType } from '../wire/rrtype.ts'
import { addressesOf, displayName, type DnsAccess, findParent } from './parent.ts'

/** What one name server of the parent says. Names are in lower case without final dot. */
export type ParentServer =
  | {
      readonly kind: 'answered'
      readonly name: string
      readonly address: string
      /** Rdata of its DS records; empty: it has no DS of the zone. */
      readonly ds: readonly Uint8Array[]
      /** 0 where it has no DS. */
      readonly ttlSeconds: number
    }
  /** At none of its addresses does it answer with authority. */
  | {
      readonly kind: 'silent'
      readonly name: string
      /** null: none is found. */
      readonly address: string | null
      readonly why: string
    }

export type AnsweringParent = Extract<ParentServer, { kind: 'answered' }>

export const hasAnswered = (server: ParentServer): server is AnsweringParent =>
  server.kind === 'answered'

export type ParentDs =
  /** At least one server. An address of a name server that answers otherwise than its others is an entry of its own. */
  | {
      readonly kind: 'asked'
      /** For people. */
      readonly parent: string
      readonly servers: readonly ParentServer[]
    }
  | { readonly kind: 'unknown'; readonly why: string }

/** More than any zone has that resolvers can learn from one message. */
const maxNameServers = 32
const maxAddresses = 8
const maxInFlight = 16

export async function queryParentDs(zone: Name, access: DnsAccess): Promise<ParentDs> {
  const parent = await findParent(nameToBareText(zone), access)
  return parent.kind === 'unknown' ? parent : queryDsOf(zone, parent.name, access)
}

/** The same, where it is known which zone is the parent: in lower case, without final dot. */
export async function queryDsOf(zone: Name, parent: string, access: DnsAccess): Promise<ParentDs> {
  const shown = displayName(parent)
  const ns = await access.resolver.resolve({ name: parent, type: 'NS' })
  if (ns.kind !== 'found')
    return { kind: 'unknown', why: `no name server of ${shown} is found: ${ns.why}` }
  const names = [...new Set(ns.records.map(({ data }) => data))].sort()
  if (names.length > maxNameServers)
    return { kind: 'unknown', why: `${names.length} name servers of ${shown} are too many to ask` }
  const limit = createConcurrencyLimit(maxInFlight, maxNameServers * maxAddresses)
  const ask: Ask = async (address) => {
    const server = { address, port: access.port }
    return (await limit.run(() => askAddress(server, zone, access.timeoutMs))) ?? notAsked
  }
  const servers = await Promise.all(names.map((name) => askServer(name, zone, access, ask)))
  return { kind: 'asked', parent: shown, servers: servers.flat() }
}

type Ask = (address: string) => Promise<DnssecResponse>

const notAsked: DnssecResponse = { kind: 'failed', why: 'too many to ask' }

async function askServer(
  name: string,
  zone: Name,
  { resolver }: DnsAccess,
  ask: Ask,
): Promise<readonly ParentServer[]> {
  const addresses = (await addressesOf(name, resolver)).slice(0, maxAddresses)
  if (addresses.length === 0)
    return [{ kind: 'silent', name, address: null, why: 'no address is found' }]
  const answers = await Promise.all(
    addresses.map(async (address) => readAnswer(await ask(address), zone, { name, address })),
  )
  // This host may have no IPv6, or no IPv4: what it cannot reach there is reached at the other address.
  const heard = answers.filter(hasAnswered)
  return heard.length > 0 ? heard : answers.slice(0, 1)
}

/** Over TCP where the server takes it: a forged datagram that told of a DS too early would make the zone bogus. */
async function askAddress(
  server: ServerEndpoint,
  zone: Name,
  timeoutMs: number,
): Promise<DnssecResponse> {
  const question = { name: zone, type: RRType.DS }
  const reply = await queryAuthority(server, question, { timeoutMs, transport: 'tcp' })
  return reply.kind === 'failed' ? queryAuthority(server, question, { timeoutMs }) : reply
}

function readAnswer(
  reply: DnssecResponse,
  zone: Name,
  server: { readonly name: string; readonly address: string },
): ParentServer {
  if (reply.kind === 'failed') return { kind: 'silent', ...server, why: reply.why }
  const key = keyOfName(zone)
  const records = reply.answers.filter(({ type, owner }) => type === RRType.DS && owner === key)
  return {
    kind: 'answered',
    ...server,
    ds: records.map(({ rdata }) => rdata),
    ttlSeconds: Math.max(0, ...records.map(({ ttlSeconds }) => ttlSeconds)),
  }
}
