// How Linux lays out what recvmmsg and sendmmsg read and write, on 64-bit little-endian machines.
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

export const headerAt = {
  name: 0,
  nameLength: 8,
  iov: 16,
  iovCount: 24,
  control: 32,
  controlLength: 40,
  length: 56,
} as const

export const Af = { inet: 2, inet6: 10 } as const

/** By family of the socket. */
export const layoutOf = {
  4: { nameOctets: 16, addressAt: 4, addressOctets: 4, controlOctets: 32 },
  6: { nameOctets: 28, addressAt: 8, addressOctets: 16, controlOctets: 40 },
} as const

/** Room for the larger of the two, and where fields of eight octets stay aligned. */
export const nameRoom = 32
export const controlRoom = 64

export const familyOf = (address: string): 4 | 6 => (address.includes(':') ? 6 : 4)

export const isWildcard = (address: string): boolean => address === '0.0.0.0' || address === '::'

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
 * Turns the packet info of a query, as received, into that of its answer: the address that was asked is what the
 * answer leaves from. The interface is left to routing, since anycast addresses lie on loopback and queries come
 * in elsewhere; a link-local address alone means nothing without it.
 */
export function answerFromAsked(words: Uint32Array, controlAt: number, family: 4 | 6): void {
  const data = (controlAt + 16) >> 2
  if (family === 4) words[data] = 0
  else if (!isLinkLocal(words[data] as number)) words[data + 4] = 0
}

/** fe80::/10, of the first four octets in network order. */
const isLinkLocal = (word: number): boolean => (word & 0xc0ff) === 0x80fe
