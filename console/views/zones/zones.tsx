// The zones that are served: their rules as prose, their texts with line numbers, and beside them what a refused load
// found on disk.

import '../../parts/plain-table.css'
import './zones.css'

import type { VNode } from 'preact'
import { useMemo, useState } from 'preact/hooks'

import type {
  Mistake,
  ZoneProblemsView,
  ZonesView,
  ZoneView,
} from '../../../src/admin/views/zones-view.ts'
import { Card, InTerminal } from '../../parts/card.tsx'
import { counted, grouped, localTime, shortTime } from '../../parts/figures.ts'
import { placeWords } from '../../parts/place-words.ts'
import { Refusal } from '../../parts/refusal.tsx'
import { shown } from '../../parts/shown.ts'
import { namesOf } from '../../parts/standing.ts'
import { zonesAfter, zonesFrom } from '../../parts/zone-lists.ts'
import { href } from '../../shell/route.ts'
import { ViewHead } from '../../shell/view-head.tsx'
import type { ViewProps } from '../../shell/view-row.ts'
import { overview, serverNowMs } from '../../store/live.ts'
import { useReply } from '../../store/use-reply.ts'
import { elsewhere } from '../instances/agreement.ts'

const askEveryMs = 10_000

export function Zones({ query }: ViewProps): VNode {
  const chosen = query.get('zone')
  const after = query.get('after') ?? ''
  const { value, reply } = useReply<ZonesView>(zonesAfter(after), { everyMs: askEveryMs })
  const { value: problems } = useReply<ZoneProblemsView>('zones/problems', { everyMs: askEveryMs })
  const listed = value?.zones.find((one) => one.zone === chosen)
  const isElsewhere = value !== null && chosen !== null && listed === undefined
  const nearby = useReply<ZonesView>(isElsewhere ? zonesFrom(chosen) : null).value
  const found = listed ?? nearby?.zones.find((one) => one.zone === chosen)
  const zone = chosen === null ? value?.zones[0] : found
  return (
    <>
      <ViewHead title="Zone files" />
      <Refusal reply={reply} />
      {problems !== null && <RefusedLoad problems={problems} />}
      {value !== null && <ZoneList view={value} chosen={zone?.zone ?? null} after={after} />}
      {nearby !== null && zone === undefined && (
        <p class="card nothing">No zone {shown(chosen ?? '')} is served here.</p>
      )}
      {zone !== undefined && <OneZone key={zone.zone} zone={zone} />}
      <InTerminal command={'mxsteer check\nmxsteer status'} />
    </>
  )
}

function RefusedLoad({ problems: { at, files } }: { problems: ZoneProblemsView }): VNode | null {
  if (at === null) return null
  return (
    <section class="card refused-load" aria-label="The last load was refused">
      <header>
        <h2 class="tone-bad">The last load was refused: what is on disk is not served</h2>
        <span class="push">
          <time dateTime={at} title={localTime(at)}>
            {shortTime(at, serverNowMs.value)}
          </time>
        </span>
      </header>
      <div class="body">
        {files.map(({ file, zone, text, mistakes }) => (
          <div key={file} class="refused-file">
            <h3>
              {shown(file)}{' '}
              <span class="dim">{zone === null ? 'no zone is served from it' : shown(zone)}</span>
            </h3>
            <MistakeList mistakes={mistakes} />
            {text !== null && (
              <ZoneText text={text} mistakes={mistakes} label={`${shown(file)} on disk`} />
            )}
          </div>
        ))}
      </div>
    </section>
  )
}

const MistakeList = ({ mistakes }: { mistakes: readonly Mistake[] }): VNode => (
  <ul class="mistakes">
    {mistakes.map(({ severity, code, line, column, path, message }) => (
      <li key={`${line}:${column} ${code} ${message}`}>
        <b class={severity === 'error' ? 'tone-bad' : 'tone-warn'}>
          {line > 0 ? `Line ${line}` : 'The file'}
        </b>{' '}
        {path !== '' && <span class="mono">{shown(path)}</span>} {shown(message)}{' '}
        <span class="dim">{code}</span>
      </li>
    ))}
  </ul>
)

