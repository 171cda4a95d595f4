// What steering decides for one query. Members are in the order that the answer gives them.

import type { Target, TargetAddress } from './policy.ts'

/** Where the client is taken to be. Unknown parts are null and match no condition. */
export interface Locus {
  readonly family: 4 | 6
  /** 4 or 16 octets. */
  readonly octets: Uint8Array
  readonly continent: string | null
  readonly country: string | null
  readonly asn: number | null
}

/** Why the members were chosen: by their health, or because nothing was eligible (design §1, law 1). */
export type SelectionReason = 'eligible' | 'panic' | 'failed-open'

export interface Rung {
  readonly target: Target
  readonly preference: number
}

export type MxSelection =
  | {
      readonly kind: 'selected'
      readonly rungs: readonly Rung[]
      readonly ttl: number
      readonly reason: SelectionReason
    }
  | { readonly kind: 'servfail' }

export interface ChosenAddress {
  readonly target: Target
  readonly address: TargetAddress
}

export type AddressSelection =
  | {
      readonly kind: 'selected'
      readonly addresses: readonly ChosenAddress[]
      readonly ttl: number
      readonly reason: SelectionReason
    }
  /** No target of the set has an address of this family at all: a fact of the zone file, never of health. */
  | { readonly kind: 'no-family' }
  | { readonly kind: 'servfail' }
