// The parent's delegation of a zone. The parent's own servers are queried, since resolvers mix the
// data of parent and child.

import { query } from '../resolver/query.ts'
import type { Response, ResourceRecord } from '../resolver/response.ts'
import { displayName, type DnsAccess, findParent, serversOf } from '../trust/parent.ts'

export type Referral =
  | {
      readonly kind: 'delegated'
      readonly parent: string
      /** The same name, without final dot; empty for the root. */
      readonly parentName: string
      /** Address of the server that sent it. */
      readonly server: string
      readonly nameServers: readonly string[]
      /** Addresses in the additional section, by name server. */
      readonly glue: ReadonlyMap<string, readonly string[]>
    }
  | { readonly kind: 'not-delegated'; readonly parent: string; readonly server: string }
  | { readonly kind: 'unknown'; readonly why: string }

/** Servers of the parent that are tried, one after another. */
const serverLimit = 4

export async function queryParent(zone: string, access: DnsAccess): Promise<Referral> {
  const parent = await findParent(zone, access)
  if (parent.kind === 'unknown') return parent
  const servers = await serversOf(parent.name, access, serverLimit)
  if (servers.length === 0)
    return { kind: 'unknown', why: `no address of any name server of ${displayName(parent.name)}` }
  let why = ''
  for (const server of servers) {
    const reply = await query(
      server,
      { name: zone, type: 'NS' },
      { timeoutMs: access.timeoutMs, isRecursive: false },
    )
    const referral = readReferral(reply, zone, parent.name)
    if (typeof referral !== 'string') return { ...referral, server: server.address }
    why = `${server.address}: ${referral}`
  }
  return { kind: 'unknown', why: `no server of ${displayName(parent.name)} says: ${why}` }
}

type ReferralRead =
  | Omit<Extract<Referral, { kind: 'delegated' }>, 'server'>
  | Omit<Extract<Referral, { kind: 'not-delegated' }>, 'server'>

/** A string says why the reply does not decide it. */
function readReferral(reply: Response, zone: string, parentName: string): ReferralRead | string {
  if (reply.kind === 'failed') return reply.why
  const { rcode, answers, authority, additional } = reply
  const parent = displayName(parentName)
  const ofZone = ({ type, owner }: ResourceRecord): boolean => type === 'NS' && owner === zone
  // A server of both zones answers from the child instead of sending a referral.
  const found = [...authority.filter(ofZone), ...answers.filter(ofZone)]
  if (found.length > 0) {
    const nameServers = [...new Set(found.map(({ data }) => data))].sort()
    const glue = glueIn(additional, nameServers)
    return { kind: 'delegated', parent, parentName, nameServers, glue }
  }
  const isDenied = rcode === 3 || (rcode === 0 && authority.some(({ type }) => type === 'SOA'))
  return isDenied ? { kind: 'not-delegated', parent } : `rcode ${rcode}, no NS of ${zone}`
}

const glueIn = (
  additional: readonly ResourceRecord[],
  names: readonly string[],
): ReadonlyMap<string, readonly string[]> =>
  new Map(
    names.map((name) => [
      name,
      additional
        .filter(({ owner, type }) => owner === name && (type === 'A' || type === 'AAAA'))
        .map(({ data }) => data)
        .sort(),
    ]),
  )
