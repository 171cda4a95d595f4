// The cards at the right of a target: votes, facts, TLS, what others see of it, and what it said of itself.

import type { ComponentChildren, VNode } from 'preact'

import type { TlsReport } from '../../../src/health/tls-report.ts'
import { Card } from '../../parts/card.tsx'
import { clockTime, counted, localTime, milliseconds, percent } from '../../parts/figures.ts'
import { InCaches } from '../../parts/in-caches.tsx'
import { shareOf, shareSumsOf } from '../../parts/share-bar.tsx'
import { reasonWords, shown } from '../../parts/shown.ts'
import { StateMark } from '../../parts/state-mark.tsx'
import { overview } from '../../store/live.ts'
import type { AddressDetail, MemberRow, TargetReply } from '../../store/rows.ts'

export function Votes({ address: { votes } }: { address: AddressDetail }): VNode {
  const up = votes.filter(({ vote }) => vote === 'up').length
  const isDisputed = up > 0 && votes.some(({ vote }) => vote === 'down')
  return (
    <Card title="Votes" aside={`${up} of ${votes.length} say up${isDisputed ? ', disputed' : ''}`}>
      {votes.length === 0 && <p class="dim">No instance has voted yet.</p>}
      <ul>
        {votes.map(({ instance, site, vote, reason }) => (
          <li key={instance} class="vote">
            <StateMark mark={vote} />
            <span>{shown(instance)}</span>
            <span class="dim">{shown(site)}</span>
            <span>
              {vote}, {reasonWords(reason)}
            </span>
          </li>
        ))}
      </ul>
    </Card>
  )
}

interface FactsProps {
  readonly address: AddressDetail
  /** In the pool that is looked at; null: in none. */
  readonly member: MemberRow | null
}

export function Facts({ address, member }: FactsProps): VNode {
  const { downs, flaps, nextProbeInMs, since, probe, port, alarms } = address
  return (
    <Card title="Facts">
      <dl class="facts">
        {member && <FirstChoices member={member} />}
        {member && (
          <Fact name="In caches">
            <InCaches member={member} />
          </Fact>
        )}
        <Fact name="Went down">
          {counted(downs, 'time')}, {counted(flaps, 'flap')}
        </Fact>
        <Fact name="Next probe">
          {nextProbeInMs === null
            ? 'by another instance'
            : nextProbeInMs <= 0
              ? 'under way'
              : `in ${(nextProbeInMs / 1000).toFixed(1)} s`}
        </Fact>
        <Fact name="In a row">{verdictText(address)}</Fact>
        <Fact name="Since">
          {since === null ? '–' : <time title={localTime(since)}>{clockTime(since)} UTC</time>}
        </Fact>
        <Fact name="Profile">
          {shown(probe)}, port {port}
        </Fact>
        <Fact name="Alarms">{alarms.length === 0 ? 'none' : alarms.map(shown).join(', ')}</Fact>
      </dl>
    </Card>
  )
}

function Fact({ name, children }: { name: string; children: ComponentChildren }): VNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function FirstChoices({ member }: { member: MemberRow }): VNode {
  const pool = (overview.value?.members ?? []).filter(
    ({ zone, pool }) => zone === member.zone && pool === member.pool,
  )
  const own = pool.find(({ target }) => target === member.target) ?? member
  const { had, due } = shareOf(own, shareSumsOf(pool))
  return (
    <Fact name="First choices had · due">
      {had === null ? '–' : percent(had)} · {percent(due)}
    </Fact>
  )
}

/** Towards `fall` or `rise`. */
function verdictText({ verdicts, fall, rise, state }: AddressDetail): string {
  const words = Object.entries(verdicts)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${count} ${kind}`)
  const counts = words.length === 0 ? 'nothing yet' : words.join(', ')
  return state === 'down' ? `${counts}; ${rise} bring it back` : `${counts}; ${fall} take it out`
}

export function Tls({ report }: { report: TlsReport }): VNode {
  const { version, daysLeft, dane, findings, presented } = report
  return (
    <Card title="TLS" aside={version ?? 'no session'}>
      <dl class="facts">
        <Fact name="Certificate">
          {daysLeft === null ? 'none' : daysLeft < 0 ? 'expired' : counted(daysLeft, 'day')}
          {presented && `, chain of ${presented.chain.length}`}
        </Fact>
        <Fact name="DANE">{dane}</Fact>
      </dl>
      {presented && <p class="mid names">{presented.names.slice(0, 8).map(shown).join(', ')}</p>}
      <ul>
        {findings.map(({ reason, severity, text }) => (
          <li key={reason} class="finding">
            <StateMark mark={severity === 'failure' ? 'down' : 'suspect'} />
            <span>{shown(text)}</span>
          </li>
        ))}
      </ul>
    </Card>
  )
}

/** What receivers of mail see of it, where its pool has `identity`. */
export function Identity({ reply: { identity } }: { reply: TargetReply }): VNode | null {
  const [first] = identity
  if (first === undefined) return null
  const { banner, reverse, listings, findings } = first
  return (
    <Card
      title="Identity"
      aside={first.lookedAt === null ? 'not looked at yet' : `${clockTime(first.lookedAt)} UTC`}
    >
      <dl class="facts">
        <Fact name="Greets as">{banner === null ? '–' : shown(banner)}</Fact>
        <Fact name="Reverse name">
          {reverse === null ? '–' : (reverse.names ?? [reverse.state]).map(shown).join(', ')}
        </Fact>
        <Fact name="Listed">
          {listings.length === 0 ? 'nowhere' : listings.map(({ list }) => shown(list)).join(', ')}
        </Fact>
      </dl>
      <ul>
        {findings.map(({ kind, message }) => (
          <li key={kind} class="finding">
            <StateMark mark="suspect" />
            <span>{shown(message)}</span>
          </li>
        ))}
      </ul>
    </Card>
  )
}

export function Told({ reply: { told } }: { reply: TargetReply }): VNode | null {
  if (told.length === 0) return null
  return (
    <Card title="What it says of itself">
      <ul>
        {told.map(({ writer, wants, factor, reason, load }) => (
          <li key={writer} class="vote">
            <StateMark mark={wants === 'mail' ? 'info' : 'drained'} />
            <span>
              wants {shown(wants)}, × {factor}
            </span>
            <span class="dim">{shown(writer)}</span>
            <span>
              {[reason ?? '', load === null ? '' : `load ${load}`]
                .filter(Boolean)
                .map(shown)
                .join(', ')}
            </span>
          </li>
        ))}
      </ul>
    </Card>
  )
}

/** `p50 34 · p90 120 · p99 450 ms`, over the probes that were measured. */
export function latencyText({ latencyMs: { probes, p50, p90, p99 } }: AddressDetail): string {
  if (probes === 0 || p50 === null) return 'not measured'
  const words = [`p50 ${milliseconds(p50)}`, `p90 ${milliseconds(p90 ?? p50)}`]
  return `${words.join(' · ')} · p99 ${milliseconds(p99 ?? p50)} ms`
}
