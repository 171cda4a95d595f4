// Checks `servers`, `tcp` and `serials`: every name server of the zone, of the parent's delegation
// or the zone's own, answers over UDP and TCP, with authority, and all have the same serial.

import { query } from '../resolver/query.ts'
import { createConcurrencyLimit } from '../resolver/stub-resolver.ts'
import { type CheckName, type CheckResult, fail, ok, warn } from './report.ts'
import type { OwnZone } from './own-zone.ts'
import { addressesOf, type DnsAccess } from '../trust/parent.ts'
import type { Referral } from './parent.ts'

/** One address of a name server, which may have several. */
export interface ServerAddress {
  readonly name: string
  readonly address: string
}

interface ServerReplies extends ServerAddress {
  /** The SOA serial of each reply, or what is wrong with it. */
  readonly udp: { readonly serial: string } | { readonly problem: string }
  readonly tcp: { readonly serial: string } | { readonly problem: string }
}

const limits = { addresses: 64, inFlight: 16 }

export async function checkNameServers(
  own: OwnZone,
  servers: NameServers,
  access: DnsAccess,
): Promise<readonly CheckResult[]> {
  const { found, unresolved } = servers
  const limit = createConcurrencyLimit(limits.inFlight, limits.addresses)
  const replies = await Promise.all(
    found.map((one) => limit.run(() => querySoa(one, own.name, access))),
  )
  return [...unresolved.map(noAddress), ...checkReplies(replies.filter((one) => one !== null))]
}

const noAddress = (name: string): CheckResult =>
  fail('servers', `${name} has no address`, 'give it one, or take its NS record away')

export interface NameServers {
  readonly found: readonly ServerAddress[]
  /** Names without an address. */
  readonly unresolved: readonly string[]
}

/** Those that the parent names, and those that the zone does. */
export async function findServers(
  own: OwnZone,
  referral: Referral,
  { resolver }: DnsAccess,
): Promise<NameServers> {
  const glue = referral.kind === 'delegated' ? referral.glue : new Map<string, readonly string[]>()
  const names = new Set([...own.nameServers, ...glue.keys()])
  const sets = await Promise.all(
    [...names].map(async (name) => {
      const known = [...(own.addresses.get(name) ?? []), ...(glue.get(name) ?? [])]
      const addresses = known.length > 0 ? known : await addressesOf(name, resolver)
      return { name, addresses: [...new Set(addresses)] }
    }),
  )
  return {
    found: sets
      .flatMap(({ name, addresses }) => addresses.map((address) => ({ name, address })))
      .slice(0, limits.addresses),
    unresolved: sets.filter(({ addresses }) => addresses.length === 0).map(({ name }) => name),
  }
}

async function querySoa(
  served: ServerAddress,
  zone: string,
  { port, timeoutMs }: DnsAccess,
): Promise<ServerReplies> {
  const ask = async (transport: 'udp' | 'tcp'): Promise<ServerReplies['udp']> => {
    const options = { timeoutMs, isRecursive: false, transport }
    const question = { name: zone, type: 'SOA' } as const
    const reply = await query({ address: served.address, port }, question, options)
    if (reply.kind === 'failed') return { problem: reply.why }
    if (reply.rcode !== 0) return { problem: rcodeTexts.get(reply.rcode) ?? `rcode ${reply.rcode}` }
    if (!reply.isAuthoritative) return { problem: 'it answers without authority' }
    const soa = reply.answers.find(({ type, owner }) => type === 'SOA' && owner === zone)
    return soa ? { serial: soa.data } : { problem: 'it has no SOA' }
  }
  const [udp, tcp] = await Promise.all([ask('udp'), ask('tcp')])
  return { ...served, udp, tcp }
}

const rcodeTexts: ReadonlyMap<number, string> = new Map([
  [2, 'SERVFAIL'],
  [3, 'NXDOMAIN'],
  [5, 'REFUSED: it does not serve the zone'],
])

function checkReplies(replies: readonly ServerReplies[]): readonly CheckResult[] {
  return [
    ...failuresOf(replies, 'udp', 'servers'),
    ...failuresOf(replies, 'tcp', 'tcp'),
    ...compareSerials(replies),
  ]
}

const advice = {
  udp: 'is a server running there, and does nothing in between keep UDP port 53 away?',
  tcp: 'let TCP port 53 through: resolvers need it for answers that UDP does not hold',
}

function failuresOf(
  replies: readonly ServerReplies[],
  transport: 'udp' | 'tcp',
  check: CheckName,
): readonly CheckResult[] {
  const problems = replies.flatMap((one) => {
    const reply = one[transport]
    return 'problem' in reply
      ? [fail(check, `${one.name} at ${one.address}: ${reply.problem}`, advice[transport])]
      : []
  })
  if (problems.length > 0 || replies.length === 0) return problems
  const where = replies.map(({ name, address }) => `${name} at ${address}`).join(', ')
  const how = transport === 'udp' ? 'with authority' : 'over TCP'
  return [ok(check, `${where} answer ${how}`)]
}

function compareSerials(replies: readonly ServerReplies[]): readonly CheckResult[] {
  const bySerial = Map.groupBy(
    replies.filter(({ udp }) => 'serial' in udp),
    ({ udp }) => ('serial' in udp ? udp.serial : ''),
  )
  if (bySerial.size === 0) return []
  const [first = ''] = bySerial.keys()
  if (bySerial.size === 1) return [ok('serials', `all have ${first}`)]
  const text = [...bySerial].map(
    ([serial, those]) => `${serial}: ${those.map(({ address }) => address).join(', ')}`,
  )
  return [
    warn(
      'serials',
      text.join('; '),
      'give all instances the same files; with a store, or soa.serial, the serials are the same too',
    ),
  ]
}
