// The state of the page as a value, and what news make of it. Rows that did not change stay the same objects, so that
// only what changed is drawn anew.

import { keepOrder, memberKey, placesOf, poolKey, targetKey } from './places.ts'
import type {
  DeltaFrame,
  EventRecord,
  Generation,
  MemberRow,
  Overview,
  OverviewReply,
} from './rows.ts'

const ones = {
  warmUp: 1,
  override: 1,
  feedback: 1,
  reputation: 1,
  slowStart: 1,
  shedding: 1,
} as const

const wholeMember = (sent: OverviewReply['members'][number]): MemberRow => ({
  ...sent,
  weight: { ...ones, ...sent.weight },
})

/** With the factors that were not sent, since they are 1. */
export const wholeOverview = (sent: OverviewReply): Overview => ({
  ...sent,
  members: sent.members.map(wholeMember),
})

type DeltaOutcome =
  | { readonly kind: 'applied'; readonly overview: Overview }
  /** It is in what there is already. */
  | { readonly kind: 'old' }
  /** Of another process, or of rows that are not here: the overview has to be taken again. */
  | { readonly kind: 'resync' }

export function applyDelta(overview: Overview, delta: DeltaFrame): DeltaOutcome {
  const { generation, at, targets, members, pools, ...sections } = delta
  const order = compareGenerations(overview.generation, generation)
  if (order === null) return { kind: 'resync' }
  if (order >= 0) return { kind: 'old' }
  const merged = {
    targets: mergeRows(overview.targets, targets, targetKey),
    members: mergeRows(overview.members, members?.map(wholeMember), memberKey),
    pools: mergeRows(overview.pools, pools, poolKey),
  }
  if (merged.targets === null || merged.members === null || merged.pools === null)
    return { kind: 'resync' }
  const { targets: t, members: m, pools: p } = merged
  return {
    kind: 'applied',
    overview: { ...overview, ...sections, generation, at, targets: t, members: m, pools: p },
  }
}

/** Positive: `a` is later; null: they are of two processes. */
export function compareGenerations(a: Generation, b: Generation): number | null {
  const [bootA, sequenceA] = a.split(':')
  const [bootB, sequenceB] = b.split(':')
  return bootA === bootB ? Number(sequenceA) - Number(sequenceB) : null
}

/** null: a row that there is no place for. */
function mergeRows<Row extends object>(
  rows: readonly Row[],
  changed: readonly Row[] | undefined,
  keyOf: (row: Row) => string,
): readonly Row[] | null {
  if (changed === undefined || changed.length === 0) return rows
  const places = placesOf(rows, keyOf)
  const merged = [...rows]
  for (const row of changed) {
    const at = places.get(keyOf(row))
    if (at === undefined) return null
    merged[at] = row
  }
  keepOrder(rows, merged, keyOf)
  return merged
}

/** An overview taken anew, with the objects of rows that are as they were. */
export function keepEqualRows(before: Overview | null, after: Overview): Overview {
  if (before === null) return after
  return {
    ...after,
    targets: keepEqual(before.targets, after.targets, targetKey),
    members: keepEqual(before.members, after.members, memberKey),
    pools: keepEqual(before.pools, after.pools, poolKey),
  }
}

function keepEqual<Row extends object>(
  before: readonly Row[],
  after: readonly Row[],
  keyOf: (row: Row) => string,
): readonly Row[] {
  const places = placesOf(before, keyOf)
  let isSameOrder = before.length === after.length
  const kept = after.map((row, index) => {
    const at = places.get(keyOf(row))
    if (at !== index) isSameOrder = false
    const old = at === undefined ? undefined : before[at]
    return old !== undefined && JSON.stringify(old) === JSON.stringify(row) ? old : row
  })
  if (isSameOrder) keepOrder(before, kept, keyOf)
  return kept
}

/** Newest first, each once, at most `most`. */
export function addEvents(
  known: readonly EventRecord[],
  more: readonly EventRecord[],
  most: number,
): readonly EventRecord[] {
  const byId = new Map([...known, ...more].map((one) => [one.id, one]))
  return [...byId.values()].sort((a, b) => b.id - a.id).slice(0, most)
}
