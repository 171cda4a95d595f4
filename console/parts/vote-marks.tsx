// The votes of instances on an address, a mark each; of many the counts.

import type { VNode } from 'preact'

import type { TargetRow } from '../store/rows.ts'
import { counted } from './figures.ts'
import { memo } from './memo.ts'
import { type Mark, StateMark } from './state-mark.tsx'

const mostMarks = 7

export const VoteMarks = memo(({ up, down, unknown }: TargetRow['votes']): VNode => {
  const all = up + down + unknown
  const label = [
    `${counted(up, 'instance')} of ${all} ${up === 1 ? 'says' : 'say'} up`,
    ...(down > 0 ? [`${down} down`] : []),
    ...(unknown > 0 ? [`${unknown} unknown`] : []),
  ].join(', ')
  if (all === 0) return <span class="dim">–</span>
  if (all > mostMarks)
    return (
      <span title={label}>
        {up}/{all}
      </span>
    )
  const marks: readonly Mark[] = [
    ...Array<Mark>(up).fill('up'),
    ...Array<Mark>(down).fill('down'),
    ...Array<Mark>(unknown).fill('unknown'),
  ]
  return (
    <span class="votes" role="img" aria-label={label} title={label}>
      {marks.map((mark, index) => (
        <StateMark key={index} mark={mark} size={10} />
      ))}
    </span>
  )
})
