// What steering decides for one query. Records are in the order in which the answer has them.

import type { Target, TargetAddress } from './policy.ts'

/** What is known of where the client is. Unknown parts are null and match no condition. */
export interface Locus {
  readonly family: 4 | 6
  /** 4 or 16 octets. */
  readonly octets: Uint8Array
  /** Where `octets` is the first address of a network that stands for the client: its prefix length, in bits. */
  readonly prefixLength?: number
  readonly continent: string | null
  readonly country: string | null
  readonly asn: number | null
}

/**
 * Why these records were selected.
 *
 *   eligible      by health, from the first pool of the rule
 *   spilled       by health, but another pool leads
 *   panic         the health of a pool was ignored
 *
 * The others are of answers where no member is eligible (law 1 of CONTRIBUTING):
 *
 *   last-good     the members that went down last
 *   backup        the pool that `on_all_down` names
 *   failed-open   every member
 */
export type SelectionReason =
  | 'eligible'
  | 'spilled'
  | 'panic'
  | 'last-good'
  | 'backup'
  | 'failed-open'

/** One MX record: the target's owner name is its exchange. */
export interface Rung {
  readonly target: Target
  readonly preference: number
}

export interface SelectedMx {
  readonly kind: 'selected'
  readonly rungs: readonly Rung[]
  /** Seconds. */
  readonly ttl: number
  readonly reason: SelectionReason
}

export type MxSelection = SelectedMx | { readonly kind: 'servfail' }

/** One SRV record; its port is that of the set. */
export interface SelectedSrv {
  readonly target: Target
  readonly priority: number
  readonly weight: number
}

export interface SelectedSrvSet {
  readonly kind: 'selected'
  readonly records: readonly SelectedSrv[]
  readonly port: number
  /** Seconds. */
  readonly ttl: number
  readonly reason: SelectionReason
}

export type SrvSelection = SelectedSrvSet | { readonly kind: 'servfail' }

/** One A or AAAA record. */
export interface SelectedAddress {
  readonly target: Target
  readonly address: TargetAddress
}

export interface SelectedAddresses {
  readonly kind: 'selected'
  readonly addresses: readonly SelectedAddress[]
  /** Seconds. */
  readonly ttl: number
  readonly reason: SelectionReason
}

export type AddressSelection =
  | SelectedAddresses
  /** No target of the set has an address of this family: a fact of the zone file, never of health. */
  | { readonly kind: 'no-family' }
  | { readonly kind: 'servfail' }

/** What was selected of any set. */
export type Selected = SelectedMx | SelectedSrvSet | SelectedAddresses

/** What comes of a selection from any set. */
export type Selection = MxSelection | SrvSelection | AddressSelection

/**
 * The TTL of a steered answer in seconds: for how long the decision can stand (`holdSeconds`), within [minTtl, ttl], and
 * never 0: resolvers would ask again for every message, and some treat 0 as an error. Where the bounds cross, the upper
 * one holds.
 */
export function answerTtl(
  set: { readonly ttl: number; readonly minTtl: number },
  holdSeconds: number,
): number {
  return Math.max(1, Math.floor(Math.min(set.ttl, Math.max(set.minTtl, holdSeconds))))
}
