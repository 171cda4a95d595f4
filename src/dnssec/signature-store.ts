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

/** Octets of SHA-256, in base64, by which a content is found: 132 bits. */
const digestCharacters = 22

/** What counts them. */
export interface SignatureCounters {
  add(scalar: 'signaturesMade' | 'signaturesFound' | 'signaturesRefused'): void
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
  readonly #counters: SignatureCounters | undefined

  constructor(counters?: SignatureCounters) {
    this.#counters = counters
  }

  /** The RRSIG of a set by a key; null: it has to be made, and `mayMake` says no. */
  sign(key: SigningKey, set: SetToSign, { signer, validity, mayMake }: Signing): Rdata | null {
    const { octets, prefixOctets } = octetsToSign(set, key, signer, validity)
    // Keys may share a tag: the key itself is part of what is looked up.
    const content = hash('sha256', Buffer.concat([key.dnskey, octets]), 'base64').slice(
      0,
      digestCharacters,
    )
    const known = this.#recent.get(content) ?? this.#older.get(content)
    if (known === undefined && !mayMake()) {
      this.#counters?.add('signaturesRefused')
      return null
    }
    this.#counters?.add(known === undefined ? 'signaturesMade' : 'signaturesFound')
    const rrsig = known ?? rrsigRdata(octets.subarray(0, prefixOctets), signOctets(key, octets))
    this.#keep(content, rrsig)
    return rrsig
  }

  #keep(content: string, rrsig: Rdata): void {
    if (this.#recent.has(content)) return
    if (this.#recent.size === maxSignatures) {
      this.#older = this.#recent
      this.#recent = new Map()
    }
    this.#recent.set(content, rrsig)
  }
}
