// IP addresses, networks and endpoints: text ⇄ octets. Parsing is strict, so that no text is ambiguous.
//
// IPv4 is a dotted quad without leading zeros, IPv6 has the forms of RFC 4291 §2.2 without zone id or brackets; text is
// written as RFC 5952 prescribes. The octets of an address are 4 for IPv4 and 16 for IPv6, in network order.

export interface Address {
  readonly family: 4 | 6
  readonly octets: Uint8Array
}

/** The addresses that begin with the first `prefixLength` bits of `octets` (4 or 16 octets); its other bits are 0. */
export interface Network {
  readonly octets: Uint8Array
  readonly prefixLength: number
}

/** An address, in the form that `formatAddress` writes, and a port. */
export interface Endpoint {
  readonly address: string
  readonly port: number
}

type ParsedNetwork =
  | { readonly kind: 'network'; readonly octets: Uint8Array; readonly prefixLength: number }
  | { readonly kind: 'bad'; readonly why: string }

/** The length of `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255`. */
const maxAddressCharacters = 45

/** An address from its text; null for anything else, zone ids and brackets included. */
export function parseAddress(text: string): Address | null {
  if (text.length > maxAddressCharacters) return null
  if (!text.includes(':')) {
    const octets = parseQuad(text)
    return octets && { family: 4, octets }
  }
  const octets = parseGroups(text)
  return octets && { family: 6, octets }
}

const quad = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/

function parseQuad(text: string): Uint8Array | null {
  const match = quad.exec(text)
  if (!match) return null
  const octets = new Uint8Array(4)
  for (let i = 0; i < 4; i++) {
    const octet = Number(match[i + 1])
    if (octet > 255) return null
    octets[i] = octet
  }
  return octets
}

function parseGroups(text: string): Uint8Array | null {
  const lastColon = text.lastIndexOf(':')
  const tail = text.slice(lastColon + 1)
  if (tail.includes('.')) {
    const quad = parseQuad(tail)
    if (!quad) return null
    return parseGroups(`${text.slice(0, lastColon + 1)}${hexGroup(quad, 0)}:${hexGroup(quad, 2)}`)
  }
  const halves = text.split('::')
  if (halves.length > 2) return null
  const [front, back] = halves.map((half) => (half === '' ? [] : half.split(':')))
  if (!front) return null
  const missing = 8 - front.length - (back?.length ?? 0)
  if (back ? missing < 1 : missing !== 0) return null
  const groups = [...front, ...Array<string>(missing).fill('0'), ...(back ?? [])]
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return null
  return Uint8Array.from(
    groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]),
  )
}

