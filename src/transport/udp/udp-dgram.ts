// UDP by node:dgram: one socket a worker and address, the port shared through SO_REUSEPORT.
//
// A send that the kernel does not take at once stays queued in libuv with a pointer into our buffer. So answers
// are written to a ring, and while the queue is as long as the ring new answers are dropped: a client that gets
// no answer asks again, and an old answer overwritten by a new one would be a wrong one.

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { networkInterfaces } from 'node:os'
import type { Peer, Respond } from '../../answer/context.ts'
import type { Counters } from '../../answer/counters.ts'
import { type Address, type Endpoint, peerAddress } from '../../lib/ip.ts'
import { udpOptionsOf } from '../endpoint.ts'
import { maxQueryOctets } from './udp-arena.ts'
import { familyOf, isWildcard } from './udp-layout.ts'
import { wantedReceiveOctets } from './udp-socket.ts'

const ringSlots = 512

const slotOctets = 4096

export interface UdpListener {
  /** What the kernel gave as receive buffer; the smallest, where there are several. */
  readonly receiveOctets: number
  close(): Promise<void>
}

/** Binds and answers. Rejects with the bind's errno. */
export function listenUdp(
  endpoint: Endpoint,
  respond: Respond,
  counters: Counters,
): Promise<UdpListener> {
  const listen = (one: Endpoint): Promise<UdpListener> => listenOne(one, respond, counters)
  // This socket cannot be told which address an answer should leave from, so each address gets one.
  return isWildcard(endpoint.address) ? listenEach(endpoint, listen) : listen(endpoint)
}

function listenOne(endpoint: Endpoint, respond: Respond, counters: Counters): Promise<UdpListener> {
  const options = { ...udpOptionsOf(endpoint.address), reusePort: true, lookup: alreadyAddress }
  const socket = createSocket(options)
  socket.on('message', answerOn(socket, respond, counters))
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => {
      socket.close()
      reject(error)
    }
    socket.once('error', onError)
    socket.bind(endpoint.port, endpoint.address, () => {
      socket.removeListener('error', onError)
      // A datagram that cannot be sent (an ICMP error, a full device queue) concerns that client alone.
      socket.on('error', () => counters.add('sendErrors'))
      resolve({
        receiveOctets: askForBuffer(socket),
        close: () => new Promise((closed) => socket.close(() => closed())),
      })
    })
  })
}

/** Peers and our own endpoints are addresses: nothing is to be asked for, and nothing to be waited for. */
function alreadyAddress(
  address: string,
  family: unknown,
  told: (error: null, address: string, family: number) => void,
): void {
  told(null, address, Number(family))
}

/** The kernel doubles what it grants, for its own needs, and on Linux tells the double. */
function askForBuffer(socket: Socket): number {
  try {
    socket.setRecvBufferSize(wantedReceiveOctets)
  } catch {
    // Some kernels refuse what Linux cuts down.
  }
  return socket.getRecvBufferSize() / (process.platform === 'linux' ? 2 : 1)
}

function answerOn(socket: Socket, respond: Respond, counters: Counters) {
  const ring = Buffer.alloc(ringSlots * slotOctets)
  const addresses = new Map<string, Address | null>()
  const peer: Peer = { family: 4, octets: new Uint8Array(4), port: 0, transport: 'udp' }
  let next = 0
  return (packet: Buffer, from: RemoteInfo): void => {
    const address = addressOf(addresses, from.address)
    if (address === null) return
    peer.family = address.family
    peer.octets = address.octets
    peer.port = from.port
    if (socket.getSendQueueCount() >= ringSlots - 1) {
      counters.add('sendErrors')
      return
    }
    const at = next * slotOctets
    const octets = respond(packet, 0, Math.min(packet.length, maxQueryOctets), peer, ring, at)
    if (octets === 0) return
    next = (next + 1) % ringSlots
    socket.send(ring, at, octets, from.port, from.address)
  }
}

/** Peers whose text was read lately: resolvers ask again and again. */
const rememberedPeers = 4096

function addressOf(known: Map<string, Address | null>, text: string): Address | null {
  const found = known.get(text)
  if (found !== undefined) return found
  if (known.size === rememberedPeers) known.clear()
  const address = peerAddress(text)
  known.set(text, address)
  return address
}

// A wildcard endpoint as one socket for each address of this host, for transports that cannot choose the address
// an answer leaves from. Addresses come and go: interfaces are looked at every 10 s.

const everyMs = 10_000

type Listen = (endpoint: Endpoint) => Promise<UdpListener>

type LocalAddresses = (family: 4 | 6) => readonly string[]

/** Rejects when none of the host's addresses can be listened on. */
export async function listenEach(
  { address, port }: Endpoint,
  listen: Listen,
  localAddresses: LocalAddresses = addressesOfHost,
): Promise<UdpListener> {
  const open = new Map<string, UdpListener>()
  let failure: unknown = new Error(`no address for ${address}`)

  async function look(): Promise<void> {
    const wanted = new Set(localAddresses(familyOf(address)))
    for (const [here, listener] of open) {
      if (wanted.has(here)) continue
      open.delete(here)
      await listener.close()
    }
    for (const here of wanted) {
      if (open.has(here)) continue
      // An address may be gone again, or an IPv6 one not yet proven unique: the next look finds out.
      await listen({ address: here, port }).then(
        (listener) => open.set(here, listener),
        (error: unknown) => (failure = error),
      )
    }
  }

  let looking = look()
  await looking
  if (open.size === 0) throw failure
  const again = setInterval(() => {
    // Whatever is wrong now, the next look may be better.
    looking = looking.then(look).catch(() => {})
  }, everyMs)
  return {
    receiveOctets: Math.min(...[...open.values()].map((listener) => listener.receiveOctets)),
    async close() {
      clearInterval(again)
      await looking
      await Promise.all([...open.values()].map((listener) => listener.close()))
    },
  }
}

/** Link-local ones with their interface, without which they mean nothing. */
const addressesOfHost: LocalAddresses = (family) =>
  Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses
      .filter((one) => one.family === `IPv${family}`)
      .map((one) => (one.scopeid ? `${one.address}%${name}` : one.address)),
  )