const linesAtOnce = 1000

/** Mistakes stand below the lines that they are of, and the first of them is where a long text opens. */
function ZoneText({
  text,
  mistakes,
  label,
}: {
  text: string
  mistakes: readonly Mistake[]
  label: string
}): VNode {
  const byLine = Map.groupBy(mistakes, ({ line }) => line)
  const lines = useMemo(() => text.replace(/\n$/, '').split('\n'), [text])
  const [page, setPage] = useState(() =>
    Math.floor(Math.max(0, (mistakes[0]?.line ?? 1) - 1) / linesAtOnce),
  )
  const from = page * linesAtOnce
  return (
    <>
      <TextPages page={page} lines={lines.length} onPage={setPage} />
      <div class="zone-text mono" tabIndex={0} role="region" aria-label={label}>
        <ol>
          {lines.slice(from, from + linesAtOnce).map((line, i) => {
            const number = from + i + 1
            return (
              <li key={number} class={byLine.has(number) ? 'mistaken' : undefined} value={number}>
                <code>{shown(line.replace(/\r$/, '').replaceAll('\t', '  '))}</code>
                {byLine.get(number)?.map(({ message }) => (
                  <span key={message} class="at-line tone-bad">
                    {shown(message)}
                  </span>
                ))}
              </li>
            )
          })}
        </ol>
      </div>
    </>
  )
}

interface TextPagesProps {
  readonly page: number
  readonly lines: number
  readonly onPage: (page: number) => void
}

/** Nothing where all of it is there. */
function TextPages({ page, lines, onPage }: TextPagesProps): VNode | null {
  if (lines <= linesAtOnce) return null
  const from = page * linesAtOnce
  const to = Math.min(lines, from + linesAtOnce)
  return (
    <p class="chips text-pages">
      <button type="button" class="button" disabled={page === 0} onClick={() => onPage(page - 1)}>
        Earlier lines
      </button>
      <button type="button" class="button" disabled={to === lines} onClick={() => onPage(page + 1)}>
        Later lines
      </button>
      <span class="dim">{`Lines ${grouped(from + 1)} to ${grouped(to)} of ${grouped(lines)}`}</span>
    </p>
  )
}

