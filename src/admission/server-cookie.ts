// Server cookies (RFC 7873 §5.2, RFC 9018 §4): proof that a client receives what is sent to its address.
//
//   option      client cookie (8), or client cookie (8) and server cookie (8..32)
//   ours        version 1 (1) | reserved (3) | timestamp (4) | SipHash-2-4 of all before it and the address (8)
//   accepted    made between 1 hour ago and 5 minutes ahead, by any of our secrets, whatever the reserved octets
//   renewed     older than 30 minutes, or made with a secret that does not sign (any more, or yet)
//
// Nothing is kept per client. Servers behind one anycast address share the secrets. A new secret is given to all of
// them as a further one first, then signs, and the old one goes an hour later.

import { sipHash24, sipHashOctets, sipKeyOctets } from './siphash.ts'

const clientCookieOctets = 8
/** Client and server cookie, as we write them. */
const wholeCookieOctets = 24

const minOptionOctets = 16
const maxOptionOctets = 40
const hashAt = 16
const maxAgeSeconds = 3600
const renewAgeSeconds = 1800
const maxAheadSeconds = 300

/**
 * client-only: no server cookie. invalid: not made by us, or too old: answer as if there were none, with a new one.
 * malformed: no lawful length, FORMERR (RFC 7873 §5.2.2).
 */
export type CookieStatus = 'client-only' | 'valid' | 'renew' | 'invalid' | 'malformed'

export interface CookieKeeper {
  /** Judges the option's `octets` octets from `at`, sent by `address` (4 or 16 octets). */
  verify(
    option: Uint8Array,
    at: number,
    octets: number,
    address: Uint8Array,
    nowSeconds: number,
  ): CookieStatus
  /** Writes 24 octets at `outAt`: the client cookie found at `at`, and a new server cookie for it. */
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
  /** Of 16 octets each; the first one signs, all of them verify. */
  readonly secrets: readonly Uint8Array[]
}

/** A keeper with buffers of its own, one a thread. Throws where a secret is missing or has no 16 octets. */
export function createCookieKeeper({ secrets }: CookieOptions): CookieKeeper {
  const signing = secrets[0]
  if (signing === undefined || secrets.some((secret) => secret.length !== sipKeyOctets))
    throw new RangeError('cookie secrets: at least one, each of 16 octets')
  // What is hashed: client cookie, version, reserved, timestamp, address.
  const hashed = new Uint8Array(hashAt + 16)
  const hash = new Uint8Array(sipHashOctets)

  return {
    verify(option, at, octets, address, nowSeconds) {
      if (octets === clientCookieOctets) return 'client-only'
      if (octets < minOptionOctets || octets > maxOptionOctets) return 'malformed'
      if (octets !== wholeCookieOctets || option[at + 8] !== 1) return 'invalid'
      const ageSeconds = ageSecondsAt(option, at + 12, nowSeconds)
      if (ageSeconds > maxAgeSeconds || ageSeconds < -maxAheadSeconds) return 'invalid'
      const end = fillHashInput(hashed, option, at, hashAt, address)
      let verdict: CookieStatus = 'invalid'
      for (const secret of secrets) {
        sipHash24(secret, hashed, 0, end, hash, 0)
        if (!isEqual(hash, option, at + hashAt)) continue
        const isFresh = secret === signing && ageSeconds <= renewAgeSeconds
        verdict = isFresh ? 'valid' : 'renew'
        break
      }
      return verdict
    },
    write(clientCookieFrom, at, address, nowSeconds, out, outAt) {
      const end = fillHashInput(hashed, clientCookieFrom, at, clientCookieOctets, address)
      hashed[8] = 1
      hashed[9] = 0
      hashed[10] = 0
      hashed[11] = 0
      writeSeconds(nowSeconds, hashed)
      for (let i = 0; i < hashAt; i++) out[outAt + i] = hashed[i] as number
      sipHash24(signing, hashed, 0, end, out, outAt + hashAt)
    },
  }
}

/** Copies what is hashed before the address, then the address; where it ends. */
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

/** Seconds since the timestamp at `at`, negative if it is ahead of us: serial arithmetic over 32 bits (RFC 1982). */
const ageSecondsAt = (option: Uint8Array, at: number, nowSeconds: number): number =>
  ((nowSeconds >>> 0) -
    (((option[at] as number) << 24) |
      ((option[at + 1] as number) << 16) |
      ((option[at + 2] as number) << 8) |
      (option[at + 3] as number))) |
  0

/** Takes as long whatever differs. */
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
