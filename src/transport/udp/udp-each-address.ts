// A wildcard endpoint as one socket for each address of this host, for transports that cannot choose the address
// an answer leaves from. Addresses come and go: interfaces are looked at every 10 s.

import { networkInterfaces } from 'node:os'

import type { Endpoint } from '../../lib/ip.ts'
import type { UdpListener } from './udp-dgram.ts'
import { familyOf } from './udp-layout.ts'

const everyMs = 10_000

export type Listen = (endpoint: Endpoint) => Promise<UdpListener>
export type LocalAddresses = (family: 4 | 6) => readonly string[]

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
