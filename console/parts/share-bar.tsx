// A share that was had, as a bar, and the one that was due, as a tick beside it.

import type { VNode } from 'preact'

import type { MemberRow } from '../store/rows.ts'
import { percent } from './figures.ts'
import { memo } from './memo.ts'
import './share-bar.css'

export interface Share {
  /** null: nothing was handed out in that time. */
  readonly had: number | null
  readonly due: number
}

/** What all members of a pool had and were due, of first places or of addresses. */
export interface ShareSums {
  readonly kind: 'window' | 'addresses'
  readonly had: number
  readonly due: number
}

/** Of the last quarter of an hour: by addresses where the pool is asked for those alone. */
export function shareSumsOf(members: readonly MemberRow[]): ShareSums {
  const rungs = sumsOf(members, 'window')
  return rungs.had > 0 ? rungs : sumsOf(members, 'addresses')
}

function sumsOf(members: readonly MemberRow[], kind: ShareSums['kind']): ShareSums {
  let [had, due] = [0, 0]
  for (const member of members) {
    had += member[kind].had
    due += member[kind].due
  }
  return { kind, had, due }
}

/** Where nothing was handed out what is due is that of now. */
export const shareOf = (member: MemberRow, { kind, had, due }: ShareSums): Share =>
  had === 0
    ? { had: null, due: member.due }
    : { had: member[kind].had / had, due: due === 0 ? member.due : member[kind].due / due }

export const ShareBar = memo(({ had, due, hue }: Share & { readonly hue: string }): VNode => {
  const label = `${had === null ? 'nothing handed out' : `had ${percent(had)}`}, due ${percent(due)}`
  return (
    <span class="share" title={label} style={{ '--hue': hue }}>
      <span class="bullet" role="img" aria-label={label}>
        <BulletParts had={had ?? 0} due={due} />
      </span>
      <span class="num" aria-hidden="true">
        {had === null ? '–' : percent(had)}
      </span>
    </span>
  )
})

/** Bar and tick are backgrounds: a hundred rows of what is moved or cut off take the browser long to put together. */
export const BulletParts = ({ had, due }: { had: number; due: number | null }): VNode => (
  <>
    <i style={{ '--had': `${(had * 100).toFixed(1)}%` }} />
    {due !== null && <u style={{ '--due': `${(due * 100).toFixed(1)}%` }} />}
  </>
)
