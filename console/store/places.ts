// Where rows are, by their names: found without going through all of them for each one, and kept while rows change but
// their order does not.

import type { MemberRow, Overview, OverrideRow, PoolRow, TargetRow } from './rows.ts'

type Rows = readonly object[]
/** Key of a row → its index. */
type Places = ReadonlyMap<string, number>

const placesOfRows = new WeakMap<Rows, Places>()

/** Rows that came of others by `keepOrder` have the very same map: it tells whether the order is another one. */
export function placesOf<Row extends object>(
  rows: readonly Row[],
  keyOf: (row: Row) => string,
): Places {
  const known = placesOfRows.get(rows)
  if (known !== undefined) return known
  const places = new Map(rows.map((row, index) => [keyOf(row), index]))
  placesOfRows.set(rows, places)
  return places
}

/** Says that `after` has rows of the same keys as `before`, in the same order. */
export function keepOrder<Row extends object>(
  before: readonly Row[],
  after: readonly Row[],
  keyOf: (row: Row) => string,
): void {
  placesOfRows.set(after, placesOf(before, keyOf))
}

type Named = Pick<MemberRow, 'zone' | 'target'>

/** Of a target, whatever pool or address: what rows of both kinds are found by. */
export const nameKey = ({ zone, target }: Named): string => `${zone} ${target}`

export const memberKey = ({
  zone,
  pool,
  target,
}: Pick<MemberRow, 'zone' | 'pool' | 'target'>): string => `${zone} ${pool} ${target}`

export const targetKey = ({ zone, target, address, port }: TargetRow): string =>
  `${zone} ${target} ${address} ${port}`

export const poolKey = ({ zone, pool }: Pick<PoolRow, 'zone' | 'pool'>): string => `${zone} ${pool}`

/** undefined: there is none (any more). */
export const memberOf = ({ members }: Overview, key: string): MemberRow | undefined =>
  members[placesOf(members, memberKey).get(key) ?? -1]

export const poolOf = ({ pools }: Overview, key: string): PoolRow | undefined =>
  pools[placesOf(pools, poolKey).get(key) ?? -1]

/** What belongs to a target, in the order of the overview. */
export interface TargetFacts {
  readonly addresses: readonly TargetRow[]
  readonly overrides: readonly OverrideRow[]
}

/** Rows by a name that several share, as they were last asked for. */
interface Shared<Row> {
  readonly indexes: ReadonlyMap<string, readonly number[]>
  readonly last: Map<string, readonly Row[]>
}

type SharedByPlaces<Row> = WeakMap<Places, Shared<Row>>

const membersByPlaces: SharedByPlaces<MemberRow> = new WeakMap()
const targetsByPlaces: SharedByPlaces<TargetRow> = new WeakMap()
const ordersOfTargets = new WeakMap<Rows, ReadonlyMap<string, readonly OverrideRow[]>>()
const noOrders: readonly OverrideRow[] = []

/** In the order of the overview; the same array as before while none of them has changed. `pool`: as `poolKey` gives it. */
export function poolMembersOf(
  { members }: Pick<Overview, 'members'>,
  pool: string,
): readonly MemberRow[] {
  const places = placesOf(members, memberKey)
  return sharedOf({ rows: members, places, keyOf: poolKey, known: membersByPlaces }, pool)
}

/** The same arrays as before while nothing in them has changed. `name`: as `nameKey` gives it. */
export function factsOf(
  { targets, overrides }: Pick<Overview, 'targets' | 'overrides'>,
  name: string,
): TargetFacts {
  const places = placesOf(targets, targetKey)
  const orders = once(ordersOfTargets, overrides, () => Map.groupBy(overrides, nameKey))
  return {
    addresses: sharedOf({ rows: targets, places, keyOf: nameKey, known: targetsByPlaces }, name),
    overrides: orders.get(name) ?? noOrders,
  }
}

interface SharedRows<Row> {
  readonly rows: readonly Row[]
  readonly places: Places
  readonly keyOf: (row: Row) => string
  readonly known: SharedByPlaces<Row>
}

function sharedOf<Row extends object>(
  { rows, places, keyOf, known }: SharedRows<Row>,
  name: string,
): readonly Row[] {
  const { indexes, last } = once(known, places, () => ({
    indexes: Map.groupBy(rows.keys(), (index) => keyOf(rows[index] as Row)),
    last: new Map<string, readonly Row[]>(),
  }))
  const own = indexes.get(name) ?? []
  const before = last.get(name)
  if (before !== undefined && own.every((at, i) => rows[at] === before[i])) return before
  const found = own.map((at) => rows[at] as Row)
  last.set(name, found)
  return found
}

function once<Key extends object, Value>(
  made: WeakMap<Key, Value>,
  key: Key,
  make: () => Value,
): Value {
  const known = made.get(key)
  if (known !== undefined) return known
  const fresh = make()
  made.set(key, fresh)
  return fresh
}
