// One datagram to 127.0.0.1 and the first that comes back, as octets.

import { createSocket } from 'node:dgram'

export const queryUdp = (port: number, packet: Uint8Array, withinMs = 5000): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const socket = createSocket('udp4')
    const overdue = setTimeout(() => {
      socket.close()
      reject(new Error(`no reply within ${withinMs} ms`))
    }, withinMs)
    socket.once('message', (reply) => {
      clearTimeout(overdue)
      socket.close()
      resolve(reply)
    })
    socket.send(packet, port, '127.0.0.1')
  })
