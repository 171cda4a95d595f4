// What if: targets, pools and regions switched off or drained, weights changed, instances without a vote, another day. Before and after as pairs of
// bars, by target and by group of clients. All of it stands in the address.

import '../../parts/plain-table.css'
import './what-if.css'

import type { VNode } from 'preact'
import { useEffect, useState } from 'preact/hooks'

import type { WhatIfView } from '../../../src/explain/what-if.ts'
import type { GroupView } from '../../../src/explain/simulate.ts'
import { Card, InTerminal } from '../../parts/card.tsx'
import { percent, span } from '../../parts/figures.ts'
import { continentName, countryName } from '../../parts/place-words.ts'
import { Refusal } from '../../parts/refusal.tsx'
import { shown } from '../../parts/shown.ts'
import { zonesFrom } from '../../parts/zone-lists.ts'
import { go, href } from '../../shell/route.ts'
import { ViewHead } from '../../shell/view-head.tsx'
import type { ViewProps } from '../../shell/view-row.ts'
import { type ApiReply, ask } from '../../store/api.ts'
import type { ZonesView } from '../../store/rows.ts'
import { useReply } from '../../store/use-reply.ts'
import { type ChosenName, NameChoice, useChosenName } from '../map/who.tsx'
import {
  type Assumed,
  changedText,
  pairsOf,
  readAssumed,
  simulateCommand,
  simulation,
} from './assumed.ts'
import { DrainThese, ordersOf } from './drain-these.tsx'
import { Switches } from './switches.tsx'

const move = (name: ChosenName | null, next: Assumed): void =>
  go(href(['whatif'], { ...name, ...next }), true)

export function WhatIf({ query }: ViewProps): VNode {
  const { chosen, names } = useChosenName(query)
  const zone = names?.names.find(({ name }) => name === chosen?.name)?.zone ?? null
  const zones = useReply<ZonesView>(zone === null ? 'zones' : zonesFrom(zone)).value?.zones ?? []
  const views = zones.filter((one) => zone === null || one.zone === zone)
  const assumed = readAssumed(query)
  return (
    <>
      <ViewHead title="What if" />
      <NameChoice chosen={chosen} names={names} onChoose={(name) => move(name, assumed)} />
      <Card title="What would be otherwise">
        <Switches
          assumed={assumed}
          zone={zone}
          views={views}
          onChange={(next) => move(chosen, next)}
        />
      </Card>
      {chosen !== null && (
        <Outcome chosen={chosen} assumed={assumed}>
          <DrainThese orders={ordersOf(assumed.drain, zone, views)} />
        </Outcome>
      )}
      <InTerminal command={simulateCommand(chosen, assumed)} />
    </>
  )
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

function Outcome({
  chosen,
  assumed,
  children,
}: {
  chosen: ChosenName
  assumed: Assumed
  children: VNode
}): VNode {
  const { by } = assumed
  const reply = useSimulation(simulation(chosen, assumed))
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
        <p class="legend dim" aria-hidden="true">
          <i class="before" /> now <i class="after" /> then
        </p>
        <Pairs was={before.all} is={after.all} caption="All clients" />
        {children}
      </Card>
      <Card title={`By ${by}`} className="by-group">
        {groups.map(({ was, is }) => (
          <section key={was.group}>
            <h3>
              {groupWords(by, was.group)}{' '}
              <span class="dim">{percent(was.clients / before.all.clients, 0)} of the clients</span>
            </h3>
            <LastResort group={is} />
            <Pairs was={was} is={is} caption={groupWords(by, was.group)} />
          </section>
        ))}
      </Card>
    </>
  )
}

/** Of a group of clients, as it was asked for. */
function groupWords(by: string, group: string): string {
  if (by === 'continent') return continentName(group)
  return by === 'country' ? countryName(group) : shown(group)
}

/** Answers whose pools have somebody eligible, be it one further down. */
const ordinary: readonly string[] = ['eligible', 'spilled']

const resortWords: Readonly<Record<string, string>> = {
  panic: 'all members of the pool are answered',
  'last-good': 'who was up last is answered',
  backup: 'the backup pool is answered',
  'failed-open': 'all targets are answered',
}

function LastResort({ group }: { group: GroupView }): VNode | null {
  const { reasons, answers } = group
  const resorts = Object.keys(reasons).filter((one) => !ordinary.includes(one))
  const eligible = ordinary.reduce((sum, one) => sum + (reasons[one] ?? 0), 0)
  const spilled = reasons['spilled'] ?? 0
  if (answers === 0) return null
  if (eligible < answers)
    return (
      <p class="outcome tone-bad">
        <b>Nobody eligible</b> for {percent((answers - eligible) / answers, 0)} of the answers
        {resorts.map((one) => `: ${resortWords[one] ?? one}`).join('')}.
      </p>
    )
  return spilled === 0 ? null : (
    <p class="outcome dim">
      {percent(spilled / answers, 0)} of the answers come from a pool further down.
    </p>
  )
}

const Pairs = ({ was, is, caption }: { was: GroupView; is: GroupView; caption: string }): VNode => (
  <table class="pairs">
    <caption class="visually-hidden">{caption}: shares before and after</caption>
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
