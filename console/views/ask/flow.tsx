// A decision in five columns, from who asks to one answer, with wires as wide as their shares. Phones get the columns
// below each other and no wires.

import { type ComponentChildren, Fragment, type VNode } from 'preact'
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'

import { type Box, type FlowBoxes, flowWires, type Wire } from '../../charts/ribbons.ts'
import { percent, span } from '../../parts/figures.ts'
import { placeWords } from '../../parts/place-words.ts'
import { reasonWords, shown } from '../../parts/shown.ts'
import { StateMark } from '../../parts/state-mark.tsx'
import type { Explanation } from '../../../src/explain/explain.ts'
import {
  answerRows,
  bareName,
  foundText,
  isIncluded,
  markOf,
  type MemberPart,
  memberShares,
  memberText,
  overrideText,
  placeText,
  poolText,
  ruleText,
  type Steering,
} from './words.ts'

interface FlowProps {
  readonly explanation: Explanation
  /** The colour of a pool, such as `var(--h1)`. */
  readonly hueOf: (pool: string) => string
  /** When it was explained, for the ends of overrides. */
  readonly atMs: number
}

export function Flow({ explanation, hueOf, atMs }: FlowProps): VNode {
  const { steering } = explanation
  const shares = useMemo(() => (steering === null ? [] : memberShares(steering)), [steering])
  const { host, wires } = useWires(explanation, hueOf, shares)
  return (
    <section class="card flow" aria-labelledby="flow-title" ref={host}>
      <h2 class="visually-hidden" id="flow-title">
        How the answer is decided
      </h2>
      <svg class="wires" aria-hidden="true">
        {wires.map(({ kind, d, hue, isFaint }, i) => (
          <path key={i} class={isFaint ? `${kind} faint` : kind} d={d} style={{ '--hue': hue }} />
        ))}
      </svg>
      <div class="cols">
        <Column title="1 · Who asks what">
          <Asked explanation={explanation} />
        </Column>
        {steering === null ? (
          <Column title="2 · What the zone says" isWide>
            <Unsteered explanation={explanation} />
          </Column>
        ) : (
          <Steered steering={steering} shares={shares} hueOf={hueOf} atMs={atMs} />
        )}
        <Column title={`${steering === null ? 3 : 5} · One answer, drawn now`}>
          <Answer explanation={explanation} />
        </Column>
      </div>
    </section>
  )
}

interface ColumnProps {
  readonly title: string
  readonly isWide?: boolean
  readonly children: ComponentChildren
}

const Column = ({ title, isWide = false, children }: ColumnProps): VNode => (
  <section class={isWide ? 'stage wide' : 'stage'}>
    <h3>{title}</h3>
    <div class="nodes">{children}</div>
  </section>
)

function Asked({ explanation: { question, client, steps, steering } }: AskedProps): VNode {
  const slot = steering?.slot ?? null
  return (
    <>
      <div class="node hit" data-wire="name">
        <b class="mono">
          <Name name={question.name} />
        </b>
        {steps.map((step) => (
          <p key={step.name}>
            {step.name === question.name ? question.type : <Name name={step.name} />}
            {` · ${foundText(step)}`}
          </p>
        ))}
        {slot !== null && (
          <p>
            {`exchange slot ${slot.number} of ${slot.names.length}, drawn anew in ${span(slot.secondsLeft)}`}
            {slot.sharedWith.length > 0 && `; leads where ${slot.sharedWith.join(', ')} leads`}
          </p>
        )}
      </div>
      <div class="node hit" data-wire="client">
        <b>{placeText(client)}</b>
        <p>
          {client.decidedBy === 'subnet'
            ? `subnet ${client.subnet ?? ''} decides`
            : `${client.address} decides`}
        </p>
        {client.countryPrefix !== null && <p>database has {client.countryPrefix}</p>}
        {client.databases.length === 0 && <p>no GeoIP database is in use</p>}
      </div>
    </>
  )
}

interface AskedProps {
  readonly explanation: Explanation
}

