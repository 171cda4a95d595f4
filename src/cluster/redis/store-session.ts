// A turn with the store: look who lives, write what is ours, read what changed. One turn at a time, one batch in
// flight; what a turn could not do the next one does over. Who decides when is redis-exchange.ts.
//
//   our heartbeat under a later epoch   another process has our name: we only read, until its heartbeat ends
//   our heartbeat gone                  we were away, or the store was emptied: everything of ours is written anew
//   another store id                    it was emptied: the overrides that we know are put back too

import { beatBefore, beatCommands, goodbyeCommands } from './heartbeat-commands.ts'
import type { VoteOwner } from '../own-votes.ts'
import type { Heartbeat, InstanceState } from './state-records.ts'
import type { Command, Reply } from './store-link.ts'
import { mendKeys } from './store-mend.ts'
import type { SessionParts } from './session-parts.ts'
import { enterStore } from './store-entry.ts'
import { lookAtStore } from './snapshot.ts'

export class StoreSession {
  /** `rewrites`: times that our votes were written whole. */
  readonly counters: { rejected: number; rewrites: number } = { rejected: 0, rewrites: 0 }
  state: InstanceState = 'ok'
  /** What our zones say; null: not known yet. */
  config: string | null = null
  isFenced = false
  /** Why the store, when it answered last, did not show us heartbeats or take ours, in one word; null: it did. */
  refusal: string | null = null
  readonly #parts: SessionParts
  /** The others are to look at the heartbeat to come at once. */
  #isUrgent = false
  #epoch: number | null = null
  #epochFloor = 0
  #sequence = 0
  #storeId: string | null = null
  #hasBeaten = false
  #keepMissingUntilMs = -Infinity
  #pollAtMs = -Infinity
  #beatAtMs = -Infinity
  #rewriteAtMs = -Infinity
  #snapshotAtMs = -Infinity

  constructor(parts: SessionParts) {
    this.#parts = parts
  }

