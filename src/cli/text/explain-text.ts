// An explanation as it is read at 3 a.m.: the answer to "why this one" from top to bottom, 100 columns wide.

import type { ClientView, DatabaseView } from '../../explain/client-view.ts'
import type { Explanation, OwnView, ScopeView } from '../../explain/explain.ts'
import type { AddressView, MemberView, OverrideNote, PoolView } from '../../explain/pool-view.ts'
import type { RuleView } from '../../explain/rule-view.ts'
import type { SteeringView } from '../../explain/steering-view.ts'
import type { Step } from '../../explain/steps.ts'
import type { TtlView } from '../../explain/ttl-view.ts'
import { printable } from '../../zonefile/diagnostic.ts'
import { beside, number, percent, table } from './columns.ts'

export function explanationText(explanation: Explanation): string {
  const { question, steps, client, steering, own, ttl, scope, answer } = explanation
  const { name, type } = question
  const parts = [
    `${bare(name)} ${type}, asked by ${client.address}\n\n`,
    beside('Name', steps.map(stepText)),
    ...(steering ? [beside('Client', clientLines(client)), ...steeringParts(steering)] : []),
    ...(own ? [beside('Target', ownLines(own))] : []),
    ...(ttl ? [beside('TTL', [ttlText(ttl)])] : []),
    beside('Scope', [scopeText(scope)]),
    beside('Answer', answerLines(answer)),
  ]
  return parts.join('')
}

const bare = (name: string): string => (name === '.' ? name : name.replace(/\.$/, ''))

function stepText({ name, zone, found, wildcard, detail }: Step): string {
  const by = wildcard === null ? '' : `, by the wildcard ${bare(wildcard)}`
  const where = zone === null ? '' : ` in zone ${bare(zone)}`
  return `${bare(name)}: ${foundText(found, detail)}${by}${where}`
}

function foundText(found: Step['found'], detail: string | null): string {
  switch (found) {
    case 'plain':
      return detail === null ? 'plain records' : `ANY, answered by ${detail} alone`
    case 'steered':
      return 'steered'
    case 'target':
      return "a target's own addresses"
    case 'alias':
      return `an alias (CNAME) of ${bare(detail ?? '')}`
    case 'dname':
      return `an alias by DNAME, ${detail ?? ''}`
    case 'delegation':
      return `delegated at ${bare(detail ?? '')}`
    case 'nodata':
      return 'the name is there, without records of this type (NODATA)'
    case 'nxdomain':
      return 'no such name (NXDOMAIN)'
    case 'refused':
      return 'in no zone of this server (REFUSED)'
    default:
      return found satisfies never
  }
}

function clientLines(client: ClientView): readonly string[] {
  const { subnet, decidedBy, continent, country, asn, databases } = client
  const who =
    decidedBy === 'subnet'
      ? `the subnet ${subnet ?? ''} (EDNS Client Subnet) decides`
      : subnet === null
        ? `the address ${client.address} decides`
        : `the subnet is ${subnet}: the client wants to be nobody, the resolver's address decides`
  const known = [
    continent && `continent ${continent}`,
    country && `country ${country}`,
    asn === null ? null : `ASN ${asn}`,
  ].filter((one) => one !== null)
  const place = known.length > 0 ? known.join(', ') : 'nothing is known of its place'
  const used = databases.map((one) => databaseText(one, client))
  return [
    who,
    place,
    ...(used.length > 0 ? used : ['no rule asks for a place: no database is in use']),
  ]
}

function databaseText({ database, type, built }: DatabaseView, client: ClientView): string {
  const prefix = database === 'asn' ? client.asnPrefix : client.countryPrefix
  const said = prefix === null ? 'knows nothing of it' : `has it in ${prefix}`
  if (type === null) return `the ${database} database could not be read`
  return `the ${database} database (${printable(type)}${built === null ? '' : `, of ${built.slice(0, 10)}`}) ${said}`
}

