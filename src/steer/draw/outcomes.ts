// A draw with all but chance done beforehand: who takes part, their weights, the TTL and the reason stay as they are until
// health changes, so only the drawing itself is left to each query. What comes of it is octet for octet what select-mx.ts
// and select-addresses.ts choose with the same chance: test/property/cached-answers.test.ts compares them.
//
// Prepared is what most zones have: the lead is no matter of chance, nothing is spread over risks, and nobody could be
// chosen twice. For everything else there is null, and those files.

import type { HealthReader } from '../../health/table.ts'
import type { Random } from '../../lib/clock.ts'
import type { Pool, SteeredAddresses, SteeredMx, Target, TargetAddress } from '../policy.ts'
import type { Family } from '../select/last-resort.ts'
import { rungLimit, targetAt } from '../select/select-mx.ts'
import { familyOf } from '../select/select-addresses.ts'
import { canvassAt, canvassNext, findLead, holdOfSurvey, surveyed } from '../select/leading-pool.ts'
import { answerTtl, type SelectedAddress, type SelectionReason } from '../selection.ts'
import {
  type Candidates,
  createCandidates,
  addCandidate,
  shuffleBy,
  swapCells,
  weightAt,
  weightFrom,
} from './candidates.ts'
import { drawCertain, drawSample, positionsPerRandom } from './sampling.ts'

export interface PreparedDraw<Choice> {
  /** No other draw of this process has it. */
  readonly number: number
  readonly ttl: number
  readonly reason: SelectionReason
  /** Those of all steps, one after the other. */
  readonly choices: readonly Choice[]
  readonly steps: readonly Step[]
}

/** One ballot of a pool. */
interface Step {
  readonly weights: Float64Array
  /** Their sum, as it comes by adding one to the other. */
  readonly sum: number
  /** Where its choices begin. */
  readonly first: number
  /** A weighted permutation; else a sample. */
  readonly isLadder: boolean
  /** Drawn; of a ladder the first `room` are taken. */
  readonly places: number
  readonly room: number
}

/** Who was drawn last, by their places among the choices. */
export interface DrawOutcome {
  readonly places: Int32Array
  count: number
}

/** More would cost more memory than they save time. A ballot has room for as many from its start. */
const maxChoices = 32

/** Of a choice in a code of 31 bits, which begins with a one. */
const codeBits = 5

const maxCoded = 6

let draws = 0

/** `rule`: its place in the set's policy. */
export function prepareLadder(
  set: SteeredMx,
  rule: number,
  health: HealthReader,
): PreparedDraw<Target> | null {
  const pools = set.policy.rules[rule]?.pools ?? []
  const lead = set.sticky ? -1 : certainLead(pools, null, health)
  if (lead < 0) return null
  const limit = rungLimit(set)
  const steps: Step[] = []
  const choices: Target[] = []
  const isLadder = set.mode === 'ladder'
  let room = limit
  let panicked = false
  const add = (at: number, ballot: Candidates): void => {
    if (room === 0 || ballot.count === 0) return
    const first = choices.length
    const step = stepOf(ballot, { isLadder, places: isLadder ? limit : room, room, first })
    steps.push(step)
    choices.push(...choicesOf(pools[at] as Pool, ballot))
    room -= step.room
    if (ballot === canvassAt(at).up && canvassAt(at).isPanic) panicked = true
  }
  const others = isLadder ? pools.length : 0
  add(lead, canvassAt(lead).up)
  for (let at = 0; at < others; at++) {
    if (room === 0) break
    if (at === surveyed()) canvassNext(pools, null, health)
    if (at !== lead) add(at, canvassAt(at).up)
  }
  const seen = others === 0 ? 0 : surveyed()
  add(lead, canvassAt(lead).suspect)
  for (let at = 0; at < seen; at++) if (at !== lead) add(at, canvassAt(at).suspect)
  if (!isPlain(choices.map(({ index }) => index)) || isSpread(pools)) return null
  const reason = panicked ? 'panic' : lead > 0 ? 'spilled' : 'eligible'
  return { number: ++draws, ttl: answerTtl(set, holdOfSurvey()), reason, choices, steps }
}

export function prepareAddresses(
  set: SteeredAddresses,
  rule: number,
  health: HealthReader,
): PreparedDraw<SelectedAddress> | null {
  const pools = set.policy.rules[rule]?.pools ?? []
  const lead = set.sticky ? -1 : certainLead(pools, familyOf(set.type), health)
  if (lead < 0) return null
  const pool = pools[lead] as Pool
  const canvass = canvassAt(lead)
  const steps: Step[] = []
  const choices: SelectedAddress[] = []
  let room = Math.max(1, set.answers)
  for (const ballot of [canvass.up, canvass.suspect]) {
    if (room === 0 || ballot.count === 0) continue
    const first = choices.length
    const step = stepOf(ballot, { isLadder: false, places: room, room, first })
    steps.push(step)
    for (const [i, target] of choicesOf(pool, ballot).entries()) {
      const address = target.addresses[ballot.addresses[i] as number] as TargetAddress
      choices.push({ target, address })
    }
    room -= step.room
  }
  if (canvass.hasSiblings || pool.isSpread || !isPlain(choices.map(({ address }) => address.text)))
    return null
  const reason = canvass.isPanic ? 'panic' : lead > 0 ? 'spilled' : 'eligible'
  return { number: ++draws, ttl: answerTtl(set, holdOfSurvey()), reason, choices, steps }
}

