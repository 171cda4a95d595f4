// What needs a look, worst first: who, since when, why, what it costs, and where to go. Sentences are made of parts, since
// names in them stand out; a summary never says better than its worst row.

import { countdown, percent, shortTime, span } from '../../parts/figures.ts'
import { reasonWords, shown } from '../../parts/shown.ts'
import { exposedUntilMs, namesOf, worstOf } from '../../parts/standing.ts'
import type { Mark } from '../../parts/state-mark.tsx'
import { href } from '../../shell/route.ts'
import { factsOf, nameKey, poolKey, poolOf } from '../../store/places.ts'
import type { MemberRow, Overview, OverrideRow, TargetRow } from '../../store/rows.ts'

/** A text; `[text]`: it stands out. */
export type SentencePart = string | readonly [strong: string]

/** For the order: what is lower comes first. */
const ranks = { critical: 0, down: 1, shedding: 2, problem: 3, order: 4 } as const

export interface Worry {
  readonly key: string
  readonly rank: (typeof ranks)[keyof typeof ranks]
  /** The sentence at a time of the server's clock: made for those that are shown, each second. */
  readonly says: (nowMs: number) => Sentence
}

interface Sentence {
  readonly mark: Mark
  readonly parts: readonly SentencePart[]
  readonly action: { readonly label: string; readonly to: string }
}

/** Kinds of problems of the server that rows tell of in more words. */
const toldByRows = new Set(['not-ready'])

export function findWorries(known: Overview): readonly Worry[] {
  const problems = known.problems.filter(({ kind }) => !toldByRows.has(kind)).map(problemWorry)
  const suspects = known.members.filter(looksWrong(known))
  const targets = [...Map.groupBy(suspects, nameKey).values()]
  return [...problems, ...targets.flatMap((members) => targetWorry(known, members))].sort(
    (a, b) => a.rank - b.rank,
  )
}

/** Of ten thousand members most are well, which has to be seen at a glance: by each change. */
function looksWrong({ targets, overrides }: Overview): (member: MemberRow) => boolean {
  const down = targets.filter(({ state }) => state === 'down')
  const names = new Set([...down, ...overrides].map(nameKey))
  return (member) =>
    (member.weight.shedding < leastUnshed && member.out === null) ||
    (names.size > 0 && names.has(nameKey(member)))
}

const leastUnshed = 0.995

function problemWorry(problem: Overview['problems'][number]): Worry {
  const { kind, severity, since } = problem
  const text = shown(problem.text).replace(/\.$/, '')
  const isCritical = severity === 'critical'
  return {
    key: `${kind} ${text}`,
    rank: isCritical ? ranks.critical : ranks.problem,
    says: (nowMs) => {
      const age = since === null ? '' : `, for ${span((nowMs - Date.parse(since)) / 1000)}`
      return {
        mark: isCritical ? 'down' : 'suspect',
        parts: [`${text}${age}.`],
        action: { label: 'Instances', to: href(['instances']) },
      }
    },
  }
}

/** Of one target in all its pools. */
function targetWorry(known: Overview, members: readonly MemberRow[]): readonly Worry[] {
  const [member] = members
  if (member === undefined) return []
  const { zone, target } = member
  const key = nameKey(member)
  const { addresses, overrides } = factsOf(known, key)
  const order = overrides.find(({ kind }) => kind === 'drain' || kind === 'disable')
  const to = href(['target', zone, target])
  const worst = worstOf(addresses)
  if (order !== undefined)
    return [{ key, rank: ranks.order, says: (nowMs) => drainSentence(member, order, nowMs) }]
  if (worst?.state === 'down')
    return [
      {
        key,
        rank: ranks.down,
        says: (nowMs) => downSentence(known, members, worst, { to, nowMs }),
      },
    ]
  const shedding = Math.min(...members.map(({ weight }) => weight.shedding))
  if (shedding < leastUnshed && member.out === null)
    return [
      { key, rank: ranks.shedding, says: () => sheddingSentence(member, worst, shedding, to) },
    ]
  return []
}

function downSentence(
  known: Overview,
  members: readonly MemberRow[],
  worst: TargetRow,
  { to, nowMs }: { readonly to: string; readonly nowMs: number },
): Sentence {
  const { votes, target } = worst
  const all = votes.up + votes.down + votes.unknown
  const isWhole = members.some(({ out }) => out === 'down')
  const age = worst.since === null ? '' : ` for ${span((nowMs - Date.parse(worst.since)) / 1000)}`
  const seen = all > 1 ? `, seen by ${votes.down} of ${all} instances` : ''
  const costs = members.flatMap((member): SentencePart[] => {
    const row = poolOf(known, poolKey(member))
    if (row === undefined || !isWhole) return []
    return [' ', [shown(row.pool)], ` has ${percent(row.healthyShare, 0)} of its weight.`]
  })
  return {
    mark: 'down',
    parts: [
      [shown(target)],
      isWhole ? '' : ` at ${worst.address}`,
      ` has been down${age}: ${reasonWords(worst.reason)}${seen}.`,
      ...costs,
    ],
    action: { label: 'Last dialogue', to },
  }
}

function sheddingSentence(
  { target, weight }: MemberRow,
  worst: TargetRow | null,
  shedding: number,
  to: string,
): Sentence {
  const { up = 0, down = 0 } = worst?.votes ?? {}
  const disagree = up > 0 && down > 0 ? ` Instances disagree: ${down} down, ${up} up.` : ''
  const share = weight.configured === 0 ? 0 : weight.effective / weight.configured
  return {
    mark: 'shedding',
    parts: [
      [shown(target)],
      ` is too busy, sheds ${percent(1 - shedding, 0)} and gets ${percent(share, 0)} of its weight.${disagree}`,
    ],
    action: { label: 'Last dialogue', to },
  }
}

function drainSentence(
  member: MemberRow,
  { kind, until, by, why }: OverrideRow,
  nowMs: number,
): Sentence {
  const isDrain = kind === 'drain'
  const end = until === null ? 'until it is undone' : `until ${shortTime(until, nowMs)}`
  const reason = why === '' ? '' : `: “${shown(why)}”`
  const exposed = exposedUntilMs(member)
  const leftSeconds = exposed === null ? 0 : (exposed - nowMs) / 1000
  const caches: readonly SentencePart[] =
    leftSeconds > 0
      ? [' Caches may hold it for ', [countdown(leftSeconds)], '.']
      : member.notKnownOf.length > 0
        ? [` Of ${namesOf(member.notKnownOf)} it is not known what caches hold.`]
        : [' No cache should hold it any more: ', ['safe to stop'], '.']
  return {
    mark: isDrain ? 'drained' : 'disabled',
    parts: [
      [shown(member.target)],
      ` is ${isDrain ? 'drained' : 'disabled'} ${end}${by === '' ? '' : ` by ${shown(by)}`}${reason}.`,
      ...caches,
    ],
    action: { label: isDrain ? 'Undo drain' : 'Undo', to: href(['drains']) },
  }
}
