// What an operator's `steering:` compiles to: plain immutable data (see zone/zone.ts for why).

import type { Network } from '../lib/ip.ts'
import type { WarmUp } from '../health/effective-weight.ts'
import type { Name } from '../wire/name.ts'
import type { Rdata } from '../wire/rdata/rdata.ts'

/** One address of a target. Its health lives in the table's slot of the probe that watches it. */
export interface TargetAddress {
  readonly family: 4 | 6
  readonly text: string
  /** 4 or 16 octets: the rdata of its A or AAAA record. */
  readonly rdata: Rdata
}

export interface Target {
  readonly name: string
  /** Index of its counters, unique over all zones while it exists. */
  readonly index: number
  /** `<name>.<zone>`: owner of its addresses and exchange of its MX records. */
  readonly owner: Name
  readonly region: string | null
  /** Within the region. */
  readonly rack: string | null
  /** Numbers of region and rack, from 0 and without gaps in a zone; who names none has one alone. */
  readonly regionGroup: number
  readonly rackGroup: number
  /** Of its owner name: the same in every instance. */
  readonly hash: number
  readonly warmup: WarmUp | null
  readonly addresses: readonly TargetAddress[]
}

/** A target as one pool sees it. */
export interface Member {
  readonly target: Target
  /** Configured weight, 0…65535; 0 takes no part. */
  readonly weight: number
  /** Health table slot of each of the target's addresses, same order; slot 0 is always up. */
  readonly slots: readonly number[]
  /** Health table row: what operators and the calendar say of it; row 0 says nothing. */
  readonly row: number
}

export interface Pool {
  readonly name: string
  readonly members: readonly Member[]
  /** Share of the pool's weight below which its health is not believed; 0: off. */
  readonly panic: number
  /** Share of the pool's weight that must be usable for it to serve alone; 0: any member will do. */
  readonly minHealthy: number
  /** How a pool below that hands over to the next one. */
  readonly spill: Spill
  /** Its members' regions and racks differ, and answers are to be spread over them (spread.ts). */
  readonly isSpread: boolean
}

/** all: the next pool leads. proportional: it leads in as many answers as weight is missing. */
export type Spill = 'all' | 'proportional'

/** All given conditions must hold; a condition holds if any of its values does. */
export interface Conditions {
  readonly continents: readonly string[] | null
  readonly countries: readonly string[] | null
  readonly asns: readonly number[] | null
  readonly networks: readonly Network[] | null
}

export interface Rule {
  /** null: the catch-all. */
  readonly when: Conditions | null
  /** In order of preference; never empty. */
  readonly pools: readonly Pool[]
}

/** What is answered when nobody of a rule's pools is eligible (last-resort.ts). */
export type OnAllDown =
  | { readonly kind: 'all' | 'last_good' | 'servfail' }
  | { readonly kind: 'backup'; readonly pool: Pool }

export interface Policy {
  readonly name: string
  /** Of its name: with the target's and the client's, what sticky answers go by. */
  readonly hash: number
  /** The last one is the catch-all. */
  readonly rules: readonly Rule[]
  readonly onAllDown: OnAllDown
}

interface SteeredBase {
  readonly type: number
  readonly policy: Policy
  /** Upper and lower bound of the answered TTL, seconds. */
  readonly ttl: number
  readonly minTtl: number
}

// `sticky`: the answer goes by the client's network, of the fixed width that sticky.ts names, and by nothing of
// chance. The scope of an EDNS client subnet must then be that width: `stickyWidth4` and `stickyWidth6`.

/** `MX: { steer: … }`: preferences 10, 20, 30…, or equal ones. */
export interface SteeredMx extends SteeredBase {
  readonly kind: 'steered-mx'
  readonly mode: 'ladder' | 'equal'
  readonly ladder: number
  /** Clients that get one canonical ladder: the MTAs themselves (loop guard). */
  readonly internal: readonly Network[]
  readonly sticky: boolean
}

/** `address: { steer: … }`: k of n addresses of the set's type (A or AAAA). */
export interface SteeredAddresses extends SteeredBase {
  readonly kind: 'steered-address'
  /** Infinity: all. */
  readonly answers: number
  readonly sticky: boolean
}

/** `SRV: { steer: …, port: … }`: pools as priorities, effective weights as weights (RFC 2782). */
export interface SteeredSrv extends SteeredBase {
  readonly kind: 'steered-srv'
  readonly port: number
  /** Records an answer holds at most. */
  readonly answers: number
}

/** A/AAAA of a target's own name: its addresses, the healthy ones where there are any. */
export interface TargetAddresses {
  readonly kind: 'target-address'
  readonly type: number
  readonly ttl: number
  readonly minTtl: number
  readonly target: Target
  /** Addresses of this family that one answer holds: senders try five in all (exchange-addresses.ts). */
  readonly answers: number
  /** Every pool membership of the target; an address is up if any membership sees it up. */
  readonly memberships: readonly Member[]
}

export type SteeredSet = SteeredMx | SteeredAddresses | SteeredSrv | TargetAddresses
/** Those whose answer comes from a policy. */
export type SelectedSet = SteeredMx | SteeredAddresses | SteeredSrv