const scratch = createCandidates()

const drawing: DrawOutcome = { places: new Int32Array(maxChoices), count: 0 }

/** Draws. What it returns is valid until its next call. */
export function drawPrepared({ steps }: PreparedDraw<unknown>, random: Random): DrawOutcome {
  const { places } = drawing
  let count = 0
  for (let s = 0; s < steps.length; s++) {
    const step = steps[s] as Step
    const { room, first } = step
    if (step.places === 1) places[count++] = first + drawOne(step, random)
    else {
      if (step.isLadder) permute(step, random)
      else sample(step, random)
      const { members } = scratch
      for (let i = 0; i < room; i++) places[count++] = first + (members[i] as number)
    }
  }
  drawing.count = count
  return drawing
}

/** A number above 0 that no other drawing of the same draw has; 0: they are too many for one. */
export function outcomeCode({ places, count }: DrawOutcome): number {
  if (count > maxCoded) return 0
  let code = 1
  for (let i = 0; i < count; i++) code = (code << codeBits) | (places[i] as number)
  return code
}

// As drawLadder and drawSample (sampling.ts), step by step the same sums.

function drawOne({ weights, sum }: Step, random: Random): number {
  const last = weights.length - 1
  if (last === 0) return 0
  const point = random() * sum
  let at = 0
  let along = weights[0] as number
  while (point >= along && at < last) along += weights[++at] as number
  return at
}

function permute({ weights: given, sum, places }: Step, random: Random): void {
  const { weights, members } = scratch
  const count = given.length
  for (let i = 0; i < count; i++) {
    weights[i] = given[i] as number
    members[i] = i
  }
  let left = sum
  let chance = 0
  const chances = places < count ? places : count - 1
  for (let place = 0; place < chances; place++) {
    const point = (place % positionsPerRandom === 0 ? random() : chance) * left
    let at = place
    let along = weights[at] as number
    while (point >= along && at < count - 1) along += weights[++at] as number
    const weight = weights[at] as number
    chance = (point - (along - weight)) / weight
    const member = members[at] as number
    weights[at] = weights[place] as number
    members[at] = members[place] as number
    members[place] = member
    left -= weight
  }
}

function sample({ weights, places }: Step, random: Random): void {
  scratch.count = 0
  for (let i = 0; i < weights.length; i++) addCandidate(scratch, weights[i] as number, i, 0)
  drawSample(scratch, places, random)
}

/** All orders of a draw that one random number decides; null: it is another. */
export function outcomesOf({ steps }: PreparedDraw<unknown>): OutcomeTable | null {
  const step = steps[0]
  if (step === undefined || steps.length > 1) return null
  const { weights, places } = step
  return step.isLadder || places === 1
    ? ladderOutcomes(weights, places)
    : sampleOutcomes(weights, places)
}

/** Who comes in an order. Valid until the next call, or the next of `drawPrepared`. */
export function outcomeAt({ members, count }: OutcomeTable, order: number): DrawOutcome {
  for (let i = 0; i < count; i++) drawing.places[i] = members[order * count + i] as number
  drawing.count = count
  return drawing
}

/** The pool that leads whatever chance says; -1: none, or it is a matter of chance. */
function certainLead(pools: readonly Pool[], family: Family, health: HealthReader): number {
  let isDrawn = false
  const lead = findLead(pools, family, health, () => {
    isDrawn = true
    return 0
  })
  return isDrawn ? -1 : lead
}

function stepOf(
  { count, weights }: Candidates,
  { room, ...drawn }: Pick<Step, 'isLadder' | 'places' | 'room' | 'first'>,
): Step {
  const own = weights.slice(0, count)
  const sum = own.reduce((left, weight) => left + weight, 0)
  return { weights: own, sum, room: Math.min(room, count), ...drawn }
}

const choicesOf = (pool: Pool, ballot: Candidates): Target[] =>
  Array.from({ length: ballot.count }, (_, i) => targetAt(pool, ballot, i))

const isSpread = (pools: readonly Pool[]): boolean => pools.some((pool) => pool.isSpread)

/** Not too many, and nobody twice. */
const isPlain = (names: readonly unknown[]): boolean =>
  names.length > 0 && names.length <= maxChoices && new Set(names).size === names.length

