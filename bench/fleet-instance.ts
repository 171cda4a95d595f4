// One instance of a simulated fleet, out of the functions that a real one is made of: damping, own vote, peers,
// assignment, consensus. Time is an argument. What it has to do at a time it does in `step`.

import { assignees, hashVantages, type Vantage } from '../src/health/assignment.ts'
import type { Judgement } from '../src/health/consensus.ts'
import {
  type DampingPolicy,
  type DampingState,
  advance,
  isUndecided,
  initialDamping,
} from '../src/health/damping.ts'
import {
  ownVote,
  ownView,
  type VoteJudgement,
  initialJudgement,
  judgeVotes,
} from '../src/health/judgement.ts'
import { hashText } from '../src/lib/hash.ts'
import { OwnVotes } from '../src/cluster/own-votes.ts'
import { type Peer, Peers } from '../src/cluster/peers.ts'
import { type StateKeys, endpointId, type StateTimes } from '../src/cluster/redis/schema.ts'
import type { FleetStore } from './fleet-store.ts'

export interface Target {
  readonly key: string
  readonly endpoint: string
  readonly hash: number
}

export const makeTargets = (count: number): readonly Target[] =>
  Array.from({ length: count }, (_, i) => {
    const key = `192.0.${i >> 8}.${i & 255}|25|ehlo|probe.example.com`
    return { key, endpoint: endpointId(key), hash: hashText(key) }
  })

/** What all instances have in common. */
export interface World {
  readonly store: FleetStore
  readonly keys: StateKeys
  readonly times: StateTimes
  readonly policy: DampingPolicy
  readonly targets: readonly Target[]
  readonly indexOf: ReadonlyMap<string, number>
  readonly vantages: number
  readonly random: () => number
  /** Whether a probe passes. */
  readonly passes: (target: number) => boolean
  /** Which instance probes what, by which instances live: computed once for all that see the same. */
  readonly assigned: Map<string, readonly (readonly string[])[]>
  readonly spent: { judgingMs: number; judged: number; assigningMs: number; assignments: number }
}

const unsealed = { isSealing: false, seal: (_: unknown, value: string): string => value }

export class FleetInstance {
  readonly self: Vantage
  isReachable: boolean = true
  isCutOff: boolean = false
  readonly #world: World
  readonly #peers: Peers
  readonly #own = new OwnVotes()
  readonly #judgements: VoteJudgement[]
  readonly #probed = new Map<number, { damping: DampingState; dueMs: number }>()
  #assignments: readonly (readonly string[])[] = []
  #sequence = 0
  #hintsRead = 0
  #answeredMs: number
  #beatMs: number
  #lookMs: number
  #snapshotMs: number
  #rewriteMs = -Infinity

  constructor(world: World, self: Vantage, nowMs: number) {
    this.self = self
    this.#world = world
    this.#peers = new Peers(world.times.heartbeatLifetimeMs)
    this.#judgements = world.targets.map(() => initialJudgement)
    this.#beatMs = nowMs + world.random() * world.times.heartbeatMs
    this.#lookMs = nowMs + world.random() * world.times.pollMs
    this.#snapshotMs = nowMs
    this.#answeredMs = nowMs
    this.#assign(nowMs)
  }

