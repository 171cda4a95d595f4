// What steering decides for one query. Members are in the order that the answer gives them.

import type { HealthReader } from '../health/table.ts'
import type { Random } from '../lib/clock.ts'
import type { Target, TargetAddress } from './policy.ts'

/** Where the client is taken to be. Unknown parts are null and match no condition. */
export interface Locus {
  readonly family: 4 | 6
  /** 4 or 16 octets. */
  readonly octets: Uint8Array
  /** Of the network that these are the first address of; absent: it is the client's own address. */
  readonly prefixLength?: number
  readonly continent: string | null
  readonly country: string | null
  readonly asn: number | null
}

/**
 * Why the members were chosen. eligible: by their health, out of the rule's first pool. spilled: the same, but another
 * pool leads. panic: the health of a pool was not believed. Else nobody was eligible (design §1, law 1), and it is who
 * went down last, whom `on_all_down` names, or everyone.
 */
export type SelectionReason =
  | 'eligible'
  | 'spilled'
  | 'panic'
  | 'last-good'
  | 'backup'
  | 'failed-open'

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

export interface SelectedSrv {
  readonly target: Target
  readonly priority: number
  readonly weight: number
}

export type SrvSelection =
  | {
      readonly kind: 'selected'
      readonly choices: readonly SelectedSrv[]
      readonly ttl: number
      readonly reason: SelectionReason
    }
  | { readonly kind: 'servfail' }

export interface SelectedAddress {
  readonly target: Target
  readonly address: TargetAddress
}

export type AddressSelection =
  | {
      readonly kind: 'selected'
      readonly addresses: readonly SelectedAddress[]
      readonly ttl: number
      readonly reason: SelectionReason
    }
  /** No target of the set has an address of this family at all: a fact of the zone file, never of health. */
  | { readonly kind: 'no-family' }
  | { readonly kind: 'servfail' }

// The TTL of a steered answer: how long the decision can stand, within what the operator allows.

/**
 * `holdSeconds` clamped to [minTtl, ttl] in whole seconds, never 0: resolvers would ask for every message, and
 * some treat 0 as an error. Where the bounds cross, the upper one holds.
 */
export function answerTtl(
  set: { readonly ttl: number; readonly minTtl: number },
  holdSeconds: number,
): number {
  return Math.max(1, Math.floor(Math.min(set.ttl, Math.max(set.minTtl, holdSeconds))))
}

// What steering needs besides the data: health as it is now, and chance. Both are arguments (docs/architecture.md).

export interface SteerContext {
  readonly health: HealthReader
  readonly random: Random
}
