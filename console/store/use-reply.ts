// An answer of the server for a view that is not part of the overview: asked for when the view opens, again when its
// path changes, and every so often while the page is seen.

import { useCallback, useEffect, useState } from 'preact/hooks'

import { type ApiReply, ask } from './api.ts'

interface Asked<Value> {
  /** The last answer, of an earlier path while a new one is asked for; null: none has come yet. */
  readonly reply: Exclude<ApiReply<Value>, { readonly kind: 'unchanged' }> | null
  /** The last value, kept while the server refuses or does not answer. */
  readonly value: Value | null
  readonly isAsking: boolean
  readonly again: () => void
}

/** `path` as `ask` takes it; null: nothing is asked. `everyMs` while the page is seen. */
export function useReply<Value>(
  path: string | null,
  { everyMs }: { readonly everyMs?: number } = {},
): Asked<Value> {
  const [reply, setReply] = useState<Asked<Value>['reply']>(null)
  const [value, setValue] = useState<Value | null>(null)
  const [answered, setAnswered] = useState('')
  const [round, setRound] = useState(0)
  const again = useCallback(() => setRound((before) => before + 1), [])
  const turn = `${round} ${path}`
  useEffect(() => {
    if (path === null) {
      setReply(null)
      setValue(null)
      return undefined
    }
    let isLeft = false
    void ask<Value>(path).then((next) => {
      if (isLeft || next.kind === 'unchanged') return
      setReply(next)
      setAnswered(turn)
      if (next.kind === 'answered') setValue(next.value)
    })
    return () => {
      isLeft = true
    }
  }, [path, turn])
  useEffect(() => {
    if (everyMs === undefined) return undefined
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') again()
    }, everyMs)
    return () => clearInterval(timer)
  }, [again, everyMs])
  return { reply, value, isAsking: path !== null && answered !== turn, again }
}
