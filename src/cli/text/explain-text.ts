// An explanation as text, 100 columns wide: each stage of the answer from top to bottom.

import type { ClientView, DatabaseView } from '../../explain/client-view.ts'
import type { Explanation, TargetNameView, ScopeView } from '../../explain/explain.ts'
import type { AddressView, MemberView, OverrideNote, PoolView } from '../../explain/pool-view.ts'
import type { RuleView } from '../../explain/rule-view.ts'
import type { SlotView, SteeringView } from '../../explain/steering-view.ts'
import type { Step } from '../../explain/lookup-steps.ts'
import type { TtlView } from '../../explain/ttl-view.ts'
import { printable } from '../../lib/printable.ts'
import { besideTitle, numberText, percentText, tableLines } from './columns.ts'

export function explanationText(explanation: Explanation): string {
  const { question, steps, client, steering, own, ttl, scope, answer } = explanation
  const { name, type } = question
  const parts = [
    `${withoutFinalDot(name)} ${type}, asked by ${client.address}\n\n`,
    besideTitle('Name', steps.map(stepText)),
    ...(steering ? [besideTitle('Client', clientLines(client)), ...steeringParts(steering)] : []),
    ...(own ? [besideTitle('Target', targetLines(own))] : []),
    ...(ttl ? [besideTitle('TTL', [ttlText(ttl)])] : []),
    besideTitle('Scope', [scopeText(scope)]),
    besideTitle('Answer', answerLines(answer)),
  ]
  return parts.join('')
}

const withoutFinalDot = (name: string): string => (name === '.' ? name : name.replace(/\.$/, ''))

function stepText({ name, zone, found, wildcard, detail }: Step): string {
  const by = wildcard === null ? '' : `, by the wildcard ${withoutFinalDot(wildcard)}`
  const where = zone === null ? '' : ` in zone ${withoutFinalDot(zone)}`
  return `${withoutFinalDot(name)}: ${foundText(found, detail)}${by}${where}`
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
      return `an alias (CNAME) of ${withoutFinalDot(detail ?? '')}`
    case 'dname':
      return `an alias by DNAME, ${detail ?? ''}`
    case 'delegation':
      return `delegated at ${withoutFinalDot(detail ?? '')}`
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
  const decision =
    decidedBy === 'subnet'
      ? `the subnet ${subnet ?? ''} (EDNS Client Subnet) decides`
      : subnet === null
        ? `the address ${client.address} decides`
        : `the subnet is ${subnet}: the client does not want to be located, the resolver's address decides`
  const known = [
    continent && `continent ${continent}`,
    country && `country ${country}`,
    asn === null ? null : `ASN ${asn}`,
  ].filter((one) => one !== null)
  const place = known.length > 0 ? known.join(', ') : 'nothing is known of its place'
  const used = databases.map((one) => databaseText(one, client))
  return [
    decision,
    place,
    ...(used.length > 0 ? used : ['no rule asks for a place: no database is in use']),
  ]
}

function databaseText({ database, type, built }: DatabaseView, client: ClientView): string {
  const prefix = database === 'asn' ? client.asnPrefix : client.countryPrefix
  const entry = prefix === null ? 'knows nothing of it' : `has it in ${prefix}`
  if (type === null) return `the ${database} database could not be read`
  const day = built === null ? '' : `, of ${built.slice(0, 10)}`
  return `the ${database} database (${printable(type)}${day}) ${entry}`
}

function steeringParts(steering: SteeringView): readonly string[] {
  const { policy, internal, rules, pools, allDown } = steering
  if (internal) {
    const why = `the client is in \`internal\`: one fixed ladder, whatever rules and health say`
    return [
      besideTitle('Steering', [`${policy}: ${why}`]),
      besideTitle('Chosen', shareLines(steering)),
    ]
  }
  return [
    besideTitle('Steering', [
      `${policy}: ${steering.selection}${steering.sticky ? ', sticky' : ''}`,
      ...(steering.slot === null ? [] : slotLines(steering.slot)),
    ]),
    besideTitle('Rules', rules.flatMap(ruleLines)),
    besideTitle('Pools', pools.flatMap(memberLines)),
    ...(allDown === null
      ? []
      : [besideTitle('', [`no member is eligible; on_all_down: ${allDown}`])]),
    besideTitle('Chosen', shareLines(steering)),
  ]
}

function slotLines({ names, secondsLeft, sharedWith }: SlotView): readonly string[] {
  const shared =
    sharedWith.length === 0
      ? []
      : [`too few targets are eligible: its target is also that of ${sharedWith.join(', ')}`]
  return [`of ${names.join(', ')}; drawn anew for this client in ${secondsLeft} s`, ...shared]
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
  if (targets.length === 0) return ['no target: SERVFAIL, as on_all_down says, or no such address']
  const head = sticky ? 'all clients' : 'expected'
  const rows = targets.map(({ target, expected, drawn, included }) => [
    target,
    expected === null ? '–' : percentText(expected),
    percentText(drawn),
    percentText(included),
  ])
  const by = expectedBy === 'exact' ? 'exact' : sticky ? 'not known' : `of ${expectedBy} draws`
  const why = Object.entries(reasons).map(([reason, times]) =>
    times === draws ? reason : `${reason} ${percentText(times / draws)}`,
  )
  const withoutRecords = empty > 0 ? `; ${percentText(empty / draws)} without any record` : ''
  return [
    ...tableLines(
      [
        ['first choice', `${head} (${by})`, `this client (${draws} draws)`, 'in the answer'],
        ...rows,
      ],
      [1, 2, 3],
    ),
    `reason: ${why.join(', ')}${withoutRecords}`,
  ]
}

