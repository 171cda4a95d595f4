// Rows of a table that may be very many: above so many those in view and some around them are in the page, and an empty
// row as high as all that are left out stands between; up to it all are there. A table numbers its rows (`aria-rowcount`,
// `aria-rowindex`), so that a screen reader says which of how many it is at. The row with the focus stays.

import type { VNode } from 'preact'
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'

import { nextFrame } from '../store/next-frame.ts'
import './windowed-rows.css'
import { type Heights, layoutOf, type RowLayout, segmentsOf } from './row-layout.ts'

export interface RowGroup<Row> {
  readonly key: string
  /** Its first row; null: it has none of its own. `index`: for `aria-rowindex`. */
  readonly head: ((index: number) => VNode) | null
  readonly rows: readonly Row[]
  /** With a key, and `index` as `aria-rowindex`. */
  readonly row: (row: Row, index: number) => VNode
}

interface WindowedRowsProps<Row> {
  /** The same array while the same rows are to be shown: it is gone through where it is another one. */
  readonly groups: readonly RowGroup<Row>[]
  readonly columns: number
  /** So many rows are all in the page. */
  readonly mostWhole: number
  /** Of a row that is to be seen and gets the focus, once for each of them; null: none. */
  readonly wanted?: Row | null
}

/** How far beyond what is in view rows are there: as much as a turn of the wheel. Each row costs a bit of every frame. */
const aroundPx = 150
/** The window moves by so many rows, so that not each pixel of scrolling draws. */
const stepRows = 4
/** Row 1 is that of the column heads. */
const firstIndex = 2

type AnyGroup = Pick<RowGroup<unknown>, 'head' | 'rows'>

const rowsOf = (groups: readonly AnyGroup[]): number =>
  groups.reduce((sum, { head, rows }) => sum + rows.length + (head === null ? 0 : 1), 0)

/** For `aria-rowcount` of the table. */
export const rowCount = (groups: readonly AnyGroup[]): number => rowsOf(groups) + firstIndex - 1

export const isWindowed = (groups: readonly AnyGroup[], mostWhole: number): boolean =>
  rowsOf(groups) > mostWhole

/** In view: rows from `from` to before `to`, counted through all groups; `kept`: one with the focus, -1 for none. */
interface View extends Heights {
  readonly from: number
  readonly to: number
  readonly kept: number
}

/** Until rows are there to be measured. */
const usual: Heights = { rowPx: 36, headPx: 37 }
/** What stands above the first row on most screens. */
const usuallyAbovePx = 240
/** What fits until it is measured, a frame later. */
const firstView = (): View => ({
  from: 0,
  // One at least, however low the window is: it is what the others are measured by.
  to: Math.max(1, Math.ceil((innerHeight - usuallyAbovePx) / usual.rowPx)),
  kept: -1,
  ...usual,
})

/** The bodies of a table. */
export function WindowedRows<Row>(props: WindowedRowsProps<Row>): VNode {
  const { groups, mostWhole, wanted = null } = props
  const topRef = useRef<HTMLTableSectionElement>(null)
  const [view, setView] = useState(firstView)
  const layout = useMemo(
    () => layoutOf(groups.map(({ head, rows }) => ({ hasHead: head !== null, rows: rows.length }))),
    [groups],
  )
  const isAll = layout.count <= mostWhole
  const look = (): void =>
    setView((before) =>
      isAll || topRef.current === null ? before : viewOf(topRef.current, layout, before),
    )
  const lookRef = useRef(look)
  const isDrawnRef = useRef(false)
  useLayoutEffect(() => {
    lookRef.current = look
    if (isDrawnRef.current) look()
  })
  useEffect(() => {
    const lookAgain = (): void => lookRef.current()
    // To measure at once would lay all out before it is whole, and draw rows around the view before those in it are seen.
    void nextFrame().then(() => {
      isDrawnRef.current = true
      lookAgain()
    })
    return followView(lookAgain)
  }, [])
  const goneToRef = useRef<Row | null>(null)
  useEffect(() => {
    const at = wanted === null || wanted === goneToRef.current ? -1 : indexOfRow(groups, wanted)
    if (at < 0) return
    goneToRef.current = wanted
    // After the frame in which a page that was another view goes to its top.
    requestAnimationFrame(() => goToRow(topRef.current, layout, at))
  }, [wanted, groups, layout])
  const shown = isAll ? { ...view, from: 0, to: layout.count, kept: -1 } : view
  return (
    <>
      <tbody ref={topRef} class="gap" aria-hidden="true" />
      {segmentsOf(layout, shown).map((segment) =>
        segment.kind === 'gap' ? (
          <tbody key={`gap ${segment.before}`} class="gap" aria-hidden="true">
            {gapRow(segment, view, props.columns)}
          </tbody>
        ) : (
          body(props, segment.group, segment.parts, view)
        ),
      )}
    </>
  )
}

type Segment = ReturnType<typeof segmentsOf>[number]
type Parts = Extract<Segment, { kind: 'group' }>['parts']

