// Writes the row of each member in the health table: overrides, warm-up, feedback and reputation taken together.
//
// Rows are written when an override is set, undone or ends, after a reload, and in between as often as their hold asks
// for. Overrides are kept by name: those of a target that a reload removes apply again once it is back.

import { rewriteAfterMs } from '../health/effective-weight.ts'
import { noFeedback, withFeedback } from '../health/feedback.ts'
import {
  type Override,
  effectOf,
  nextEndMs,
  overrideKeysOf,
  withOverride,
} from '../health/overrides.ts'
import { type HealthWriter, Standing } from '../health/table.ts'
import { type Clock, type Timer, systemTimer } from '../lib/clock.ts'
import type { OverrideChanges, OverrideStore } from '../cluster/cluster-votes.ts'
import type { FeedbackRegistry } from './feedback-registry.ts'
import type { OverrideEnd } from './ended-overrides.ts'
import { type MemberState, type WatchedMember, memberState, rowShareOf } from './member-state.ts'

type OverrideResult =
  | { readonly kind: 'set'; readonly replaced: Override | null }
  /** The maximum number of overrides is reached. */
  | { readonly kind: 'full' }
  /** Refused: no eligible member would be left in these pools. */
  | { readonly kind: 'would-empty'; readonly pools: readonly string[] }

export interface MemberWatch {
  /** Whether overrides outlive this process. */
  readonly isLasting: boolean
  /** Replaces the members; rows of those that are gone are reset. */
  update(members: readonly WatchedMember[]): void
  /** Sets an override. `isForced` sets it even if it leaves a pool without an eligible member. */
  set(override: Override, isForced: boolean): OverrideResult
  /** The members of its target as they would be under an override, which is not set. */
  preview(override: Override): readonly MemberState[]
  /** The pools in which an override, which is not set, would leave no eligible member. */
  emptiedBy(override: Override): readonly string[]
  /** Ends an override. Returns it, or null if there is none of that id. */
  undo(id: string, by: string): Override | null
  overrides(): readonly Override[]
  states(): readonly MemberState[]
  stop(): void
}

export interface MemberWatchOptions {
  readonly table: HealthWriter
  readonly clock: Clock
  readonly store: OverrideStore
  readonly feedback?: FeedbackRegistry
  readonly reputation?: ReputationShares
  /** `from`: the instance where it was set; null for this one. */
  readonly onSet: (override: Override, from: string | null) => void
  /** `by`: the operator that ended it; empty if another instance did. */
  readonly onEnd: (override: Override, end: OverrideEnd, by: string) => void
  readonly timer?: Timer
}

/** Shares by which DNS lists reduce weights: 1 or less (reputation/listing.ts). */
interface ReputationShares {
  shareOf(member: WatchedMember): number
  onChange(listener: () => void): void
}

/** Tolerated difference of clocks: an override that another instance removed this close to its end ended by time. */
const clockDifferenceMs = 5000
/** The timer is set again after this time at the latest: the wall clock may jump, and timers have a maximum. */
const longestMs = 60_000

export const createMemberWatch = (options: MemberWatchOptions): MemberWatch =>
  new TableMemberWatch(options)

class TableMemberWatch implements MemberWatch {
  readonly isLasting: boolean
  readonly #options: MemberWatchOptions
  readonly #unsubscribe: () => void
  #members: readonly WatchedMember[] = []
  #cancel: () => void = () => {}

