// What a pool's `identity:` asks for, and of whom.

export interface IdentityProfile {
  /** Whether banner and EHLO name the exchange. */
  readonly greeting: boolean
  /** Whether the address has a PTR that leads back to it. */
  readonly ptr: boolean
  /** DNS lists, lower case, without final dot. */
  readonly lists: readonly string[]
  readonly intervalMs: number
  /** How long a listing must stand before it is believed. */
  readonly holdMs: number
  /** Lists that must have an address before its weight moves. */
  readonly agree: number
  /** What the weight of a listed target is multiplied by; 1: nothing moves. */
  readonly listedShare: number
}

/** One address of a member of a pool that asks. */
export interface WatchedIdentity {
  /** Without final dot. */
  readonly zone: string
  readonly pool: string
  readonly target: string
  /** `<target>.<zone>`. */
  readonly exchange: string
  /** As it is served, in canonical form. */
  readonly address: string
  /** Of the member, as configured. */
  readonly weight: number
  readonly profile: IdentityProfile
}

export const identityKey = ({ zone, pool, target, address }: WatchedIdentity): string =>
  `${zone} ${pool} ${target} ${address}`

/** A list's name for logs and metrics: some lists are asked under a name that holds the subscriber's key. */
export const shownList = (list: string): string =>
  list
    .split('.')
    .map((label) => (/^(?=.*\d)(?=.*[a-z])[a-z0-9]{20,}$/.test(label) ? '***' : label))
    .join('.')
