// Below the tables: what happened last, and what operators have ordered.

import type { VNode } from 'preact'

import { Card } from '../../parts/card.tsx'
import { EventLine } from '../../parts/event-line.tsx'
import { OrderLine } from '../../parts/order-line.tsx'
import { href } from '../../shell/route.ts'
import { events, overrides, serverMinuteMs } from '../../store/live.ts'
import { UndoButton } from './row-orders.tsx'

const mostEvents = 9
const mostOrders = 6

export function LastEvents(): VNode {
  const last = events.value.slice(0, mostEvents)
  return (
    <Card title="Events" aside={<a href={href(['events'])}>All events</a>}>
      {last.length === 0 ? (
        <p class="dim">None yet.</p>
      ) : (
        <ul>
          {last.map((event) => (
            <EventLine key={event.id} event={event} nowMs={serverMinuteMs.value} />
          ))}
        </ul>
      )}
    </Card>
  )
}

export function Orders(): VNode {
  const orders = overrides.value
  const more = orders.length - mostOrders
  return (
    <Card title="Drains and overrides" aside={`${orders.length} in force`}>
      {orders.length === 0 ? (
        <p class="dim">None.</p>
      ) : (
        <ul>
          {orders.slice(0, mostOrders).map((order) => (
            <OrderLine key={order.id} order={order}>
              <UndoButton row={order} />
            </OrderLine>
          ))}
        </ul>
      )}
      {more > 0 && <a href={href(['drains'])}>And {more} more</a>}
    </Card>
  )
}
