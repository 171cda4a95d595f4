// `j` and `k` go through the rows of targets, `↵` opens one and `d` drains it: by the focus, which a screen reader follows.
// Rows that are not in the page yet are scrolled to first.

import { useLayoutEffect } from 'preact/hooks'

import { afterDrawing } from '../../parts/windowed-rows.tsx'
import { bindKeys } from '../../shell/keys.ts'
import { isStale } from '../../store/live.ts'
import { order } from './row-orders.tsx'

type Step = 1 | -1

export function useRowKeys(): void {
  useLayoutEffect(
    () =>
      bindKeys([
        { keys: 'j', does: 'next target', run: () => moveFocus(1) },
        { keys: 'k', does: 'target before', run: () => moveFocus(-1) },
        { keys: 'd', does: 'drain the target of the row', run: drainFocused },
      ]),
    [],
  )
}

/** The focus is on the link of the row, so that Enter opens it. `triesLeft`: to bring the next row into the page. */
function moveFocus(step: Step, triesLeft: number = 2): void {
  // Rows of targets, and what stands for those that are not in the page.
  const rows = [...document.querySelectorAll<HTMLElement>('table.members tr:is(.member, .gap)')]
  const at = rows.findIndex((row) => row.contains(document.activeElement))
  const next = at < 0 ? firstInView(rows, step) : rows[at + step]
  if (next === undefined) return
  if (!next.classList.contains('gap')) return focusRow(next)
  if (triesLeft === 0) return
  // The row itself, where it was scrolled away from; else the edge of what is left out.
  if (at >= 0 && !isInView(rows[at] as HTMLElement)) rows[at]?.scrollIntoView({ block: 'center' })
  else scrollBy({ top: edgeOf(next, step) - innerHeight / 2 })
  afterDrawing(() => moveFocus(step, triesLeft - 1))
}

function focusRow(row: HTMLElement): void {
  row.querySelector<HTMLElement>('.who > a')?.focus({ preventScroll: true })
  row.scrollIntoView({ block: 'nearest' })
}

const edgeOf = (gap: HTMLElement, step: Step): number => {
  const { top, bottom } = gap.getBoundingClientRect()
  return step === 1 ? top : bottom
}

function isInView(row: HTMLElement): boolean {
  const { top, bottom } = row.getBoundingClientRect()
  return bottom > 0 && top < innerHeight
}

/** Where no row has the focus: from the top of what is seen, or from the end. */
function firstInView(rows: readonly HTMLElement[], step: Step): HTMLElement | undefined {
  const members = rows.filter((row) => row.classList.contains('member'))
  const seen = members.filter(isInView)
  return step === 1 ? (seen[0] ?? members[0]) : (seen.at(-1) ?? members.at(-1))
}

function drainFocused(): void {
  const row = document.activeElement?.closest<HTMLElement>('tr.member')
  const { zone, target } = row?.dataset ?? {}
  if (zone !== undefined && target !== undefined && !isStale.value)
    void order({ zone, target }, 'drain')
}
