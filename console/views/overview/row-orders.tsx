// What can be ordered from the overview. The dialog is fetched with the first order, since the first view is to be small.

import type { VNode } from 'preact'

import { memo } from '../../parts/memo.ts'
import { shown } from '../../parts/shown.ts'
import { closeDialog, openDialog } from '../../shell/dialog.tsx'
import { href } from '../../shell/route.ts'
import { isStale } from '../../store/live.ts'
import type { OverrideRow } from '../../store/rows.ts'
import type { OverrideOrder } from '../drains/override-dialog.tsx'

interface OrderedTarget {
  readonly zone: string
  readonly target: string
}

export async function order(of: OrderedTarget, kind: OverrideOrder['kind']): Promise<void> {
  const { openOverride } = await import('../drains/override-dialog.tsx')
  openOverride({ zone: of.zone, target: of.target, pool: null, kind })
}

const kinds = [
  ['drain', 'Drain…'],
  ['weight', 'Set weight…'],
  ['up', 'Take as up…'],
  ['disable', 'Disable…'],
] as const

/** At the end of a row: leads to every order for its target. Dots of text: an SVG in each row costs each change of one. */
export const RowOrders = memo(({ zone, target }: OrderedTarget): VNode => (
  <button
    type="button"
    class="row-orders"
    aria-label={`Orders for ${shown(target)}`}
    aria-haspopup="dialog"
    disabled={isStale.value}
    onClick={() => openChoice({ zone, target })}
  >
    ···
  </button>
))

function openChoice(of: OrderedTarget): void {
  openDialog({ label: `Orders for ${shown(of.target)}`, content: () => <Choice {...of} /> })
}

function Choice({ zone, target }: OrderedTarget): VNode {
  return (
    <div class="order-choice">
      <h2>{shown(target)}</h2>
      {kinds.map(([kind, label]) => (
        <button
          key={kind}
          type="button"
          class="button"
          onClick={() => void order({ zone, target }, kind)}
        >
          {label}
        </button>
      ))}
      <a class="button quiet" href={href(['target', zone, target])} onClick={closeDialog}>
        All of it
      </a>
    </div>
  )
}

export const UndoButton = ({ row }: { row: OverrideRow }): VNode => (
  <button
    type="button"
    class="button quiet"
    aria-label={`Undo ${row.kind} of ${shown(row.target)}`}
    disabled={isStale.value}
    onClick={() => void undo(row)}
  >
    Undo
  </button>
)

async function undo(row: OverrideRow): Promise<void> {
  const { undoOverride } = await import('../drains/override-dialog.tsx')
  await undoOverride(row)
}
