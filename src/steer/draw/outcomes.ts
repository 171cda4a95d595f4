// Draws prepared for as long as health does not change: candidates, weights, TTL and reason are fixed, so that a query
// only draws. The result is octet for octet what select-mx.ts and select-addresses.ts select with the same random numbers;
// test/property/cached-answers.test.ts compares them.
//
// A draw can be prepared where the leading pool is certain, no pool is spread over risk groups, no candidate occurs twice,
// and there are not too many. Otherwise `null` is returned, and the query takes the slow path. Where one random number
// decides the whole draw and the outcomes are few, an outcome table lists them all.

import type { Random } from '../../lib/clock.ts'
import type { Pool, SteeredAddresses, SteeredMx, Target, TargetAddress } from '../policy.ts'
import type { Family } from '../select/last-resort.ts'
import { leadReason } from '../select/leading-pool.ts'
import { familyOf } from '../select/select-addresses.ts'
import { rungLimit } from '../select/select-mx.ts'
import { holdSecondsOf, type Steering } from '../select/steering.ts'
import { answerTtl, type SelectedAddress } from '../selection.ts'
import type { SelectionReason } from '../selection.ts'
import {
  addCandidate,
  type Candidates,
  createCandidates,
  shuffleBy,
  swapCells,
  targetAt,
  weightAt,
  weightFrom,
} from './candidates.ts'
import { drawCertain, drawSample, positionsPerRandom } from './sampling.ts'

export interface PreparedDraw<Entry> {
  /** Seconds. */
  readonly ttl: number
  readonly reason: SelectionReason
  /** What is drawn from: the candidates of all steps, one step after the other. */
  readonly entries: readonly Entry[]
  readonly steps: readonly DrawStep[]
}

/** A draw from one list of candidates: those of a pool that are up, or its suspects. */
interface DrawStep {
  readonly weights: Float64Array
  /** Sum of the weights, added in order, so that it rounds as the slow path does. */
  readonly sum: number
  /** Index of its first entry. */
  readonly firstEntry: number
  /** A weighted permutation (drawLadder); else a sample (drawSample). */
  readonly isLadder: boolean
  /** How many are drawn, and how many of these are kept: a ladder draws for positions that are taken already. */
  readonly drawCount: number
  readonly keepCount: number
}

/** What a draw came to: the indexes of the entries drawn, in the order of the answer. */
export interface DrawOutcome {
  /** Valid up to `count`. */
  readonly indexes: Int32Array
  count: number
}

/** Working memory of draws, refilled by each. */
export interface DrawScratch {
  readonly candidates: Candidates
  readonly outcome: DrawOutcome
}

/** More would take more memory than they save time. Candidates have room for as many from the start. */
const maxEntries = 32

/** Bits of one entry in an outcome code: 31 bits, the highest of which in use is a marker. */
const codeBits = 5

const maxCodedEntries = 6

export const createDrawScratch = (): DrawScratch => ({
  candidates: createCandidates(),
  outcome: { indexes: new Int32Array(maxEntries), count: 0 },
})

/** The draw of the set's MX records under the rule at index `rule`; null: it cannot be prepared. */
export function prepareLadder(
  set: SteeredMx,
  rule: number,
  steering: Steering,
): PreparedDraw<Target> | null {
  const pools = set.policy.rules[rule]?.pools ?? []
  const lead = set.sticky ? -1 : certainLead(pools, null, steering)
  if (lead < 0) return null
  const evaluated = steering.pools
  const isLadder = set.mode === 'ladder'
  const ladder = new LadderSteps(isLadder, rungLimit(set))
  const addUp = (at: number): boolean => {
    const { up, isPanic } = evaluated.at(at)
    return ladder.add(pools[at] as Pool, up) && isPanic
  }
  const others = isLadder ? pools.length : 0
  let isPanic = addUp(lead)
  for (let at = 0; at < others && ladder.room > 0; at++) {
    if (at === evaluated.count) evaluated.evaluateNext(pools, null)
    if (at !== lead && addUp(at)) isPanic = true
  }
  const suspectPools = others === 0 ? 0 : evaluated.count
  ladder.add(pools[lead] as Pool, evaluated.at(lead).suspect)
  for (let at = 0; at < suspectPools; at++)
    if (at !== lead) ladder.add(pools[at] as Pool, evaluated.at(at).suspect)
  const { entries, steps } = ladder
  if (!areFewAndDistinct(entries.map(({ index }) => index)) || isSpread(pools)) return null
  const reason = leadReason(lead, isPanic)
  return { ttl: answerTtl(set, holdSecondsOf(steering, reason)), reason, entries, steps }
}

