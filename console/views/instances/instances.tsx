// Instances: who else answers, whether they serve the same and see the same, and what this host doubts of itself.

import type { VNode } from 'preact'

import { Card, InTerminal } from '../../parts/card.tsx'
import { counted, shortTime, span } from '../../parts/figures.ts'
import { useFirstRows } from '../../parts/first-rows.tsx'
import { shown } from '../../parts/shown.ts'
import { type Mark, StateMark } from '../../parts/state-mark.tsx'
import { href } from '../../shell/route.ts'
import { ViewHead } from '../../shell/view-head.tsx'
import { overview, serverNowMs } from '../../store/live.ts'
import type { Overview } from '../../store/rows.ts'
import {
  differingZones,
  disputed,
  type InstanceRow,
  instanceRows,
  versionsOf,
} from './agreement.ts'
import '../../parts/plain-table.css'
import './instances.css'

export function Instances(): VNode {
  const { value } = overview
  return (
    <>
      <ViewHead title="Instances" />
      {value === null ? (
        <p class="card nothing">Nothing is known of the instances yet.</p>
      ) : (
        <Fleet overview={value} />
      )}
      <InTerminal command="mxsteer status" />
    </>
  )
}

interface OverviewProps {
  readonly overview: Overview
}

function Fleet({ overview: of }: OverviewProps): VNode {
  const all = instanceRows(of)
  const { rows, rest } = useFirstRows(all, 'instances')
  const isMixed = versionsOf(all).length > 1
  return (
    <>
      <div class="card scroll" tabIndex={0} role="region" aria-label="Instances">
        <table class="instances">
          <caption class="visually-hidden">Instances that share what they see</caption>
          <thead>
            <tr>
              {['Instance', 'Site', 'State', 'Heard of', 'Version', 'Console'].map((head) => (
                <th key={head} scope="col">
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <InstanceLine key={row.instance} row={row} isMixed={isMixed} />
            ))}
          </tbody>
        </table>
        {rest}
      </div>
      <div class="instance-cards">
        <Agreement overview={of} rows={all} />
        <Disputes overview={of} />
        <Store overview={of} />
        <Host overview={of} />
      </div>
    </>
  )
}

function InstanceLine({
  row,
  isMixed,
}: {
  readonly row: InstanceRow
  readonly isMixed: boolean
}): VNode {
  const { instance, site, state, isSelf, silentSeconds, version, consoleUrl } = row
  return (
    <tr>
      <th scope="row">
        <StateMark mark={markOf(row)} />
        {shown(instance)} {isSelf && <span class="dim">this one</span>}
      </th>
      <td>{shown(site)}</td>
      <td>{shown(state)}</td>
      <td data-label="heard of">{heardText(isSelf, silentSeconds)}</td>
      <td class={isMixed ? 'tone-warn' : ''} data-label="version">
        {version === null ? <span class="dim">does not say</span> : shown(version)}
      </td>
      <td>
        {consoleUrl === null ? (
          <span class="dim">{isSelf ? '' : 'no address'}</span>
        ) : (
          <a href={consoleUrl} rel="noopener noreferrer">
            open its console
          </a>
        )}
      </td>
    </tr>
  )
}

const heardText = (isSelf: boolean, silentSeconds: number | null): string => {
  if (isSelf) return ''
  return silentSeconds === null ? 'now' : `${span(silentSeconds)} ago`
}

/** Heartbeats come each two seconds; this many have not. */
const longSilentSeconds = 15

function markOf({ isSelf, state, silentSeconds }: InstanceRow): Mark {
  if (silentSeconds !== null && silentSeconds >= longSilentSeconds) return 'unknown'
  if (isSelf) return state === 'ready' ? 'up' : 'suspect'
  return state === 'ok' || state === 'ready' ? 'up' : 'suspect'
}

interface AgreementProps extends OverviewProps {
  readonly rows: readonly InstanceRow[]
}

