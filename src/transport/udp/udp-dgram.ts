// UDP by node:dgram: one socket per worker and address, the port shared through SO_REUSEPORT.
//
// A datagram that the kernel does not take at once stays queued in libuv, with a pointer into our buffer. So answers
// are written to a ring buffer, and while the queue is as long as the ring, queries are dropped: a client that gets no
// answer asks again, whereas an answer overwritten in the queue would be a wrong one.

import { type BindOptions, createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { networkInterfaces } from 'node:os'
import type { Peer, Respond } from '../../answer/context.ts'
import type { Counters } from '../../answer/counters.ts'
import { type Address, type Endpoint, peerAddress } from '../../lib/ip.ts'
import { isWildcard, udpOptionsOf } from '../endpoint.ts'
import { type HandedSocket, isSocketOf } from '../handed-socket.ts'
import { maxQueryOctets } from './udp-arena.ts'
import { familyOf } from './udp-layout.ts'
import { wantedReceiveOctets } from './udp-socket.ts'

/** Answers that the ring buffer holds, and the room for each. */
const ringEntries = 512
const entryOctets = 4096

export interface UdpListener {
  /** The receive buffer that the kernel granted; of several sockets, the smallest; Infinity while there is none. */
  readonly receiveOctets: number
  /** Resolves when the sockets are closed. */
  close(): Promise<void>
}

interface UdpOptions {
  readonly counters: Counters
  /** Sockets that came bound, of any endpoint; those of this one are read. */
  readonly handed: readonly HandedSocket[]
}

/** Answers on an endpoint: on the sockets of it that came bound, or on one that it binds. Rejects with the bind's errno. */
export async function listenUdp(
  endpoint: Endpoint,
  respond: Respond,
  { counters, handed }: UdpOptions,
): Promise<UdpListener> {
  const sockets = handed.filter((one) => isSocketOf(one, 'udp', endpoint))
  if (sockets.length > 0) return readHanded(sockets, respond, counters)
  const listen = (one: Endpoint): Promise<UdpListener> =>
    bindOne(createSocketOf(one), { port: one.port, address: one.address }, respond, counters)
  // node:dgram cannot set the source address of an answer, so a wildcard is bound as one socket for each address.
  return isWildcard(endpoint.address) ? listenOnEachAddress(endpoint, listen) : listen(endpoint)
}

const createSocketOf = ({ address }: Endpoint, reusePort = true): Socket =>
  createSocket({ ...udpOptionsOf(address), reusePort, lookup: lookUpNothing })

async function readHanded(
  sockets: readonly HandedSocket[],
  respond: Respond,
  counters: Counters,
): Promise<UdpListener> {
  const listeners = await Promise.all(
    sockets.map(({ fd, endpoint }) =>
      bindOne(createSocketOf(endpoint, false), { fd }, respond, counters),
    ),
  )
  return {
    receiveOctets: Math.min(...listeners.map((listener) => listener.receiveOctets)),
    async close() {
      await Promise.all(listeners.map((listener) => listener.close()))
    },
  }
}

function bindOne(
  socket: Socket,
  to: BindOptions,
  respond: Respond,
  counters: Counters,
): Promise<UdpListener> {
  socket.on('message', createMessageHandler(socket, respond, counters))
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => {
      socket.close()
      reject(error)
    }
    socket.once('error', onError)
    socket.bind(to, () => {
      socket.removeListener('error', onError)
      // A datagram that cannot be sent (an ICMP error, a full device queue) concerns that client alone.
      socket.on('error', () => counters.add('sendErrors'))
      resolve({
        receiveOctets: requestReceiveBuffer(socket),
        close: () => new Promise((closed) => socket.close(() => closed())),
      })
    })
  })
}

/** A `lookup` that calls back at once: clients and endpoints are given as addresses, so no name has to be resolved. */
function lookUpNothing(
  address: string,
  family: unknown,
  callback: (error: null, address: string, family: number) => void,
): void {
  callback(null, address, Number(family))
}