const targetLines = ({ target, answers, addresses }: TargetNameView): readonly string[] => [
  `${target}: its own name answers whatever is said of it, without the addresses that are down`,
  ...(answers === null ? [] : [`${answers} of its addresses at most`]),
  ...addresses.map((one) => `  ${addressText(one)}`),
]

function ttlText({ seconds, most, least, limit, by }: TtlView): string {
  const limitedBy =
    by === null
      ? ''
      : `: ${by.target}, ${by.what}, could change within ${numberText(by.inSeconds)} s`
  switch (limit) {
    case 'ttl':
      return `${seconds} s, the ttl of the set: nothing is about to change before`
    case 'min-ttl':
      return `${seconds} s, the min_ttl (ttl ${most} s)${limitedBy}`
    case 'epoch':
      return `${seconds} s (ttl ${most} s): then the names of the ladder are drawn anew`
    case 'hold':
      return `${seconds} s, between min_ttl ${least} s and ttl ${most} s${limitedBy}`
    default:
      return limit satisfies never
  }
}

function scopeText({ prefixLength, why, isTold }: ScopeView): string {
  const scope = isTold ? `/${prefixLength}` : `/${prefixLength} if a client subnet were told`
  switch (why) {
    case 'not-steered':
      return `${scope}: the answer does not depend on the client`
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

/** A pool and its members: a heading, and a table with notes below the rows. */
export function memberLines(pool: PoolView): readonly string[] {
  return [poolHeadText(pool), ...membersTable(pool.members).map((line) => `  ${line}`)]
}

function poolHeadText({
  pool,
  lead,
  healthy,
  minHealthy,
  spill,
  panic,
  panicked,
}: PoolView): string {
  const leads =
    lead === 0 ? 'does not lead' : lead === 1 ? 'leads' : `leads ${percentText(lead)} of answers`
  const threshold = minHealthy > 0 ? ` (hands over below ${percentText(minHealthy)}, ${spill})` : ''
  const health = panicked
    ? `; in panic (below ${percentText(panic)}): health is not believed`
    : `, ${percentText(healthy)} of its weight usable${threshold}`
  return `${pool}: ${leads}${health}`
}

/** A row for each member, with its notes below it. */
function membersTable(members: readonly MemberView[]): readonly string[] {
  const head = ['', '', 'weight', '=', 'configured', 'warm-up', 'override', 'slow start']
  const lines = tableLines([head, ...members.map(memberRow)], [2, 4, 5, 6, 7])
  return lines.flatMap((line, i) => [line, ...(i === 0 ? [] : noteLines(members[i - 1]))])
}

const memberRow = (member: MemberView): readonly string[] => [
  member.target,
  member.standing,
  numberText(member.weight),
  '=',
  numberText(member.configured),
  `× ${numberText(member.warmUp)}`,
  `× ${numberText(member.override)}`,
  member.why === null ? `× ${numberText(member.factor)}` : '',
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

/**
 * Overrides and feedback of the MTA can have the same effect; without an override it was the MTA.
 */
function whyText(why: keyof typeof whyTexts, overrides: readonly OverrideNote[]): string {
  const isOut = why === 'drained' || why === 'disabled'
  const isByFeedback =
    isOut && !overrides.some(({ kind }) => kind === 'drain' || kind === 'disable')
  return isByFeedback ? 'it says itself that it takes no mail (`told` in /targets)' : whyTexts[why]
}

function noteLines(member: MemberView | undefined): readonly string[] {
  if (member === undefined) return []
  const { why, overruled, addresses, overrides, feedback, reputation } = member
  const isUnremarkable =
    why === null && addresses.every((one) => one.state === 'up' && one.factor === 1)
  return [
    ...(why === null ? [] : [`  out: ${whyText(why, overrides)}`]),
    ...(overruled === 'forced' ? ['  forced up: whatever its probes say'] : []),
    ...(feedback === 1 ? [] : [`  × ${numberText(feedback)}: what the MTA says of its load`]),
    ...(reputation === 1 ? [] : [`  × ${numberText(reputation)}: DNS lists name it`]),
    ...overrides.map((one) => `  ${overrideText(one)}`),
    ...(isUnremarkable ? [] : addresses.map((one) => `  ${addressText(one)}`)),
  ]
}

function overrideText({ id, kind, until, why, by }: OverrideNote): string {
  const reason = why === '' ? '' : `, ${JSON.stringify(why)}`
  const author = by === '' ? '' : `, by ${by}`
  return `${kind} until ${until ?? 'undone'} (${id})${reason}${author}`
}

function addressText({ address, state, factor, reason, since }: AddressView): string {
  const share = factor === 1 ? '' : ` at ${percentText(factor)}`
  const probe = reason === null ? ', not probed' : ` since ${since ?? '?'}, ${reason}`
  return `${address} ${state}${share}${probe}`
}