// All that a sample of few can come to by its one random number, as outcomes.ts has it of ladders: the numbers are cut
// where another order begins, and each of these parts where the start is that picks another entry.

/** They come in 24 orders, with four parts at most each: a start can pass three borders between entries. */
const maxEntries = 4

/** Of `places` entries, as `drawSample` draws them; null: they are too many. */
export function sampleOutcomes(weights: Float64Array, places: number): OutcomeTable | null {
  if (weights.length > maxEntries) return null
  let orders = 1
  for (let i = 2; i <= weights.length; i++) orders *= i
  const parts: { end: number; members: Int32Array }[] = []
  for (let order = 0; order < orders; order++) {
    let from = 0
    for (const until of [...cuts(weights, places, (order + 0.5) / orders), 1]) {
      const members = drawn(weights, places, (order + (from + until) / 2) / orders)
      parts.push({ end: (order + until) / orders, members })
      from = until
    }
  }
  return tableOf(parts)
}

const ballotOf = (weights: Float64Array): Candidates => {
  const ballot = createCandidates()
  for (const [i, weight] of weights.entries()) addCandidate(ballot, weight, i, 0)
  return ballot
}

function drawn(weights: Float64Array, places: number, chance: number): Int32Array {
  const ballot = ballotOf(weights)
  const count = drawSample(ballot, places, () => chance)
  return ballot.members.slice(0, count)
}

/** From where on a start of the order that a chance leads to picks others: in parts of a step, each once, in their order. */
function cuts(weights: Float64Array, places: number, chance: number): readonly number[] {
  if (places >= weights.length) return []
  const ballot = ballotOf(weights)
  shuffleBy(ballot, chance)
  const certain = drawCertain(ballot, places)
  if (certain === places) return []
  const step = weightFrom(ballot, certain) / (places - certain)
  const found = new Set<number>()
  let along = 0
  for (let i = certain; i < ballot.count - 1; i++) {
    along += weightAt(ballot, i)
    found.add((along / step) % 1)
  }
  found.delete(0)
  return [...found].sort((a, b) => a - b)
}

// All orders in which a ladder can be drawn by one random number, and which of its values leads to which. They lie along
// the numbers from 0 to 1 as drawLadder (sampling.ts) divides them: first by who comes first, each of these parts by who
// comes second, and so on. So finding the number's place is the whole draw.

export interface OutcomeTable {
  /** Where each order ends, in parts of 2³¹; the last one at or beyond all numbers. */
  readonly ends: Int32Array
  /** The places of each order's members, `count` a row. */
  readonly members: Uint8Array
  readonly count: number
}

export const randomBits = 31

const whole = 2 ** randomBits

/** Five of five targets, or two of eleven. */
const maxOrders = 120

/** Of the first `places` in a weighted permutation; null: they are too many, or one number does not decide them. */
export function ladderOutcomes(weights: Float64Array, places: number): OutcomeTable | null {
  const count = Math.min(places, weights.length)
  const chances = Math.min(count, weights.length - 1)
  let orders = 1
  for (let place = 0; place < chances; place++) orders *= weights.length - place
  if (chances > positionsPerRandom || orders > maxOrders) return null
  const parts: { end: number; members: Int32Array }[] = []
  let end = 0
  const line = Int32Array.from(weights.keys())
  const divide = (place: number, part: number): void => {
    if (place === chances) {
      end += part
      parts.push({ end, members: line.slice(0, count) })
      return
    }
    const left = line.slice(place).reduce((sum, member) => sum + (weights[member] as number), 0)
    for (let at = place; at < line.length; at++) {
      swapCells(line, place, at)
      divide(place + 1, part * ((weights[line[place] as number] as number) / left))
      swapCells(line, place, at)
    }
  }
  divide(0, 1)
  return tableOf(parts)
}

/** `parts`: all numbers, one part behind the other, each as long as others and with one order. */
function tableOf(parts: readonly { end: number; members: Int32Array }[]): OutcomeTable {
  const ends = Int32Array.from(parts, ({ end }) => Math.min(whole - 1, Math.round(end * whole)))
  ends[ends.length - 1] = whole - 1
  const count = parts[0]?.members.length ?? 0
  const members = new Uint8Array(parts.length * count)
  for (const [row, part] of parts.entries()) members.set(part.members, row * count)
  return { ends, members, count }
}

/** A number from 0 to below 1, in parts of 2³¹. */
export const uint31Of = (chance: number): number => (chance * whole) | 0

/** The order that the point leads to. */
export function outcomeIndexAt({ ends }: OutcomeTable, point: number): number {
  let [from, to] = [0, ends.length - 1]
  while (from < to) {
    const middle = (from + to) >> 1
    if (point < (ends[middle] as number)) to = middle
    else from = middle + 1
  }
  return from
}