  judgement(target: number): Judgement {
    return (this.#judgements[target] as VoteJudgement).judgement
  }

  step(nowMs: number): void {
    this.#probe(nowMs)
    if (this.isReachable) this.#sync(nowMs)
    else if (!this.isCutOff && nowMs - this.#answeredMs >= this.#world.times.cutOffMs)
      this.#setCutOff(true, nowMs)
  }

  #probe(nowMs: number): void {
    const { policy, passes, targets, random } = this.#world
    for (const [target, probed] of this.#probed) {
      if (probed.dueMs > nowMs) continue
      const before = ownVote(probed.damping, policy)
      const verdict = passes(target) ? 'pass' : 'fail'
      probed.damping = advance(probed.damping, verdict, policy, nowMs)
      const everyMs = isUndecided(probed.damping, policy)
        ? policy.fastIntervalMs
        : policy.intervalMs
      probed.dueMs = nowMs + everyMs * (0.9 + 0.2 * random())
      const state = ownVote(probed.damping, policy)
      if (state === before) continue
      const { key } = targets[target] as Target
      this.#own.set({ slotKey: key, state, reason: state === 'D' ? 'connect-refused' : 'ok' })
      this.#judge(target)
    }
  }

  #sync(nowMs: number): void {
    const { store, times, keys } = this.#world
    const { instance, site } = this.self
    const voter = { keys, instance, epoch: 1, lifetimeMs: times.votesLifetimeMs, seals: unsealed }
    this.#answeredMs = nowMs
    if (this.isCutOff) this.#setCutOff(false, nowMs)
    if (nowMs >= this.#lookMs) {
      this.#look(nowMs)
      this.#lookMs = nowMs + times.pollMs
    }
    if (nowMs >= this.#rewriteMs) {
      store.write(instance, this.#own.rewriteCommands(voter))
      this.#rewriteMs = nowMs + times.rewriteMs
    } else if (this.#own.hasUnwritten()) store.write(instance, this.#own.changeCommands(voter))
    if (nowMs >= this.#beatMs) {
      const beat = {
        epoch: 1,
        sequence: ++this.#sequence,
        state: 'ok' as const,
        site,
        config: null,
      }
      store.beat(instance, beat, times.heartbeatLifetimeMs, nowMs)
      this.#beatMs = nowMs + times.heartbeatMs
    }
    this.#read(nowMs)
  }

  #look(nowMs: number): void {
    const recent = this.#peers.takeRecentHeartbeats(nowMs)
    const beats = this.#world.store.look(this.self.instance, nowMs, recent)
    const { affectsAssignments: isMoved } = this.#peers.observe(beats, nowMs, false)
    if (!isMoved) return
    this.#peers.requestFullRead()
    this.#assign(nowMs)
  }

  #read(nowMs: number): void {
    const { store, times, random } = this.#world
    for (; this.#hintsRead < store.hints.length; this.#hintsRead++) {
      const hint = store.hints[this.#hintsRead]
      if (hint && hint.instance !== this.self.instance)
        this.#peers.markStale(hint.instance, hint.endpoint)
    }
    if (nowMs >= this.#snapshotMs) {
      this.#peers.requestFullRead()
      this.#snapshotMs = nowMs + times.snapshotMs * (0.8 + 0.4 * random())
    }
    const probedBy = this.#byInstance()
    const wanted = new Map<string, readonly string[]>()
    for (const peer of this.#peers.all()) {
      if (!peer.needsFullRead && peer.staleEndpoints.size === 0) continue
      const endpoints = peer.needsFullRead
        ? (probedBy().get(peer.instance) ?? [])
        : [...peer.staleEndpoints]
      peer.needsFullRead = false
      peer.staleEndpoints.clear()
      if (endpoints.length > 0) wanted.set(peer.instance, endpoints)
    }
    if (wanted.size === 0) return
    for (const [instance, votes] of store.read(wanted)) {
      const peer = this.#peers.get(instance) as Peer
      for (const [i, endpoint] of (wanted.get(instance) ?? []).entries())
        if (this.#peers.setVote(peer, endpoint, votes[i] ?? null))
          this.#judge(this.#world.indexOf.get(endpoint) as number)
    }
  }

  /** Endpoints by the instance that probes them, on request. */
  #byInstance(): () => ReadonlyMap<string, readonly string[]> {
    let found: Map<string, string[]> | null = null
    return () => {
      if (found) return found
      found = new Map<string, string[]>()
      for (const [i, names] of this.#assignments.entries())
        for (const name of names) {
          const list = found.get(name)
          const { endpoint } = this.#world.targets[i] as Target
          if (list) list.push(endpoint)
          else found.set(name, [endpoint])
        }
      return found
    }
  }

  #setCutOff(isCutOff: boolean, nowMs: number): void {
    this.isCutOff = isCutOff
    this.#takeDuties(nowMs)
    if (isCutOff) return
    this.#rewriteMs = -Infinity
    this.#lookMs = nowMs
    this.#peers.requestFullRead()
  }

  #assign(nowMs: number): void {
    const { assigned, targets, vantages, spent } = this.#world
    const live = [this.self, ...this.#vantages()].sort((a, b) => (a.instance < b.instance ? -1 : 1))
    const key = live.map(({ instance }) => instance).join()
    let assignments = assigned.get(key)
    if (!assignments) {
      const startedMs = performance.now()
      const hashed = hashVantages(live)
      assignments = targets.map(({ hash }) => assignees(hash, hashed, vantages))
      spent.assigningMs += performance.now() - startedMs
      spent.assignments++
      assigned.set(key, assignments)
    }
    this.#assignments = assignments
    this.#takeDuties(nowMs)
  }

  #vantages(): readonly Vantage[] {
    return [...this.#peers.all()].map(({ instance, heartbeat: beat }) => ({
      instance,
      site: beat.site,
    }))
  }

  #takeDuties(nowMs: number): void {
    const { targets, random } = this.#world
    const { instance } = this.self
    for (const [i, names] of this.#assignments.entries()) {
      const isOurs = this.isCutOff || names.includes(instance)
      if (isOurs && !this.#probed.has(i))
        this.#probed.set(i, { damping: initialDamping(nowMs), dueMs: nowMs + 2000 * random() })
      if (!isOurs && this.#probed.delete(i))
        this.#own.set({ slotKey: (targets[i] as Target).key, state: '?', reason: 'resting' })
      this.#judge(i)
    }
  }

  #judge(target: number): void {
    const { policy, targets, spent } = this.#world
    const startedMs = performance.now()
    const { endpoint } = targets[target] as Target
    const probed = this.#probed.get(target)
    const view = probed ? ownView(probed.damping, policy) : unseen
    const votes = [
      { ...this.self, state: view.vote, reason: '' },
      ...this.#peers.votesOn(endpoint, this.#assignments[target] ?? []),
    ]
    const before = this.#judgements[target] as VoteJudgement
    this.#judgements[target] = judgeVotes(before, votes, view, this.isCutOff)
    spent.judgingMs += performance.now() - startedMs
    spent.judged++
  }
}

/** Of an instance that does not probe it. */
const unseen = { vote: '?', observed: '?' } as const