function body<Row>(
  { groups, columns }: WindowedRowsProps<Row>,
  at: number,
  parts: Parts,
  heights: Heights,
): VNode {
  const { key, head, rows, row } = groups[at] as RowGroup<Row>
  return (
    <tbody key={key} data-has-head={head !== null}>
      {parts.map((part) => {
        if (part.kind === 'gap') return gapRow(part, heights, columns)
        const index = part.index + firstIndex
        if (part.row < 0) return head?.(index)
        return row(rows[part.row] as Row, index)
      })}
    </tbody>
  )
}

function gapRow(
  gap: { readonly before: number; readonly heads: number; readonly rows: number },
  { rowPx, headPx }: Heights,
  columns: number,
): VNode {
  const height = `${gap.heads * headPx + gap.rows * rowPx}px`
  return (
    <tr key={`gap ${gap.before}`} class="gap" aria-hidden="true">
      <td colSpan={columns} style={{ height }}>
        …
      </td>
    </tr>
  )
}

/** Calls back when another part of the page may be in view, or another row have the focus. */
function followView(onChange: () => void): () => void {
  const kinds = ['scroll', 'resize', 'focusin'] as const
  for (const kind of kinds) addEventListener(kind, onChange, { capture: true, passive: true })
  return () => {
    for (const kind of kinds) removeEventListener(kind, onChange, { capture: true })
  }
}

/** `before` itself where nothing is another. */
function viewOf(top: HTMLTableSectionElement, layout: RowLayout, before: View): View {
  const heights = heightsIn(top)
  const aboveTop = -top.getBoundingClientRect().top
  const first = layout.indexAt(Math.max(0, aboveTop - aroundPx), heights)
  const last = layout.indexAt(Math.max(0, aboveTop + innerHeight + aroundPx), heights)
  const from = first - (first % stepRows)
  const to = Math.min(layout.count, last + stepRows - (last % stepRows))
  const kept = focusedIndex(top)
  const isSame =
    from === before.from &&
    to === before.to &&
    kept === before.kept &&
    heights.rowPx === before.rowPx &&
    heights.headPx === before.headPx
  return isSame ? before : { from, to, kept, ...heights }
}

const focusedIndex = (top: HTMLTableSectionElement): number => {
  const row = document.activeElement?.closest('tr[aria-rowindex]')
  if (!row || row.closest('table') !== top.closest('table')) return -1
  return Number(row.getAttribute('aria-rowindex')) - firstIndex
}

/** Of the rows of a table, by the look of the page that they were measured in. */
const measured = new WeakMap<Element, { readonly look: string; readonly heights: Heights }>()

/** Measured once for each width, density and size of text: rows that are cards differ, and what is above must not move. */
function heightsIn(top: HTMLTableSectionElement): Heights {
  const root = document.documentElement
  const look = `${root.clientWidth} ${root.dataset['density']} ${getComputedStyle(root).fontSize}`
  const known = measured.get(top)
  if (known?.look === look) return known.heights
  const selector = 'tbody > tr[aria-rowindex]'
  const rows = [...(top.closest('table')?.querySelectorAll<HTMLElement>(selector) ?? [])]
  const others = rows.filter((row) => !isHead(row))
  const heights = {
    rowPx: meanHeight(others) || usual.rowPx,
    headPx: meanHeight(rows.filter(isHead)) || usual.headPx,
  }
  if (others.length > 0) measured.set(top, { look, heights })
  return heights
}

const isHead = (row: HTMLElement): boolean =>
  row.previousElementSibling === null && row.parentElement?.dataset['hasHead'] === 'true'

const meanHeight = (rows: readonly HTMLElement[]): number =>
  rows.reduce((sum, row) => sum + row.getBoundingClientRect().height, 0) / rows.length

function indexOfRow<Row>(groups: readonly RowGroup<Row>[], wanted: Row): number {
  let before = 0
  for (const { head, rows } of groups) {
    if (head !== null) before++
    const at = rows.indexOf(wanted)
    if (at >= 0) return before + at
    before += rows.length
  }
  return -1
}

/** Scrolls to where the row is or will be, and gives it the focus as soon as it is there. */
function goToRow(top: HTMLTableSectionElement | null, layout: RowLayout, at: number): void {
  const table = top?.closest('table')
  if (!top || !table) return
  const row = (): HTMLElement | null =>
    table.querySelector(`tbody > tr[aria-rowindex="${at + firstIndex}"]`)
  if (row() === null) {
    const y = top.getBoundingClientRect().top + scrollY + layout.offsetOf(at, heightsIn(top))
    scrollTo({ top: y - innerHeight / 3 })
  }
  afterDrawing(() => {
    row()?.scrollIntoView({ block: 'center' })
    row()?.querySelector<HTMLElement>('a, button')?.focus({ preventScroll: true })
  })
}

/** After what scrolling brings into view has been drawn. */
export const afterDrawing = (then: () => void): void =>
  void requestAnimationFrame(() => requestAnimationFrame(then))
