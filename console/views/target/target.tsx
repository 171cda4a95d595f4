// One target: how it stands in a sentence, its last dialogue, latency, weight, votes, what others see of it, and what can
// be done with it.

import './target.css'

import type { VNode } from 'preact'
import { useEffect, useState } from 'preact/hooks'

import { Waterfall } from '../../charts/waterfall.tsx'
import { Card, InTerminal } from '../../parts/card.tsx'
import { commandLine } from '../../parts/command.ts'
import { EventLine } from '../../parts/event-line.tsx'
import { percent } from '../../parts/figures.ts'
import { OrderLine } from '../../parts/order-line.tsx'
import { poolHue } from '../../parts/pool-hue.ts'
import { shown } from '../../parts/shown.ts'
import { overrideOf, standingOf } from '../../parts/standing.ts'
import { StateMark, toneOf } from '../../parts/state-mark.tsx'
import { href } from '../../shell/route.ts'
import { FindButton, Freshness, usePageTitle } from '../../shell/view-head.tsx'
import type { ViewProps } from '../../shell/view-row.ts'
import { events, isStale, overview, serverMinuteMs, serverNowMs } from '../../store/live.ts'
import type { AddressDetail, EventsReply, MemberRow, TargetReply } from '../../store/rows.ts'
import { useReply } from '../../store/use-reply.ts'
import { undoOverride } from '../drains/override-dialog.tsx'
import { Actions } from './actions.tsx'
import { Dialogue } from './dialogue.tsx'
import { Facts, Identity, Tls, Told, Votes } from './facts.tsx'
import { Latency } from './latency.tsx'
import { targetSentence } from './sentence.ts'

const refreshEveryMs = 5000

export function Target({ segments, query }: ViewProps): VNode {
  const [zone = '', target = ''] = segments
  const path = `targets/${encodeURIComponent(target)}?zone=${encodeURIComponent(zone)}`
  const { reply, value, again } = useReply<TargetReply>(path, { everyMs: refreshEveryMs })
  useNews(zone, target, again)
  usePageTitle(shown(target))
  const isAnswer = value !== null && value.zone === zone && value.target === target
  return (
    <>
      <div class="top">
        <p class="crumbs">
          <a href={href([])}>Overview</a> / {shown(zone)}
        </p>
        <span class="push">
          <Freshness />
          <FindButton />
        </span>
      </div>
      {isAnswer ? (
        <Known reply={value} moment={momentOf(query)} again={again} />
      ) : (
        <>
          <h1 class="target-name">{shown(target)}</h1>
          <p class="card nothing">
            {reply === null || reply.kind === 'answered'
              ? 'Asking the server…'
              : reply.kind === 'refused'
                ? shown(reply.message)
                : `The server does not answer: ${reply.why}`}
          </p>
        </>
      )}
      <InTerminal
        command={commandLine({ verb: 'mxsteer targets', words: [`${target}.${zone}`] })}
      />
    </>
  )
}

/** Of `at`, which an event leads here with: seconds since 1970; null: none. */
function momentOf(query: URLSearchParams): number | null {
  const ms = Date.parse(query.get('at') ?? '')
  return Number.isNaN(ms) ? null : ms / 1000
}

/** Asks anew as soon as the overview has another state of it. */
function useNews(zone: string, target: string, again: () => void): void {
  const rows = (overview.value?.targets ?? []).filter(
    (one) => one.zone === zone && one.target === target,
  )
  const news = rows.map(({ state, since, reason }) => `${state} ${since} ${reason}`).join()
  const orders = (overview.value?.overrides ?? []).filter((one) => one.target === target).length
  useEffect(() => {
    if (news !== '') again()
  }, [news, orders, again])
}

/** Of the overview, which is newer than the reply; else of the reply. */
function membersOf({ zone, target, members }: TargetReply): readonly MemberRow[] {
  const rows = (overview.value?.members ?? []).filter(
    (one) => one.zone === zone && one.target === target,
  )
  return rows.length > 0 ? rows : members
}

const severity = { down: 3, suspect: 2, unknown: 1, up: 0 } as const

interface KnownProps {
  readonly reply: TargetReply
  readonly moment: number | null
  readonly again: () => void
}

