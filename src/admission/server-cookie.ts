// Server cookies (RFC 7873 §5.2, RFC 9018 §4): a valid one proves that the client receives what is sent to its address.
//
//   option      client cookie (8), or client cookie (8) and server cookie (8..32)
//   we write    version 1 (1) | reserved (3) | timestamp (4) | SipHash-2-4 of all before it and the address (8)
//   valid       made between 1 hour ago and 5 minutes ahead, with any of our secrets, whatever the reserved octets
//   renewed     older than 30 minutes, or made with a secret that does not sign (any longer, or yet)
//
// No state is kept per client. Servers behind one anycast address share the secrets. A new secret is first added to all
// of them, then made the signing one, and the old one is removed an hour later.

import { createSipState, sipHash24, sipHashOctets, sipKeyOctets } from './siphash.ts'

const clientCookieOctets = 8
/** The client cookie and a server cookie of ours. */
const wholeCookieOctets = 24

/** Lengths of an option with a server cookie (RFC 7873 §4). */
const minOptionOctets = 16
const maxOptionOctets = 40
/** Where the hash stands in an option that we wrote, and the address in what is hashed. */
const hashAt = 16
const maxAgeSeconds = 3600
const renewAgeSeconds = 1800
const maxAheadSeconds = 300

/**
 * client-only: there is no server cookie. valid: it proves the client's address. renew: so it does, but a new one is to
 * be sent. invalid: not made by us, or too old; answered as a query without one, with a new one. malformed: of a length
 * that RFC 7873 does not allow, FORMERR (§5.2.2).
 */
export type CookieStatus = 'client-only' | 'valid' | 'renew' | 'invalid' | 'malformed'

export interface CookieKeeper {
  /**
   * The status of the COOKIE option's data, `octets` octets of `option` from `at`, sent by `address` (4 or 16 octets).
   */
  verify(
    option: Uint8Array,
    at: number,
    octets: number,
    address: Uint8Array,
    nowSeconds: number,
  ): CookieStatus
  /** Writes 24 octets at `outAt`: the client cookie that stands at `at`, and a new server cookie for it. */
  write(
    clientCookieFrom: Uint8Array,
    at: number,
    address: Uint8Array,
    nowSeconds: number,
    out: Uint8Array,
    outAt: number,
  ): void
}

interface CookieOptions {
  /** Secrets of 16 octets each; the first one signs, all of them verify. */
  readonly secrets: readonly Uint8Array[]
}

/** A keeper with buffers of its own; each thread has its own. Throws a RangeError unless all secrets have 16 octets. */
export function createCookieKeeper({ secrets }: CookieOptions): CookieKeeper {
  const signing = secrets[0]
  if (signing === undefined || secrets.some((secret) => secret.length !== sipKeyOctets))
    throw new RangeError('cookie secrets: at least one, each of 16 octets')
  // What is hashed: client cookie, version, reserved, timestamp, address.
  const hashed = new Uint8Array(hashAt + 16)
  const hash = new Uint8Array(sipHashOctets)
  const state = createSipState()

  return {
    verify(option, at, octets, address, nowSeconds) {
      if (octets === clientCookieOctets) return 'client-only'
      if (octets < minOptionOctets || octets > maxOptionOctets) return 'malformed'
      if (octets !== wholeCookieOctets || option[at + 8] !== 1) return 'invalid'
      const ageSeconds = ageSecondsAt(option, at + 12, nowSeconds)
      if (ageSeconds > maxAgeSeconds || ageSeconds < -maxAheadSeconds) return 'invalid'
      const end = fillHashInput(hashed, option, at, hashAt, address)
      let status: CookieStatus = 'invalid'
      for (const secret of secrets) {
        sipHash24(state, secret, hashed, 0, end, hash, 0)
        if (!isEqual(hash, option, at + hashAt)) continue
        const isFresh = secret === signing && ageSeconds <= renewAgeSeconds
        status = isFresh ? 'valid' : 'renew'
        break
      }
      return status
    },
    write(clientCookieFrom, at, address, nowSeconds, out, outAt) {
      const end = fillHashInput(hashed, clientCookieFrom, at, clientCookieOctets, address)
      hashed[8] = 1
      hashed[9] = 0
      hashed[10] = 0
      hashed[11] = 0
      writeSeconds(nowSeconds, hashed)
      for (let i = 0; i < hashAt; i++) out[outAt + i] = hashed[i] as number
      sipHash24(state, signing, hashed, 0, end, out, outAt + hashAt)
    },
  }
}

/**
 * Fills what is hashed: the first `octets` octets of the cookie, and the address behind them. Returns where it ends.
 */
function fillHashInput(
  hashed: Uint8Array,
  cookie: Uint8Array,
  at: number,
  octets: number,
  address: Uint8Array,
): number {
  for (let i = 0; i < octets; i++) hashed[i] = cookie[at + i] as number
  for (let i = 0; i < address.length; i++) hashed[hashAt + i] = address[i] as number
  return hashAt + address.length
}

/** Seconds since the timestamp at `at`, negative if it lies ahead: 32-bit serial number arithmetic (RFC 1982). */
const ageSecondsAt = (option: Uint8Array, at: number, nowSeconds: number): number =>
  ((nowSeconds >>> 0) -
    (((option[at] as number) << 24) |
      ((option[at + 1] as number) << 16) |
      ((option[at + 2] as number) << 8) |
      (option[at + 3] as number))) |
  0

/** Compares in constant time. */
function isEqual(hash: Uint8Array, option: Uint8Array, at: number): boolean {
  let difference = 0
  for (let i = 0; i < sipHashOctets; i++)
    difference |= (hash[i] as number) ^ (option[at + i] as number)
  return difference === 0
}

function writeSeconds(nowSeconds: number, hashed: Uint8Array): void {
  const seconds = nowSeconds >>> 0
  hashed[12] = seconds >>> 24
  hashed[13] = seconds >>> 16
  hashed[14] = seconds >>> 8
  hashed[15] = seconds
}
