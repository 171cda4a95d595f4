// Of a list that may be very long the first rows, and how many there are: all of them at a press.

import type { VNode } from 'preact'
import { useState } from 'preact/hooks'

import { grouped } from './figures.ts'

/** As many as a page draws at once, and a reader goes through. */
const first = 200

interface FirstRows<Row> {
  readonly rows: readonly Row[]
  /** To stand below them; null: they are all. */
  readonly rest: VNode | null
}

/** `what`: of many, such as `pools`. */
export function useFirstRows<Row>(all: readonly Row[], what: string): FirstRows<Row> {
  const [isWhole, setWhole] = useState(false)
  if (isWhole || all.length <= first) return { rows: all, rest: null }
  const rest = (
    <p class="mid rest">
      The first {first} of {grouped(all.length)} {what}.{' '}
      <button type="button" class="link" onClick={() => setWhole(true)}>
        Show all
      </button>
    </p>
  )
  return { rows: all.slice(0, first), rest }
}