function Known({ reply, moment, again }: KnownProps): VNode {
  const { addresses, overrides, zone, target } = reply
  const sorted = addresses.toSorted((a, b) => severity[b.state] - severity[a.state])
  const [chosen, choose] = useState<string | null>(null)
  const address = addresses.find((one) => keyOf(one) === chosen) ?? sorted[0] ?? null
  const members = membersOf(reply)
  const [member] = members
  const nowMs = serverNowMs.value
  const rows = (overview.value?.targets ?? []).filter(
    (one) => one.zone === zone && one.target === target,
  )
  const standing = member
    ? standingOf(member, { addresses: rows, overrides }, nowMs)
    : { mark: 'unknown' as const, word: 'In no pool', note: '' }
  const order = member ? overrideOf(member, overrides) : (overrides[0] ?? null)
  return (
    <>
      <div class="target-head">
        <h1 class="target-name">{shown(target)}</h1>
        <span class={`pill tone-${toneOf(standing.mark)}`}>
          <StateMark mark={standing.mark} />
          {standing.word}
        </span>
        <span class="mono dim">
          {shown(target)}.{shown(zone)}
          {address && ` · ${address.address}:${address.port}`}
        </span>
        <Actions reply={reply} address={address} again={again} />
      </div>
      <p class="lede">{targetSentence({ standing, members, address, order, nowMs })}</p>
      {addresses.length > 1 && <Addresses addresses={addresses} chosen={address} choose={choose} />}
      <div class="target-grid">
        <div class="column">
          {address && <Dialogue key={keyOf(address)} address={address} />}
          {address && <Latency address={address} moment={moment} />}
          <TargetEvents zone={zone} target={target} />
        </div>
        <div class="column">
          {members.map((one) => (
            <Weight key={one.pool} member={one} />
          ))}
          {address && <Votes address={address} />}
          {address && <Facts address={address} member={member ?? null} />}
          {address?.last?.tls && <Tls report={address.last.tls} />}
          <Identity reply={reply} />
          <Told reply={reply} />
          {overrides.length > 0 && (
            <Card title="Overrides" aside={<a href={href(['drains'])}>Drains</a>}>
              <ul>
                {overrides.map((one) => (
                  <OrderLine key={one.id} order={one}>
                    <button
                      type="button"
                      class="button quiet"
                      disabled={isStale.value}
                      onClick={() => void undoOverride(one)}
                    >
                      Undo
                    </button>
                  </OrderLine>
                ))}
              </ul>
            </Card>
          )}
        </div>
      </div>
    </>
  )
}

const keyOf = ({ address, port, probe }: AddressDetail): string => `${address} ${port} ${probe}`

interface AddressesProps {
  readonly addresses: readonly AddressDetail[]
  readonly chosen: AddressDetail | null
  readonly choose: (key: string) => void
}

function Addresses({ addresses, chosen, choose }: AddressesProps): VNode {
  return (
    <div class="chips" role="group" aria-label="Addresses">
      {addresses.map((one) => (
        <button
          key={keyOf(one)}
          type="button"
          class="chip"
          aria-pressed={one === chosen}
          onClick={() => choose(keyOf(one))}
        >
          <StateMark mark={one.state} size={10} /> {one.address}:{one.port} {shown(one.probe)}
        </button>
      ))}
    </div>
  )
}

function Weight({ member }: { member: MemberRow }): VNode {
  return (
    <Card
      title={`Weight in ${shown(member.pool)}`}
      aside={`${percent(member.due)} of first choices now`}
    >
      <Waterfall weight={member.weight} out={member.out} hue={poolHue(member.pool)} />
    </Card>
  )
}

const mostEvents = 12

function TargetEvents({ zone, target }: { zone: string; target: string }): VNode {
  const query = new URLSearchParams({ target: `${target}.${zone}`, limit: String(mostEvents) })
  const own = events.value.filter((one) => one.zone === zone && one.target === target)
  const { value, again } = useReply<EventsReply>(`events?${query}`)
  const newest = own[0]?.id
  useEffect(() => {
    if (newest !== undefined) again()
  }, [newest, again])
  return (
    <Card title={`Events of ${shown(target)}`}>
      {value === null || value.events.length === 0 ? (
        <p class="dim">None are kept.</p>
      ) : (
        <ul>
          {value.events.map((event) => (
            <EventLine key={event.id} event={event} nowMs={serverMinuteMs.value} />
          ))}
        </ul>
      )}
    </Card>
  )
}
