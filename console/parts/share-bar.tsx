// A share that was had, as a bar, and the one that was due, as a tick beside it.

import type { VNode } from 'preact'

import type { MemberRow } from '../store/rows.ts'
import { percent } from './figures.ts'
import './share-bar.css'

export interface Share {
  /** null: nothing was handed out in that time. */
  readonly had: number | null
  readonly due: number
}

/**
 * Shares of the members of one pool in the last quarter of an hour: of first places, or of addresses where the pool is
 * asked for by those. Where nothing was handed out what is due is that of now.
 */
export function sharesOf(members: readonly MemberRow[]): ReadonlyMap<MemberRow, Share> {
  const sums = (kind: 'window' | 'addresses'): { had: number; due: number } => ({
    had: members.reduce((sum, one) => sum + one[kind].had, 0),
    due: members.reduce((sum, one) => sum + one[kind].due, 0),
  })
  const rungs = sums('window')
  const kind = rungs.had > 0 ? 'window' : 'addresses'
  const { had, due } = kind === 'window' ? rungs : sums('addresses')
  return new Map(
    members.map((one) => [
      one,
      had === 0
        ? { had: null, due: one.due }
        : { had: one[kind].had / had, due: due === 0 ? one.due : one[kind].due / due },
    ]),
  )
}

export function ShareBar({ share: { had, due }, hue }: { share: Share; hue: string }): VNode {
  const label = `${had === null ? 'nothing handed out' : `had ${percent(had)}`}, due ${percent(due)}`
  return (
    <span class="share" title={label} style={{ '--hue': hue }}>
      <span class="bullet" role="img" aria-label={label}>
        <i style={{ width: `${((had ?? 0) * 100).toFixed(1)}%` }} />
        <u style={{ left: `calc(${(due * 100).toFixed(1)}% - 1px)` }} />
      </span>
      <span class="num" aria-hidden="true">
        {had === null ? '–' : percent(had)}
      </span>
    </span>
  )
}
