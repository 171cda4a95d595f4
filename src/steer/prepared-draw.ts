// A draw with all but chance done beforehand: who takes part, their weights, the TTL and the reason stay as they are until
// health changes, so only the drawing itself is left to each query. What comes of it is octet for octet what select-mx.ts
// and select-addresses.ts choose with the same chance: test/property/quick-answers.test.ts compares them.
//
// Prepared is what most zones have: the lead is no matter of chance, nothing is spread over risks, and nobody could be
// chosen twice. For everything else there is null, and those files.

import type { Random } from '../lib/clock.ts'
import type { HealthReader } from '../health/table.ts'
import { answerTtl } from './answer-ttl.ts'
import { createBallot, enter } from './ballot.ts'
import type { Ballot } from './ballot.ts'
import type { Family } from './everyone.ts'
import type { Pool, SteeredAddresses, SteeredMx, Target, TargetAddress } from './policy.ts'
import { rungLimit, targetAt } from './rungs.ts'
import { drawSample } from './sampling.ts'
import { familyOf } from './select-addresses.ts'
import type { ChosenAddress, SelectionReason } from './selection.ts'
import { canvassAt, canvassNext, findLead, holdOfSurvey, surveyed } from './survey.ts'

export interface PreparedDraw<Choice> {
  readonly ttl: number
  readonly reason: SelectionReason
  readonly steps: readonly Step<Choice>[]
}

/** One ballot of a pool. */
interface Step<Choice> {
  readonly weights: readonly number[]
  readonly choices: readonly Choice[]
  /** A weighted permutation; else a sample. */
  readonly isLadder: boolean
  /** Drawn; of a ladder the first `room` are taken. */
  readonly places: number
  readonly room: number
}

/** More would cost more memory than they save time. A ballot has room for as many from its start. */
const maxChoices = 32

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
  const steps: Step<Target>[] = []
  const isLadder = set.mode === 'ladder'
  let room = limit
  let panicked = false
  const add = (at: number, ballot: Ballot): void => {
    if (room === 0 || ballot.count === 0) return
    const step = stepOf(ballot, { isLadder, places: isLadder ? limit : room, room })
    steps.push({ ...step, choices: choicesOf(pools[at] as Pool, ballot) })
    room -= step.room
    if (ballot === canvassAt(at).up && canvassAt(at).panicked) panicked = true
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
  if (!isPlain(steps, ({ index }) => index) || isSpread(pools)) return null
  const reason = panicked ? 'panic' : lead > 0 ? 'spilled' : 'eligible'
  return { ttl: answerTtl(set, holdOfSurvey()), reason, steps }
}

export function prepareAddresses(
  set: SteeredAddresses,
  rule: number,
  health: HealthReader,
): PreparedDraw<ChosenAddress> | null {
  const pools = set.policy.rules[rule]?.pools ?? []
  const lead = set.sticky ? -1 : certainLead(pools, familyOf(set.type), health)
  if (lead < 0) return null
  const pool = pools[lead] as Pool
  const canvass = canvassAt(lead)
  const steps: Step<ChosenAddress>[] = []
  let room = Math.max(1, set.answers)
  for (const ballot of [canvass.up, canvass.suspect]) {
    if (room === 0 || ballot.count === 0) continue
    const step = stepOf(ballot, { isLadder: false, places: room, room })
    const targets = choicesOf(pool, ballot)
    const choices = targets.map((target, i) => ({
      target,
      address: target.addresses[ballot.addresses[i] as number] as TargetAddress,
    }))
    steps.push({ ...step, choices })
    room -= step.room
  }
  if (canvass.isDoubled || pool.isSpread || !isPlain(steps, ({ address }) => address.text))
    return null
  const reason = canvass.panicked ? 'panic' : lead > 0 ? 'spilled' : 'eligible'
  return { ttl: answerTtl(set, holdOfSurvey()), reason, steps }
}

const scratch = createBallot()

/** Draws, and puts who was chosen into `chosen`, and nobody else. */
export function drawPrepared<Choice>(
  { steps }: PreparedDraw<Choice>,
  random: Random,
  chosen: Choice[],
): void {
  let count = 0
  for (let s = 0; s < steps.length; s++) {
    const { weights, choices, isLadder, places, room } = steps[s] as Step<Choice>
    const drawn =
      isLadder || places === 1 ? permute(weights, places, random) : sample(weights, places, random)
    const { members } = scratch
    for (let i = 0; i < drawn && i < room; i++)
      chosen[count++] = choices[members[i] as number] as Choice
  }
  // Setting it costs more than looking.
  if (chosen.length !== count) chosen.length = count
}

/** As drawLadder (sampling.ts), step by step the same sums. */
function permute(given: readonly number[], places: number, random: Random): number {
  const { weights, members } = scratch
  const count = given.length
  let left = 0
  for (let i = 0; i < count; i++) {
    const weight = given[i] as number
    weights[i] = weight
    members[i] = i
    left += weight
  }
  const drawn = places < count ? places : count
  for (let place = 0; place < drawn; place++) {
    let point = random() * left
    let at = place
    while ((point -= weights[at] as number) >= 0 && at < count - 1) at++
    const weight = weights[at] as number
    const member = members[at] as number
    weights[at] = weights[place] as number
    members[at] = members[place] as number
    members[place] = member
    left -= weight
  }
  return drawn
}

function sample(given: readonly number[], places: number, random: Random): number {
  scratch.count = 0
  for (let i = 0; i < given.length; i++) enter(scratch, given[i] as number, i, 0)
  return drawSample(scratch, places, random)
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

const stepOf = (
  { count, weights }: Ballot,
  { isLadder, places, room }: Pick<Step<unknown>, 'isLadder' | 'places' | 'room'>,
): Omit<Step<never>, 'choices'> => ({
  weights: [...weights.subarray(0, count)],
  isLadder,
  places,
  room: Math.min(room, count),
})

const choicesOf = (pool: Pool, ballot: Ballot): Target[] =>
  Array.from({ length: ballot.count }, (_, i) => targetAt(pool, ballot, i))

const isSpread = (pools: readonly Pool[]): boolean => pools.some((pool) => pool.isSpread)

/** Not too many, and nobody twice. */
function isPlain<Choice>(
  steps: readonly Step<Choice>[],
  nameOf: (choice: Choice) => unknown,
): boolean {
  const names = steps.flatMap(({ choices }) => choices.map(nameOf))
  return names.length > 0 && names.length <= maxChoices && new Set(names).size === names.length
}
