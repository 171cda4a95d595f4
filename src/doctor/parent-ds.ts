// The DS records of a zone as each name server of its parent has them. All are asked, since a resolver may ask any of
// them: a DS counts as changed once the last one has the change.

import { query } from '../resolver/query.ts'
import type { Response, ServerEndpoint } from '../resolver/response.ts'
import { addressesOf, displayName, type DnsAccess, findParent } from './parent.ts'

/** What one name server of the parent says. Names come from the network, in lower case without final dot. */
export type ParentServer =
  | {
      readonly kind: 'answered'
      readonly name: string
      readonly address: string
      /** Rdata as in a master file, such as `45796 13 2 8F1C…`; empty: it has no DS of the zone. */
      readonly ds: readonly string[]
      /** 0 where it has no DS. */
      readonly ttlSeconds: number
    }
  /** At none of its addresses does it answer with authority. */
  | { readonly kind: 'silent'; readonly name: string; readonly why: string }

export type ParentDs =
  /** At least one server. An address of a name server that answers otherwise than its others is an entry of its own. */
  | {
      readonly kind: 'asked'
      readonly parent: string
      readonly servers: readonly ParentServer[]
    }
  | { readonly kind: 'unknown'; readonly why: string }

/** More than any zone has that resolvers can learn from one message. */
const maxNameServers = 32
const maxAddresses = 8

/** `zone`: in lower case, without final dot. */
export async function queryParentDs(zone: string, access: DnsAccess): Promise<ParentDs> {
  if (zone === '') return { kind: 'unknown', why: 'the root has no parent' }
  const parent = await findParent(zone, access)
  if (parent.kind === 'unknown') return parent
  const shown = displayName(parent.name)
  const ns = await access.resolver.resolve({ name: parent.name, type: 'NS' })
  if (ns.kind !== 'found')
    return { kind: 'unknown', why: `no name server of ${shown} is found: ${ns.why}` }
  const names = [...new Set(ns.records.map(({ data }) => data))].sort()
  if (names.length > maxNameServers)
    return { kind: 'unknown', why: `${names.length} name servers of ${shown} are too many to ask` }
  const servers = await Promise.all(names.map((name) => askServer(name, zone, access)))
  return { kind: 'asked', parent: shown, servers: servers.flat() }
}

async function askServer(
  name: string,
  zone: string,
  access: DnsAccess,
): Promise<readonly ParentServer[]> {
  const addresses = (await addressesOf(name, access.resolver)).slice(0, maxAddresses)
  if (addresses.length === 0) return [{ kind: 'silent', name, why: 'no address is found' }]
  const answers = await Promise.all(
    addresses.map(async (address) => {
      const reply = await askAddress({ address, port: access.port }, zone, access.timeoutMs)
      return readAnswer(reply, zone, { name, address })
    }),
  )
  // This host may have no IPv6, or no IPv4: what it cannot reach there is reached at the other address.
  const heard = answers.filter((answer) => answer.kind === 'answered')
  return heard.length > 0 ? heard : answers.slice(0, 1)
}

/** Over TCP where the server takes it: a forged datagram that told of a DS too early would make the zone bogus. */
async function askAddress(
  server: ServerEndpoint,
  zone: string,
  timeoutMs: number,
): Promise<Response> {
  const question = { name: zone, type: 'DS' } as const
  const options = { timeoutMs, isRecursive: false }
  const reply = await query(server, question, { ...options, transport: 'tcp' })
  return reply.kind === 'failed' ? query(server, question, options) : reply
}

function readAnswer(
  reply: Response,
  zone: string,
  { name, address }: { readonly name: string; readonly address: string },
): ParentServer {
  const silent = (why: string): ParentServer => ({
    kind: 'silent',
    name,
    why: `${address}: ${why}`,
  })
  if (reply.kind === 'failed') return silent(reply.why)
  const { rcode, isAuthoritative, answers } = reply
  if (rcode !== 0 && rcode !== 3) return silent(`rcode ${rcode}`)
  if (!isAuthoritative) return silent('it does not answer with authority')
  const records = answers.filter(({ type, owner }) => type === 'DS' && owner === zone)
  return {
    kind: 'answered',
    name,
    address,
    ds: [...new Set(records.map(({ data }) => data))].sort(),
    ttlSeconds: Math.max(0, ...records.map(({ ttlSeconds }) => ttlSeconds)),
  }
}
