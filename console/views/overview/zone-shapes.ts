// Which pools a zone has, and which members they have: what the tables are made of, while their rows find what they show
// by themselves. The same values stand until rows come, go or change their order.

import { computed, type ReadonlySignal } from '@preact/signals'

import { overview } from '../../store/live.ts'
import { memberKey, placesOf, poolKey } from '../../store/places.ts'
import type { Overview } from '../../store/rows.ts'

export interface ZoneShape {
  readonly zone: string
  readonly pools: readonly PoolShape[]
}

export interface PoolShape {
  /** As `poolKey` gives it; the members as `memberKey` does. */
  readonly key: string
  readonly pool: string
  readonly members: readonly string[]
}

export interface Shapes {
  readonly zones: readonly ZoneShape[]
  readonly members: number
}

/** Most news bring the list of zones that there was. */
const zones = computed(() => overview.value?.zones)
const zoneNames = computed(() => zones.value?.map(({ zone }) => zone).join(' '))

let last: { readonly of: readonly unknown[]; readonly shapes: Shapes } | null = null

/** null: nothing is known yet. */
export const shapes: ReadonlySignal<Shapes | null> = computed(() => {
  const known = overview.value
  if (known === null) return null
  const of = [placesOf(known.members, memberKey), placesOf(known.pools, poolKey), zoneNames.value]
  if (last === null || of.some((one, i) => one !== last?.of[i]))
    last = { of, shapes: shapesOf(known) }
  return last.shapes
})

function shapesOf({ zones, pools, members }: Overview): Shapes {
  const membersOf = Map.groupBy(members, poolKey)
  const poolsOf = Map.groupBy(pools, ({ zone }) => zone)
  return {
    members: members.length,
    zones: zones.map(({ zone }) => ({
      zone,
      pools: (poolsOf.get(zone) ?? []).map((pool) => ({
        key: poolKey(pool),
        pool: pool.pool,
        members: (membersOf.get(poolKey(pool)) ?? []).map(memberKey),
      })),
    })),
  }
}

/** The first row of a target: its pool, and its key. null: there is none. */
export function rowOfTarget(
  { zones }: Shapes,
  zone: string,
  target: string,
): { readonly pool: string; readonly member: string } | null {
  const pools = zones.find((one) => one.zone === zone)?.pools ?? []
  for (const { key, pool, members } of pools) {
    const wanted = memberKey({ zone, pool, target })
    if (members.includes(wanted)) return { pool: key, member: wanted }
  }
  return null
}
