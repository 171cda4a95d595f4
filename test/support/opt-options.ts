// The options in an answer's OPT, read by code that shares nothing with src/wire: what dns2's decoder skips.

export interface OptOption {
  readonly code: number
  readonly data: Buffer
}

export interface OptRecord {
  readonly udp: number
  readonly extendedRcode: number
  readonly version: number
  readonly flags: number
  readonly options: readonly OptOption[]
  /** Records of the additional section after it. */
  readonly recordsAfter: number
}

/** Every OPT of the additional section; throws where the message is not whole, or one stands elsewhere. */
export function optsOf(octets: Uint8Array): OptRecord[] {
  const message = Buffer.from(octets)
  const counts = [4, 6, 8, 10].map((at) => message.readUInt16BE(at))
  const [questions = 0, answers = 0, authorities = 0, additionals = 0] = counts
  let at = 12
  for (let i = 0; i < questions; i++) at = skipName(message, at) + 4
  const opts: OptRecord[] = []
  for (let left = answers + authorities + additionals; left > 0; left--) {
    const tail = skipName(message, at)
    const end = tail + 10 + message.readUInt16BE(tail + 8)
    if (end > message.length) throw new Error('a record past the end')
    if (message.readUInt16BE(tail) === 41) {
      if (left > additionals || message[at] !== 0) throw new Error('an OPT out of place')
      opts.push({ ...readOpt(message, tail, end), recordsAfter: left - 1 })
    }
    at = end
  }
  if (at !== message.length) throw new Error(`${message.length - at} octets too many`)
  return opts
}

function readOpt(message: Buffer, tail: number, end: number): Omit<OptRecord, 'recordsAfter'> {
  const options: OptOption[] = []
  for (let at = tail + 10; at < end;) {
    const next = at + 4 + message.readUInt16BE(at + 2)
    if (next > end) throw new Error('an option past the end of its OPT')
    options.push({ code: message.readUInt16BE(at), data: message.subarray(at + 4, next) })
    at = next
  }
  return {
    udp: message.readUInt16BE(tail + 2),
    extendedRcode: message.readUInt8(tail + 4),
    version: message.readUInt8(tail + 5),
    flags: message.readUInt16BE(tail + 6),
    options,
  }
}

function skipName(message: Buffer, from: number): number {
  let at = from
  for (;;) {
    const octet = message.readUInt8(at)
    if (octet >= 0xc0) return at + 2
    at += 1 + octet
    if (octet === 0) return at
  }
}

/** Code and data in hex of each option of the one OPT; null without any. */
export function optionsOf(octets: Uint8Array): string[] | null {
  const opts = optsOf(octets)
  if (opts.length > 1) throw new Error('more than one OPT')
  return opts[0]?.options.map(({ code, data }) => `${code} ${data.toString('hex')}`) ?? null
}

/** An option in wire form. */
export const option = (code: number, data: readonly number[] | Uint8Array = []): number[] => [
  code >> 8,
  code & 0xff,
  data.length >> 8,
  data.length & 0xff,
  ...data,
]

/** A client subnet (RFC 7871 §6): family, prefix lengths, octets. */
export const subnetOption = (
  family: number,
  source: number,
  octets: readonly number[],
  scope = 0,
): number[] => option(8, [family >> 8, family & 0xff, source, scope, ...octets])
