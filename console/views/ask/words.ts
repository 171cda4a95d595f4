// What a decision says in words: why a rule did not match, why a member is out, what holds a TTL down, how long a scope
// is. Texts of others are escaped where they enter.

import { commandLine } from '../../parts/command.ts'
import { figure, percent, shortTime, span } from '../../parts/figures.ts'
import { continentName, countryName, placeWords } from '../../parts/place-words.ts'
import { reasonWords, shown } from '../../parts/shown.ts'
import type { Mark } from '../../parts/state-mark.tsx'
import type { Explanation } from '../../../src/explain/explain.ts'

export type Steering = NonNullable<Explanation['steering']>
export type PoolPart = Steering['pools'][number]
export type MemberPart = PoolPart['members'][number]
type RulePart = Steering['rules'][number]

/** Names as operators write them: without the final dot. */
export const bareName = (name: string): string => (name === '.' ? name : name.replace(/\.$/, ''))

export function placeText({ continent, country, asn }: Explanation['client']): string {
  const parts = [
    country && countryName(country),
    continent && continentName(continent),
    asn === null ? null : `AS${asn}`,
  ]
  return parts.filter((one) => one !== null).join(', ') || 'place not known'
}

export function foundText({ found, zone, wildcard, detail }: Explanation['steps'][number]): string {
  const within = zone === null ? '' : ` in ${bareName(zone)}`
  const by = wildcard === null ? '' : ` by ${wildcard}`
  const more = detail === null ? '' : ` (${shown(bareName(detail))})`
  return `${foundWords[found]}${within}${by}${more}`
}

const foundWords: Readonly<Record<Explanation['steps'][number]['found'], string>> = {
  steered: 'steered',
  target: 'a target’s own name',
  plain: 'plain records',
  alias: 'an alias',
  dname: 'an alias by DNAME',
  delegation: 'delegated',
  nodata: 'no records of this type',
  nxdomain: 'no such name',
  refused: 'in no zone served here',
}

export function ruleText({ verdict, failed, pools }: RulePart): string {
  switch (verdict) {
    case 'matched':
      return `matches: ${pools.map(shown).join(', then ')}`
    case 'failed':
      return `no: ${failed.map(failedText).join(', ')}`
    case 'not-asked':
      return 'not asked'
    default:
      return verdict satisfies never
  }
}

function failedText({ condition, client }: RulePart['failed'][number]): string {
  if (client === null) return `its ${condition} is not known`
  if (condition === 'network') return `${client} is not in it`
  return `it is ${placeWords(`${condition} ${client}`).replace(/^asn /, 'AS')}`
}

export function markOf({ standing, why, factor }: MemberPart): Mark {
  if (standing === 'suspect') return 'suspect'
  if (standing === 'up') return factor < 0.995 ? 'shedding' : 'up'
  return why === 'drained' || why === 'disabled' || why === 'down' ? why : 'info'
}

/** The weight and its factors, or why the member is out. */
export function memberText(member: MemberPart): string {
  const { standing, why, overruled, weight, configured } = member
  if (standing === 'out') return `out: ${outText(why, member)}`
  const overrule =
    overruled === null
      ? ''
      : overruled === 'panic'
        ? ', taken as up: panic'
        : ', taken as up by an override'
  const factors = (
    [
      ['warm-up', member.warmUp],
      ['override', member.override],
      ['feedback', member.feedback],
      ['reputation', member.reputation],
      ['slow start, shedding', member.factor],
    ] as const
  ).filter(([, value]) => Math.abs(value - 1) > 0.0005)
  const product = factors.map(([name, value]) => ` × ${figure(value)} ${name}`).join('')
  return factors.length === 0
    ? `weight ${figure(weight)}${overrule}`
    : `${figure(weight)} = ${figure(configured)}${product}${overrule}`
}

function outText(why: MemberPart['why'], { addresses }: MemberPart): string {
  switch (why) {
    case null:
      return 'not eligible'
    case 'down': {
      const reason = addresses.find(({ state }) => state === 'down')?.reason
      return reason === null || reason === undefined ? 'down' : `down, ${reasonWords(reason)}`
    }
    case 'drained':
    case 'disabled':
      return why
    case 'zero-weight':
      return 'its weight is 0'
    case 'no-family':
      return 'no address of this type'
    case 'zero-share':
      return 'warm-up, an override or feedback leaves it no weight'
    case 'zero-factor':
      return 'it sheds all its load'
    default:
      return why satisfies never
  }
}

/** `drain by anna until 20:10: “kernel update”`. */
export function overrideText(
  { kind, by, until, why }: MemberPart['overrides'][number],
  nowMs: number,
): string {
  const who = by === '' ? '' : ` by ${shown(by)}`
  const end = until === null ? '' : ` until ${shortTime(until, nowMs)}`
  return `${kind}${who}${end}${why === '' ? '' : `: “${shown(why)}”`}`
}