const hexGroup = (octets: Uint8Array, at: number): string =>
  (((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0)).toString(16)

/** Text of 4 or 16 octets: the canonical form of RFC 5952, IPv4-mapped addresses as `::ffff:192.0.2.1` (§5). */
export function formatAddress(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join('.')
  if (isIpv4Mapped(octets)) return `::ffff:${octets.subarray(12).join('.')}`
  const groups = Array.from({ length: 8 }, (_, i) => hexGroup(octets, 2 * i))
  const run = longestZeroRun(groups)
  if (run.length < 2) return groups.join(':')
  return `${groups.slice(0, run.start).join(':')}::${groups.slice(run.start + run.length).join(':')}`
}

/** Whether 16 octets are an IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2); 4 octets never are. */
export function isIpv4Mapped(octets: Uint8Array): boolean {
  if (octets.length !== 16 || octets[10] !== 0xff || octets[11] !== 0xff) return false
  for (let i = 0; i < 10; i++) if (octets[i] !== 0) return false
  return true
}

/** The first of the longest runs of groups that are 0 (RFC 5952 §4.2.3). */
function longestZeroRun(groups: readonly string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  let length = 0
  for (const [i, group] of groups.entries()) {
    length = group === '0' ? length + 1 : 0
    if (length > best.length) best = { start: i + 1 - length, length }
  }
  return best
}

/**
 * A network from text such as `192.0.2.0/24`; an address without a prefix length is the network of that address alone.
 * `bad` with the reason, for people, where host bits are set or the text is none.
 */
export function parseNetwork(text: string): ParsedNetwork {
  const [addressText = '', prefixText, ...rest] = text.split('/', 3)
  const address = rest.length === 0 ? parseAddress(addressText) : null
  if (!address) {
    const meant = networkMeant(text)
    const expected = meant === null ? 'such as 192.0.2.0/24' : `, expected ${meant}`
    return {
      kind: 'bad',
      why: `${quote(text)} is no network${meant === null ? ' ' : ''}${expected}`,
    }
  }
  const bits = address.octets.length * 8
  const prefixLength = parseNumber(prefixText ?? String(bits), bits)
  if (prefixLength === null) {
    const length = maskLength(prefixText ?? '')
    const expected = length === null ? `0–${bits}` : `${addressText}/${length}`
    return { kind: 'bad', why: `prefix length is ${quote(prefixText ?? '')}, expected ${expected}` }
  }
  const octets = masked(address.octets, prefixLength)
  if (octets.some((octet, i) => octet !== address.octets[i])) {
    const corrected = `${formatAddress(octets)}/${prefixLength}`
    return {
      kind: 'bad',
      why: `${quote(text)} has host bits set, expected the network ${corrected}`,
    }
  }
  return { kind: 'network', octets, prefixLength }
}

/** The network of a range, of octets that were left out or are `*`, or behind a zone id; null: none is meant. */
function networkMeant(text: string): string | null {
  const [, front, given] = /^(\d{1,3}(?:\.\d{1,3}){0,2})(?:\.\*)*(?:\/(\d{1,2}))?$/.exec(text) ?? []
  if (front !== undefined && (given !== undefined || text.endsWith('*'))) {
    const octets = front.split('.')
    const whole = `${[...octets, 0, 0, 0].slice(0, 4).join('.')}/${given ?? octets.length * 8}`
    return parseNetwork(whole).kind === 'network' ? whole : null
  }
  const plain = text.replace(/%\w+/, '')
  if (plain !== text && parseNetwork(plain).kind === 'network') return plain
  return networkOfRange(text)
}

function networkOfRange(text: string): string | null {
  const [, from = '', to = ''] = /^([\da-f.:]+)\s*-\s*([\da-f.:]+)$/i.exec(text) ?? []
  const [first, last] = [parseAddress(from), parseAddress(to)]
  if (first === null || last?.family !== first.family) return null
  const bits = first.octets.length * 8
  const lengths = Array.from({ length: bits + 1 }, (_, length) => length)
  const length = lengths.find((one) => {
    const ones = last.octets.map((octet, i) => octet ^ (first.octets[i] ?? 0))
    const hosts = masked(new Uint8Array(ones.length).fill(255), one)
    return ones.every((octet, i) => octet === (~(hosts[i] ?? 0) & 255))
  })
  const isWhole =
    length !== undefined && masked(first.octets, length).join() === first.octets.join()
  return isWhole ? `${formatAddress(first.octets)}/${length}` : null
}

/** The prefix length of a netmask such as 255.255.255.0; null: it is none. */
function maskLength(text: string): number | null {
  const mask = parseAddress(text)
  if (mask?.family !== 4) return null
  const bits = Array.from(mask.octets, (octet) => octet.toString(2).padStart(8, '0')).join('')
  return /^1*0*$/.test(bits) ? bits.replace(/0*$/, '').length : null
}

const quote = (text: string): string => JSON.stringify(text.slice(0, 60))

/** The address with all bits after the prefix set to 0. */
export function masked(octets: Uint8Array, prefixLength: number): Uint8Array {
  return octets.map((octet, i) => {
    const kept = Math.min(8, Math.max(0, prefixLength - 8 * i))
    return octet & (0xff00 >> kept)
  })
}

/** Whether the address is in the network; an address of the other family never is. */
export function networkContains(network: Network, octets: Uint8Array): boolean {
  if (network.octets.length !== octets.length) return false
  const whole = network.prefixLength >> 3
  for (let i = 0; i < whole; i++) if (network.octets[i] !== octets[i]) return false
  const rest = network.prefixLength & 7
  if (rest === 0) return true
  return (((network.octets[whole] ?? 0) ^ (octets[whole] ?? 0)) & (0xff00 >> rest) & 0xff) === 0
}

/**
 * An endpoint from text such as `127.0.0.1:53` or `[::1]:53`, its address in canonical form; null for anything else.
 */
export function parseEndpoint(text: string): Endpoint | null {
  const match = /^(?:\[([^[\]]+:[^[\]]*)\]|([^[\]:]+)):(\d{1,5})$/.exec(text.slice(0, 64))
  const address = match && parseAddress(match[1] ?? match[2] ?? '')
  const port = match && parseNumber(match[3] ?? '', 65_535)
  if (!address || port === null) return null
  return { address: formatAddress(address.octets), port }
}

/** A decimal number without leading zeros, at most `max`; else null. */
function parseNumber(text: string, max: number): number | null {
  if (!/^(0|[1-9]\d{0,4})$/.test(text)) return null
  return Number(text) <= max ? Number(text) : null
}

/** Whether an address (4 or 16 octets) is in one of the networks. */
export const isListed = (networks: readonly Network[], octets: Uint8Array): boolean => {
  for (const network of networks) if (networkContains(network, octets)) return true
  return false
}

/** The address of a socket's peer from its text; the zone id of a link-local one (`fe80::1%eth0`) is ignored. */
export function peerAddress(text: string): Address | null {
  const zone = text.indexOf('%')
  return parseAddress(zone < 0 ? text : text.slice(0, zone))
}

/**
 * Where to send what a socket bound to `address` should receive: the unspecified address is no
 * destination, but loopback reaches a socket that is bound to it.
 */
export const destinationOf = (address: string): string =>
  address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address

/** Name of the PTR records of an address: below in-addr.arpa (RFC 1035 §3.5) or ip6.arpa (RFC 3596 §2.5). */
export const reverseName = (address: Address): string =>
  address.family === 4 ? nameBelow(address, 'in-addr.arpa') : nameBelow(address, 'ip6.arpa')

/** Name of an address below `tree`, with octets or nibbles in reverse: for PTR, and for DNS lists (RFC 5782 §2.1, §2.4). */
export function nameBelow({ family, octets }: Address, tree: string): string {
  const labels =
    family === 4
      ? [...octets].map(String)
      : [...octets].flatMap((octet) => [(octet >> 4).toString(16), (octet & 15).toString(16)])
  return [...labels.toReversed(), tree].join('.')
}
