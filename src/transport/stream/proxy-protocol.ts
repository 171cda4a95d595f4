// The header that a proxy puts before a stream or a datagram to say whom it speaks for: PROXY protocol, version 2.
//
//   12 octets signature | version, command | family, protocol | length of the rest | addresses | TLVs
//
// - LOCAL is the proxy itself (health checks): the connection's own address stands, and the rest is skipped unread.
// - UNSPEC and AF_UNIX have no IP address to give: as LOCAL.
// - An IPv4-mapped IPv6 address is the IPv4 one that it carries.
// - Values that the specification does not know must be rejected, and so is the text form of version 1.

import type { Peer, Respond } from '../../answer/context.ts'
import type { Counters } from '../../answer/counters.ts'
import { type Address, isListed, isMapped, type Network } from '../../lib/ip.ts'
import { readUint16 } from '../../wire/octets.ts'

const proxyHeadOctets = 16

/** As far as anything is read: the fixed part and two IPv6 endpoints. TLVs come after that. */
const proxyReadOctets = 52

type ProxyHeader =
  /** As far as it goes it is right. */
  | { readonly kind: 'short' }
  | { readonly kind: 'bad' }
  /** `octets`: all of the header, of which the last ones need not have come yet. */
  | { readonly kind: 'local'; readonly octets: number }
  | {
      readonly kind: 'proxied'
      readonly octets: number
      readonly client: Address
      readonly port: number
    }

const signature = Uint8Array.of(13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10)

const version = 2

const Command = { LOCAL: 0, PROXY: 1 } as const

/** Family and protocol; the sizes of two addresses and two ports. */
const layouts: ReadonlyMap<number, { readonly family: 4 | 6 | null; readonly octets: number }> =
  new Map([
    [0x00, { family: null, octets: 0 }],
    [0x11, { family: 4, octets: 12 }],
    [0x12, { family: 4, octets: 12 }],
    [0x21, { family: 6, octets: 36 }],
    [0x22, { family: 6, octets: 36 }],
    [0x31, { family: null, octets: 216 }],
    [0x32, { family: null, octets: 216 }],
  ])

const short: ProxyHeader = { kind: 'short' }

const bad: ProxyHeader = { kind: 'bad' }

/** Reads the header that starts at `at`; a mistake is seen as soon as its octet is there. */
export function readProxyHeader(octets: Uint8Array, at: number, end: number): ProxyHeader {
  const here = end - at
  for (let i = 0; i < Math.min(here, signature.length); i++)
    if (octets[at + i] !== signature[i]) return bad
  if (here < proxyHeadOctets) return short
  const [versionAndCommand = 0, familyAndProtocol = 0] = octets.subarray(at + 12, at + 14)
  const command = versionAndCommand & 0x0f
  if (versionAndCommand >> 4 !== version || command > Command.PROXY) return bad
  const rest = readUint16(octets, at + 14)
  const total = proxyHeadOctets + rest
  if (command === Command.LOCAL) return { kind: 'local', octets: total }
  const layout = layouts.get(familyAndProtocol)
  if (layout === undefined || rest < layout.octets) return bad
  if (layout.family === null) return { kind: 'local', octets: total }
  if (here < proxyHeadOctets + layout.octets) return short
  const addressAt = at + proxyHeadOctets
  const addressOctets = layout.family === 4 ? 4 : 16
  return {
    kind: 'proxied',
    octets: total,
    client: clientOf(octets.subarray(addressAt, addressAt + addressOctets)),
    port: readUint16(octets, addressAt + 2 * addressOctets),
  }
}

/** A copy: connections and whoever counts clients keep it. */
function clientOf(octets: Uint8Array): Address {
  // What a proxy's dual-stack socket shows; as IPv6, all of IPv4 would be one client of ours.
  const address = Uint8Array.from(isMapped(octets) ? octets.subarray(12) : octets)
  return { family: address.length === 4 ? 4 : 6, octets: address }
}

// The PROXY header at the start of a stream, however it is cut in pieces. Its TLVs are skipped and never held.

type StreamHeader = Exclude<ProxyHeader, { kind: 'short' }>

interface ProxyHeaderReader {
  /** Takes octets of `chunk` up to the end of the header: where it stopped. */
  consume(chunk: Uint8Array): number
  /** What the header says; null until it is whole. `bad` is known as early as can be. */
  readonly header: StreamHeader | null
}

export const createProxyHeaderReader = (): ProxyHeaderReader => new HeaderReader()

class HeaderReader implements ProxyHeaderReader {
  header: StreamHeader | null = null
  #read: StreamHeader | null = null
  #skip = 0
  readonly #held = new Uint8Array(proxyReadOctets)
  #heldOctets = 0

  consume(chunk: Uint8Array): number {
    if (this.header !== null) return 0
    let at = 0
    while (this.#read === null && at < chunk.length) {
      // Octet by octet: what follows a short header is not ours to take.
      this.#held[this.#heldOctets++] = chunk[at++] as number
      const header = readProxyHeader(this.#held, 0, this.#heldOctets)
      if (header.kind === 'short') continue
      this.#read = header
      this.#skip = header.kind === 'bad' ? 0 : header.octets - this.#heldOctets
    }
    const skipped = Math.min(this.#skip, chunk.length - at)
    this.#skip -= skipped
    if (this.#read !== null && this.#skip === 0) this.header = this.#read
    return at + skipped
  }
}

// Datagrams that come through a proxy: each starts with a PROXY header. The answer goes back to the proxy as plain DNS.

/** `respond` for the client that the header names; what does not come from a listed proxy gets silence. */
export function respondThroughProxy(
  respond: Respond,
  from: readonly Network[],
  counters: Counters,
): Respond {
  const client: Peer = { family: 4, octets: new Uint8Array(4), port: 0, transport: 'udp' }
  return (packet, offset, length, proxy, out, outOffset) => {
    if (!isListed(from, proxy.octets)) return countAndDrop(counters, 'proxyUnlisted')
    const header = readProxyHeader(packet, offset, offset + length)
    if (header.kind === 'short' || header.kind === 'bad' || header.octets > length)
      return countAndDrop(counters, 'proxyMalformed')
    let peer = proxy
    if (header.kind === 'proxied') {
      client.family = header.client.family
      client.octets = header.client.octets
      client.port = header.port
      peer = client
    }
    const { octets } = header
    return respond(packet, offset + octets, length - octets, peer, out, outOffset)
  }
}

function countAndDrop(counters: Counters, why: 'proxyUnlisted' | 'proxyMalformed'): 0 {
  counters.add(why)
  return 0
}