function Agreement({ overview: of, rows }: AgreementProps): VNode {
  const { config } = of
  const zones = differingZones(of)
  const versions = versionsOf(rows)
  const isAlone = rows.length === 1
  const groups = config?.groups ?? []
  const isAgreed = zones.length === 0 && groups.length <= 1
  const untold = rows.filter(({ unknown }) => unknown > 0)
  return (
    <Card title="Configuration" aside={isAlone ? 'alone' : agreementText(isAgreed, config)}>
      {isAlone && <p class="mid">No other instance is heard of: there is nobody to differ from.</p>}
      {!isAlone && isAgreed && <p class="mid">All instances serve the same zones.</p>}
      {zones.map(({ zone, groups }) => (
        <div key={zone} class="differing">
          <p>
            <StateMark mark="suspect" /> <b>{shown(zone)}</b> is not the same everywhere:
          </p>
          <ul>
            {groups.map(({ hash, instances }) => (
              <li key={hash}>
                <span class="mono">{hash === null ? 'not served' : shown(hash).slice(0, 12)}</span>{' '}
                at {instances.map(shown).join(', ')}
              </li>
            ))}
          </ul>
        </div>
      ))}
      {zones.length === 0 && groups.length > 1 && (
        <ul class="differing">
          {groups.map(({ config: hash, instances }) => (
            <li key={hash}>
              <span class="mono">{shown(hash).slice(0, 12)}</span> at{' '}
              {instances.map(shown).join(', ')}
            </li>
          ))}
        </ul>
      )}
      {untold.map(({ instance, unknown }) => (
        <p key={instance} class="mid">
          {shown(instance)} serves {counted(unknown, 'zone')} more than it has room to report.
        </p>
      ))}
      {versions.length > 1 && (
        <p class="mid">Versions {versions.map(shown).join(' and ')} run side by side.</p>
      )}
    </Card>
  )
}

/** Files are taken over at one instance after the other: only what lasts is told of in the log and by metrics. */
function agreementText(isAgreed: boolean, config: Overview['config']): string {
  if (isAgreed) return 'all agree'
  return config?.differs === false ? 'not alike yet' : 'they differ'
}

/** More would be a list of all targets. */
const shownDisputes = 20

function Disputes({ overview: { targets } }: OverviewProps): VNode {
  const found = disputed(targets)
  return (
    <Card
      title="Votes"
      aside={found.length === 0 ? 'nobody disagrees' : `${found.length} disputed`}
    >
      {found.length === 0 ? (
        <p class="mid">All instances that say something of an address say the same.</p>
      ) : (
        <ul class="disputes">
          {found.slice(0, shownDisputes).map(({ zone, target, address, port, state, votes }) => (
            <li key={`${zone} ${target} ${address} ${port}`}>
              <StateMark mark={state} />
              <a href={href(['target', zone, target])}>{shown(target)}</a>
              <span class="mono dim">{address}</span>
              <span>{`${votes.up} up, ${votes.down} down${votes.unknown === 0 ? '' : `, ${votes.unknown} unknown`}`}</span>
            </li>
          ))}
          {found.length > shownDisputes && <li>and {found.length - shownDisputes} more</li>}
        </ul>
      )}
    </Card>
  )
}

function Store({ overview: { state } }: OverviewProps): VNode {
  const { kind, degraded, fenced, reasons } = state
  const nowMs = serverNowMs.value
  const isShared = kind === 'redis'
  return (
    <Card title="Store" aside={isShared ? 'Redis' : 'none: it shares nothing'}>
      <p class="said">
        <StateMark mark={degraded || fenced ? 'suspect' : isShared ? 'up' : 'info'} />
        {storeText(kind, degraded)}
      </p>
      {fenced && (
        <p class="mid">
          Another process runs under the name of this instance: this one writes nothing until it is
          gone.
        </p>
      )}
      {reasons.map(({ why, since }) => (
        <p
          key={why}
          class="mid"
        >{`${shown(why)}${since === null ? '' : `, since ${shortTime(since, nowMs)}`}`}</p>
      ))}
    </Card>
  )
}

function storeText(kind: Overview['state']['kind'], degraded: boolean): string {
  if (kind === 'memory') return 'Overrides and verdicts are this instance’s own.'
  return degraded
    ? 'It does not answer as it should: this instance goes on by what it knows and sees.'
    : 'It answers, and what instances see is shared.'
}

function Host({ overview: { self } }: OverviewProps): VNode {
  const nowMs = serverNowMs.value
  const doubts = [
    ...(self.isolated
      ? ['It is cut off: all its canaries fail, so what it sees of targets does not count.']
      : []),
    ...self.braked.map((group) =>
      group === '*'
        ? 'Many addresses fail at once: each waits for a second round.'
        : `Many addresses of ${shown(group)} fail at once: each waits for a second round.`,
    ),
    ...self.reasons.map((reason) => `Not ready: ${shown(reason)}`),
  ]
  const age = span(Math.max(0, nowMs - Date.parse(self.started ?? '')) / 1000)
  return (
    <Card title="This host" aside={`runs for ${age}`}>
      {doubts.length === 0 ? (
        <p class="said">
          <StateMark mark="up" /> It doubts nothing that it sees.
        </p>
      ) : (
        <ul aria-label={counted(doubts.length, 'doubt')}>
          {doubts.map((doubt) => (
            <li key={doubt} class="said">
              <StateMark mark="suspect" /> {doubt}
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}
