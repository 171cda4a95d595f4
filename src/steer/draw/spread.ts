// Draws that spread an answer over risk groups: regions, the racks within a region, the targets, and the addresses of a
// target. A group is not repeated in an answer while another group of the same level has a candidate left.
//
//   drawSpread, position by position (ladders and sticky answers): each position goes to the candidates whose region
//     is least used, of these to those whose rack is, of these to those whose target is; among these it is drawn by
//     weight. The first position is therefore won in exact proportion to weight.
//
//   drawBeside, k of n at once (addresses, MX of one preference): positions are dealt to regions, those of a region to its racks, then to
//     targets and addresses. Each group that has candidates left gets one position a round; the last, partial round
//     is drawn by systematic sampling over the weights of the groups. While no group is due more than one position,
//     every address is included with probability k·w/W exactly, as without groups; a group that is due more has one
//     for certain, and the others share the rest in proportion.

import type { Member, Pool, Target } from '../policy.ts'
import {
  addCandidate,
  type Candidates,
  createCandidates,
  swap,
  targetAt,
  weightAt,
} from './candidates.ts'
import type { Chooser } from './chooser.ts'
import { drawSample } from './sampling.ts'

/** The levels at which positions are dealt, from the widest risk to the narrowest. */
type Level = 0 | 1 | 2 | 3
const regionLevel = 0
const targetLevel = 2
const addressLevel = 3

/** How much more one use of a rack, or of a region, counts than uses of all that is within it. */
const rackSpan = 0x1_0000
const regionSpan = 0x1_0000_0000

const initialGroups = 64

interface Deal {
  readonly pool: Pool
  readonly count: number
  readonly chooser: Chooser
}

const threeCandidates = (): readonly [Candidates, Candidates, Candidates] => [
  createCandidates(),
  createCandidates(),
  createCandidates(),
]

/** The two spreading draws with their working memory. Not re-entrant; one for each responder. */
export class SpreadDraw {
  /** Uses of each region and rack in the answer under way; all 0 between draws. */
  #regionCounts = new Int32Array(initialGroups)
  #rackCounts = new Int32Array(initialGroups)
  /** Uses of each member of the pool: the addresses of one member are one risk. */
  #memberCounts = new Int32Array(initialGroups)
  /** By level: the groups of a deal, those that still have candidates, and the candidates of one group. */
  readonly #groups = threeCandidates()
  readonly #open = threeCandidates()
  readonly #parts = threeCandidates()
  readonly #dealt = createCandidates()

  /**
   * Moves `count` candidates to the front, each in proportion to its weight as far as groups allow: all at once, or position
   * by position where records are `selected` already. Returns how many were drawn.
   */
  drawBeside(
    candidates: Candidates,
    pool: Pool,
    count: number,
    chooser: Chooser,
    selected: readonly { readonly target: Target }[],
  ): number {
    return selected.length > 0
      ? this.drawSpread(candidates, pool, count, chooser, selected)
      : this.#dealSample(candidates, pool, count, chooser)
  }

