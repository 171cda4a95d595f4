// What operators have ordered: in force, with what is left of it, and what ended in the last day.

import './drains.css'

import type { VNode } from 'preact'
import { useEffect } from 'preact/hooks'

import type { EndedOverrideRow, OverrideRow } from '../../../src/admin/override-view.ts'
import { Card, InTerminal } from '../../parts/card.tsx'
import { useFirstRows } from '../../parts/first-rows.tsx'
import { clockTime, countdown, localTime, shortTime, span } from '../../parts/figures.ts'
import { TimePassed } from '../../parts/order-line.tsx'
import { shown } from '../../parts/shown.ts'
import { namesOf } from '../../parts/standing.ts'
import { type Mark, StateMark } from '../../parts/state-mark.tsx'
import { href } from '../../shell/route.ts'
import { openSignIn } from '../../shell/sign-in.tsx'
import { ViewHead } from '../../shell/view-head.tsx'
import { Refusal } from '../../parts/refusal.tsx'
import { overview, serverNowMs } from '../../store/live.ts'
import { useReply } from '../../store/use-reply.ts'
import { mayWrite, session } from '../../store/session.ts'
import { extendOverride, undoOverride } from './override-dialog.tsx'
import { letGoMs, overrideWords } from './override-words.ts'

const marks: Readonly<Record<OverrideRow['kind'], Mark>> = {
  drain: 'drained',
  disable: 'disabled',
  up: 'up',
  weight: 'weight',
}

/** What GET /overrides says. */
interface OverridesReply {
  readonly overrides: readonly OrderRow[]
  readonly ended: readonly EndedOverrideRow[]
}

/** In force, with the time until when caches may lead to its target by what this instance answered. */
type OrderRow = OverrideRow & { readonly exposedUntil: string | null }

const askEveryMs = 5000

/** Asked for anew as soon as what is in force has changed, here or at another instance. */
function useOverrides(): ReturnType<typeof useReply<OverridesReply>> {
  const asked = useReply<OverridesReply>('overrides', { everyMs: askEveryMs })
  const ids = overview.value?.overrides.map(({ id }) => id).join()
  const { again } = asked
  useEffect(again, [ids, again])
  return asked
}

export function Drains(): VNode {
  const { value, reply } = useOverrides()
  return (
    <>
      <ViewHead title="Drains and overrides" />
      {session.value?.writes === 'session' && session.value.name === null && (
        <p class="sign-in-hint">
          <button type="button" class="link" onClick={openSignIn}>
            Sign in
          </button>{' '}
          to extend or undo them.
        </p>
      )}
      <Refusal reply={reply} />
      {value !== null && <Orders {...value} />}
      <InTerminal
        command={
          'mxsteer status\nmxsteer drain mx3 --for 2h --why "new disk" --dry-run\nmxsteer extend mx3 --for 4h\nmxsteer undo mx3'
        }
      />
    </>
  )
}

function Orders({ overrides, ended }: OverridesReply): VNode {
  return (
    <>
      <Card title="In force" aside={overrides.length === 0 ? undefined : String(overrides.length)}>
        {overrides.length === 0 ? (
          <p class="mid">Nothing is drained, disabled, taken as up, or weighted by hand.</p>
        ) : (
          <InForce rows={overrides} />
        )}
      </Card>
      <Card title="Ended in the last day" className="ended">
        {ended.length === 0 ? (
          <p class="mid">None, as far as this instance saw.</p>
        ) : (
          <Ended rows={ended} />
        )}
      </Card>
    </>
  )
}

function InForce({ rows: all }: { rows: readonly OrderRow[] }): VNode {
  const { rows, rest } = useFirstRows(all, 'overrides')
  return (
    <>
      <table class="overrides">
        <caption class="visually-hidden">Overrides in force</caption>
        <thead>
          <tr>
            <th scope="col">Target</th>
            <th scope="col">What</th>
            <th scope="col">Why, by whom</th>
            <th scope="col">Until</th>
            <th scope="col">In caches</th>
            <th scope="col">
              <span class="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <OverrideLine key={row.id} row={row} />
          ))}
        </tbody>
      </table>
      {rest}
    </>
  )
}