function steeringParts(steering: SteeringView): readonly string[] {
  const { policy, internal, rules, pools, allDown } = steering
  if (internal) {
    const why = `the client is in \`internal\`: one fixed ladder, whatever rules and health say`
    return [beside('Steering', [`${policy}: ${why}`]), beside('Chosen', shareLines(steering))]
  }
  return [
    beside('Steering', [`${policy}: ${steering.selection}${steering.sticky ? ', sticky' : ''}`]),
    beside('Rules', rules.flatMap(ruleLines)),
    beside('Pools', pools.flatMap(memberLines)),
    ...(allDown === null ? [] : [beside('', [`nobody is eligible; on_all_down: ${allDown}`])]),
    beside('Chosen', shareLines(steering)),
  ]
}

function ruleLines({ number: at, when, pools, verdict, failed }: RuleView): readonly string[] {
  const mark = verdict === 'matched' ? '→' : ' '
  const head = `${mark} ${at}  ${when ?? 'everyone else'} ⇒ ${pools.join(', ')}`
  if (verdict === 'not-asked') return [head]
  if (verdict === 'matched') return [`${head}: matches`]
  const why = failed.map(({ condition, wanted, client }) =>
    client === null
      ? `its ${condition} is not known`
      : condition === 'network'
        ? `${client} is not in ${wanted}`
        : `its ${condition} is ${client}`,
  )
  return [`${head}: no, ${why.join(', and ')}`]
}

function shareLines({ shares, sticky }: SteeringView): readonly string[] {
  const { expectedBy, draws, empty, reasons, targets } = shares
  if (targets.length === 0) return ['nobody: SERVFAIL, as on_all_down asks, or no such address']
  const head = sticky ? 'all clients' : 'expected'
  const rows = targets.map(({ target, expected, drawn, included }) => [
    target,
    expected === null ? '–' : percent(expected),
    percent(drawn),
    percent(included),
  ])
  const by = expectedBy === 'exact' ? 'exact' : sticky ? 'no formula' : `of ${expectedBy} draws`
  const why = Object.entries(reasons).map(([reason, times]) =>
    times === draws ? reason : `${reason} ${percent(times / draws)}`,
  )
  return [
    ...table(
      [
        ['first choice', `${head} (${by})`, `this client (${draws} draws)`, 'in the answer'],
        ...rows,
      ],
      [1, 2, 3],
    ),
    `reason: ${why.join(', ')}${empty > 0 ? `; ${percent(empty / draws)} without any record` : ''}`,
  ]
}

const ownLines = ({ target, answers, addresses }: OwnView): readonly string[] => [
  `${target}: its own name answers whatever is said of it, without the addresses that are down`,
  ...(answers === null ? [] : [`${answers} of its addresses at most`]),
  ...addresses.map((one) => `  ${addressText(one)}`),
]

function ttlText({ seconds, most, least, limit, by }: TtlView): string {
  const whose =
    by === null ? '' : `: ${by.target}, ${by.what}, could change within ${number(by.inSeconds)} s`
  switch (limit) {
    case 'ttl':
      return `${seconds} s, the ttl of the set: nothing is about to change before`
    case 'min-ttl':
      return `${seconds} s, the min_ttl (ttl ${most} s)${whose}`
    case 'hold':
      return `${seconds} s, between min_ttl ${least} s and ttl ${most} s${whose}`
    default:
      return limit satisfies never
  }
}

function scopeText({ prefixLength, why, isTold }: ScopeView): string {
  const scope = isTold ? `/${prefixLength}` : `/${prefixLength} if a client subnet were told`
  switch (why) {
    case 'not-steered':
      return `${scope}: the answer does not depend on who asks`
    case 'same-for-all':
      return `${scope}: one rule, for everyone`
    case 'anonymous':
      return `${scope}: the subnet told is /0`
    case 'sticky':
      return `${scope}: sticky answers go by networks of this width`
    case 'border':
      return `${scope}: everyone in it gets this rule; one bit shorter some get another`
    case 'one-rule':
      return `${scope}: every client of this family gets this rule`
    case 'cap':
      return `${scope}: other rules begin close by; longer is never told`
    default:
      return why satisfies never
  }
}

