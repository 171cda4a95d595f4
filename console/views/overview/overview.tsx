import './overview.css'

import type { VNode } from 'preact'

import { InTerminal } from '../../parts/card.tsx'
import { ViewHead } from '../../shell/view-head.tsx'
import { figures, overview, trouble } from '../../store/live.ts'
import { FigureStrip } from './figure-strip.tsx'

export function Overview(): VNode {
  const known = overview.value
  const now = figures.value
  return (
    <>
      <ViewHead title="Overview" />
      {known === null || now === null ? <Waiting /> : <FigureStrip known={known} now={now} />}
      <InTerminal command="mxsteer status" />
    </>
  )
}

function Waiting(): VNode {
  return (
    <p class="card nothing">
      {trouble.value === null ? 'Asking the server…' : `Nothing is known yet: ${trouble.value}`}
    </p>
  )
}