/** The server lists so many at once; the others by the name of the last one. */
const ZoneList = ({
  view: { zones, more },
  chosen,
  after,
}: {
  view: ZonesView
  chosen: string | null
  after: string
}): VNode => (
  <Card
    title="Served"
    aside={`${counted(zones.length + more, 'zone')}${after === '' ? '' : ` after ${shown(after)}`}`}
  >
    <div class="scroll" tabIndex={0} role="region" aria-label="Zones">
      <table class="plain">
        <caption class="visually-hidden">Zones that are served</caption>
        <thead>
          <tr>
            <th scope="col">Zone</th>
            <th scope="col" class="num">
              Serial
            </th>
            <th scope="col">Since</th>
            <th scope="col">File</th>
            <th scope="col" class="num">
              Names
            </th>
            <th scope="col">Warnings</th>
            <th scope="col">Other instances</th>
          </tr>
        </thead>
        <tbody>
          {zones.map((one) => (
            <tr key={one.zone}>
              <th scope="row">
                <a
                  href={href(['zones'], { zone: one.zone, after })}
                  aria-current={one.zone === chosen ? 'true' : undefined}
                >
                  {shown(one.zone)}
                </a>
                {one.signed && <span class="dim"> signed</span>}
              </th>
              <td class="num mono">{one.serial}</td>
              <td>
                {one.loadedAt !== null && (
                  <time dateTime={one.loadedAt} title={localTime(one.loadedAt)}>
                    {shortTime(one.loadedAt, serverNowMs.value)}
                  </time>
                )}
              </td>
              <td class="mono">{shown(one.file)}</td>
              <td class="num">{one.names}</td>
              <td class={one.warnings.length > 0 ? 'tone-warn' : 'dim'}>
                {one.warnings.length > 0 ? counted(one.warnings.length, 'warning') : 'none'}
              </td>
              <td>
                <Elsewhere zone={one} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
    {(more > 0 || after !== '') && (
      <p class="mid">
        {after !== '' && <a href={href(['zones'])}>From the first zone</a>}{' '}
        {more > 0 && (
          <a href={href(['zones'], { after: zones.at(-1)?.zone ?? '' })}>
            The next of {grouped(more)} more
          </a>
        )}
      </p>
    )}
  </Card>
)

/** Which instances serve other contents of a zone. */
function Elsewhere({ zone: { zone } }: { zone: ZoneView }): VNode {
  const known = overview.value
  if (known === null || known.peers.length === 0) return <span class="dim">–</span>
  const { other, notKnown } = elsewhere(known, zone)
  return (
    <>
      {other.length > 0 && <b class="tone-warn">other at {namesOf(other)}</b>}
      {other.length === 0 && notKnown.length < known.peers.length && (
        <span class="dim">the same</span>
      )}
      {notKnown.length > 0 && <span class="dim"> not known of {namesOf(notKnown)}</span>}
    </>
  )
}

function OneZone({ zone }: { zone: ZoneView }): VNode {
  const path = `zones/${encodeURIComponent(zone.zone)}/file`
  const { value: text, reply } = useReply<string>(path)
  return (
    <>
      <div class="zone-facts">
        <Card title={`Rules of ${shown(zone.zone)}`}>
          <Rules zone={zone} />
        </Card>
        <Card title="Pools and targets">
          <Pools zone={zone} />
        </Card>
      </div>
      <Card title={`${shown(zone.file)}, as it is served`} className="zone-file">
        {zone.warnings.length > 0 && <MistakeList mistakes={zone.warnings} />}
        <Refusal reply={reply} />
        {text !== null && (
          <ZoneText text={text} mistakes={[]} label={`${shown(zone.file)}, as served`} />
        )}
      </Card>
    </>
  )
}

const Rules = ({ zone: { policies, steered } }: { zone: ZoneView }): VNode => (
  <>
    {policies.length === 0 && <p class="mid">Nothing in it is steered.</p>}
    {policies.map(({ name, rules, onAllDown }) => (
      <div key={name} class="policy">
        <h3>{shown(name)}</h3>
        <p class="mid">
          {steered
            .filter(({ policy }) => policy === name)
            .map((one, i) => (
              <span key={`${one.name} ${one.type}`}>
                {i > 0 && ', '}
                <a href={href(['ask'], { name: one.name, type: one.type })}>
                  {shown(one.name)} {one.type}
                </a>
              </span>
            ))}
        </p>
        <ol>
          {rules.map(({ when, pools }, i) => (
            <li key={i}>
              {when === null
                ? rules.length === 1
                  ? 'Everyone gets '
                  : 'Everyone else gets '
                : `Clients of ${placeWords(when)} get `}
              <b>{pools.map(shown).join(', then ')}</b>.
            </li>
          ))}
        </ol>
        <p class="mid">
          When nobody is eligible: <b>{shown(onAllDown)}</b>.
        </p>
      </div>
    ))}
  </>
)

const Pools = ({ zone: { pools } }: { zone: ZoneView }): VNode => (
  <dl class="pools">
    {pools.map(({ name, minHealthy, targets }) => (
      <div key={name}>
        <dt>{shown(name)}</dt>
        <dd>
          {targets.map(({ target, weight }) => `${shown(target)} ${weight}`).join(', ')}
          {minHealthy > 0 && (
            <span class="dim"> at least {Math.round(minHealthy * 100)} % healthy</span>
          )}
        </dd>
      </div>
    ))}
  </dl>
)
