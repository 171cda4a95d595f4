// UDP by node:dgram: one socket a worker and address, the port shared through SO_REUSEPORT.
//
// A send that the kernel does not take at once stays queued in libuv with a pointer into our buffer. So answers
// are written to a ring, and while the queue is as long as the ring new answers are dropped: a client that gets
// no answer asks again, and an old answer overwritten by a new one would be a wrong one.

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'

import type { Peer, Respond } from '../../answer/context.ts'
import type { Counters } from '../../answer/counters.ts'
import { listenEach } from './udp-each-address.ts'
import type { Address, Endpoint } from '../../lib/ip.ts'
import { peerAddress } from '../../lib/peer.ts'
import { udpOptionsOf } from '../endpoint.ts'
import { maxQueryOctets } from './udp-arena.ts'
import { isWildcard } from './udp-layout.ts'
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
