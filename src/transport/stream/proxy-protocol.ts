// PROXY protocol, version 2: the header that a proxy puts before a stream or a datagram to name the client.
//
//   12 octets signature | version, command | family, protocol | length of the rest | addresses | TLVs
//
// - LOCAL is the proxy itself (health checks): the client is the proxy, and the rest of the header is skipped unread.
// - UNSPEC and AF_UNIX carry no IP address: they are treated as LOCAL.
// - An IPv4-mapped IPv6 address is taken as the IPv4 address that it carries.
// - Values that the specification does not define must be rejected; so is the text form of version 1.

import type { Peer, Respond } from '../../answer/context.ts'
import type { Counters } from '../../answer/counters.ts'
import { type Address, isListed, isIpv4Mapped, type Network } from '../../lib/ip.ts'
import { readUint16 } from '../../wire/octets.ts'

/** The fixed part: signature, version, command, family, protocol and length. */
const proxyHeadOctets = 16

/** All that is ever read: the fixed part and two IPv6 endpoints. What follows are TLVs, which are skipped. */
const proxyReadOctets = 52

type ProxyHeader =
  /** Valid so far, but more octets are needed. */
  | { readonly kind: 'short' }
  /** Violates the specification. */
  | { readonly kind: 'bad' }
  /**
   * The client is the proxy itself. `octets`: the length of the header, whose last octets need not have arrived yet.
   */
  | { readonly kind: 'local'; readonly octets: number }
  /** The client is `client`. `octets` as above. */
  | {
      readonly kind: 'proxied'
      readonly octets: number
      readonly client: Address
      readonly port: number
    }

const signature = Uint8Array.of(13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10)

const version = 2

const Command = { LOCAL: 0, PROXY: 1 } as const

/** By the octet of family and protocol: the address family, null if not IP, and the octets of addresses and ports. */
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

/** Reads the header in `octets` from `at` up to `end`. A violation is found as soon as its octet is there. */
export function readProxyHeader(octets: Uint8Array, at: number, end: number): ProxyHeader {
  const available = end - at
  for (let i = 0; i < Math.min(available, signature.length); i++)
    if (octets[at + i] !== signature[i]) return bad
  if (available < proxyHeadOctets) return short
  const [versionAndCommand = 0, familyAndProtocol = 0] = octets.subarray(at + 12, at + 14)
  const command = versionAndCommand & 0x0f
  if (versionAndCommand >> 4 !== version || command > Command.PROXY) return bad
  const rest = readUint16(octets, at + 14)
  const total = proxyHeadOctets + rest
  if (command === Command.LOCAL) return { kind: 'local', octets: total }
  const layout = layouts.get(familyAndProtocol)
  if (layout === undefined || rest < layout.octets) return bad
  if (layout.family === null) return { kind: 'local', octets: total }
  if (available < proxyHeadOctets + layout.octets) return short
  const addressAt = at + proxyHeadOctets
  const addressOctets = layout.family === 4 ? 4 : 16
  return {
    kind: 'proxied',
    octets: total,
    client: clientOf(octets.subarray(addressAt, addressAt + addressOctets)),
    port: readUint16(octets, addressAt + 2 * addressOctets),
  }
}

/** The client's address, as a copy: connections and counters of clients keep it. */
function clientOf(octets: Uint8Array): Address {
  // A proxy's dual-stack socket shows IPv4 clients so; taken as IPv6, they would all be in one network (/64).
  const address = Uint8Array.from(isIpv4Mapped(octets) ? octets.subarray(12) : octets)
  return { family: address.length === 4 ? 4 : 6, octets: address }
}

type StreamHeader = Exclude<ProxyHeader, { kind: 'short' }>

/** Reads the PROXY header at the start of a stream, in whatever chunks it arrives. TLVs are skipped, not buffered. */
interface ProxyHeaderReader {
  /** Consumes octets of `chunk` up to the end of the header; returns how many. */
  consume(chunk: Uint8Array): number
  /** The header; null until it is complete, TLVs included. `bad` as soon as it is known to be. */
  readonly header: StreamHeader | null
}

export const createProxyHeaderReader = (): ProxyHeaderReader => new HeaderReader()

class HeaderReader implements ProxyHeaderReader {
  header: StreamHeader | null = null
  #parsed: StreamHeader | null = null
  #skip = 0
  readonly #buffer = new Uint8Array(proxyReadOctets)
  #bufferedOctets = 0

  consume(chunk: Uint8Array): number {
    if (this.header !== null) return 0
    let at = 0
    while (this.#parsed === null && at < chunk.length) {
      // Octet by octet, so as not to consume what follows a short header.
      this.#buffer[this.#bufferedOctets++] = chunk[at++] as number
      const header = readProxyHeader(this.#buffer, 0, this.#bufferedOctets)
      if (header.kind === 'short') continue
      this.#parsed = header
      this.#skip = header.kind === 'bad' ? 0 : header.octets - this.#bufferedOctets
    }
    const skipped = Math.min(this.#skip, chunk.length - at)
    this.#skip -= skipped
    if (this.#parsed !== null && this.#skip === 0) this.header = this.#parsed
    return at + skipped
  }
}

/**
 * A responder for datagrams from a proxy, each of which starts with a PROXY header: it answers the client that the
 * header names, without a header of its own. Datagrams from elsewhere than the `from` networks are dropped and counted.
 */
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

/** Counts a datagram that is not answered: 0 octets. */
function countAndDrop(counters: Counters, counter: 'proxyUnlisted' | 'proxyMalformed'): 0 {
  counters.add(counter)
  return 0
}
