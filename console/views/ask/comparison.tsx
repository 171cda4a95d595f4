// Two clients side by side: what decides for each of them, and their shares as pairs of bars.

import type { VNode } from 'preact'

import { Card } from '../../parts/card.tsx'
import { percent } from '../../parts/figures.ts'
import { placeWords } from '../../parts/place-words.ts'
import { shown } from '../../parts/shown.ts'
import type { Explanation } from '../../../src/explain/explain.ts'
import { ShareTrack } from './findings.tsx'
import { placeText, poolText, scopeWords, ttlText } from './words.ts'

interface ComparisonProps {
  readonly first: Explanation
  readonly second: Explanation
}

export function Comparison({ first, second }: ComparisonProps): VNode {
  const rows = comparedRows(first, second)
  const targets = comparedShares(first, second)
  const differing = rows.filter(({ a, b }) => a !== b).length
  const aside = differing === 0 ? 'decided alike' : `${differing} of ${rows.length} differ`
  return (
    <Card title="Two clients compared" aside={aside} className="comparison">
      <div class="scroll" tabIndex={0} role="region" aria-label="Two clients compared">
        <table class="plain">
          <caption class="visually-hidden">What decides for each of the two clients</caption>
          <thead>
            <tr>
              <th scope="col">
                <span class="visually-hidden">what decides</span>
              </th>
              <th scope="col">{clientText(first)}</th>
              <th scope="col">{clientText(second)}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ label, a, b }) => (
              <tr key={label} class={a === b ? 'same' : 'differs'}>
                <th scope="row">{label}</th>
                <td>{a}</td>
                <td>{a === b ? 'the same' : b}</td>
              </tr>
            ))}
            {targets.map(({ target, a, b }) => (
              <tr key={target} class={Math.abs(a - b) < 0.0005 ? 'same' : 'differs'}>
                <th scope="row">{target} first</th>
                <SharePart share={a} />
                <SharePart share={b} />
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  )
}

const SharePart = ({ share }: { readonly share: number }): VNode => (
  <td>
    <span class="pair">
      <ShareTrack had={share} due={null} />
      <span class="num">{percent(share)}</span>
    </span>
  </td>
)

const clientText = ({ client }: Explanation): string =>
  client.subnet === null ? client.address : `${client.address}, subnet ${client.subnet}`

interface ComparedRow {
  readonly label: string
  readonly a: string
  readonly b: string
}

export function comparedRows(first: Explanation, second: Explanation): readonly ComparedRow[] {
  const texts: readonly (readonly [label: string, of: (one: Explanation) => string])[] = [
    ['place', ({ client }) => placeText(client)],
    ['rule', matchedText],
    [
      'pools',
      ({ steering }) =>
        steering?.pools.map((pool) => `${shown(pool.pool)} ${poolText(pool)}`).join('; ') || '–',
    ],
    [
      'TTL',
      ({ ttl }) =>
        ttl === null
          ? 'as the records say'
          : `${ttl.seconds} s. ${ttl.by === null ? '' : `${ttl.by.target}: `}${ttlText(ttl)}`,
    ],
    ['scope', ({ scope }) => `/${scope.prefixLength}: ${scopeWords[scope.why]}`],
    ['answer', ({ answer }) => answer.rcode],
  ]
  return texts.map(([label, of]) => ({ label, a: of(first), b: of(second) }))
}

function matchedText({ steering }: Explanation): string {
  if (steering === null) return 'not steered'
  if (steering.internal) return 'internal network: the fixed ladder'
  const rule = steering.rules.find(({ verdict }) => verdict === 'matched')
  return rule === undefined
    ? 'none matches'
    : `${rule.number}: ${placeWords(rule.when ?? 'everyone else')}`
}

interface ComparedShare {
  readonly target: string
  readonly a: number
  readonly b: number
}

/** In the order of the larger share of the two. */
export function comparedShares(
  { steering: first }: Explanation,
  { steering: second }: Explanation,
): readonly ComparedShare[] {
  const shares = [first, second].map(
    (one) =>
      new Map(
        (one?.shares.targets ?? []).map(({ target, expected, drawn }) => [
          target,
          expected ?? drawn,
        ]),
      ),
  )
  const [a, b] = shares
  const names = new Set(shares.flatMap((one) => [...one.keys()]))
  return [...names]
    .map((target) => ({ target, a: a?.get(target) ?? 0, b: b?.get(target) ?? 0 }))
    .sort((one, other) => Math.max(other.a, other.b) - Math.max(one.a, one.b))
}
