// The exchange of votes between instances (design §6): each writes its own, all read all.
// Everything here answers at once from what is known locally; the network, where there is one, is behind it.

import type { LiveVote, VoteState } from '../health/consensus.ts'

export interface Vote {
  /** Names the probed endpoint the same way in every instance: see watch/slot-key.ts. */
  readonly slotKey: string
  readonly state: VoteState
  readonly reason: string
}

export interface ExchangeStatus {
  readonly kind: 'memory' | 'redis'
  /** Out of reach of the others: own votes alone decide. */
  readonly degraded: boolean
  /** Instances heard of lately, this one included. */
  readonly instances: number
}

export interface Exchange {
  /** Also makes the endpoint known, with a vote of `?`: what others say of it is read from then on. */
  publish(vote: Vote): void
  /** The endpoint is no longer watched here. */
  withdraw(slotKey: string): void
  /** Votes of every live instance that probes it, own included; at most one an instance. */
  votes(slotKey: string): readonly LiveVote[]
  /** Calls back when another instance's vote changed; returns how to end that. */
  subscribe(onForeignVote: (slotKey: string) => void): () => void
  /** Whether this instance is to probe it: a few do so for all. */
  isProbedHere(slotKey: string): boolean
  /** Calls back when that, or whether we are cut off, may have changed for any endpoint; returns how to end that. */
  subscribeDuties(onChange: () => void): () => void
  /** Whether this instance takes itself for cut off from its targets: its votes do not count elsewhere then. */
  doubtSelf(isInDoubt: boolean): void
  /** What the zones say, as a hash that is the same wherever they say the same. */
  configure(config: string): void
  /** We go soon: our votes count no more, others take our probes. What is asked here is answered on. */
  leave(): void
  status(): ExchangeStatus
}
