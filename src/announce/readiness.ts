// Whether to send queries here: zones loaded, first probe round done (or its bound passed), and our own SOA
// answered through every socket. Never because targets are down: that is what the answers are for.

import { createSocket } from 'node:dgram'

import type { Endpoint } from '../lib/ip.ts'
import { formatEndpoint, udpTypeOf } from '../transport/endpoint.ts'
import type { Name } from '../wire/name.ts'

export interface Readiness {
  readonly ready: boolean
  /** Why not; empty when ready. */
  readonly reasons: readonly string[]
}

export interface ReadinessSources {
  readonly endpoints: readonly Endpoint[]
  readonly isStopping: () => boolean
  readonly isProbed: () => boolean
  /** An apex to ask for; null before zones are loaded. */
  readonly someApex: () => Name | null
}

const answerWithinMs = 1000

export async function checkReadiness(sources: ReadinessSources): Promise<Readiness> {
  const reasons: string[] = []
  const apex = sources.someApex()
  if (sources.isStopping()) reasons.push('stopping')
  if (!sources.isProbed()) reasons.push('the first round of probes is not done')
  if (apex === null) reasons.push('no zones are loaded')
  if (reasons.length > 0 || apex === null) return { ready: false, reasons }
  for (const endpoint of await silentEndpoints(sources))
    reasons.push(
      `no answer to our own SOA from ${formatEndpoint(endpoint)} within ${answerWithinMs} ms`,
    )
  return { ready: reasons.length === 0, reasons }
}

/** Those that do not answer our own SOA; none where there is no zone to ask for. */
export async function silentEndpoints({
  endpoints,
  someApex,
}: Pick<ReadinessSources, 'endpoints' | 'someApex'>): Promise<readonly Endpoint[]> {
  const apex = someApex()
  if (apex === null) return []
  const looks = endpoints.map(async (endpoint) =>
    (await answersSoa(endpoint, apex)) ? [] : [endpoint],
  )
  return (await Promise.all(looks)).flat()
}

/** A wildcard address cannot be asked: its loopback can. */
const askable = (address: string): string =>
  address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address

/** Asks one endpoint for the SOA of `apex` over UDP: true for an authoritative NOERROR answer. */
function answersSoa(endpoint: Endpoint, apex: Name): Promise<boolean> {
  const id = Math.floor(performance.now() * 1000) & 0xffff
  const query = Buffer.alloc(12 + apex.length + 4)
  query.writeUInt16BE(id, 0)
  query.writeUInt16BE(1, 4)
  query.set(apex, 12)
  query.writeUInt32BE((6 << 16) | 1, 12 + apex.length)
  return new Promise((resolve) => {
    const socket = createSocket(udpTypeOf(endpoint.address))
    const finish = (answered: boolean): void => {
      clearTimeout(overdue)
      socket.close()
      resolve(answered)
    }
    const overdue = setTimeout(() => finish(false), answerWithinMs)
    socket.once('error', () => finish(false))
    socket.on('message', (reply) => {
      if (reply.length < 12 || reply.readUInt16BE(0) !== id) return
      const flags = reply.readUInt16BE(2)
      finish((flags & 0x8400) === 0x8400 && (flags & 0xf) === 0 && reply.readUInt16BE(6) === 1)
    })
    socket.send(query, endpoint.port, askable(endpoint.address))
  })
}
