// Below the flow: how often each target is chosen, what holds the TTL down, how long the scope is and why.

import type { VNode } from 'preact'

import { Card } from '../../parts/card.tsx'
import { percent } from '../../parts/figures.ts'
import { BulletParts } from '../../parts/share-bar.tsx'
import type { Explanation } from '../../../src/explain/explain.ts'
import { scopeWords, type Steering, ttlText } from './words.ts'

export const Findings = ({ explanation }: { readonly explanation: Explanation }): VNode => (
  <div class="three">
    <Shares steering={explanation.steering} />
    <Ttl ttl={explanation.ttl} />
    <Scope explanation={explanation} />
  </div>
)

function Shares({ steering }: { readonly steering: Steering | null }): VNode {
  if (steering === null)
    return (
      <Card title="Chosen how often">
        <p class="mid">Not steered by a policy.</p>
      </Card>
    )
  const { expectedBy, draws, empty, targets } = steering.shares
  const aside = expectedBy === 'exact' ? 'due: exact' : `due: ${expectedBy} draws`
  return (
    <Card title="Chosen how often" aside={aside}>
      <table class="shares">
        <caption class="visually-hidden">
          Shares of first choices, due and as drawn {draws} times
        </caption>
        <thead>
          <tr>
            <th scope="col">target</th>
            <th scope="col">
              <span class="visually-hidden">drawn, with a tick where due</span>
            </th>
            <th scope="col" class="num">
              due
            </th>
            <th scope="col" class="num">
              drawn
            </th>
            <th scope="col" class="num included">
              in it
            </th>
          </tr>
        </thead>
        <tbody>
          {targets.map((one) => (
            <ShareRow key={one.target} share={one} />
          ))}
        </tbody>
      </table>
      {empty > 0 && (
        <p class="mid">{percent(empty / draws)} of the answers that were drawn have no record.</p>
      )}
    </Card>
  )
}

type Share = Steering['shares']['targets'][number]

const ShareRow = ({
  share: { target, expected, drawn, included },
}: {
  readonly share: Share
}): VNode => (
  <tr>
    <th scope="row">{target}</th>
    <td class="track">
      <ShareTrack had={drawn} due={expected} />
    </td>
    <td class="num">{expected === null ? '–' : percent(expected)}</td>
    <td class="num dim">{percent(drawn)}</td>
    <td class="num dim included">{percent(included, 0)}</td>
  </tr>
)

/** A bar of what was had, with a tick where it is due; the figures stand beside it. */
export const ShareTrack = ({
  had,
  due,
  hue = 'var(--h1)',
}: {
  readonly had: number
  readonly due: number | null
  readonly hue?: string
}): VNode => (
  <span class="bullet" aria-hidden="true" style={{ '--hue': hue }}>
    <BulletParts had={had} due={due} />
  </span>
)

function Ttl({ ttl }: Pick<Explanation, 'ttl'>): VNode {
  if (ttl === null)
    return (
      <Card title="TTL">
        <p class="mid">As the records say.</p>
      </Card>
    )
  const { seconds, least, most } = ttl
  return (
    <Card title={`TTL ${seconds} s`} aside={`${least} to ${most} s`}>
      <div class="ttl-bar" aria-hidden="true">
        <i style={{ width: `${most === 0 ? 0 : ((seconds / most) * 100).toFixed(1)}%` }} />
      </div>
      <p class="mid">
        {ttl.by !== null && <b>{ttl.by.target}: </b>}
        {ttlText(ttl)}
      </p>
    </Card>
  )
}

function Scope({ explanation: { scope, client } }: { readonly explanation: Explanation }): VNode {
  const { prefixLength, why, isTold } = scope
  return (
    <Card title={`Scope /${prefixLength}`} aside={isTold ? 'told' : 'if a subnet were told'}>
      <p class="mid">{`${scopeWords[why]}.`}</p>
      {client.databases.map(({ database, type, built }) => (
        <p key={database} class="dim">
          {`${database} database${type === null ? '' : `, ${type}`}${built === null ? '' : `, built ${built.slice(0, 10)}`}`}
        </p>
      ))}
    </Card>
  )
}