/** What of the target in `by` could change, or what else limits the TTL. */
export function ttlText(ttl: NonNullable<Explanation['ttl']>): string {
  const { by, limit, least } = ttl
  if (by !== null) {
    const when = by.inSeconds < 1 ? 'within a second' : `within ${span(by.inSeconds)}`
    const floor = limit === 'min-ttl' ? ` It is never less than min_ttl, ${least} s.` : ''
    const what = by.what.includes(' is ') ? `${shown(by.what)}, and` : shown(by.what)
    return `${what} could change ${when}.${floor}`
  }
  switch (limit) {
    case 'ttl':
      return 'Nothing is about to change before.'
    case 'epoch':
      return 'The client’s network is drawn anew then: the epoch of its exchange slots ends.'
    case 'min-ttl':
      return `Something could change sooner, but it is never less than min_ttl, ${least} s.`
    case 'hold':
      return 'Something could change that soon.'
    default:
      return limit satisfies never
  }
}

export const scopeWords: Readonly<Record<Explanation['scope']['why'], string>> = {
  'not-steered': 'The answer does not depend on who asks',
  'same-for-all': 'The policy has one rule, for everyone',
  anonymous: 'The client told a subnet of /0: it does not want to be located',
  sticky: 'Sticky answers go by networks of this width',
  border: 'One bit shorter, some clients would get another rule',
  'one-rule': 'Every client of this family gets this rule',
  cap: 'Clients of other rules are close by, and longer is never told',
}

export interface AskedQuestion {
  readonly name: string
  readonly type: string
  readonly client: string
  readonly ecs: string
}

export function explainCommand({ name, type, client, ecs }: AskedQuestion): string {
  const flags = [['client', client] as const, ['ecs', ecs] as const]
  return commandLine({
    verb: 'mxsteer explain',
    words: [bareName(name), type || 'MX'],
    flags: flags.filter(([, value]) => value !== ''),
  })
}

export const poolText = ({ lead, healthy, panicked, minHealthy }: PoolPart): string =>
  [
    `leads ${percent(lead, 0)}`,
    `${percent(healthy, 0)} usable`,
    ...(panicked ? ['panic: health does not count'] : []),
    ...(healthy < minHealthy ? [`below min_healthy, ${percent(minHealthy, 0)}`] : []),
  ].join(' · ')

/**
 * The share of first choices that each member has, by pool and member: that of its target, which may
 * be in several of the pools; there by what each pool gives it.
 */
export function memberShares({ pools, shares }: Steering): readonly (readonly number[])[] {
  const given = pools.map(({ lead, members }) => {
    const total = members.reduce((sum, { weight }) => sum + weight, 0)
    return members.map(({ weight }) => (total === 0 ? 0 : (lead * weight) / total))
  })
  return pools.map(({ members }, at) =>
    members.map(({ target }, i) => {
      const share = shareOf(shares, target)
      const all = pools.flatMap((pool, p) =>
        pool.members.flatMap((one, m) => (one.target === target ? [given[p]?.[m] ?? 0] : [])),
      )
      const sum = all.reduce((total, one) => total + one, 0)
      const own = given[at]?.[i] ?? 0
      if (all.length === 1) return share
      return sum === 0 ? 0 : (share * own) / sum
    }),
  )
}

/** Expected, or as drawn where nothing can be expected; 0: never first. */
const shareOf = ({ targets }: Steering['shares'], target: string): number => {
  const found = targets.find((one) => one.target === target)
  return found?.expected ?? found?.drawn ?? 0
}

/** Whether answers name the target at all, as drawn. */
export const isIncluded = ({ shares }: Steering, target: string): boolean =>
  shares.targets.some((one) => one.target === target && one.included > 0)

export interface AnswerRow {
  /** Preference of an MX, priority and weight of SRV; of what was not asked for its type; else ''. */
  readonly rank: string
  readonly data: string
  /** The whole record in presentation format. */
  readonly record: string
}

/** Records as `OWNER TTL TYPE RDATA`, of which MX, SRV and CNAME end in a name. */
export function answerRows({
  answer,
  question,
}: Pick<Explanation, 'answer' | 'question'>): readonly AnswerRow[] {
  return answer.records.map((record) => {
    const [, , type = '', ...rdata] = record.split(' ')
    const isRanked = type === 'MX' || type === 'SRV'
    const other = type === question.type ? '' : type
    const rank = isRanked ? rdata.slice(0, type === 'MX' ? 1 : 2).join(' ') : other
    const isName = isRanked || type === 'CNAME'
    const data = isName ? bareName(rdata.at(-1) ?? '') : rdata.join(' ')
    return { rank, data, record }
  })
}
