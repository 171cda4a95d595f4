// Who is eligible in a pool, remembered while health stays as it is: between two changes of the table, thousands of
// queries ask for the same. What is remembered is copied out, since draws bring their ballots in order.
//
// It dies with the generation of the table, which moves after every change: what was read while a change was being
// written carries the number from before it, and is read anew.

import type { HealthReader } from '../../health/table.ts'
import { enter } from '../draw/candidates.ts'
import type { Ballot } from '../draw/candidates.ts'
import { canvassPool } from './eligibility.ts'
import type { Canvass } from './eligibility.ts'
import type { Family } from './everyone.ts'
import type { Pool } from '../policy.ts'

interface Remembered {
  health: HealthReader
  generation: number
  panic: number
  readonly up: Entries
  readonly suspect: Entries
  panicked: boolean
  isDoubled: boolean
  healthy: number
  holdSeconds: number
}

/** Plain arrays, as small as the pool is. */
interface Entries {
  readonly weights: number[]
  readonly members: number[]
  readonly addresses: number[]
}

const pools = new WeakMap<Pool, (Remembered | undefined)[]>()

/** As canvassPool (eligibility.ts). */
// oxlint-disable-next-line max-params -- on the answering path: an object would be an allocation a pool
export function recallPool(
  canvass: Canvass,
  pool: Pool,
  family: Family,
  health: HealthReader,
  panic: number,
): void {
  const generation = health.generation()
  const place = family ?? 0
  let byFamily = pools.get(pool)
  if (byFamily === undefined) pools.set(pool, (byFamily = []))
  const known = byFamily[place]
  if (
    known !== undefined &&
    known.generation === generation &&
    known.health === health &&
    known.panic === panic
  ) {
    recall(canvass, known)
    return
  }
  canvassPool(canvass, pool, family, health, panic)
  const fresh = known ?? blank(health)
  byFamily[place] = fresh
  fresh.health = health
  fresh.generation = generation
  fresh.panic = panic
  remember(fresh, canvass)
}

const blank = (health: HealthReader): Remembered => ({
  health,
  generation: 0,
  panic: 0,
  up: { weights: [], members: [], addresses: [] },
  suspect: { weights: [], members: [], addresses: [] },
  panicked: false,
  isDoubled: false,
  healthy: 0,
  holdSeconds: Infinity,
})

function remember(known: Remembered, canvass: Canvass): void {
  rememberBallot(known.up, canvass.up)
  rememberBallot(known.suspect, canvass.suspect)
  known.panicked = canvass.panicked
  known.isDoubled = canvass.isDoubled
  known.healthy = canvass.healthy
  known.holdSeconds = canvass.holdSeconds
}

function rememberBallot({ weights, members, addresses }: Entries, ballot: Ballot): void {
  weights.length = 0
  members.length = 0
  addresses.length = 0
  for (let i = 0; i < ballot.count; i++) {
    weights.push(ballot.weights[i] as number)
    members.push(ballot.members[i] as number)
    addresses.push(ballot.addresses[i] as number)
  }
}

function recall(canvass: Canvass, known: Remembered): void {
  recallBallot(canvass.up, known.up)
  recallBallot(canvass.suspect, known.suspect)
  canvass.panicked = known.panicked
  canvass.isDoubled = known.isDoubled
  canvass.healthy = known.healthy
  canvass.holdSeconds = known.holdSeconds
}

function recallBallot(ballot: Ballot, { weights, members, addresses }: Entries): void {
  ballot.count = 0
  for (let i = 0; i < weights.length; i++)
    enter(ballot, weights[i] as number, members[i] as number, addresses[i] as number)
}