  /** After a connection was lost: nothing that the store has of us is sure. */
  reset(): void {
    this.#rewriteAtMs = -Infinity
    for (const part of this.#parts.more) part.reset()
    this.pollSoon()
  }

  pollSoon(): void {
    this.#pollAtMs = -Infinity
  }

  /** `isUrgent`: the others are told to look. */
  beatSoon(isUrgent = false): void {
    this.#beatAtMs = -Infinity
    this.#isUrgent ||= isUrgent
  }

  nextInMs(nowMs: number): number {
    const soonestMs = Math.min(...this.#parts.more.map((part) => part.dueInMs(nowMs)))
    return Math.max(0, Math.min(this.#pollAtMs - nowMs, this.#beatAtMs - nowMs, soonestMs))
  }

  /** false: the store did not answer, or does not take our heartbeat. */
  async turn(nowMs: number): Promise<boolean> {
    const { times } = this.#parts
    if (nowMs >= this.#pollAtMs) {
      if (!(await this.#look(nowMs))) return false
      this.#pollAtMs = nowMs + times.pollMs
    }
    if (this.#epoch === null && !this.isFenced && !(await this.#enter())) return false
    if (!this.isFenced && !(await this.#write(nowMs))) return false
    return (await this.#read(nowMs)) && this.#turnMore(nowMs)
  }

  async sayGoodbye(): Promise<void> {
    const { link, keys, instance } = this.#parts
    if (this.#epoch === null || this.isFenced) return
    await link.run(goodbyeCommands(keys, instance))
  }

  async #look(nowMs: number): Promise<boolean> {
    const { link, keys, instance, votes, peers, hints, overrides, onEvent, onPeers } = this.#parts
    const known = [...peers.all()].map((peer) => peer.instance)
    const sight = await lookAtStore(link, keys, instance, known)
    this.refusal = sight?.kind === 'refused' ? sight.code : null
    if (sight?.kind !== 'seen') return false
    this.counters.rejected += sight.rejected
    const isEmptied = this.#storeId !== null && sight.storeId !== this.#storeId
    if (isEmptied) onEvent('emptied')
    if (isEmptied) for (const part of this.#parts.more) part.emptied()
    this.#judgeOwnBeat(sight.ownBeat, nowMs, isEmptied)
    // Somebody else wrote there, or not all of ours arrived.
    if (!votes.hasUnwritten() && sight.ownVotes !== votes.saidCount()) this.#rewriteAtMs = -Infinity
    this.#storeId = sight.storeId
    const changes = peers.observe(sight.beats, nowMs, nowMs < this.#keepMissingUntilMs)
    if (changes.isMoved) onPeers(changes)
    if (hints.compare(sight.oldestEvent, sight.newestEvent)) peers.readAllAgain()
    if (sight.overrides) this.counters.rejected += overrides.receive(sight.overrides, isEmptied)
    if (sight.wrongKeys.length > 0) await link.run([['del', ...sight.wrongKeys]])
    // A store that forgot who it is gets a new name, and we enter it anew.
    if (isEmptied || (sight.storeId === null && this.#epoch !== null)) this.#leave()
    return true
  }

  #judgeOwnBeat(ownBeat: Heartbeat | null, nowMs: number, isEmptied: boolean): void {
    const { times, onEvent } = this.#parts
    const isLater = ownBeat !== null && this.#epoch !== null && ownBeat.epoch > this.#epoch
    if (isLater && !isEmptied) {
      if (!this.isFenced) onEvent('fenced')
      this.isFenced = true
      return
    }
    if (this.isFenced && ownBeat === null) {
      this.isFenced = false
      this.#leave()
      onEvent('unfenced')
    }
    if (isEmptied || (ownBeat === null && this.#hasBeaten)) {
      this.#keepMissingUntilMs = nowMs + times.heartbeatLifetimeMs
      this.#rewriteAtMs = -Infinity
      this.#beatAtMs = -Infinity
    }
  }

  #leave(): void {
    this.#epochFloor = Math.max(this.#epochFloor, this.#epoch ?? 0)
    this.#epoch = null
  }

  async #enter(): Promise<boolean> {
    const { link, keys, instance, newStoreId } = this.#parts
    const needs = { instance, epochFloor: this.#epochFloor, newStoreId }
    const entry = await enterStore(link, keys, needs)
    if (entry === null) return false
    this.#epoch = entry.epoch
    this.#storeId = entry.storeId
    this.#rewriteAtMs = -Infinity
    this.#beatAtMs = -Infinity
    return true
  }

  async #write(nowMs: number): Promise<boolean> {
    const { link, votes, overrides, keys, instance } = this.#parts
    const owner = this.#owner()
    const isBeatDue = nowMs >= this.#beatAtMs
    const beat = isBeatDue ? this.#beat() : []
    const isRewriteDue = nowMs >= this.#rewriteAtMs
    const changes = isRewriteDue ? [] : votes.changes(owner)
    const outgoing = overrides.outgoing(keys, instance)
    // Votes first: a heartbeat must not vouch for votes of an earlier boot.
    if (isRewriteDue && !(await this.#rewrite(owner, nowMs))) return false
    const commands = [...beat, ...changes, ...outgoing]
    if (commands.length === 0) return true
    const replies = await link.run(commands)
    if (replies === null) return this.#failed()
    overrides.written()
    this.counters.rejected += await mendKeys(link, commands, replies)
    const [first] = replies
    const isHeard = !isBeatDue || first?.kind === 'value'
    this.refusal = !isHeard && first?.kind === 'error' ? first.code : null
    if (!isHeard || replies.some(({ kind }) => kind === 'error')) this.#rewriteAtMs = -Infinity
    if (!isHeard) return false
    if (isBeatDue) this.#hasBeat(first, nowMs)
    return true
  }

  #hasBeat(reply: Reply | undefined, nowMs: number): void {
    this.#judgeOwnBeat(beatBefore(reply), nowMs, false)
    this.#beatAtMs = nowMs + this.#parts.times.heartbeatMs
    this.#hasBeaten = true
  }

  #beat(): readonly Command[] {
    const sequence = ++this.#sequence
    const { state, config } = this
    const beat = { epoch: this.#epoch ?? 0, sequence, state, site: this.#parts.site, config }
    const commands = beatCommands(this.#parts, beat, this.#isUrgent)
    this.#isUrgent = false
    return commands
  }

  async #rewrite(owner: VoteOwner, nowMs: number): Promise<boolean> {
    const { link, votes, times } = this.#parts
    const replies = await link.run(votes.rewrite(owner), true)
    if (replies === null) return this.#failed()
    this.counters.rewrites++
    this.#rewriteAtMs = nowMs + times.rewriteMs
    return true
  }

  #failed(): false {
    this.#rewriteAtMs = -Infinity
    return false
  }

  #owner(): VoteOwner {
    const { keys, instance, times } = this.#parts
    return { keys, instance, epoch: this.#epoch ?? 0, lifetimeMs: times.votesLifetimeMs }
  }

  async #turnMore(nowMs: number): Promise<boolean> {
    for (const part of this.#parts.more)
      if (!(await part.turn({ nowMs, isFenced: this.isFenced }))) return false
    return true
  }

  async #read(nowMs: number): Promise<boolean> {
    const { peers, times, random, reader } = this.#parts
    if (nowMs >= this.#snapshotAtMs) {
      peers.readAllAgain()
      this.#snapshotAtMs = nowMs + times.snapshotMs * (0.8 + 0.4 * random())
    }
    const read = await reader.read(this.#storeId)
    if (read === 'other-store') this.pollSoon()
    return read !== 'silent'
  }
}
