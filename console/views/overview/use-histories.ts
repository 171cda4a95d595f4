// The last hour of the targets on screen: fifty names a question, once a minute while the page is seen.

import { useEffect, useState } from 'preact/hooks'

import { nameKey } from '../../parts/standing.ts'
import { ask } from '../../store/api.ts'
import type { HistoryReply, HistorySeries } from '../../store/rows.ts'

/** Of the first address of each target, by `nameKey`. */
export type Histories = ReadonlyMap<string, HistorySeries>

const namesAtOnce = 50
const mostNames = 200
const everyMs = 60_000

/** `names`: `mx1.example.com`, each once. */
export function useHistories(names: readonly string[]): Histories {
  const [histories, setHistories] = useState<Histories>(new Map())
  const wanted = names.slice(0, mostNames).join(' ')
  useEffect(() => {
    let isGone = false
    const take = async (): Promise<void> => {
      if (wanted === '' || document.visibilityState !== 'visible') return
      const found = await readHistories(wanted.split(' '))
      if (!isGone && found !== null) setHistories(found)
    }
    void take()
    const timer = setInterval(() => void take(), everyMs)
    return () => {
      isGone = true
      clearInterval(timer)
    }
  }, [wanted])
  return histories
}

/** null: the server has none. */
async function readHistories(names: readonly string[]): Promise<Histories | null> {
  const found = new Map<string, HistorySeries>()
  for (let at = 0; at < names.length; at += namesAtOnce) {
    const query = new URLSearchParams({ window: '1h' })
    for (const name of names.slice(at, at + namesAtOnce)) query.append('target', name)
    const reply = await ask<HistoryReply>(`history?${query}`)
    if (reply.kind !== 'answered') return null
    for (const series of reply.value.series)
      if (!found.has(nameKey(series))) found.set(nameKey(series), series)
  }
  return found
}