/** The steps of a ladder, or of MX records at one preference, while it is prepared. */
class LadderSteps {
  readonly steps: DrawStep[] = []
  readonly entries: Target[] = []
  /** Positions that are still free. */
  room: number
  readonly #isLadder: boolean
  readonly #limit: number

  constructor(isLadder: boolean, limit: number) {
    this.#isLadder = isLadder
    this.#limit = limit
    this.room = limit
  }

  /** Adds a step for the candidates; false where there are none, or no room. */
  add(pool: Pool, candidates: Candidates): boolean {
    if (this.room === 0 || candidates.count === 0) return false
    const isLadder = this.#isLadder
    const counts = { drawCount: isLadder ? this.#limit : this.room, keepCount: this.room }
    const step = stepOf(candidates, { isLadder, firstEntry: this.entries.length, ...counts })
    this.steps.push(step)
    this.entries.push(...targetsOf(pool, candidates))
    this.room -= step.keepCount
    return true
  }
}

/** The draw of the set's addresses under the rule at index `rule`; null: it cannot be prepared. */
export function prepareAddresses(
  set: SteeredAddresses,
  rule: number,
  steering: Steering,
): PreparedDraw<SelectedAddress> | null {
  const pools = set.policy.rules[rule]?.pools ?? []
  const lead = set.sticky ? -1 : certainLead(pools, familyOf(set.type), steering)
  if (lead < 0) return null
  const pool = pools[lead] as Pool
  const evaluation = steering.pools.at(lead)
  const steps: DrawStep[] = []
  const entries: SelectedAddress[] = []
  let room = Math.max(1, set.answers)
  for (const candidates of [evaluation.up, evaluation.suspect]) {
    if (room === 0 || candidates.count === 0) continue
    const firstEntry = entries.length
    const counts = { drawCount: room, keepCount: room }
    const step = stepOf(candidates, { isLadder: false, firstEntry, ...counts })
    steps.push(step)
    for (const [i, target] of targetsOf(pool, candidates).entries()) {
      const address = target.addresses[candidates.addresses[i] as number] as TargetAddress
      entries.push({ target, address })
    }
    room -= step.keepCount
  }
  const texts = entries.map(({ address }) => address.text)
  if (evaluation.hasSiblings || pool.isSpread || !areFewAndDistinct(texts)) return null
  const reason = leadReason(lead, evaluation.isPanic)
  return { ttl: answerTtl(set, holdSecondsOf(steering, reason)), reason, entries, steps }
}

/** Draws. The outcome is that of `scratch`, valid until its next use. */
export function drawPrepared(
  scratch: DrawScratch,
  { steps }: PreparedDraw<unknown>,
  random: Random,
): DrawOutcome {
  const { candidates, outcome } = scratch
  const { indexes } = outcome
  let count = 0
  for (let s = 0; s < steps.length; s++) {
    const step = steps[s] as DrawStep
    const { keepCount, firstEntry } = step
    if (step.drawCount === 1) indexes[count++] = firstEntry + drawOne(step, random)
    else {
      if (step.isLadder) drawPermutation(candidates, step, random)
      else drawStepSample(candidates, step, random)
      const { members } = candidates
      for (let i = 0; i < keepCount; i++) indexes[count++] = firstEntry + (members[i] as number)
    }
  }
  outcome.count = count
  return outcome
}

/** A number above 0 that identifies the outcome among those of its draw; 0: it has too many entries for one. */
export function outcomeCode({ indexes, count }: DrawOutcome): number {
  if (count > maxCodedEntries) return 0
  let code = 1
  for (let i = 0; i < count; i++) code = (code << codeBits) | (indexes[i] as number)
  return code
}

// The same sums as drawLadder and drawSample (sampling.ts), step by step.

function drawOne({ weights, sum }: DrawStep, random: Random): number {
  const last = weights.length - 1
  if (last === 0) return 0
  const point = random() * sum
  let at = 0
  let along = weights[0] as number
  while (point >= along && at < last) along += weights[++at] as number
  return at
}

/** drawLadder, with the candidates' indexes left in `members`. */
function drawPermutation(candidates: Candidates, step: DrawStep, random: Random): void {
  const { weights, members } = candidates
  const count = step.weights.length
  for (let i = 0; i < count; i++) {
    weights[i] = step.weights[i] as number
    members[i] = i
  }
  let left = step.sum
  let fraction = 0
  const randomPositions = step.drawCount < count ? step.drawCount : count - 1
  for (let position = 0; position < randomPositions; position++) {
    const point = (position % positionsPerRandom === 0 ? random() : fraction) * left
    let at = position
    let along = weights[at] as number
    while (point >= along && at < count - 1) along += weights[++at] as number
    const weight = weights[at] as number
    fraction = (point - (along - weight)) / weight
    const member = members[at] as number
    weights[at] = weights[position] as number
    members[at] = members[position] as number
    members[position] = member
    left -= weight
  }
}

function drawStepSample(
  candidates: Candidates,
  { weights, drawCount }: DrawStep,
  random: Random,
): void {
  candidates.count = 0
  for (let i = 0; i < weights.length; i++) addCandidate(candidates, weights[i] as number, i, 0)
  drawSample(candidates, drawCount, random)
}

/** All outcomes of a draw that one random number decides; null: it takes several, or has too many outcomes. */
export function outcomesOf({ steps }: PreparedDraw<unknown>): OutcomeTable | null {
  const step = steps[0]
  if (step === undefined || steps.length > 1) return null
  const { weights, drawCount } = step
  return step.isLadder || drawCount === 1
    ? ladderOutcomes(weights, drawCount)
    : sampleOutcomes(weights, drawCount)
}

/** The outcome at an index of the table. It is that of `scratch`, valid until its next use. */
export function outcomeAt(
  { outcome }: DrawScratch,
  { members, count }: OutcomeTable,
  index: number,
): DrawOutcome {
  for (let i = 0; i < count; i++) outcome.indexes[i] = members[index * count + i] as number
  outcome.count = count
  return outcome
}

/** The pool that leads without a draw; below 0: none, or it is random. */
const certainLead = (pools: readonly Pool[], family: Family, steering: Steering): number =>
  steering.pools.findLead(pools, family)

function stepOf(
  { count, weights }: Candidates,
  { keepCount, ...step }: Omit<DrawStep, 'weights' | 'sum'>,
): DrawStep {
  const own = weights.slice(0, count)
  const sum = own.reduce((left, weight) => left + weight, 0)
  return { weights: own, sum, keepCount: Math.min(keepCount, count), ...step }
}

const targetsOf = (pool: Pool, candidates: Candidates): Target[] =>
  Array.from({ length: candidates.count }, (_, i) => targetAt(pool, candidates, i))

const isSpread = (pools: readonly Pool[]): boolean => pools.some((pool) => pool.isSpread)

const areFewAndDistinct = (names: readonly unknown[]): boolean =>
  names.length > 0 && names.length <= maxEntries && new Set(names).size === names.length

/**
 * The outcomes of a draw along the numbers from 0 to 1, in units of 2⁻³¹, as the draw divides them: looking up where a
 * random number falls is the whole draw.
 */
export interface OutcomeTable {
  /** One past the numbers of each outcome, ascending; the last one is at or beyond all numbers. */
  readonly ends: Int32Array
  /** Indexes of the candidates of each outcome, `count` a row. */
  readonly members: Uint8Array
  readonly count: number
}

/** Bits of the random number that an outcome table is indexed by. */
export const randomBits = 31

const wholeRange = 2 ** randomBits

/** A part of the range with one outcome. `end`: where it ends, in [0, 1]. */
interface OutcomePart {
  readonly end: number
  readonly members: Int32Array
}

/** Enough for all orders of five targets, or two of eleven. */
const maxLadderOutcomes = 120

/**
 * The outcomes of drawLadder for the first `count` positions: the range is divided by who comes first, each of these parts
 * by who comes second, and so on. null: they are too many, or one random number does not decide them.
 */
export function ladderOutcomes(weights: Float64Array, count: number): OutcomeTable | null {
  const drawn = Math.min(count, weights.length)
  const randomPositions = Math.min(drawn, weights.length - 1)
  let outcomes = 1
  for (let position = 0; position < randomPositions; position++)
    outcomes *= weights.length - position
  if (randomPositions > positionsPerRandom || outcomes > maxLadderOutcomes) return null
  const parts: OutcomePart[] = []
  let end = 0
  const order = Int32Array.from(weights.keys())
  const divide = (position: number, part: number): void => {
    if (position === randomPositions) {
      end += part
      parts.push({ end, members: order.slice(0, drawn) })
      return
    }
    const rest = order.slice(position)
    const left = rest.reduce((sum, member) => sum + (weights[member] as number), 0)
    for (let at = position; at < order.length; at++) {
      swapCells(order, position, at)
      divide(position + 1, part * ((weights[order[position] as number] as number) / left))
      swapCells(order, position, at)
    }
  }
  divide(0, 1)
  return tableOf(parts)
}

/** Their 24 orders have at most four parts each: the start of a sample can pass three borders between candidates. */
const maxSampledCandidates = 4

/** The outcomes of drawSample for `count` candidates; null: there are too many candidates. */
export function sampleOutcomes(weights: Float64Array, count: number): OutcomeTable | null {
  if (weights.length > maxSampledCandidates) return null
  let orders = 1
  for (let i = 2; i <= weights.length; i++) orders *= i
  const parts: OutcomePart[] = []
  for (let order = 0; order < orders; order++) {
    let from = 0
    for (const end of [...sampleBorders(weights, count, (order + 0.5) / orders), 1]) {
      const members = sampleBy(weights, count, (order + (from + end) / 2) / orders)
      parts.push({ end: (order + end) / orders, members })
      from = end
    }
  }
  return tableOf(parts)
}

const candidatesOf = (weights: Float64Array): Candidates => {
  const candidates = createCandidates()
  for (const [i, weight] of weights.entries()) addCandidate(candidates, weight, i, 0)
  return candidates
}

function sampleBy(weights: Float64Array, count: number, randomNumber: number): Int32Array {
  const candidates = candidatesOf(weights)
  const drawn = drawSample(candidates, count, () => randomNumber)
  return candidates.members.slice(0, drawn)
}

/**
 * In the order that a random number shuffles the candidates into: the starts, in parts of a step in (0, 1), from which
 * systematic sampling draws other candidates. Ascending and distinct.
 */
function sampleBorders(
  weights: Float64Array,
  count: number,
  randomNumber: number,
): readonly number[] {
  if (count >= weights.length) return []
  const candidates = candidatesOf(weights)
  shuffleBy(candidates, randomNumber)
  const certain = drawCertain(candidates, count)
  if (certain === count) return []
  const step = weightFrom(candidates, certain) / (count - certain)
  const borders = new Set<number>()
  let along = 0
  for (let i = certain; i < candidates.count - 1; i++) {
    along += weightAt(candidates, i)
    borders.add((along / step) % 1)
  }
  borders.delete(0)
  return [...borders].sort((a, b) => a - b)
}

/** `parts`: the whole range in order; all have the same number of members. */
function tableOf(parts: readonly OutcomePart[]): OutcomeTable {
  const last = wholeRange - 1
  const ends = Int32Array.from(parts, ({ end }) => Math.min(last, Math.round(end * wholeRange)))
  ends[ends.length - 1] = last
  const count = parts[0]?.members.length ?? 0
  const members = new Uint8Array(parts.length * count)
  for (const [row, part] of parts.entries()) members.set(part.members, row * count)
  return { ends, members, count }
}

/** A random number in [0, 1) in units of 2⁻³¹, rounded down. */
export const uint31Of = (randomNumber: number): number => (randomNumber * wholeRange) | 0

/** Index of the outcome that a number of 31 bits leads to (binary search). */
export function outcomeIndexAt({ ends }: OutcomeTable, uint31: number): number {
  let [from, to] = [0, ends.length - 1]
  while (from < to) {
    const middle = (from + to) >> 1
    if (uint31 < (ends[middle] as number)) to = middle
    else from = middle + 1
  }
  return from
}
