// The compiled form of an operator's `steering:`: plain immutable data (see zone/zone.ts for the reason).

import type { Network } from '../lib/ip.ts'
import type { WarmUp } from '../health/effective-weight.ts'
import type { Name } from '../wire/name.ts'
import type { Rdata } from '../wire/rdata/rdata.ts'

/** One address of a target. Its health is kept in the slot of its probe in the shared table (`Member.slots`). */
export interface TargetAddress {
  /** IP version. */
  readonly family: 4 | 6
  readonly text: string
  /** 4 or 16 octets: the rdata of its A or AAAA record. */
  readonly rdata: Rdata
}

/** One MTA as configured. */
export interface Target {
  readonly name: string
  /** Index of its counters, unique among the targets of all zones for as long as it exists. */
  readonly index: number
  /** `<name>.<zone>`: owner of its address records and exchange of its MX records. */
  readonly owner: Name
  /** null where none is configured. */
  readonly region: string | null
  /** Rack within the region; null where none is configured. */
  readonly rack: string | null
  /** Numbers of region and rack, contiguous from 0 in a zone; a target without one has a number of its own. */
  readonly regionGroup: number
  readonly rackGroup: number
  /** Hash of the owner name: the same on every instance. */
  readonly hash: number
  /** The plan by which its weight rises from day to day; null for full weight at once. */
  readonly warmup: WarmUp | null
  readonly addresses: readonly TargetAddress[]
}

/** A target's membership of one pool. */
export interface Member {
  readonly target: Target
  /** Configured weight, 0…65535; a member of weight 0 is never selected. */
  readonly weight: number
  /** Health table slot of each address of the target, in the order of `addresses`; slot 0 is always up. */
  readonly slots: readonly number[]
  /** Health table row with the effect of overrides and maintenance windows; row 0 has none. */
  readonly row: number
}

/** Targets that can replace each other, with their weights. */
export interface Pool {
  readonly name: string
  readonly members: readonly Member[]
  /** Share (0…1) of the pool's weight below which health is ignored, as too many members are down; 0: never. */
  readonly panic: number
  /** Share (0…1) of the pool's weight that must be usable for the pool to serve alone; 0: one usable member suffices. */
  readonly minHealthy: number
  /** How answers move to the next pool when this one is below `minHealthy`. */
  readonly spill: Spill
  /** Whether answers are spread over regions and racks (spread.ts): configured so, and the members' differ. */
  readonly isSpread: boolean
}

/** all: the next pool leads in every answer. proportional: it leads in the share of answers that weight is missing. */
export type Spill = 'all' | 'proportional'

/** Conditions of a rule: all of them must hold, and each holds if the client matches any of its values; null: always. */
export interface Conditions {
  readonly continents: readonly string[] | null
  readonly countries: readonly string[] | null
  readonly asns: readonly number[] | null
  readonly networks: readonly Network[] | null
}

/** The pools for the clients that match. */
export interface Rule {
  /** null for the catch-all, which matches every client. */
  readonly when: Conditions | null
  /** Pools in order of preference; never empty. */
  readonly pools: readonly Pool[]
}

/** What is answered when no member of a rule's pools is eligible (last-resort.ts). */
export type OnAllDown =
  | { readonly kind: 'all' | 'last_good' | 'servfail' }
  | { readonly kind: 'backup'; readonly pool: Pool }

/** Rules in order of evaluation: the first one that matches a client decides. */
export interface Policy {
  readonly name: string
  /** Hash of the name. Sticky answers depend on it, on the targets' hashes and on the client's. */
  readonly hash: number
  /** Ends with the catch-all. */
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

// `sticky`: the answer is determined by the client's network, of the fixed width that sticky.ts names, and nothing is
// random. The ECS scope must then be that width: `stickyWidth4` or `stickyWidth6`.

/** `MX: { steer: … }`: an MX set with preferences 10, 20, 30… (ladder) or with equal ones. */
export interface SteeredMx extends SteeredBase {
  readonly kind: 'steered-mx'
  readonly mode: 'ladder' | 'equal'
  /** Records of one answer at most. */
  readonly ladder: number
  /** Networks of the MTAs themselves, which get one canonical ladder (loop guard). */
  readonly internal: readonly Network[]
  readonly sticky: boolean
}

/** `address: { steer: … }`: an A or AAAA set of k out of n addresses. */
export interface SteeredAddresses extends SteeredBase {
  readonly kind: 'steered-address'
  /** Addresses of one answer at most; Infinity: all. */
  readonly answers: number
  readonly sticky: boolean
}

/** `SRV: { steer: …, port: … }`: pools as priorities, effective weights as weights (RFC 2782). */
export interface SteeredSrv extends SteeredBase {
  readonly kind: 'steered-srv'
  readonly port: number
  /** Records of one answer at most. */
  readonly answers: number
}

/**
 * `slots: { steer: …, names: … }`: A or AAAA set of one of several fixed exchange names, which together answer the rungs of
 * one ladder (select/select-slot.ts). What an MX that lists them by hand needs: no two names lead to one target while
 * there are enough.
 */
export interface ExchangeSlot extends SteeredBase {
  readonly kind: 'exchange-slot'
  readonly mode: 'ladder'
  /** All of the names, in the order of the rungs. */
  readonly names: readonly Name[]
  /** Count of the names. */
  readonly ladder: number
  /** Which of the names this is, from 0. */
  readonly rung: number
  /** For how long a client network keeps its ladder while nothing of the pools changes, seconds. */
  readonly epochSeconds: number
  /** Networks of the MTAs themselves, as of an MX. */
  readonly internal: readonly Network[]
  /** Nothing is random. */
  readonly sticky: true
  /** The set of this type of every target that has one, by the index of the target. */
  readonly ofTargets: ReadonlyMap<number, TargetAddresses>
}

/** A or AAAA set of a target's own name: its addresses that are up, or all of them where none is. */
export interface TargetAddresses {
  readonly kind: 'target-address'
  readonly type: number
  readonly ttl: number
  readonly minTtl: number
  readonly target: Target
  /** Addresses of this family in one answer at most: senders try five in all (exchange-addresses.ts). */
  readonly answers: number
  /** All pool memberships of the target; an address is up if it is up in any of them. */
  readonly memberships: readonly Member[]
}

/** Every kind of set that is computed for each query rather than stored. */
export type SteeredSet = SelectedSet | TargetAddresses
/** The steered sets whose answer is selected by a policy. */
export type SelectedSet = SteeredMx | SteeredAddresses | SteeredSrv | ExchangeSlot
