// Whether everyone who is named as serving our zone does: over UDP and TCP, with authority, and all the same zone.

import { query } from '../resolver/query.ts'
import { createConcurrencyLimit } from '../resolver/stub-resolver.ts'
import { type CheckName, type CheckResult, fail, ok, warn } from './report.ts'
import type { OwnZone } from './own-zone.ts'
import { type DnsAccess, type Referral, addressesOf } from './parent.ts'

interface ServerAddress {
  readonly name: string
  readonly address: string
}

interface ServerReplies extends ServerAddress {
  /** Serial of the SOA, or what is wrong. */
  readonly udp: { readonly serial: string } | { readonly trouble: string }
  readonly tcp: { readonly serial: string } | { readonly trouble: string }
}

const limits = { addresses: 64, inFlight: 16 }

export async function checkNameServers(
  own: OwnZone,
  referral: Referral,
  asking: DnsAccess,
): Promise<readonly CheckResult[]> {
  const { found, lost } = await findServers(own, referral, asking)
  const limit = createConcurrencyLimit(limits.inFlight, limits.addresses)
  const heard = await Promise.all(
    found.map((one) => limit.run(() => querySoa(one, own.name, asking))),
  )
  return [...lost.map(noAddress), ...checkReplies(heard.filter((one) => one !== null))]
}

const noAddress = (name: string): CheckResult =>
  fail('servers', `${name} has no address`, 'give it one, or take its NS record away')

async function findServers(
  own: OwnZone,
  referral: Referral,
  { resolver }: DnsAccess,
): Promise<{ readonly found: readonly ServerAddress[]; readonly lost: readonly string[] }> {
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
    lost: sets.filter(({ addresses }) => addresses.length === 0).map(({ name }) => name),
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
    if (reply.kind === 'failed') return { trouble: reply.why }
    if (reply.rcode !== 0) return { trouble: rcodeTexts.get(reply.rcode) ?? `rcode ${reply.rcode}` }
    if (!reply.isAuthoritative) return { trouble: 'it answers without authority' }
    const soa = reply.answers.find(({ type, owner }) => type === 'SOA' && owner === zone)
    return soa ? { serial: soa.data } : { trouble: 'it has no SOA' }
  }
  const [udp, tcp] = await Promise.all([ask('udp'), ask('tcp')])
  return { ...served, udp, tcp }
}

const rcodeTexts: ReadonlyMap<number, string> = new Map([
  [2, 'SERVFAIL'],
  [3, 'NXDOMAIN'],
  [5, 'REFUSED: it does not serve the zone'],
])

function checkReplies(heard: readonly ServerReplies[]): readonly CheckResult[] {
  return [
    ...failuresOf(heard, 'udp', 'servers'),
    ...failuresOf(heard, 'tcp', 'tcp'),
    ...compareSerials(heard),
  ]
}

const advice = {
  udp: 'is a server running there, and does nothing in between keep UDP port 53 away?',
  tcp: 'let TCP port 53 through: resolvers need it for answers that UDP does not hold',
}

function failuresOf(
  heard: readonly ServerReplies[],
  transport: 'udp' | 'tcp',
  check: CheckName,
): readonly CheckResult[] {
  const troubles = heard.flatMap((one) => {
    const said = one[transport]
    return 'trouble' in said
      ? [fail(check, `${one.name} at ${one.address}: ${said.trouble}`, advice[transport])]
      : []
  })
  if (troubles.length > 0 || heard.length === 0) return troubles
  const where = heard.map(({ name, address }) => `${name} at ${address}`).join(', ')
  const how = transport === 'udp' ? 'with authority' : 'over TCP'
  return [ok(check, `${where} answer ${how}`)]
}

function compareSerials(heard: readonly ServerReplies[]): readonly CheckResult[] {
  const bySerial = Map.groupBy(
    heard.filter(({ udp }) => 'serial' in udp),
    ({ udp }) => ('serial' in udp ? udp.serial : ''),
  )
  if (bySerial.size === 0) return []
  const [first = ''] = bySerial.keys()
  if (bySerial.size === 1) return [ok('serials', `all have ${first}`)]
  const told = [...bySerial].map(
    ([serial, those]) => `${serial}: ${those.map(({ address }) => address).join(', ')}`,
  )
  return [
    warn(
      'serials',
      told.join('; '),
      'give all instances the same files; with soa.serial in them the serials are the same too',
    ),
  ]
}
