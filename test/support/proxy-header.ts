// PROXY protocol version 2 as a proxy writes it, by code that shares nothing with src/transport.

const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')

export interface ProxyHeaderSpec {
  /** High half: version, low half: 0 LOCAL, 1 PROXY. */
  readonly command?: number
  /** High half: 1 IPv4, 2 IPv6; low half: 1 stream, 2 datagram. */
  readonly family?: number
  readonly source?: readonly number[]
  readonly port?: number
  /** After the addresses. */
  readonly tlvs?: readonly number[]
}

export function proxyHeader({
  command = 0x21,
  family,
  source = [198, 51, 100, 7],
  port = 40_000,
  tlvs = [],
}: ProxyHeaderSpec = {}): Buffer {
  const destination = source.map(() => 9)
  const rest = [...source, ...destination, port >> 8, port & 255, 0, 53, ...tlvs]
  const protocol = family ?? (source.length === 4 ? 0x12 : 0x22)
  return Buffer.concat([
    signature,
    Buffer.of(command, protocol, rest.length >> 8, rest.length & 255),
    Buffer.from(rest),
  ])
}

/** LOCAL, with nothing after it. */
export const localHeader: Buffer = Buffer.concat([signature, Buffer.of(0x20, 0, 0, 0)])