const answerLines = ({ rcode, records }: Explanation['answer']): readonly string[] =>
  records.length === 0
    ? [`${rcode}, no records`]
    : [`${rcode}${records.length > 1 ? '; one drawn now:' : ''}`, ...records]

// A pool and its members as lines of an explanation.

export function memberLines(pool: PoolView): readonly string[] {
  return [headText(pool), ...membersTable(pool.members).map((line) => `  ${line}`)]
}

function headText({ pool, lead, healthy, minHealthy, spill, panic, panicked }: PoolView): string {
  const leads =
    lead === 0 ? 'does not lead' : lead === 1 ? 'leads' : `leads ${percent(lead)} of answers`
  const threshold = minHealthy > 0 ? ` (hands over below ${percent(minHealthy)}, ${spill})` : ''
  const doubt = panicked
    ? `; in panic (below ${percent(panic)}): health is not believed`
    : `, ${percent(healthy)} of its weight usable${threshold}`
  return `${pool}: ${leads}${doubt}`
}

/** Members in a table, what is to be said of one below it. */
function membersTable(members: readonly MemberView[]): readonly string[] {
  const head = ['', '', 'weight', '=', 'configured', 'warm-up', 'override', 'slow start']
  const lines = table([head, ...members.map(memberRow)], [2, 4, 5, 6, 7])
  return lines.flatMap((line, i) => [line, ...(i === 0 ? [] : noteLines(members[i - 1]))])
}

const memberRow = (member: MemberView): readonly string[] => [
  member.target,
  member.standing,
  number(member.weight),
  '=',
  number(member.configured),
  `× ${number(member.warmUp)}`,
  `× ${number(member.override)}`,
  member.why === null ? `× ${number(member.factor)}` : '',
]

const whyTexts: Readonly<Record<NonNullable<MemberView['why']>, string>> = {
  'zero-weight': 'its configured weight is 0',
  'no-family': 'it has no address of this type',
  drained: 'an operator drains it',
  disabled: 'an operator disabled it',
  'zero-share': 'warm-up, an operator or what the MTA says leaves it no weight',
  down: 'all its addresses are down',
  'zero-factor': 'slow start or shedding leaves it no weight at the moment',
}

/** Without an override it was the MTA: its word has the same effect (health/feedback.ts). */
function whyText(why: keyof typeof whyTexts, overrides: readonly OverrideNote[]): string {
  const isTold = why === 'drained' || why === 'disabled'
  const isOwn = isTold && !overrides.some(({ kind }) => kind === 'drain' || kind === 'disable')
  return isOwn ? 'it says itself that it wants no mail (`told` in /targets)' : whyTexts[why]
}

function noteLines(member: MemberView | undefined): readonly string[] {
  if (member === undefined) return []
  const { why, overruled, addresses, overrides, feedback, reputation } = member
  const isQuiet = why === null && addresses.every((one) => one.state === 'up' && one.factor === 1)
  return [
    ...(why === null ? [] : [`  out: ${whyText(why, overrides)}`]),
    ...(overruled === 'forced' ? ['  forced up: whatever its probes say'] : []),
    ...(feedback === 1 ? [] : [`  × ${number(feedback)}: what the MTA says of its load`]),
    ...(reputation === 1 ? [] : [`  × ${number(reputation)}: DNS lists name it`]),
    ...overrides.map((one) => `  ${overrideText(one)}`),
    ...(isQuiet ? [] : addresses.map((one) => `  ${addressText(one)}`)),
  ]
}

const overrideText = ({ id, kind, until, why, by }: OverrideNote): string =>
  `${kind} until ${until ?? 'undone'} (${id})${why === '' ? '' : `, ${JSON.stringify(why)}`}${by === '' ? '' : `, by ${by}`}`

function addressText({ address, state, factor, reason, since }: AddressView): string {
  const share = factor === 1 ? '' : ` at ${percent(factor)}`
  const told = reason === null ? ', nobody probes it' : ` since ${since ?? '?'}, ${reason}`
  return `${address} ${state}${share}${told}`
}
