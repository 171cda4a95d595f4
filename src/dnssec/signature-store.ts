// Signatures by content. A signature belongs to what it signs, not to a query, a state of health or a catalog: it is made
// when it is first wanted and found again for as long as the octets that it signs are wanted, its times included.

import { hash } from 'node:crypto'

import type { SetToSign } from '../answer/context.ts'
import type { Name } from '../wire/name.ts'
import type { Rdata } from '../wire/rdata/rdata.ts'
import { octetsToSign, rrsigRdata } from './rrsig.ts'
import { type SigningKey, signOctets } from './signing-key.ts'
import type { Validity } from './validity.ts'

/** In each of two generations, of which the older one is dropped as a whole when the other is full: 6 MiB in all. */
const maxSignatures = 8192

/** What counts them. */
export interface SignatureCounters {
  add(scalar: 'signaturesMade' | 'signaturesFound' | 'signaturesRefused'): void
  increase(scalar: 'signSeconds', by: number): void
  /** The last two in seconds since the epoch: what signed answers were given since, and when the first signature of them ends; 0: none. */
  set(scalar: 'signaturesKept' | 'signedSinceSeconds' | 'signedUntilSeconds', value: number): void
}

interface Signing {
  /** The apex of the zone. */
  readonly signer: Name
  readonly validity: Validity
  readonly mayMake: () => boolean
}

export class SignatureStore {
  #recent = new Map<string, Rdata>()
  #older = new Map<string, Rdata>()
  /** Of signatures given since `begin`, seconds since the epoch. */
  #leastExpiration = Infinity
  readonly #counters: SignatureCounters | undefined

  readonly #stopwatchMs: () => number

  /** `stopwatchMs`: goes on while a batch of queries is answered, as a clock that is read once for each does not. */
  constructor(counters: SignatureCounters | undefined, stopwatchMs: () => number) {
    this.#counters = counters
    this.#stopwatchMs = stopwatchMs
  }

  /** The RRSIG of a set by a key; null: it has to be made, and `mayMake` says no. */
  sign(key: SigningKey, set: SetToSign, { signer, validity, mayMake }: Signing): Rdata | null {
    const signed = octetsToSign(set, key, signer, validity)
    // Keys may share a tag: the key itself is part of what is looked up.
    const content = key.identity + hash('sha256', signed.octets, 'binary')
    const known = this.#recent.get(content) ?? this.#older.get(content)
    if (known === undefined && !mayMake()) {
      this.#counters?.add('signaturesRefused')
      return null
    }
    this.#counters?.add(known === undefined ? 'signaturesMade' : 'signaturesFound')
    const rrsig = known ?? rrsigRdata(signed, this.#sign(key, signed.octets))
    this.#keep(content, rrsig)
    if (validity.expiration < this.#leastExpiration) this.#noteExpiration(validity.expiration)
    return rrsig
  }

  /** Answers are signed anew from now on, milliseconds since the epoch. */
  begin(nowMs: number): void {
    this.#counters?.set('signedSinceSeconds', Math.floor(nowMs / 1000))
    this.#counters?.set('signedUntilSeconds', 0)
    this.#leastExpiration = Infinity
  }

  #noteExpiration(expiration: number): void {
    this.#leastExpiration = expiration
    this.#counters?.set('signedUntilSeconds', expiration)
  }

  #sign(key: SigningKey, octets: Uint8Array): Uint8Array {
    const beganMs = this.#stopwatchMs()
    const signature = signOctets(key, octets)
    this.#counters?.increase('signSeconds', (this.#stopwatchMs() - beganMs) / 1000)
    return signature
  }

  #keep(content: string, rrsig: Rdata): void {
    if (this.#recent.has(content)) return
    if (this.#recent.size === maxSignatures) {
      this.#older = this.#recent
      this.#recent = new Map()
    }
    this.#recent.set(content, rrsig)
    this.#counters?.set('signaturesKept', this.#recent.size + this.#older.size)
  }
}
