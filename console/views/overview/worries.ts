// What needs a look, worst first: who, since when, why, what it costs, and where to go. Sentences are made of parts, since
// names in them stand out; a summary never says better than its worst row.

import { countdown, percent, shortTime, span } from '../../parts/figures.ts'
import { reasonWords, shown } from '../../parts/shown.ts'
import {
  exposedUntilMs,
  factsByTarget,
  nameKey,
  type TargetFacts,
  worstOf,
} from '../../parts/standing.ts'
import type { Mark } from '../../parts/state-mark.tsx'
import { href } from '../../shell/route.ts'
import type { MemberRow, Overview, OverrideRow, TargetRow } from '../../store/rows.ts'

/** A text; `[text]`: it stands out. */
export type SentencePart = string | readonly [strong: string]

export interface Worry {
  readonly key: string
  readonly mark: Mark
  readonly says: readonly SentencePart[]
  readonly action: { readonly label: string; readonly to: string }
  /** For the order: lower comes first. */
  readonly rank: number
}

/** Kinds of problems of the server that rows tell of in more words. */
const toldByRows = new Set(['not-ready'])

export function findWorries(known: Overview, nowMs: number): readonly Worry[] {
  const facts = factsByTarget(known)
  const members = Map.groupBy(known.members, nameKey)
  return [
    ...known.problems.flatMap((problem) => problemWorry(problem, nowMs)),
    ...[...members.values()].flatMap((of) => targetWorry(known, of, facts, nowMs)),
  ].sort((a, b) => a.rank - b.rank)
}

function problemWorry(problem: Overview['problems'][number], nowMs: number): readonly Worry[] {
  const { kind, severity, since } = problem
  if (toldByRows.has(kind)) return []
  const text = shown(problem.text).replace(/\.$/, '')
  const age = since === null ? '' : `, for ${span((nowMs - Date.parse(since)) / 1000)}`
  return [
    {
      key: `${kind} ${text}`,
      mark: severity === 'critical' ? 'down' : 'suspect',
      says: [`${text}${age}.`],
      action: { label: 'Instances', to: href(['instances']) },
      rank: severity === 'critical' ? 0 : 3,
    },
  ]
}

/** Of one target in all its pools. */
function targetWorry(
  known: Overview,
  members: readonly MemberRow[],
  facts: ReadonlyMap<string, TargetFacts>,
  nowMs: number,
): readonly Worry[] {
  const [member] = members
  if (member === undefined) return []
  const { zone, target } = member
  const { addresses, overrides } = facts.get(nameKey(member)) ?? { addresses: [], overrides: [] }
  const order = overrides.find(({ kind }) => kind === 'drain' || kind === 'disable')
  const common = { key: nameKey(member), to: href(['target', zone, target]) }
  const worst = worstOf(addresses)
  if (order !== undefined) return [drainWorry(member, order, common, nowMs)]
  if (worst?.state === 'down') return [downWorry(known, members, worst, { ...common, nowMs })]
  const shedding = Math.min(...members.map(({ weight }) => weight.shedding))
  if (shedding < 0.995 && member.out === null)
    return [sheddingWorry(member, worst, shedding, common)]
  return []
}

interface WorryPlace {
  readonly key: string
  readonly to: string
}

function downWorry(
  { pools }: Overview,
  members: readonly MemberRow[],
  worst: TargetRow,
  { key, to, nowMs }: WorryPlace & { readonly nowMs: number },
): Worry {
  const { votes, target } = worst
  const all = votes.up + votes.down + votes.unknown
  const isWhole = members.some(({ out }) => out === 'down')
  const age = worst.since === null ? '' : ` for ${span((nowMs - Date.parse(worst.since)) / 1000)}`
  const seen = all > 1 ? `, seen by ${votes.down} of ${all} instances` : ''
  const costs = members.flatMap(({ zone, pool }): SentencePart[] => {
    const row = pools.find((one) => one.zone === zone && one.pool === pool)
    if (row === undefined || !isWhole) return []
    return [' ', [shown(pool)], ` has ${percent(row.healthyShare, 0)} of its weight.`]
  })
  return {
    key,
    mark: 'down',
    says: [
      [shown(target)],
      isWhole ? '' : ` at ${worst.address}`,
      ` has been down${age}: ${reasonWords(worst.reason)}${seen}.`,
      ...costs,
    ],
    action: { label: 'Last dialogue', to },
    rank: 1,
  }
}

function sheddingWorry(
  { target, weight }: MemberRow,
  worst: TargetRow | null,
  shedding: number,
  { key, to }: WorryPlace,
): Worry {
  const { up = 0, down = 0 } = worst?.votes ?? {}
  const disagree = up > 0 && down > 0 ? ` Instances disagree: ${down} down, ${up} up.` : ''
  const share = weight.configured === 0 ? 0 : weight.effective / weight.configured
  return {
    key,
    mark: 'shedding',
    says: [
      [shown(target)],
      ` is too busy, sheds ${percent(1 - shedding, 0)} and gets ${percent(share, 0)} of its weight.${disagree}`,
    ],
    action: { label: 'Last dialogue', to },
    rank: 2,
  }
}

function drainWorry(
  member: MemberRow,
  { kind, until, by, why }: OverrideRow,
  { key }: WorryPlace,
  nowMs: number,
): Worry {
  const isDrain = kind === 'drain'
  const end = until === null ? 'until it is undone' : `until ${shortTime(until, nowMs)}`
  const reason = why === '' ? '' : `: “${shown(why)}”`
  const exposed = exposedUntilMs(member)
  const leftSeconds = exposed === null ? 0 : (exposed - nowMs) / 1000
  const caches: readonly SentencePart[] =
    leftSeconds > 0
      ? [' Caches may hold it for ', [countdown(leftSeconds)], '.']
      : [' No cache should hold it any more: ', ['safe to stop'], '.']
  return {
    key,
    mark: isDrain ? 'drained' : 'disabled',
    says: [
      [shown(member.target)],
      ` is ${isDrain ? 'drained' : 'disabled'} ${end}${by === '' ? '' : ` by ${shown(by)}`}${reason}.`,
      ...caches,
    ],
    action: { label: isDrain ? 'Undo drain' : 'Undo', to: href(['drains']) },
    rank: 4,
  }
}