  constructor(options: MemberWatchOptions) {
    this.#options = options
    this.isLasting = options.store.isPersistent
    this.#unsubscribe = options.store.subscribe((change) => this.#onForeignChange(change))
    options.feedback?.onChange(() => this.#refresh())
    options.reputation?.onChange(() => this.#refresh())
  }

  update(members: readonly WatchedMember[]): void {
    const kept = new Set(members.map(({ row }) => row))
    for (const { row } of this.#members)
      if (!kept.has(row)) this.#options.table.setRow(row, Standing.normal, 1)
    this.#members = members
    this.#options.store.setKnownKeys(overrideKeysOf(members))
    this.#refresh()
  }

  set(override: Override, isForced: boolean): OverrideResult {
    const { store, onSet, onEnd } = this.#options
    this.#expire()
    const pools = isForced ? [] : this.emptiedBy(override)
    if (pools.length > 0) return { kind: 'would-empty', pools }
    const taken = store.set(override)
    if (taken.kind === 'full') return taken
    if (taken.replaced) onEnd(taken.replaced, 'replaced', override.by)
    onSet(override, null)
    this.#refresh()
    return taken
  }

  preview(override: Override): readonly MemberState[] {
    const { zone, target } = override
    const concerned = this.#members.filter((one) => one.zone === zone && one.target === target)
    return this.#statesUnder(withOverride(this.#options.store.list(), override), concerned)
  }

  /** Ends an override. Returns it, or null if there is none of that id. */
  undo(id: string, by: string): Override | null {
    const removed = this.#options.store.remove(id)
    if (!removed) return null
    this.#options.onEnd(removed, 'undone', by)
    this.#refresh()
    return removed
  }

  overrides(): readonly Override[] {
    if (this.#expire()) this.#write()
    return this.#options.store.list()
  }

  states(): readonly MemberState[] {
    return this.#statesUnder(this.overrides(), this.#members)
  }

  stop(): void {
    this.#unsubscribe()
    this.#cancel()
  }

  emptiedBy(override: Override): readonly string[] {
    const { zone, target, pool, action } = override
    const isRemoval = action.kind === 'weight' ? action.weight.value === 0 : action.kind !== 'up'
    if (!isRemoval) return []
    const list = withOverride(this.#options.store.list(), override)
    const inZone = this.#members.filter((one) => one.zone === zone)
    const concerned = inZone.filter(
      (one) => one.target === target && (pool ?? one.pool) === one.pool,
    )
    const pools = new Set(concerned.map((one) => one.pool))
    const others = inZone.filter((one) => pools.has(one.pool))
    for (const { member, out } of this.#statesUnder(list, others))
      if (out === null) pools.delete(member.pool)
    return [...pools]
  }

  #statesUnder(
    list: readonly Override[],
    members: readonly WatchedMember[],
  ): readonly MemberState[] {
    const { table, clock, feedback, reputation } = this.#options
    const byTarget = Map.groupBy(list, keyOf)
    const wallMs = clock.wallMs()
    return members.map((member) => {
      const overridden = effectOf(byTarget.get(keyOf(member)) ?? [], member)
      const effect = withFeedback(overridden, feedback?.effectOf(member) ?? noFeedback)
      const share = reputation?.shareOf(member) ?? 1
      return memberState(table, member, { ...effect, reputation: share }, wallMs)
    })
  }

  #refresh(): void {
    this.#expire()
    this.#plan(this.#write())
  }

  /** Takes over overrides that were set or ended at another instance. */
  #onForeignChange({ set, removed: gone }: OverrideChanges): void {
    const { clock, onSet, onEnd } = this.#options
    const soonMs = clock.wallMs() + clockDifferenceMs
    for (const { override, isReplaced } of gone) {
      const isOver = override.untilMs !== null && override.untilMs <= soonMs
      onEnd(override, isReplaced ? 'replaced' : isOver ? 'time' : 'undone', '')
    }
    for (const { override, from } of set) onSet(override, from ?? 'another instance')
    this.#refresh()
  }

  /** Drops overrides that have ended. Returns whether there were any. */
  #expire(): boolean {
    const { store, clock, onEnd } = this.#options
    const ended = store.expire(clock.wallMs())
    for (const override of ended) onEnd(override, 'time', override.by)
    return ended.length > 0
  }

  /** Writes the rows that have changed. Returns in how many milliseconds the next one may change. */
  #write(): number {
    const { table, store } = this.#options
    let soonestMs = Infinity
    for (const state of this.#statesUnder(store.list(), this.#members)) {
      const { standing, holdSeconds } = state
      const { row } = state.member
      const share = rowShareOf(state)
      if (holdSeconds < Infinity) {
        const changeMs = Math.ceil(holdSeconds * 1000)
        soonestMs = Math.min(soonestMs, changeMs, rewriteAfterMs(holdSeconds))
      }
      const isWritten = table.standing(row) === standing && table.share(row) === share
      if (isWritten && table.rowHoldSeconds(row) === Math.fround(holdSeconds)) continue
      table.setRow(row, standing, share, holdSeconds)
    }
    return soonestMs
  }

  #plan(rewriteInMs: number): void {
    const { store, clock, timer = systemTimer } = this.#options
    this.#cancel()
    this.#cancel = () => {}
    // This covers overrides of targets that are in no zone at the moment.
    const untilEndMs = Math.max(0, nextEndMs(store.list()) - clock.wallMs())
    const delayMs = Math.min(rewriteInMs, untilEndMs)
    if (delayMs === Infinity) return
    this.#cancel = timer(Math.min(delayMs, longestMs), () => this.#refresh())
  }
}

const keyOf = ({ zone, target }: { readonly zone: string; readonly target: string }): string =>
  `${zone} ${target}`
