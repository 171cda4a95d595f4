// Whether queries should be sent to this instance: its zones are loaded, the first round of probes
// is done (or has taken as long as it may), and every socket answers our own SOA query. Targets
// that are down do not matter: choosing the right answers for them is what this instance is for.
//
// A query that this host cannot send (IPv6 is off, the address is gone) is no silence of the socket:
// sockets are judged that can be asked, and one of them at least has to answer.

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
  /** Whether signed zones can be signed: the clock is not known to be wrong. */
  readonly isTimeKnown: () => boolean
  /** The apex of a zone that is served, for the SOA query; null before zones are loaded. */
  readonly anyApex: () => Name | null
}

const answerTimeoutMs = 1000

/** Why not, as far as it is known without asking the sockets. */
export function knownReasons(sources: ReadinessSources): string[] {
  const reasons: string[] = []
  if (sources.isStopping()) reasons.push('stopping')
  if (!sources.isProbed()) reasons.push('the first round of probes is not done')
  if (!sources.isTimeKnown())
    reasons.push('the clock is before a time that has been, so that nothing can be signed')
  if (sources.anyApex() === null) reasons.push('no zones are loaded')
  return reasons
}

/** Resolves within a second or so. */
export async function checkReadiness(sources: ReadinessSources): Promise<Readiness> {
  const reasons = knownReasons(sources)
  const apex = sources.anyApex()
  if (reasons.length > 0 || apex === null) return { ready: false, reasons }
  const looks = await lookAtSockets(sources.endpoints, apex)
  for (const { endpoint, result } of looks)
    if (result === 'silent')
      reasons.push(
        `no answer to our own SOA from ${formatEndpoint(endpoint)} within ${answerTimeoutMs} ms`,
      )
  if (looks.every(({ result }) => result === 'unsendable'))
    reasons.push('this host cannot send a query to any of its own sockets: it has no such address')
  return { ready: reasons.length === 0, reasons }
}

/**
 * The endpoints that do not answer our own SOA query; empty if there is no zone to query for.
 * Endpoints to which this host cannot send are left out.
 */
export async function unresponsiveEndpoints({
  endpoints,
  anyApex,
}: Pick<ReadinessSources, 'endpoints' | 'anyApex'>): Promise<readonly Endpoint[]> {
  const apex = anyApex()
  if (apex === null) return []
  const looks = await lookAtSockets(endpoints, apex)
  return looks.filter(({ result }) => result === 'silent').map(({ endpoint }) => endpoint)
}

/** `unsendable`: this host has no way to the socket, so that nothing is known of it. */
type LookResult = 'answered' | 'silent' | 'unsendable'

interface SocketLook {
  readonly endpoint: Endpoint
  readonly result: LookResult
}

const lookAtSockets = (endpoints: readonly Endpoint[], apex: Name): Promise<SocketLook[]> =>
  Promise.all(
    endpoints.map(async (endpoint) => ({ endpoint, result: await querySoa(endpoint, apex) })),
  )

/** Errors of a socket that has no way to its destination. Others, as of descriptors, count as silence. */
const unsendableCodes: ReadonlySet<string | undefined> = new Set([
  'EAFNOSUPPORT',
  'EADDRNOTAVAIL',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ENETDOWN',
  'EACCES',
  'EPERM',
  'EINVAL',
])

const headerOctets = 12
/** QTYPE SOA and QCLASS IN. */
const soaIn = (6 << 16) | 1
/** Header flags QR and AA: an authoritative response. */
const authoritativeResponse = 0x8400

/** Queries an endpoint over UDP. `answered`: by an authoritative NOERROR answer in time. */
function querySoa(endpoint: Endpoint, apex: Name): Promise<LookResult> {
  const id = Math.floor(performance.now() * 1000) & 0xffff
  const query = Buffer.alloc(headerOctets + apex.length + 4)
  query.writeUInt16BE(id, 0)
  query.writeUInt16BE(1, 4)
  query.set(apex, headerOctets)
  query.writeUInt32BE(soaIn, headerOctets + apex.length)
  return new Promise((resolve) => {
    const socket = createSocket(udpTypeOf(endpoint.address))
    let isFinished = false
    const finish = (result: LookResult): void => {
      if (isFinished) return
      isFinished = true
      clearTimeout(timeout)
      socket.close()
      resolve(result)
    }
    const timeout = setTimeout(() => finish('silent'), answerTimeoutMs)
    const fail = ({ code }: NodeJS.ErrnoException): void =>
      finish(unsendableCodes.has(code) ? 'unsendable' : 'silent')
    socket.once('error', fail)
    socket.on('message', (reply) => {
      if (reply.length < headerOctets || reply.readUInt16BE(0) !== id) return
      const flags = reply.readUInt16BE(2)
      const isAuthoritative = (flags & authoritativeResponse) === authoritativeResponse
      const rcode = flags & 0xf
      const isAnswered = isAuthoritative && rcode === 0 && reply.readUInt16BE(6) === 1
      finish(isAnswered ? 'answered' : 'silent')
    })
    // Without a callback Node reports no error of sending at all.
    socket.send(query, endpoint.port, destinationOf(endpoint.address), (error) => {
      if (error) fail(error)
    })
  })
}
