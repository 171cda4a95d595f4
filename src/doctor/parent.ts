// The parent's delegation of a zone. The parent's own servers are queried, since resolvers mix the
// data of parent and child.

import { query } from '../resolver/query.ts'
import type { Response, ServerEndpoint, ResourceRecord } from '../resolver/response.ts'
import type { StubResolver } from '../resolver/stub-resolver.ts'

export interface DnsAccess {
  readonly resolver: StubResolver
  /** The port of name servers: 53 except in tests. */
  readonly port: number
  readonly timeoutMs: number
}

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

type Parent =
  | { readonly kind: 'parent'; readonly name: string }
  | { readonly kind: 'unknown'; readonly why: string }

/** The zone that the name above `zone` is in: the owner of the SOA that the resolver returns. */
export async function findParent(
  zone: string,
  { resolver, timeoutMs }: DnsAccess,
): Promise<Parent> {
  const above = zone.includes('.') ? zone.slice(zone.indexOf('.') + 1) : ''
  const { server } = resolver
  const question = { name: above, type: 'SOA' } as const
  const reply = await query(server, question, { timeoutMs, isRecursive: true })
  const resolverText = `the resolver ${server.address} port ${server.port}`
  if (reply.kind === 'failed') return { kind: 'unknown', why: `${resolverText}: ${reply.why}` }
  const found = [...reply.answers, ...reply.authority].find(
    ({ type, owner }) => type === 'SOA' && isAtOrBelow(above, owner),
  )
  return found
    ? { kind: 'parent', name: found.owner }
    : { kind: 'unknown', why: `${resolverText} knows no zone above ${zone}: rcode ${reply.rcode}` }
}

/** Addresses of the name servers of a zone, IPv4 first, since more hosts can use it; `limit` of both at most. */
export async function serversOf(
  zone: string,
  { resolver, port }: DnsAccess,
  limit: number,
): Promise<readonly ServerEndpoint[]> {
  const ns = await resolver.resolve({ name: zone, type: 'NS' })
  const names = ns.kind === 'found' ? ns.records.map(({ data }) => data) : []
  const some = names.slice(0, limit)
  const found = await Promise.all(some.map((name) => addressesOf(name, resolver)))
  const addresses = found.flat().sort((a, b) => Number(a.includes(':')) - Number(b.includes(':')))
  return addresses.slice(0, limit).map((address) => ({ address, port }))
}

export async function addressesOf(
  name: string,
  resolver: StubResolver,
): Promise<readonly string[]> {
  const found = await Promise.all(
    (['A', 'AAAA'] as const).map((type) => resolver.resolve({ name, type })),
  )
  return found.flatMap((answer) =>
    answer.kind === 'found' ? answer.records.map(({ data }) => data) : [],
  )
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

export const isAtOrBelow = (name: string, zone: string): boolean =>
  zone === '' || name === zone || name.endsWith(`.${zone}`)

/** A name without final dot, for people. */
export const displayName = (zone: string): string => (zone === '' ? 'the root' : zone)
