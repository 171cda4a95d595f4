// Risk groups: never two of one region in an answer while another region has anyone who could be there, and within a
// region never two of one rack; two addresses of one target are the nearest to one risk that there is.
//
//   in order, as ladders and sticky answers are made:
//     each place goes to those whose region stands there least often, of these to those whose rack does, of these
//     to those whose target does; among these it is drawn by weight. So the first place is won in exact proportion.
//
//   k of n at once, as addresses are drawn: places are dealt to regions, theirs to racks, theirs to targets, theirs to
//     addresses. Each group that has anyone left gets one place a round; a last round that does not go
//     round is drawn by systematic sampling, by the groups' weights. Hence, while no group is due more than one
//     place, every address is included with probability k·w/W exactly, as without groups; a group that is
//     due more has one for certain, and the others share what is left in proportion.

import type { Random } from '../../lib/clock.ts'
import { createCandidates, addCandidate, swap, weightAt } from './candidates.ts'
import type { Candidates } from './candidates.ts'
import type { Member, Pool, Target } from '../policy.ts'
import { drawSample } from './sampling.ts'

let regionCounts = new Int32Array(64)
let rackCounts = new Int32Array(64)

/** Counts a target in, or out again (-1): between draws all counts are 0. */
function countRisk({ regionGroup, rackGroup }: Target, by: 1 | -1): void {
  const most = Math.max(regionGroup, rackGroup)
  if (most >= regionCounts.length) growCounts(most)
  regionCounts[regionGroup] = (regionCounts[regionGroup] as number) + by
  rackCounts[rackGroup] = (rackCounts[rackGroup] as number) + by
}

function growCounts(most: number): void {
  const [regions, racks] = [regionCounts, rackCounts]
  regionCounts = new Int32Array(most * 2)
  regionCounts.set(regions)
  rackCounts = new Int32Array(most * 2)
  rackCounts.set(racks)
}

/** How often each member of the pool in hand was picked: its addresses are one risk. */
let memberCounts = new Int32Array(64)

const rackSpan = 0x1_0000
const regionSpan = 0x1_0000_0000

function crowding(ballot: Candidates, at: number, pool: Pool): number {
  const member = ballot.members[at] as number
  const ofMember = memberCounts[member] ?? 0
  if (!pool.isSpread) return ofMember
  const { regionGroup, rackGroup } = (pool.members[member] as Member).target
  const ofRack = (rackCounts[rackGroup] ?? 0) * rackSpan
  return (regionCounts[regionGroup] ?? 0) * regionSpan + ofRack + ofMember
}

/** The place of the next one: among the least crowded by weight, or where `random` is null by the lowest score. */
function pickSpread(ballot: Candidates, from: number, pool: Pool, random: Random | null): number {
  let least = Infinity
  let sum = 0
  let best = from
  for (let i = from; i < ballot.count; i++) {
    const crowd = crowding(ballot, i, pool)
    const weight = weightAt(ballot, i)
    if (crowd > least) continue
    if (crowd < least || weight < weightAt(ballot, best)) best = i
    sum = crowd < least ? weight : sum + weight
    least = crowd
  }
  return random === null ? best : drawAmong(ballot, from, pool, { least, point: random() * sum })
}

function drawAmong(
  ballot: Candidates,
  from: number,
  pool: Pool,
  { least, point }: { readonly least: number; readonly point: number },
): number {
  let rest = point
  let last = from
  for (let i = from; i < ballot.count; i++) {
    if (crowding(ballot, i, pool) !== least) continue
    last = i
    rest -= weightAt(ballot, i)
    if (rest < 0) return i
  }
  return last // rounding only
}

const targetOf = (pool: Pool, ballot: Candidates, at: number): Target =>
  (pool.members[ballot.members[at] as number] as Member).target

/** What places are dealt by, from the widest risk to the nearest. */
type Level = 0 | 1 | 2 | 3
const targetLevel: Level = 2
const addressLevel: Level = 3

const groupsAt = [createCandidates(), createCandidates(), createCandidates()]
const openAt = [createCandidates(), createCandidates(), createCandidates()]
const partsAt = [createCandidates(), createCandidates(), createCandidates()]
const dealt = createCandidates()

/** k of n over risk groups; who was drawn stands first in the ballot that is returned. */
export function dealSample(
  ballot: Candidates,
  pool: Pool,
  places: number,
  random: Random,
): Candidates {
  dealt.count = 0
  dealAt(pool.isSpread ? 0 : targetLevel, ballot, { pool, places, random })
  return dealt
}

