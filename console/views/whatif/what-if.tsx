// What if: targets, pools and regions switched off or drained, weights changed, another day. Before and after as pairs of
// bars, by target and by group of clients. All of it stands in the address.

import '../../parts/plain-table.css'
import './what-if.css'

import type { VNode } from 'preact'
import { useEffect, useState } from 'preact/hooks'

import type { WhatIfView } from '../../../src/explain/what-if.ts'
import type { GroupView } from '../../../src/explain/simulate.ts'
import { Card, InTerminal } from '../../parts/card.tsx'
import { percent, span } from '../../parts/figures.ts'
import { Refusal } from '../../parts/refusal.tsx'
import { shown } from '../../parts/shown.ts'
import { go, href } from '../../shell/route.ts'
import { ViewHead } from '../../shell/view-head.tsx'
import type { ViewProps } from '../../shell/view-row.ts'
import { type ApiReply, ask } from '../../store/api.ts'
import { overview } from '../../store/live.ts'
import { openOverride } from '../drains/override-dialog.tsx'
import { type ChosenName, NameChoice, useChosenName } from '../map/who.tsx'
import { changedText, pairsOf, readAssumed, type Assumed, simulateCommand } from './assumed.ts'

const move = (name: ChosenName | null, next: Assumed): void =>
  go(href(['whatif'], { ...name, ...next }), true)

export function WhatIf({ query }: ViewProps): VNode {
  const { chosen, names } = useChosenName(query)
  const assumed = readAssumed(query)
  return (
    <>
      <ViewHead title="What if" />
      <NameChoice chosen={chosen} names={names} onChoose={(name) => move(name, assumed)} />
      <Card title="What would be otherwise">
        <Switches assumed={assumed} onChange={(next) => move(chosen, next)} />
      </Card>
      {chosen !== null && <Outcome chosen={chosen} assumed={assumed} />}
      <InTerminal command={simulateCommand(chosen, assumed)} />
    </>
  )
}

