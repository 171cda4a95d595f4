// SipHash-2-4 (Aumasson and Bernstein, 2012): the keyed hash of server cookies (RFC 9018 §4.4).
//
// Each 64-bit word is a pair of 32-bit integers, low half first: no BigInt, no allocation. A round is two half rounds
// that differ only in their rotations and in the roles of v0 and v2.

export const sipKeyOctets = 16
export const sipHashOctets = 8

/** v0, v1, v2 and v3 as pairs (low, high). Its owner creates it once; every hash overwrites it. */
export type SipState = Int32Array

export const createSipState = (): SipState => new Int32Array(8)

/** Hashes `octets` from `from` up to `end` and writes 8 octets, little-endian, at `outAt`. The key has 16 octets. */
// oxlint-disable-next-line max-params -- on the answering path: an object would be an allocation a query
export function sipHash24(
  state: SipState,
  key: Uint8Array,
  octets: Uint8Array,
  from: number,
  end: number,
  out: Uint8Array,
  outAt: number,
): void {
  begin(state, u32(key, 0), u32(key, 4), u32(key, 8), u32(key, 12))
  let at = from
  for (; at + 8 <= end; at += 8) absorb(state, u32(octets, at), u32(octets, at + 4))
  const low = tail(octets, at, Math.min(end, at + 4))
  const high = tail(octets, at + 4, end)
  absorb(state, low, high | ((end - from) << 24))
  state[4] = (state[4] as number) ^ 0xff
  for (let round = 0; round < 4; round++) sipRound(state)
  writeU32(fold(state, 0), out, outAt)
  writeU32(fold(state, 1), out, outAt + 4)
}

/** Initializes the state from the key and the constant "somepseudorandomlygeneratedbytes". */
function begin(
  state: SipState,
  k0Low: number,
  k0High: number,
  k1Low: number,
  k1High: number,
): void {
  state[0] = k0Low ^ 0x70736575
  state[1] = k0High ^ 0x736f6d65
  state[2] = k1Low ^ 0x6e646f6d
  state[3] = k1High ^ 0x646f7261
  state[4] = k0Low ^ 0x6e657261
  state[5] = k0High ^ 0x6c796765
  state[6] = k1Low ^ 0x79746573
  state[7] = k1High ^ 0x74656462
}

function absorb(state: SipState, low: number, high: number): void {
  state[6] = (state[6] as number) ^ low
  state[7] = (state[7] as number) ^ high
  sipRound(state)
  sipRound(state)
  state[0] = (state[0] as number) ^ low
  state[1] = (state[1] as number) ^ high
}

function sipRound(state: SipState): void {
  halfRound(state, 0, 13, 16)
  halfRound(state, 4, 17, 21)
}

/** a += v1, c += v3, v1 = rotl(v1, s) ^ a, v3 = rotl(v3, t) ^ c, a = rotl(a, 32); a is v0 or v2, c the other. */
function halfRound(state: SipState, a: 0 | 4, s: number, t: number): void {
  const c = 4 - a
  const v1Low = state[2] as number
  const v1High = state[3] as number
  const v3Low = state[6] as number
  const v3High = state[7] as number
  const aLow = ((state[a] as number) + v1Low) | 0
  const aHigh = ((state[a + 1] as number) + v1High + carry(aLow, v1Low)) | 0
  const cLow = ((state[c] as number) + v3Low) | 0
  const cHigh = ((state[c + 1] as number) + v3High + carry(cLow, v3Low)) | 0
  state[2] = ((v1Low << s) | (v1High >>> (32 - s))) ^ aLow
  state[3] = ((v1High << s) | (v1Low >>> (32 - s))) ^ aHigh
  state[6] = ((v3Low << t) | (v3High >>> (32 - t))) ^ cLow
  state[7] = ((v3High << t) | (v3Low >>> (32 - t))) ^ cHigh
  state[a] = aHigh
  state[a + 1] = aLow
  state[c] = cLow
  state[c + 1] = cHigh
}

const carry = (sum: number, addend: number): number => (sum >>> 0 < addend >>> 0 ? 1 : 0)

/** The low (0) or high (1) half of v0 ^ v1 ^ v2 ^ v3. */
const fold = (state: SipState, half: 0 | 1): number =>
  (state[half] as number) ^
  (state[2 + half] as number) ^
  (state[4 + half] as number) ^
  (state[6 + half] as number)

/** Up to four octets as a little-endian word; 0 if `from` is not below `end`. */
function tail(octets: Uint8Array, from: number, end: number): number {
  let word = 0
  for (let at = end - 1; at >= from; at--) word = (word << 8) | (octets[at] as number)
  return word
}

const u32 = (octets: Uint8Array, at: number): number =>
  (octets[at] as number) |
  ((octets[at + 1] as number) << 8) |
  ((octets[at + 2] as number) << 16) |
  ((octets[at + 3] as number) << 24)

function writeU32(word: number, out: Uint8Array, at: number): void {
  out[at] = word
  out[at + 1] = word >>> 8
  out[at + 2] = word >>> 16
  out[at + 3] = word >>> 24
}
