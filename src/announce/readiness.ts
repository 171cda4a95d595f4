// Whether queries should be sent to this instance: its zones are loaded, the first round of probes
// is done (or has taken as long as it may), and every socket answers our own SOA query. Targets
// that are down do not matter: choosing the right answers for them is what this instance is for.

import { createSocket } from 'node:dgram'

import { type Endpoint, destinationOf } from '../lib/ip.ts'
import { formatEndpoint, udpTypeOf } from '../transport/endpoint.ts'
import type { Name } from '../wire/name.ts'

export interface Readiness {
  readonly ready: boolean
  /** Why not, one sentence each; empty when ready. */
  readonly reasons: readonly string[]
}

export interface ReadinessSources {
  readonly endpoints: readonly Endpoint[]
  readonly isStopping: () => boolean
  readonly isProbed: () => boolean
  /** The apex of a zone that is served, for the SOA query; null before zones are loaded. */
  readonly anyApex: () => Name | null
}

const answerTimeoutMs = 1000

/** Resolves within a second or so. */
export async function checkReadiness(sources: ReadinessSources): Promise<Readiness> {
  const reasons: string[] = []
  const apex = sources.anyApex()
  if (sources.isStopping()) reasons.push('stopping')
  if (!sources.isProbed()) reasons.push('the first round of probes is not done')
  if (apex === null) reasons.push('no zones are loaded')
  if (reasons.length > 0 || apex === null) return { ready: false, reasons }
  for (const endpoint of await unresponsiveEndpoints(sources))
    reasons.push(
      `no answer to our own SOA from ${formatEndpoint(endpoint)} within ${answerTimeoutMs} ms`,
    )
  return { ready: reasons.length === 0, reasons }
}

/** The endpoints that do not answer our own SOA query; empty if there is no zone to query for. */
export async function unresponsiveEndpoints({
  endpoints,
  anyApex,
}: Pick<ReadinessSources, 'endpoints' | 'anyApex'>): Promise<readonly Endpoint[]> {
  const apex = anyApex()
  if (apex === null) return []
  const queries = endpoints.map(async (endpoint) =>
    (await answersSoa(endpoint, apex)) ? [] : [endpoint],
  )
  return (await Promise.all(queries)).flat()
}

const headerOctets = 12
/** QTYPE SOA and QCLASS IN. */
const soaIn = (6 << 16) | 1
/** Header flags QR and AA: an authoritative response. */
const authoritativeResponse = 0x8400

/** Queries an endpoint over UDP. Resolves true for one authoritative NOERROR answer in time. */
function answersSoa(endpoint: Endpoint, apex: Name): Promise<boolean> {
  const id = Math.floor(performance.now() * 1000) & 0xffff
  const query = Buffer.alloc(headerOctets + apex.length + 4)
  query.writeUInt16BE(id, 0)
  query.writeUInt16BE(1, 4)
  query.set(apex, headerOctets)
  query.writeUInt32BE(soaIn, headerOctets + apex.length)
  return new Promise((resolve) => {
    const socket = createSocket(udpTypeOf(endpoint.address))
    const finish = (isAnswered: boolean): void => {
      clearTimeout(timeout)
      socket.close()
      resolve(isAnswered)
    }
    const timeout = setTimeout(() => finish(false), answerTimeoutMs)
    socket.once('error', () => finish(false))
    socket.on('message', (reply) => {
      if (reply.length < headerOctets || reply.readUInt16BE(0) !== id) return
      const flags = reply.readUInt16BE(2)
      const isAuthoritative = (flags & authoritativeResponse) === authoritativeResponse
      const rcode = flags & 0xf
      finish(isAuthoritative && rcode === 0 && reply.readUInt16BE(6) === 1)
    })
    socket.send(query, endpoint.port, destinationOf(endpoint.address))
  })
}
