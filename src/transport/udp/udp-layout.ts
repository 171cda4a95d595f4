// The structures that recvmmsg and sendmmsg read and write, as Linux lays them out on 64-bit little-endian machines.
//
//   struct mmsghdr   0 name*  8 namelen u32  16 iov*  24 iovlen u64  32 control*  40 controllen u64
//                   48 flags i32  56 len u32                                            64 octets
//   struct iovec     0 base*  8 len u64                                                 16
//   struct pollfd    0 fd i32  4 events i16  6 revents i16                               8
//   sockaddr_in      0 family u16  2 port (network order)  4 address                    16
//   sockaddr_in6     0 family u16  2 port  4 flow u32  8 address  24 scope u32          28
//   cmsghdr          0 len u64  8 level i32  12 type i32  16 data
//   in_pktinfo      16 ifindex i32  20 spec_dst  24 addr                                28, in 32
//   in6_pktinfo     16 addr  32 ifindex u32                                             36, in 40

import { parseAddress, type Endpoint } from '../../lib/ip.ts'

export const headerOctets = 64
export const iovecOctets = 16
export const pollfdOctets = 8

/** Offsets of the fields of mmsghdr. */
export const headerField = {
  name: 0,
  nameLength: 8,
  iov: 16,
  iovCount: 24,
  control: 32,
  controlLength: 40,
  length: 56,
} as const

/** Address families as Linux numbers them. */
export const Af = { inet: 2, inet6: 10 } as const

/** The socket address and the packet info, by the address family of the socket. */
export const layoutOf = {
  4: { nameOctets: 16, addressAt: 4, addressOctets: 4, controlOctets: 32 },
  6: { nameOctets: 28, addressAt: 8, addressOctets: 16, controlOctets: 40 },
} as const

/** The distance between two socket addresses in memory: room for either family, aligned to eight octets. */
export const nameStride = 32
/** The distance between two packet infos in memory: room for either family, aligned to eight octets. */
export const controlStride = 64

export const familyOf = (address: string): 4 | 6 => (address.includes(':') ? 6 : 4)

/** The sockaddr_in or sockaddr_in6 of an endpoint. Throws for an address that is none. */
export function socketAddress({ address, port }: Endpoint): Uint8Array {
  const octets = parseAddress(address)?.octets
  if (!octets) throw new Error(`no address: ${address}`)
  const family = familyOf(address)
  const { nameOctets, addressAt } = layoutOf[family]
  const name = new Uint8Array(nameOctets)
  const view = new DataView(name.buffer)
  view.setUint16(0, family === 4 ? Af.inet : Af.inet6, true)
  view.setUint16(2, port)
  name.set(octets, addressAt)
  return name
}

/**
 * Turns the packet info of a received query into that of its answer, in place: the answer leaves from the address that
 * the query was sent to. The interface is set to 0, that is, left to routing, since anycast addresses are configured on
 * loopback while queries arrive on other interfaces; only a link-local address keeps its interface.
 */
export function reversePacketInfo(words: Uint32Array, controlAt: number, family: 4 | 6): void {
  const data = (controlAt + 16) >> 2
  if (family === 4) words[data] = 0
  else if (!isLinkLocal(words[data] as number)) words[data + 4] = 0
}

/** Whether an IPv6 address is in fe80::/10, by its first four octets as a little-endian word. */
const isLinkLocal = (word: number): boolean => (word & 0xc0ff) === 0x80fe
