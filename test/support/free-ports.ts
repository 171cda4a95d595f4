// Ports for servers of tests: free on every address asked, for UDP and TCP, and below the ephemeral range, so
// that no outgoing connection takes one in the meantime. Each vitest worker draws from a range of its own.

import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

const firstPort = 20_000
const portsPerWorker = 1500

const worker = Number(process.env['VITEST_POOL_ID'] ?? 1) % 8
let drawn = Math.floor(Math.random() * portsPerWorker)

/** A port that is free on all of `addresses`. */
export async function freePort(addresses: readonly string[] = ['127.0.0.1']): Promise<number> {
  for (let tries = 0; tries < 200; tries++) {
    const port = firstPort + worker * portsPerWorker + (drawn++ % portsPerWorker)
    const free = await Promise.all(addresses.map(async (address) => isFree(address, port)))
    if (free.every(Boolean)) return port
  }
  throw new Error(`no port is free on ${addresses.join(', ')}`)
}

const isFree = async (address: string, port: number): Promise<boolean> =>
  (await isTcpFree(address, port)) && (await isUdpFree(address, port))

const isTcpFree = (address: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ host: address, port, exclusive: true }, () => server.close(() => resolve(true)))
  })

const isUdpFree = (address: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
    socket.once('error', () => resolve(false))
    socket.bind({ address, port, exclusive: true }, () => socket.close(() => resolve(true)))
  })
