// UDP by node:dgram: one socket a worker and endpoint, the port shared through SO_REUSEPORT.
//
// A send that the kernel does not take at once stays queued in libuv with a pointer into our buffer. So answers
// are written to a ring, and while the queue is as long as the ring new answers are dropped: a client that gets
// no answer asks again, and an old answer overwritten by a new one would be a wrong one.

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'

import type { Peer, Respond } from '../answer/context.ts'
import type { Counters } from '../answer/counters.ts'
import { peerAddress } from './peer.ts'
import { type Endpoint, udpOptionsOf } from './endpoint.ts'

const ringSlots = 512
const slotOctets = 4096

export interface UdpListener {
  close(): Promise<void>
}

/** Binds and answers. Rejects with the bind's errno. */
export function listenUdp(
  endpoint: Endpoint,
  respond: Respond,
  counters: Counters,
): Promise<UdpListener> {
  const socket = createSocket({ ...udpOptionsOf(endpoint.address), reusePort: true })
  socket.on('message', answerOn(socket, respond, counters))
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(endpoint.port, endpoint.address, () => {
      socket.removeListener('error', reject)
      // A datagram that cannot be sent (an ICMP error, a full device queue) concerns that client alone.
      socket.on('error', () => counters.add('sendErrors'))
      resolve({ close: () => new Promise((closed) => socket.close(() => closed())) })
    })
  })
}

function answerOn(socket: Socket, respond: Respond, counters: Counters) {
  const ring = Buffer.alloc(ringSlots * slotOctets)
  const peer: Peer = { family: 4, octets: new Uint8Array(4), port: 0, transport: 'udp' }
  let next = 0
  return (packet: Buffer, from: RemoteInfo): void => {
    const address = peerAddress(from.address)
    if (address === null) return
    peer.family = address.family
    peer.octets = address.octets
    peer.port = from.port
    if (socket.getSendQueueCount() >= ringSlots - 1) {
      counters.add('sendErrors')
      return
    }
    const at = next * slotOctets
    const octets = respond(packet, 0, packet.length, peer, ring, at)
    if (octets === 0) return
    next = (next + 1) % ringSlots
    socket.send(ring, at, octets, from.port, from.address)
  }
}
