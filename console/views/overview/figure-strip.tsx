// The six figures: what is up, what is asked, and whether anything is answered that should not be.

import type { ComponentChildren, VNode } from 'preact'

import { figure, grouped, percent } from '../../parts/figures.ts'
import { Sparkline } from '../../parts/sparkline.tsx'
import { StateMark } from '../../parts/state-mark.tsx'
import { figures, figureTrail, hasOverview, overview } from '../../store/live.ts'
import type { Overview } from '../../store/rows.ts'
import { useSteady } from '../../store/use-steady.ts'

/** Draws with each figures and where something of the fleet changes, not with each row. */
export function FigureStrip(): VNode | null {
  const now = figures.value
  if (now === null || !hasOverview.value) return null
  const { addresses, noErrorShare, failedOpenTotal, lateProbesShare } = now
  const late = lateProbesShare ?? 0
  return (
    <dl class="card strip">
      <Figure
        name="Addresses up"
        value={grouped(addresses.up)}
        unit={`of ${grouped(addresses.of)}`}
      />
      <Figure name="Queries" value={figure(now.queriesPerSecond)} unit="a second">
        <Sparkline values={figureTrail.value.map(({ queriesPerSecond }) => queriesPerSecond)} />
      </Figure>
      <Figure
        name="NOERROR"
        value={noErrorShare === null ? '–' : percent(noErrorShare, 2)}
        unit={noErrorShare === null ? 'no answers' : ''}
      />
      <Figure
        name="Failed open"
        value={grouped(failedOpenTotal)}
        unit="answers"
        isWorse={now.failedOpen > 0}
      />
      <Figure
        name="Probes late"
        value={percent(late, late === 0 ? 0 : 1)}
        unit="by over 1 s"
        isWorse={late > 0.01}
      />
      <Instances />
    </dl>
  )
}

function Figure({
  name,
  value,
  unit,
  isWorse = false,
  children,
}: {
  name: string
  value: string
  unit: string
  isWorse?: boolean
  children?: ComponentChildren
}): VNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd class={isWorse ? 'tone-warn' : ''}>
        {value}
        <small>{unit}</small>
        {children}
      </dd>
    </div>
  )
}

interface Fleet {
  readonly peers: Overview['peers']
  readonly config: Overview['config'] | undefined
  readonly state: Overview['state'] | undefined
}

const fleetOfNow = (): Fleet => ({
  peers: overview.value?.peers ?? [],
  config: overview.value?.config,
  state: overview.value?.state,
})

/** How many there are, and whether they serve the same. */
function Instances(): VNode | null {
  const { peers, config, state } = useSteady(fleetOfNow)
  if (state === undefined) return null
  const count = String(peers.length + 1)
  if (state.kind === 'memory')
    return <Figure name="Instances" value="1" unit="shares with no other" />
  const differs = config?.differs === true
  const word = state.degraded ? 'store degraded' : differs ? 'zones differ' : 'agree'
  return (
    <Figure name="Instances" value={count} unit={word} isWorse={state.degraded || differs}>
      <span class="votes">
        <StateMark mark="up" size={10} />
        {peers.slice(0, 8).map(({ instance, state }) => (
          <StateMark key={instance} mark={state === 'ok' ? 'up' : 'unknown'} size={10} />
        ))}
      </span>
    </Figure>
  )
}