function OverrideLine({ row }: { row: OrderRow }): VNode {
  const { zone, target, pool, kind, why, by } = row
  return (
    <tr data-override={row.id}>
      <th scope="row">
        <a href={href(['target', zone, target])}>{shown(target)}</a>{' '}
        <span class="dim">{pool === null ? shown(zone) : `in ${shown(pool)}`}</span>
      </th>
      <td>
        <StateMark mark={marks[kind]} /> {overrideWords(row)}
      </td>
      <td>
        {why === '' ? <span class="dim">no reason given</span> : `“${shown(why)}”`}{' '}
        <span class="dim">{by === '' ? 'by nobody named' : shown(by)}</span>
      </td>
      <td>
        <Until row={row} />
      </td>
      <td>
        <InCaches row={row} />
      </td>
      <td class="actions">
        <button
          type="button"
          class="button"
          disabled={!mayWrite.value}
          aria-label={`Extend ${shown(target)}`}
          onClick={() => extendOverride(row)}
        >
          Extend…
        </button>
        <button
          type="button"
          class="button"
          disabled={!mayWrite.value}
          aria-label={`Undo ${shown(target)}`}
          onClick={() => void undoOverride(row)}
        >
          Undo
        </button>
      </td>
    </tr>
  )
}

function Until({ row: { set, until } }: { row: OverrideRow }): VNode {
  if (until === null) return <>until undone</>
  const nowMs = serverNowMs.value
  return (
    <>
      <time dateTime={until} title={localTime(until)}>
        {shortTime(until, nowMs)}
      </time>{' '}
      <span class="dim">in {span((Date.parse(until) - nowMs) / 1000)}</span>
      <TimePassed set={set} until={until} />
    </>
  )
}

/** Whether the MTA may be stopped: caches may lead to it for a while yet. */
function InCaches({ row }: { row: OrderRow }): VNode {
  // The overview has what other instances report as soon as it is known.
  const current = overview.value?.overrides.find(({ id }) => id === row.id) ?? row
  const { exposure } = current
  if (exposure === null) return <span class="dim">–</span>
  const untilMs = letGoMs([row.exposedUntil, exposure.until])
  const leftSeconds = untilMs === null ? 0 : (untilMs - serverNowMs.value) / 1000
  if (leftSeconds > 0) return <span>{countdown(leftSeconds)}</span>
  const { unknown, notKnownOf } = exposure
  if (unknown > 0) return <span class="tone-warn">not known of {namesOf(notKnownOf, unknown)}</span>
  return <b class="tone-hold">safe to stop</b>
}

const endWords: Readonly<Record<EndedOverrideRow['end'], string>> = {
  time: 'at its end',
  undone: 'undone',
  replaced: 'replaced',
}

function Ended({ rows: all }: { rows: readonly EndedOverrideRow[] }): VNode {
  const { rows, rest } = useFirstRows(all, 'overrides that ended')
  return (
    <>
      <table class="overrides">
        <caption class="visually-hidden">Overrides that ended in the last day</caption>
        <thead>
          <tr>
            <th scope="col">Ended</th>
            <th scope="col">Target</th>
            <th scope="col">What</th>
            <th scope="col">Why, by whom</th>
            <th scope="col">How</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.id}>
              <td>
                {row.ended !== null && (
                  <time dateTime={row.ended} title={localTime(row.ended)}>
                    {clockTime(row.ended)}
                  </time>
                )}
              </td>
              <th scope="row">
                <a href={href(['target', row.zone, row.target])}>{shown(row.target)}</a>{' '}
                <span class="dim">
                  {row.pool === null ? shown(row.zone) : `in ${shown(row.pool)}`}
                </span>
              </th>
              <td>{overrideWords(row)}</td>
              <td>
                {row.why !== '' && `“${shown(row.why)}” `}
                <span class="dim">{shown(row.by)}</span>
              </td>
              <td>
                {endWords[row.end]}
                {row.end !== 'time' && row.endedBy !== '' && ` by ${shown(row.endedBy)}`}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {rest}
    </>
  )
}