/** Targets, pools and regions, each as it stands, down or drained. */
function Switches({
  assumed,
  onChange,
}: {
  assumed: Assumed
  onChange: (assumed: Assumed) => void
}): VNode {
  const members = overview.value?.members ?? []
  const targets = [...new Set(members.map(({ target }) => target))]
  const pools = [...new Set(members.map(({ pool }) => `pool:${pool}`))]
  return (
    <div class="switches">
      {[...pools, ...targets].map((name) => (
        <label key={name} class="switch">
          <span>{shown(name.replace(/^pool:/, 'pool '))}</span>
          <select
            value={
              assumed.down.includes(name) ? 'down' : assumed.drain.includes(name) ? 'drain' : ''
            }
            onChange={({ currentTarget }) => onChange(switched(assumed, name, currentTarget.value))}
          >
            <option value="">as it is</option>
            <option value="down">down</option>
            <option value="drain">drained</option>
          </select>
        </label>
      ))}
      <label class="switch">
        <span>On the day</span>
        <input
          type="date"
          value={assumed.at}
          onInput={({ currentTarget }) => onChange({ ...assumed, at: currentTarget.value })}
        />
      </label>
      <label class="switch">
        <span>By</span>
        <select
          value={assumed.by}
          onChange={({ currentTarget }) => onChange({ ...assumed, by: currentTarget.value })}
        >
          {['continent', 'country', 'asn', 'rule'].map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </label>
      <label class="switch">
        <span>Health</span>
        <select
          value={assumed.health}
          onChange={({ currentTarget }) => onChange({ ...assumed, health: currentTarget.value })}
        >
          <option value="live">as it is now</option>
          <option value="all-up">every target up</option>
        </select>
      </label>
    </div>
  )
}

function switched(assumed: Assumed, name: string, to: string): Assumed {
  const without = (names: readonly string[]): readonly string[] =>
    names.filter((one) => one !== name)
  const down = without(assumed.down)
  const drain = without(assumed.drain)
  return {
    ...assumed,
    down: to === 'down' ? [...down, name] : down,
    drain: to === 'drain' ? [...drain, name] : drain,
  }
}

type Simulated = WhatIfView & ChosenName

const askAfterMs = 250
const askAgainAfterMs = 1500

/** The server takes one at a time: the next waits for it, also where it is of a view that was left. */
let underWay: Promise<unknown> = Promise.resolve()

/** Asked anew a moment after something has changed; where somebody else's simulation is under way, again. */
function useSimulation(body: object): ApiReply<Simulated> | null {
  const [reply, setReply] = useState<ApiReply<Simulated> | null>(null)
  const [round, setRound] = useState(0)
  const text = JSON.stringify(body)
  useEffect(() => {
    const left = new AbortController()
    const body: unknown = JSON.parse(text)
    const simulateNow = async (): Promise<void> => {
      if (left.signal.aborted) return
      const next = await ask<Simulated>('simulate', { method: 'POST', body })
      if (left.signal.aborted) return
      setReply(next)
      if (next.kind === 'refused' && next.status === 503)
        setTimeout(() => setRound((n) => n + 1), askAgainAfterMs)
    }
    const timer = setTimeout(() => {
      underWay = underWay.then(simulateNow)
    }, askAfterMs)
    return () => {
      left.abort()
      clearTimeout(timer)
    }
  }, [text, round])
  return reply
}

function Outcome({ chosen, assumed }: { chosen: ChosenName; assumed: Assumed }): VNode {
  const { down, drain, by, health, at } = assumed
  const reply = useSimulation({ ...chosen, down, drain, by, health, ...(at === '' ? {} : { at }) })
  if (reply === null) return <p class="card nothing">Asking…</p>
  if (reply.kind !== 'answered') return <Refusal reply={reply} />
  const { before, after, ttl } = reply.value
  const groups = before.groups.map((was) => ({
    was,
    is: after.groups.find(({ group }) => group === was.group) ?? was,
  }))
  return (
    <>
      <Card
        title="Who has the first choices"
        aside={`caches may keep the old answers for ${span(ttl)}`}
      >
        <LastResort group={after.all} />
        <Pairs was={before.all} is={after.all} caption="All clients" />
        <DrainThese names={drain} />
      </Card>
      <Card title={`By ${by}`} className="by-group">
        {groups.map(({ was, is }) => (
          <section key={was.group}>
            <h3>
              {shown(was.group)}{' '}
              <span class="dim">{percent(was.clients / before.all.clients, 0)} of the clients</span>
            </h3>
            <LastResort group={is} />
            <Pairs was={was} is={is} caption={was.group} />
          </section>
        ))}
      </Card>
    </>
  )
}

function LastResort({ group }: { group: GroupView }): VNode | null {
  const eligible = group.reasons['eligible'] ?? 0
  const others = group.answers - eligible
  if (others <= 0) return null
  return (
    <p class="tone-bad">
      <b>Nobody eligible</b> for {percent(others / group.answers, 0)} of the answers:{' '}
      {Object.keys(group.reasons)
        .filter((one) => one !== 'eligible')
        .join(', ')}
      .
    </p>
  )
}

const Pairs = ({ was, is, caption }: { was: GroupView; is: GroupView; caption: string }): VNode => (
  <table class="pairs">
    <caption class="visually-hidden">{shown(caption)}: shares before and after</caption>
    <thead class="visually-hidden">
      <tr>
        <th scope="col">Target</th>
        <th scope="col">Shares as bars</th>
        <th scope="col">Before and after</th>
      </tr>
    </thead>
    <tbody>
      {pairsOf(was, is).map(({ target, before, after }) => (
        <tr key={target}>
          <th scope="row">{shown(target)}</th>
          <td class="bars" aria-hidden="true">
            <i class="before" style={{ width: `${before * 100}%` }} />
            <i class="after" style={{ width: `${after * 100}%` }} />
          </td>
          <td class="num">{changedText(before, after)}</td>
        </tr>
      ))}
    </tbody>
  </table>
)

function DrainThese({ names }: { names: readonly string[] }): VNode | null {
  const members = overview.value?.members ?? []
  const targets = names.flatMap((name) => members.find((one) => one.target === name) ?? [])
  if (targets.length === 0) return null
  return (
    <p class="chips">
      {targets.map(({ zone, target }) => (
        <button
          key={target}
          type="button"
          class="button"
          onClick={() => openOverride({ zone, target, pool: null, kind: 'drain' })}
        >
          Drain {shown(target)} now…
        </button>
      ))}
    </p>
  )
}
