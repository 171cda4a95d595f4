// The sentence at the head of a target: how it stands, why, and what follows from it.

import { countdown, percent, shortTime, span } from '../../parts/figures.ts'
import { reasonWords, shown } from '../../parts/shown.ts'
import { exposedUntilMs, namesOf, type Standing } from '../../parts/standing.ts'
import type { AddressDetail, MemberRow, OverrideRow } from '../../store/rows.ts'

interface SentenceFacts {
  readonly standing: Standing
  readonly members: readonly MemberRow[]
  /** The worst one; null: nothing is probed. */
  readonly address: AddressDetail | null
  readonly order: OverrideRow | null
  readonly nowMs: number
}

export function targetSentence(facts: SentenceFacts): string {
  const { standing, address, order, nowMs } = facts
  if (order !== null && standing.mark !== 'down') return orderSentence(facts, order)
  if (address === null) return 'No pool probes it: it takes part whatever its state.'
  const since = address.since === null ? '' : span((nowMs - Date.parse(address.since)) / 1000)
  switch (address.state) {
    case 'down':
      return `Out of all answers${since === '' ? '' : ` for ${since}`}: ${reasonWords(address.reason)}${votesText(address)}. ${returnText(address)}`
    case 'suspect':
      return `Failing, and still answered: ${reasonWords(address.reason)}. After ${address.fall} failures in a row it is down.`
    case 'unknown':
      return 'Its first probes are under way.'
    case 'up':
      return `Up${since === '' ? '' : ` for ${since}`}${weightText(facts)}.${shareText(facts)}`
    default:
      return address.state satisfies never
  }
}

function votesText({ votes }: AddressDetail): string {
  if (votes.length < 2) return ''
  const down = votes.filter(({ vote }) => vote === 'down').length
  return `, as ${down} of ${votes.length} instances see it`
}

const returnText = ({ rise, held, holdSeconds }: AddressDetail): string =>
  held
    ? `It flaps, and is held down${holdSeconds === null ? '' : ` for at least ${span(holdSeconds)} more`}.`
    : `It comes back after ${rise === 1 ? 'a good probe' : `${rise} good probes in a row`}, then regains its weight step by step.`

function weightText({ members }: SentenceFacts): string {
  const shedding = Math.min(1, ...members.map(({ weight }) => weight.shedding))
  const slowStart = Math.min(1, ...members.map(({ weight }) => weight.slowStart))
  if (shedding < 0.995)
    return `, but busy: ${percent(1 - shedding, 0)} of its weight is shed until it is calmer`
  if (slowStart < 0.995) return `, and coming back at ${percent(slowStart, 0)} of its weight`
  return ''
}

function shareText({ members }: SentenceFacts): string {
  const taking = members.filter(({ out }) => out === null)
  if (taking.length === 0) return ''
  const shares = taking.map(({ pool, due }) => `${percent(due)} of the clients of ${shown(pool)}`)
  return ` It is the first choice of ${shares.slice(0, 3).join(', ')}.`
}

function orderSentence({ members, nowMs }: SentenceFacts, order: OverrideRow): string {
  const { kind, by, why, until } = order
  const end = until === null ? 'until it is undone' : `until ${shortTime(until, nowMs)} UTC`
  const reason = why === '' ? '' : `: “${shown(why)}”`
  const author = by === '' ? '' : ` by ${shown(by)}`
  const exposed = Math.max(0, ...members.map((one) => exposedUntilMs(one) ?? 0))
  const notKnownOf = [...new Set(members.flatMap((one) => one.notKnownOf))]
  const caches =
    exposed > nowMs
      ? `Caches may hold it for ${countdown((exposed - nowMs) / 1000)}.`
      : notKnownOf.length > 0
        ? `Of ${namesOf(notKnownOf)} it is not known what caches hold.`
        : 'No cache should hold it any more: safe to stop.'
  switch (kind) {
    case 'drain':
      return `Drained ${end}${author}${reason}. ${caches}`
    case 'disable':
      return `Disabled ${end}${author}${reason}. ${caches}`
    case 'up':
      return `Taken as up ${end}${author}, whatever its probes say${reason}.`
    case 'weight':
      return `Its weight is set ${end}${author}${reason}.${shareText({ members } as SentenceFacts)}`
    default:
      return kind satisfies never
  }
}