/** Plain records, or a target's own name, whose addresses are answered whatever rules say. */
function Unsteered({ explanation: { own, steps } }: AskedProps): VNode {
  const last = steps.at(-1)
  if (own === null)
    return (
      <div class="node hit" data-wire="rule">
        <b>Not steered</b>
        <p>
          {last === undefined ? '' : `${foundText(last)}: `}the same answer for every client,
          whatever health says
        </p>
      </div>
    )
  return (
    <>
      <div class="node hit" data-wire="rule">
        <b>{own.target}</b>
        <p>
          {own.answers === null ? 'all its addresses' : `at most ${own.answers} of its addresses`},
          the healthy ones first, never none
        </p>
      </div>
      {own.addresses.map(({ address, state, reason }) => (
        <div key={address} class={state === 'down' ? 'node mem outn' : 'node mem'}>
          <StateMark
            mark={state === 'up' || state === 'down' || state === 'suspect' ? state : 'unknown'}
          />
          <b class="mono">{address}</b>
          <span class="pc">{state}</span>
          {reason !== null && <p>{reasonWords(reason)}</p>}
        </div>
      ))}
    </>
  )
}

interface SteeredProps extends Omit<FlowProps, 'explanation'> {
  readonly steering: Steering
  readonly shares: readonly (readonly number[])[]
}

function Steered(props: SteeredProps): VNode {
  return (
    <>
      <Rules steering={props.steering} />
      <Pools steering={props.steering} hueOf={props.hueOf} />
      <FirstChoices {...props} />
    </>
  )
}

function Rules({ steering: { policy, internal, rules } }: Pick<SteeredProps, 'steering'>): VNode {
  return (
    <Column title={`2 · Rules of ${shown(policy)}`}>
      {internal ? (
        <div class="node hit" data-wire="rule">
          <b>internal network</b>
          <p>one fixed ladder, whatever rules, health and weights say</p>
        </div>
      ) : (
        rules.map((rule) => (
          <div
            key={rule.number}
            class={`node ${nodeClass[rule.verdict]}`}
            {...(rule.verdict === 'matched' && { 'data-wire': 'rule' })}
          >
            <b>{`${rule.number} · ${placeWords(rule.when ?? 'everyone else')}`}</b>
            <p>{ruleText(rule)}</p>
          </div>
        ))
      )}
      {!internal && rules.every(({ verdict }) => verdict !== 'matched') && (
        <div class="node hit" data-wire="rule">
          <b>no rule matches</b>
          <p>the answer has no record</p>
        </div>
      )}
    </Column>
  )
}

function Pools({
  steering: { internal, pools },
  hueOf,
}: Pick<SteeredProps, 'steering' | 'hueOf'>): VNode {
  return (
    <Column title="3 · Which pool leads">
      {internal ? (
        <p class="dim">not asked</p>
      ) : (
        pools.map((pool, i) => (
          <div
            key={pool.pool}
            class={pool.lead > 0 ? 'node pooln' : 'node pooln idle'}
            style={{ '--hue': hueOf(pool.pool) }}
            data-wire={`pool ${i}`}
          >
            <b>{shown(pool.pool)}</b>
            <p>{poolText(pool)}</p>
          </div>
        ))
      )}
    </Column>
  )
}

function FirstChoices({ steering, shares, hueOf, atMs }: SteeredProps): VNode {
  const { internal, pools, allDown } = steering
  return (
    <Column title="4 · First choice">
      {allDown !== null && (
        <div class="node last-resort">
          <b>Nobody is eligible</b>
          <p>on_all_down decides: {allDown}</p>
        </div>
      )}
      {internal ? (
        <FixedLadder steering={steering} />
      ) : (
        pools.map((pool, i) => (
          <div key={pool.pool} class="grp" style={{ '--hue': hueOf(pool.pool) }}>
            {pools.length > 1 && (
              <p class="glab">
                <i />
                {shown(pool.pool)}
                {pool.lead === 0 &&
                  `, ${isBelow(steering, pool) ? 'the rungs below' : 'not needed'}`}
              </p>
            )}
            {pool.members.map((member, m) => (
              <Member
                key={member.target}
                member={member}
                share={shares[i]?.[m] ?? 0}
                wire={`member ${i} ${m}`}
                atMs={atMs}
              />
            ))}
          </div>
        ))
      )}
    </Column>
  )
}

/** Whether some member of it is in answers, though the pool never leads. */
const isBelow = (steering: Steering, { members }: Steering['pools'][number]): boolean =>
  members.some(({ target }) => isIncluded(steering, target))

/** A name that may be broken at its dots. */
const Name = ({ name }: { readonly name: string }): VNode => (
  <>
    {bareName(name)
      .split(/(?<=\.)/)
      .map((label, i) => (
        <Fragment key={i}>
          {i > 0 && <wbr />}
          {label}
        </Fragment>
      ))}
  </>
)

const nodeClass = { matched: 'hit', failed: 'no', 'not-asked': 'idle' } as const

