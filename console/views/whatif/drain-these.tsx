// From what was assumed to what is ordered: each target that would be drained, with the dialog that drains it.

import type { VNode } from 'preact'

import { shown } from '../../parts/shown.ts'
import { isStale, overview } from '../../store/live.ts'
import type { ZonesView } from '../../store/rows.ts'
import { openOverride, type OverrideOrder } from '../drains/override-dialog.tsx'

const mostDrains = 12

/** The orders that would make of it what was assumed: a target, or a target in the pool that is named. */
export function ordersOf(
  names: readonly string[],
  zone: string | null,
  views: Views,
): readonly Order[] {
  const members = (overview.value?.members ?? []).filter(
    (one) => zone === null || one.zone === zone,
  )
  const orders = names.flatMap((name): readonly Order[] => {
    const [, what, of] = /^(pool|region):(.*)$/s.exec(name) ?? []
    return members
      .filter(({ pool, target }) =>
        what === 'pool'
          ? pool === of
          : what === 'region'
            ? regionOf(views, target) === of
            : target === name,
      )
      .map(({ zone, target, pool }) => ({ zone, target, pool: what === 'pool' ? pool : null }))
  })
  return [...new Map(orders.map((one) => [Object.values(one).join(' '), one])).values()]
}

const regionOf = (views: Views, target: string): string | null =>
  views.flatMap(({ targets }) => targets).find(({ name }) => name === target)?.region ?? null

export type Views = ZonesView['zones']

type Order = Omit<OverrideOrder, 'kind'>

export function DrainThese({ orders }: { orders: readonly Order[] }): VNode | null {
  if (orders.length === 0) return null
  const more = orders.length - mostDrains
  return (
    <p class="chips">
      {orders.slice(0, mostDrains).map((order) => (
        <button
          key={Object.values(order).join(' ')}
          type="button"
          class="button"
          disabled={isStale.value}
          onClick={() => openOverride({ ...order, kind: 'drain' })}
        >
          Drain {shown(order.target)}
          {order.pool !== null && ` in ${shown(order.pool)}`} now…
        </button>
      ))}
      {more > 0 && <span class="dim">and {more} more</span>}
    </p>
  )
}
