// One port behind which several servers are asked in turns, as a resolver asks the name servers of a zone.

import { createSocket } from 'node:dgram'

import { queryUdp } from './udp-query.ts'

interface Turns {
  readonly port: number
  close(): void
}

export async function inTurns(ports: readonly number[]): Promise<Turns> {
  const socket = createSocket('udp4')
  let count = 0
  socket.on('message', (packet, from) => {
    const reply = queryUdp(ports[count++ % ports.length] ?? 0, packet)
    // A resolver asks again for what is lost.
    const isLost = (): void => {}
    void reply.then((octets) => socket.send(octets, from.port, from.address), isLost)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  return { port: socket.address().port, close: () => void socket.close() }
}