  /** Draws k of n over risk groups; only those drawn remain. */
  #dealSample(candidates: Candidates, pool: Pool, count: number, chooser: Chooser): number {
    const dealt = this.#dealt
    dealt.count = 0
    this.#deal(pool.isSpread ? regionLevel : targetLevel, candidates, { pool, count, chooser })
    candidates.count = 0
    for (let i = 0; i < dealt.count; i++) copyCandidate(candidates, dealt, i)
    return dealt.count
  }

  /**
   * Moves `count` candidates to the front, position by position, each in the groups least used by those before it and by
   * the records `selected` before. Where `chooser` is null the lowest weight wins, not a draw. Returns how many were drawn.
   */
  drawSpread(
    candidates: Candidates,
    pool: Pool,
    count: number,
    chooser: Chooser | null,
    selected: readonly { readonly target: Target }[],
  ): number {
    const drawn = Math.min(count, candidates.count)
    const memberCount = pool.members.length
    if (this.#memberCounts.length < memberCount) this.#memberCounts = new Int32Array(memberCount)
    this.#memberCounts.fill(0, 0, memberCount)
    for (const { target } of selected) this.#countRisk(target, 1)
    for (let position = 0; position < drawn; position++) {
      const at = this.#next(candidates, position, pool, chooser)
      swap(candidates, position, at)
      const member = candidates.members[position] as number
      this.#memberCounts[member] = (this.#memberCounts[member] as number) + 1
      this.#countRisk(targetAt(pool, candidates, position), 1)
    }
    for (let i = 0; i < drawn; i++) this.#countRisk(targetAt(pool, candidates, i), -1)
    for (const { target } of selected) this.#countRisk(target, -1)
    return drawn
  }

  #countRisk({ regionGroup, rackGroup }: Target, by: 1 | -1): void {
    const highest = Math.max(regionGroup, rackGroup)
    if (highest >= this.#regionCounts.length) {
      this.#regionCounts = grown(this.#regionCounts, highest * 2)
      this.#rackCounts = grown(this.#rackCounts, highest * 2)
    }
    this.#regionCounts[regionGroup] = (this.#regionCounts[regionGroup] as number) + by
    this.#rackCounts[rackGroup] = (this.#rackCounts[rackGroup] as number) + by
  }

  /** How much the candidate's groups are used already: regions count before racks, racks before targets. */
  #crowding(candidates: Candidates, at: number, pool: Pool): number {
    const member = candidates.members[at] as number
    const ofMember = this.#memberCounts[member] ?? 0
    if (!pool.isSpread) return ofMember
    const { regionGroup, rackGroup } = (pool.members[member] as Member).target
    const ofRack = (this.#rackCounts[rackGroup] ?? 0) * rackSpan
    return (this.#regionCounts[regionGroup] ?? 0) * regionSpan + ofRack + ofMember
  }

  /** Index of the next candidate: one of the least crowded, drawn by weight, or the lowest weight without `chooser`. */
  #next(candidates: Candidates, from: number, pool: Pool, chooser: Chooser | null): number {
    const { cuts } = candidates
    let least = Infinity
    let sum = 0
    let best = from
    let open = 0
    for (let i = from; i < candidates.count; i++) {
      const crowding = this.#crowding(candidates, i, pool)
      const weight = weightAt(candidates, i)
      if (crowding > least) continue
      if (crowding < least || weight < weightAt(candidates, best)) best = i
      sum = crowding < least ? weight : sum + weight
      open = crowding < least ? 0 : open
      cuts[open++] = weight
      least = crowding
    }
    if (chooser === null) return best
    return this.#leastCrowded(candidates, from, pool, least, chooser.weighted(cuts, 0, open, sum))
  }

  /** Index of a candidate whose groups are used `least`: that of this rank among them. */
  #leastCrowded(
    candidates: Candidates,
    from: number,
    pool: Pool,
    least: number,
    rank: number,
  ): number {
    let before = 0
    let at = from
    while (this.#crowding(candidates, at, pool) !== least || before++ < rank) at++
    return at
  }

  #deal(level: Level, candidates: Candidates, deal: Deal): void {
    const { pool, count, chooser } = deal
    if (level === addressLevel || count >= candidates.count) {
      const drawn = drawSample(candidates, count, chooser)
      for (let i = 0; i < drawn; i++) copyCandidate(this.#dealt, candidates, i)
      return
    }
    const groups = this.#groups[level]
    collectGroups(groups, candidates, level, pool)
    const { rounds, drawn } = this.#dealRounds(level, groups, count, chooser)
    for (let g = 0; g < groups.count; g++) {
      const size = groups.addresses[g] as number
      const group = groups.members[g] as number
      const isDrawn = size > rounds && hasMember(this.#open[level], drawn, group)
      const share = Math.min(size, rounds) + (isDrawn ? 1 : 0)
      if (share === 0) continue
      const parts = this.#parts[level]
      parts.count = 0
      for (let i = 0; i < candidates.count; i++)
        if (groupOf(level, candidates, i, pool) === group) copyCandidate(parts, candidates, i)
      this.#deal((level + 1) as Level, parts, { pool, count: share, chooser })
    }
  }

  /**
   * Deals one position a round to each group that has candidates left. Returns the number of whole rounds; the `drawn`
   * groups that got a position in the last, partial round stand first in `#open` of the level.
   */
  #dealRounds(
    level: 0 | 1 | 2,
    groups: Candidates,
    count: number,
    chooser: Chooser,
  ): { readonly rounds: number; readonly drawn: number } {
    const open = this.#open[level]
    let left = count
    for (let rounds = 0; ; rounds++) {
      open.count = 0
      for (let g = 0; g < groups.count; g++)
        if ((groups.addresses[g] as number) > rounds) copyCandidate(open, groups, g)
      if (open.count === 0) return { rounds, drawn: 0 }
      if (open.count > left)
        return { rounds, drawn: left === 0 ? 0 : drawSample(open, left, chooser) }
      left -= open.count
    }
  }
}

function grown(counts: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const copy = new Int32Array(length)
  copy.set(counts)
  return copy
}

/** Fills `groups`: number (in `members`), sum of weights, and count of candidates (in `addresses`) of each group. */
function collectGroups(groups: Candidates, candidates: Candidates, level: Level, pool: Pool): void {
  groups.count = 0
  for (let i = 0; i < candidates.count; i++) {
    const group = groupOf(level, candidates, i, pool)
    let at = 0
    while (at < groups.count && groups.members[at] !== group) at++
    if (at === groups.count) addCandidate(groups, 0, group, 0)
    groups.weights[at] = weightAt(groups, at) + weightAt(candidates, i)
    groups.addresses[at] = (groups.addresses[at] as number) + 1
  }
}

function groupOf(level: Level, candidates: Candidates, at: number, pool: Pool): number {
  if (level === targetLevel) return candidates.members[at] as number
  const { regionGroup, rackGroup } = targetAt(pool, candidates, at)
  return level === regionLevel ? regionGroup : rackGroup
}

const copyCandidate = (to: Candidates, from: Candidates, at: number): void =>
  addCandidate(to, weightAt(from, at), from.members[at] as number, from.addresses[at] as number)

/** Whether one of the first `count` candidates has this member index. */
function hasMember(candidates: Candidates, count: number, member: number): boolean {
  for (let i = 0; i < count; i++) if (candidates.members[i] === member) return true
  return false
}
