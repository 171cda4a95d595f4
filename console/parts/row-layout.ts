// Where rows of a long table are, in rows and in pixels: groups one after the other, each with a head or without one.

/** Of a row, and of the head of a group. */
export interface Heights {
  readonly rowPx: number
  readonly headPx: number
}

interface GroupSize {
  readonly hasHead: boolean
  readonly rows: number
}

export interface RowLayout {
  /** Of all rows, heads included. */
  readonly count: number
  readonly groups: readonly GroupSize[]
  /** Index of the first row of each group; one more at the end. */
  readonly starts: readonly number[]
  /** Index of the row at `y` pixels; the last one, where that is below all. */
  indexAt(y: number, heights: Heights): number
  offsetOf(index: number, heights: Heights): number
}

export function layoutOf(groups: readonly GroupSize[]): RowLayout {
  const starts = [0]
  const headsBefore = [0]
  for (const [i, { hasHead, rows }] of groups.entries()) {
    const head = hasHead ? 1 : 0
    starts.push((starts[i] as number) + head + rows)
    headsBefore.push((headsBefore[i] as number) + head)
  }
  const count = starts[groups.length] as number
  const groupOf = (index: number): number => lastAtMost(starts, index)
  const offsetOf = (index: number, { rowPx, headPx }: Heights): number => {
    const group = Math.min(groupOf(index), groups.length)
    const start = starts[group] as number
    const isBehindHead = index > start && groups[group]?.hasHead === true
    const heads = (headsBefore[group] as number) + (isBehindHead ? 1 : 0)
    return heads * headPx + (index - heads) * rowPx
  }
  const indexAt = (y: number, heights: Heights): number => {
    let [low, high] = [0, Math.max(0, count - 1)]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (offsetOf(middle, heights) <= y) low = middle
      else high = middle - 1
    }
    return low
  }
  return { count, groups, starts, indexAt, offsetOf }
}

/** Index of the last of ascending numbers that is `most` at most. */
function lastAtMost(numbers: readonly number[], most: number): number {
  let [low, high] = [0, numbers.length - 1]
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((numbers[middle] as number) <= most) low = middle
    else high = middle - 1
  }
  return low
}

/** What is left out: so many heads and rows, before the row `before`. */
interface Gap {
  readonly kind: 'gap'
  readonly before: number
  readonly heads: number
  readonly rows: number
}

type Part =
  /** `row`: within its group; -1: its head. */
  { readonly kind: 'row'; readonly index: number; readonly row: number } | Gap

export type Segment =
  | { readonly kind: 'group'; readonly group: number; readonly parts: readonly Part[] }
  | Gap

interface Shown {
  readonly from: number
  readonly to: number
  /** A row that is there wherever it is; -1: none. */
  readonly kept: number
}

/** Groups with rows to show, and what is between. The head of a group is there with any of its rows. */
export function segmentsOf(
  { groups, starts }: RowLayout,
  { from, to, kept }: Shown,
): readonly Segment[] {
  const segments: Segment[] = []
  let gap = { heads: 0, rows: 0 }
  const closeGap = (before: number): void => {
    if (gap.heads + gap.rows > 0) segments.push({ kind: 'gap', before, ...gap })
    gap = { heads: 0, rows: 0 }
  }
  for (const [group, { hasHead, rows }] of groups.entries()) {
    const start = starts[group] as number
    const end = starts[group + 1] as number
    const isInView = from < end && to > start
    if (isInView || (kept >= start && kept < end)) {
      closeGap(start)
      const parts = partsOf({ start, hasHead, rows }, { from, to, kept })
      segments.push({ kind: 'group', group, parts })
    } else gap = { heads: gap.heads + (hasHead ? 1 : 0), rows: gap.rows + rows }
  }
  closeGap(starts[groups.length] as number)
  return segments
}

function partsOf(
  { start, hasHead, rows }: GroupSize & { readonly start: number },
  { from, to, kept }: Shown,
): readonly Part[] {
  const parts: Part[] = hasHead ? [{ kind: 'row', index: start, row: -1 }] : []
  const first = start + (hasHead ? 1 : 0)
  const end = first + rows
  let at = first
  const gapTo = (index: number): void => {
    if (index > at) parts.push({ kind: 'gap', before: index, heads: 0, rows: index - at })
    at = Math.max(at, index)
  }
  const showTo = (index: number): void => {
    for (; at < index; at++) parts.push({ kind: 'row', index: at, row: at - first })
  }
  const range = (low: number, high: number): void => {
    const [lowest, highest] = [Math.max(first, low), Math.min(end, high)]
    if (highest <= lowest) return
    gapTo(lowest)
    showTo(highest)
  }
  if (kept < from) range(kept, kept + 1)
  range(from, to)
  if (kept >= to) range(kept, kept + 1)
  gapTo(end)
  return parts
}
