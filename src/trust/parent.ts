// The parent of a zone and the addresses of its name servers, as a resolver knows them.

import { query } from '../resolver/query.ts'
import type { ServerEndpoint } from '../resolver/response.ts'
import type { StubResolver } from '../resolver/stub-resolver.ts'

export interface DnsAccess {
  readonly resolver: StubResolver
  /** The port of name servers: 53 except in tests. */
  readonly port: number
  readonly timeoutMs: number
}

type Parent =
  | { readonly kind: 'parent'; readonly name: string }
  | { readonly kind: 'unknown'; readonly why: string }

/** The zone that the name above `zone` is in: the owner of the SOA that the resolver returns. */
export async function findParent(
  zone: string,
  { resolver, timeoutMs }: DnsAccess,
): Promise<Parent> {
  if (zone === '') return { kind: 'unknown', why: 'the root has no parent' }
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

export const isAtOrBelow = (name: string, zone: string): boolean =>
  zone === '' || name === zone || name.endsWith(`.${zone}`)

/** A name without final dot, for people. */
export const displayName = (zone: string): string => (zone === '' ? 'the root' : zone)