interface Deal {
  readonly pool: Pool
  readonly places: number
  readonly random: Random
}

function dealAt(level: Level, ballot: Candidates, deal: Deal): void {
  const { pool, places, random } = deal
  if (level === addressLevel || places >= ballot.count) {
    const drawn = drawSample(ballot, places, random)
    for (let i = 0; i < drawn; i++) copy(dealt, ballot, i)
    return
  }
  const groups = groupsAt[level] as Candidates
  collect(groups, ballot, { level, pool })
  const { rounds, drawn } = dealRounds(level, groups, places, random)
  for (let g = 0; g < groups.count; g++) {
    const size = groups.addresses[g] as number
    const more =
      size > rounds && isAmong(openAt[level] as Candidates, drawn, groups.members[g] as number)
    const share = Math.min(size, rounds) + (more ? 1 : 0)
    if (share === 0) continue
    const parts = partsAt[level] as Candidates
    parts.count = 0
    for (let i = 0; i < ballot.count; i++)
      if (groupOf(level, ballot, i, pool) === groups.members[g]) copy(parts, ballot, i)
    dealAt((level + 1) as Level, parts, { pool, places: share, random })
  }
}

/** One place a round to each group that has anyone left; of the last, partial round those `drawn` stand first in openAt. */
function dealRounds(
  level: Level,
  groups: Candidates,
  places: number,
  random: Random,
): { readonly rounds: number; readonly drawn: number } {
  const open = openAt[level] as Candidates
  let left = places
  for (let rounds = 0; ; rounds++) {
    open.count = 0
    for (let g = 0; g < groups.count; g++)
      if ((groups.addresses[g] as number) > rounds) copy(open, groups, g)
    if (open.count === 0) return { rounds, drawn: 0 }
    if (open.count > left) return { rounds, drawn: left === 0 ? 0 : drawSample(open, left, random) }
    left -= open.count
  }
}

/** Sums each group up: its number, its weight, and how many of the ballot it has. */
function collect(
  groups: Candidates,
  ballot: Candidates,
  { level, pool }: { readonly level: Level; readonly pool: Pool },
): void {
  groups.count = 0
  for (let i = 0; i < ballot.count; i++) {
    const group = groupOf(level, ballot, i, pool)
    let at = 0
    while (at < groups.count && groups.members[at] !== group) at++
    if (at === groups.count) addCandidate(groups, 0, group, 0)
    groups.weights[at] = weightAt(groups, at) + weightAt(ballot, i)
    groups.addresses[at] = (groups.addresses[at] as number) + 1
  }
}

function groupOf(level: Level, ballot: Candidates, at: number, pool: Pool): number {
  if (level === targetLevel) return ballot.members[at] as number
  const { regionGroup, rackGroup } = targetOf(pool, ballot, at)
  return level === 0 ? regionGroup : rackGroup
}

const copy = (to: Candidates, from: Candidates, at: number): void =>
  addCandidate(to, weightAt(from, at), from.members[at] as number, from.addresses[at] as number)

function isAmong(ballot: Candidates, count: number, member: number): boolean {
  for (let i = 0; i < count; i++) if (ballot.members[i] === member) return true
  return false
}

/**
 * Brings the picks of `places` to the front of the ballot, each beside those before it and those already `taken`; where
 * `random` is null by the lowest score.
 */
export function drawSpread(
  ballot: Candidates,
  pool: Pool,
  places: number,
  random: Random | null,
  taken: readonly { readonly target: Target }[],
): number {
  const drawn = Math.min(places, ballot.count)
  if (memberCounts.length < pool.members.length) memberCounts = new Int32Array(pool.members.length)
  memberCounts.fill(0, 0, pool.members.length)
  for (const { target } of taken) countRisk(target, 1)
  for (let place = 0; place < drawn; place++) {
    const at = pickSpread(ballot, place, pool, random)
    swap(ballot, place, at)
    const member = ballot.members[place] as number
    memberCounts[member] = (memberCounts[member] as number) + 1
    countRisk(targetOf(pool, ballot, place), 1)
  }
  for (let place = 0; place < drawn; place++) countRisk(targetOf(pool, ballot, place), -1)
  for (const { target } of taken) countRisk(target, -1)
  return drawn
}