/** Its first rung is the same for each client, and so is the rest. */
const FixedLadder = ({ steering }: { readonly steering: Steering }): VNode => (
  <>
    {steering.shares.targets.map(({ target }, i) => (
      <div
        key={target}
        class={i === 0 ? 'node mem' : 'node mem idle'}
        {...(i === 0 && { 'data-wire': 'fixed' })}
      >
        <StateMark mark="info" />
        <b>{target}</b>
        <span class="pc">{i === 0 ? 'always first' : ''}</span>
      </div>
    ))}
  </>
)

interface MemberProps {
  readonly member: MemberPart
  readonly share: number
  readonly wire: string
  readonly atMs: number
}

function Member({ member, share, wire, atMs }: MemberProps): VNode {
  const isOut = member.standing === 'out'
  const kind = isOut ? 'node mem outn' : share === 0 ? 'node mem idle' : 'node mem'
  return (
    <div class={kind} {...(!isOut && { 'data-wire': wire })}>
      <StateMark mark={markOf(member)} />
      <b>{member.target}</b>
      <span class="pc">{isOut || share === 0 ? '' : percent(share)}</span>
      {share > 0 && (
        <span class="mb" aria-hidden="true">
          <i style={{ width: `${(share * 100).toFixed(1)}%` }} />
        </span>
      )}
      <p>{memberText(member)}</p>
      {member.overrides.map((override) => (
        <p key={override.id}>{overrideText(override, atMs)}</p>
      ))}
    </div>
  )
}

function Answer({ explanation }: AskedProps): VNode {
  const { answer, ttl, question } = explanation
  const rows = answerRows(explanation)
  const zone = `.${bareName(question.name)}`
  const isShort = rows.some(({ data }) => data.endsWith(zone))
  return (
    <div class="node" data-wire="answer">
      <b>{answer.rcode}</b>
      {ttl !== null && <p>TTL {ttl.seconds} s</p>}
      {rows.length === 0 && <p>no record</p>}
      <ol class={rows.some(({ rank }) => rank !== '') ? 'ans' : 'ans unranked'}>
        {rows.map(({ rank, data, record }) => (
          <li key={record} title={record}>
            <span>{rank}</span>
            <span>
              {data.endsWith(zone) ? <b>{data.slice(0, -zone.length)}</b> : <Name name={data} />}
            </span>
          </li>
        ))}
        {isShort && (
          <li class="dim">
            <span />
            <span>…{zone.slice(1)}</span>
          </li>
        )}
      </ol>
    </div>
  )
}

/** Measures the nodes after each explanation and whenever their room changes. */
function useWires(
  explanation: Explanation,
  hueOf: FlowProps['hueOf'],
  shares: SteeredProps['shares'],
): { readonly host: { current: HTMLElement | null }; readonly wires: readonly Wire[] } {
  const host = useRef<HTMLElement>(null)
  const [wires, setWires] = useState<readonly Wire[]>([])
  useLayoutEffect(() => {
    const element = host.current
    if (element === null) return undefined
    const measure = (): void => setWires(wiresIn(element, explanation, hueOf, shares))
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    return () => observer.disconnect()
  }, [explanation, hueOf, shares])
  return { host, wires }
}

function wiresIn(
  element: HTMLElement,
  { steering }: Explanation,
  hueOf: FlowProps['hueOf'],
  shares: SteeredProps['shares'],
): readonly Wire[] {
  const origin = element.getBoundingClientRect()
  const boxOf = (wire: string): Box | null => {
    const node = element.querySelector(`[data-wire="${wire}"]`)
    if (node === null) return null
    const { left, right, top, height } = node.getBoundingClientRect()
    return { left: left - origin.left, right: right - origin.left, top: top - origin.top, height }
  }
  const pools = (steering?.pools ?? []).flatMap(({ pool, lead }, i) => {
    const box = boxOf(`pool ${i}`)
    return box === null ? [] : [{ box, lead, hue: hueOf(pool) }]
  })
  const members = (steering?.pools ?? []).flatMap(({ pool, members: own }, i) =>
    own.flatMap(({ target }, m) => {
      const box = boxOf(`member ${i} ${m}`)
      const isNamed = steering !== null && isIncluded(steering, target)
      return box === null || !isNamed
        ? []
        : [{ box, pool: i, share: shares[i]?.[m] ?? 0, hue: hueOf(pool) }]
    }),
  )
  const boxes: FlowBoxes = {
    asks: [boxOf('name'), boxOf('client')].filter((one) => one !== null),
    rule: boxOf('rule'),
    pools,
    members,
    fixed: boxOf('fixed'),
    answer: boxOf('answer'),
  }
  return flowWires(boxes)
}
