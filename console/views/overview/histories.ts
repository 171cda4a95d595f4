// The last hour of the targets whose rows are on the page: fifty names a question, when rows come into view, and once a
// minute while the page is seen.

import { signal, type Signal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'

import { ask } from '../../store/api.ts'
import type { HistoryReply, HistorySeries } from '../../store/rows.ts'

const namesAtOnce = 50
const everyMs = 60_000
/** Scrolling brings rows one after the other: they are asked for together. */
const gatherMs = 100
/** Whether a minute is over is seen so often. */
const lookEveryMs = 5000
/** Names that are kept though their rows have gone out of view. */
const mostNames = 500

interface Known {
  readonly name: string
  readonly series: Signal<HistorySeries | null>
  /** Rows on the page. */
  rows: number
  askedMs: number
}

/** The one that was last on the page is last. */
const byName = new Map<string, Known>()
let timer: ReturnType<typeof setTimeout> | undefined
let ticking: ReturnType<typeof setInterval> | undefined

/** Of the first address of a target. `name`: `mx1.example.com`. null: none is known (yet), or the server keeps none. */
export function useHistory(name: string): HistorySeries | null {
  const known = useMemo(() => knownOf(name), [name])
  useEffect(() => show(known), [known])
  return known.series.value
}

/** A row of it is on the page, until what this gives is called. */
function show(known: Known): () => void {
  known.rows++
  plan()
  ticking ??= setInterval(plan, lookEveryMs)
  return () => {
    known.rows--
  }
}

function knownOf(name: string): Known {
  const known = byName.get(name) ?? { name, series: signal(null), rows: 0, askedMs: -Infinity }
  byName.delete(name)
  byName.set(name, known)
  for (const [other, { rows }] of byName) {
    if (byName.size <= mostNames) break
    if (rows === 0 && other !== name) byName.delete(other)
  }
  return known
}

/** Rows that come soon after are asked for together; one question at a time. */
function plan(): void {
  timer ??= setTimeout(() => {
    void askForRows().then((isMore) => {
      timer = undefined
      if (isMore) plan()
    })
  }, gatherMs)
}

const isDue = ({ askedMs }: Known): boolean => performance.now() - askedMs >= everyMs

/** Whether there are more to ask for. */
async function askForRows(): Promise<boolean> {
  if (document.visibilityState !== 'visible') return false
  const all = [...byName.values()].filter((one) => one.rows > 0 && isDue(one))
  const due = all.slice(0, namesAtOnce)
  if (due.length === 0) return false
  for (const one of due) one.askedMs = performance.now()
  const query = new URLSearchParams({ window: '1h' })
  for (const { name } of due) query.append('target', name)
  const reply = await ask<HistoryReply>(`history?${query}`)
  if (reply.kind !== 'answered') return false
  const first = new Map<string, HistorySeries>()
  for (const series of reply.value.series.toReversed())
    first.set(`${series.target}.${series.zone}`, series)
  for (const { name, series } of due) series.value = first.get(name) ?? null
  return all.length > due.length
}
