// What an override would come to, in sentences: asked of the server while the dialog is filled in.

import type { VNode } from 'preact'
import { useEffect, useState } from 'preact/hooks'

import type { OverridePreview } from '../../../src/admin/override-view.ts'
import { percent, span } from '../../parts/figures.ts'
import { shown } from '../../parts/shown.ts'
import { ask } from '../../store/api.ts'
import { serverNowMs } from '../../store/live.ts'
import { refusalText } from '../../store/session.ts'
import { overrideWords, poolSentence } from './override-words.ts'

export type Previewed =
  | { readonly kind: 'asking' }
  | { readonly kind: 'known'; readonly preview: OverridePreview }
  | { readonly kind: 'refused'; readonly why: string }

const previewAfterMs = 250

/** What the order would come to, asked anew a moment after it has changed. `body` null: something is missing yet. */
export function usePreview(body: object | null): Previewed {
  const [state, setState] = useState<Previewed>({ kind: 'asking' })
  const text = body === null ? null : JSON.stringify(body)
  useEffect(() => {
    if (text === null) return () => {}
    let isOver = false
    const timer = setTimeout(() => {
      const body: unknown = JSON.parse(text)
      void ask<OverridePreview>('overrides?dry_run', { method: 'POST', body }).then((reply) => {
        if (isOver) return
        setState(
          reply.kind === 'answered'
            ? { kind: 'known', preview: reply.value }
            : { kind: 'refused', why: refusalText(reply) },
        )
      })
    }, previewAfterMs)
    return () => {
      isOver = true
      clearTimeout(timer)
    }
  }, [text])
  return state
}

/** What will happen, in sentences; polite for screen readers, since it changes with the fields below. */
export function PreviewBox({ previewed, target }: { previewed: Previewed; target: string }): VNode {
  return (
    <div class="preview" aria-live="polite" data-state={previewed.kind}>
      {previewed.kind === 'asking' && <p class="dim">Asking what it would come to…</p>}
      {previewed.kind === 'refused' && <p class="tone-bad">{shown(previewed.why)}</p>}
      {previewed.kind === 'known' && <Sentences preview={previewed.preview} target={target} />}
    </div>
  )
}

function Sentences({ preview, target }: { preview: OverridePreview; target: string }): VNode {
  const { pools, refusal, short, replaced, override, exposedUntil, lasting } = preview
  const isOut = override.kind === 'drain' || override.kind === 'disable'
  return (
    <>
      {pools.map((one) => (
        <PoolSentence key={one.pool} of={one} />
      ))}
      {isOut && <Exposure exposedUntil={exposedUntil} target={target} />}
      {replaced !== null && <p>It takes the place of: {overrideWords(replaced)}.</p>}
      {refusal === null && short.map(({ pool, message }) => <p key={pool}>{shown(message)}.</p>)}
      {refusal !== null && <p class="tone-bad">{shown(refusal.message)}</p>}
      {!lasting && <p class="dim">A restart of the server forgets it.</p>}
    </>
  )
}

function PoolSentence({ of }: { of: OverridePreview['pools'][number] }): VNode {
  const { pool, shares } = poolSentence(of)
  const after = shares.filter((one) => one.after > 0)
  return (
    <p>
      <b>{pool}</b> {after.length === 0 ? 'is then left without anyone eligible' : 'then goes to '}
      {after.map(({ target, after: is }, i) => (
        <span key={target}>
          {i > 0 && ', '}
          <b>{target}</b> {percent(is, 0)}
        </span>
      ))}
      .
    </p>
  )
}

function Exposure({
  exposedUntil,
  target,
}: {
  exposedUntil: string | null
  target: string
}): VNode {
  const leftSeconds =
    exposedUntil === null ? 0 : (Date.parse(exposedUntil) - serverNowMs.value) / 1000
  if (leftSeconds <= 0)
    return <p>No cache should hold {shown(target)} by an answer of this instance.</p>
  return (
    <p>
      Resolvers let go of {shown(target)} within <b>{span(leftSeconds)}</b>; Drains says when it is
      safe to stop.
    </p>
  )
}