/** Requests a receive buffer: the octets granted. Linux reports twice as much, for its own bookkeeping. */
function requestReceiveBuffer(socket: Socket): number {
  try {
    socket.setRecvBufferSize(wantedReceiveOctets)
  } catch {
    // Where Linux grants less than requested, other kernels fail.
  }
  return socket.getRecvBufferSize() / (process.platform === 'linux' ? 2 : 1)
}

/** The handler of `message` events: answers a query, or drops it while the send queue is full. */
function createMessageHandler(socket: Socket, respond: Respond, counters: Counters) {
  const ring = Buffer.alloc(ringEntries * entryOctets)
  const addresses = new Map<string, Address | null>()
  const peer: Peer = { family: 4, octets: new Uint8Array(4), port: 0, transport: 'udp' }
  let next = 0
  return (packet: Buffer, from: RemoteInfo): void => {
    const address = cachedAddress(addresses, from.address)
    if (address === null) return
    peer.family = address.family
    peer.octets = address.octets
    peer.port = from.port
    if (socket.getSendQueueCount() >= ringEntries - 1) {
      counters.add('sendErrors')
      return
    }
    const at = next * entryOctets
    const octets = respond(packet, 0, Math.min(packet.length, maxQueryOctets), peer, ring, at)
    if (octets === 0) return
    next = (next + 1) % ringEntries
    socket.send(ring, at, octets, from.port, from.address)
  }
}

/** The capacity of the cache of parsed addresses: the same resolvers ask again and again. */
const maxCachedAddresses = 4096

/** The octets of an address in text form; null if it is none. */
function cachedAddress(cache: Map<string, Address | null>, text: string): Address | null {
  const cached = cache.get(text)
  if (cached !== undefined) return cached
  if (cache.size === maxCachedAddresses) cache.clear()
  const address = peerAddress(text)
  cache.set(text, address)
  return address
}

/** How often the addresses of this host are read again, as they come and go. */
const refreshEveryMs = 10_000

type Listen = (endpoint: Endpoint) => Promise<UdpListener>

type LocalAddresses = (family: 4 | 6) => readonly string[]

/**
 * Listens on a wildcard endpoint by one socket for each address of this host, for transports that cannot choose the
 * source address of an answer. Without addresses it waits for the first one; rejects with the last error when there are
 * some and none can be bound.
 */
export async function listenOnEachAddress(
  { address, port }: Endpoint,
  listen: Listen,
  localAddresses: LocalAddresses = addressesOfHost,
): Promise<UdpListener> {
  const open = new Map<string, UdpListener>()
  let failure: unknown = null

  async function refresh(): Promise<void> {
    const wanted = new Set(localAddresses(familyOf(address)))
    for (const [local, listener] of open) {
      if (wanted.has(local)) continue
      open.delete(local)
      await listener.close()
    }
    for (const local of wanted) {
      if (open.has(local)) continue
      // The address may be gone again, or still tentative (IPv6 duplicate address detection): the next refresh retries.
      await listen({ address: local, port }).then(
        (listener) => open.set(local, listener),
        (error: unknown) => (failure = error),
      )
    }
  }

  let refreshing = refresh()
  await refreshing
  if (open.size === 0 && failure !== null) throw failure
  const timer = setInterval(() => {
    // An error now does not keep the next refresh from succeeding.
    refreshing = refreshing.then(refresh).catch(() => {})
  }, refreshEveryMs)
  return {
    receiveOctets: Math.min(...[...open.values()].map((listener) => listener.receiveOctets)),
    async close() {
      clearInterval(timer)
      await refreshing
      await Promise.all([...open.values()].map((listener) => listener.close()))
    },
  }
}

/** The addresses of this host's interfaces; link-local ones with their zone id (`fe80::1%eth0`). */
const addressesOfHost: LocalAddresses = (family) =>
  Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses
      .filter((entry) => entry.family === `IPv${family}`)
      .map(({ address, scopeid }) => (scopeid ? `${address}%${name}` : address)),
  )
