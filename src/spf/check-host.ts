// Evaluates SPF (check_host of RFC 7208 §4) as a generator: it asks its caller for records, so that the same code judges the
// records of a zone file and those of domains elsewhere. Bounded by the limits of §4.6.4 and by a budget of terms.

import { type Address, formatAddress, networkContains, parseAddress } from '../lib/ip.ts'
import { expandDomain } from './macros.ts'
import {
  type Directive,
  isSpf,
  type Mechanism,
  type ParsedSpf,
  parseSpf,
  type SpfRecord,
} from './spf-record.ts'

export interface SpfQuestion {
  readonly type: 'TXT' | 'A' | 'AAAA' | 'MX' | 'PTR'
  /** In lower case, without final dot. Of PTR: the address. */
  readonly name: string
}

export type SpfAnswer =
  /** Texts, their strings joined; addresses; names of exchanges and of hosts. */
  | { readonly kind: 'found'; readonly data: readonly string[] }
  | { readonly kind: 'none' }
  | { readonly kind: 'failed'; readonly why: string }
  /** There may be records, which are not known here: they match nobody. */
  | { readonly kind: 'unknown' }

/** What is wrong with records for good; `limit`: of RFC 7208 §4.6.4. */
export type SpfFaultReason = 'limit' | 'no-record' | 'several' | 'syntax'

/** An evaluation that ends without a result: for now, or until the record is mended. `why` is for people. */
type SpfFault =
  | { readonly kind: 'temperror'; readonly why: string }
  | { readonly kind: 'permerror'; readonly why: string; readonly reason: SpfFaultReason }

export type SpfVerdict =
  | { readonly kind: 'pass' | 'fail' | 'softfail' | 'neutral' | 'none' }
  | SpfFault

export interface SpfSender {
  /** null: an address that no mechanism names, so that every term is looked at. */
  readonly address: Address | null
  /** Of an address that is null: which addresses are looked up of names, as they count where there are none. IPv4 by default. */
  readonly family?: 4 | 6
  readonly domain: string
  /** The name in HELO; the domain by default. */
  readonly helo?: string
}

/** What an evaluation may use up, shared by those that have the same one, and texts that were parsed already. */
export interface SpfBudget {
  /** Terms that may still be looked at, and names that may still be looked up. */
  terms: number
  readonly parsed: Map<string, ParsedSpf>
}

export interface SpfChecked {
  readonly verdict: SpfVerdict
  /** Terms that cost a look-up. */
  readonly lookups: number
}

/** RFC 7208 §4.6.4. */
export const maxLookups = 10
export const maxVoidLookups = 2
const maxExchanges = 10

export type SpfCheck<T> = Generator<SpfQuestion, T, SpfAnswer>

/** Whether a host may send for the mailbox `postmaster` of a domain. */
export function* checkHost(sender: SpfSender, budget: SpfBudget): SpfCheck<SpfChecked> {
  const state: State = { sender, budget, lookups: 0, voids: 0 }
  const verdict = yield* evaluate(state, sender.domain)
  return { verdict, lookups: state.lookups }
}

interface State {
  readonly sender: SpfSender
  readonly budget: SpfBudget
  lookups: number
  voids: number
}

const permanent = (reason: SpfFaultReason, why: string): SpfFault => ({
  kind: 'permerror',
  why,
  reason,
})
const temporary = (why: string): SpfFault => ({ kind: 'temperror', why })

const tooManyTerms = 'there are too many terms to look at'

const verdictOf = { '+': 'pass', '-': 'fail', '~': 'softfail', '?': 'neutral' } as const

function* evaluate(state: State, domain: string): SpfCheck<SpfVerdict> {
  const found = yield* findRecord(state, domain)
  if (found.kind !== 'record') return found
  const { directives, redirect } = found.record
  for (const directive of directives) {
    if (state.budget.terms-- <= 0) return temporary(tooManyTerms)
    const isMatch = yield* matches(state, directive, domain)
    if (typeof isMatch === 'object') return isMatch
    if (isMatch) return { kind: verdictOf[directive.qualifier] }
  }
  if (redirect === null) return { kind: 'neutral' }
  const next = expand(state, redirect, domain)
  if (!countLookup(state)) return tooManyLookups
  const verdict = yield* evaluate(state, next)
  return verdict.kind === 'none'
    ? permanent('no-record', `redirect: ${next} has no SPF record`)
    : verdict
}

type FoundRecord = { readonly kind: 'record'; readonly record: SpfRecord } | SpfVerdict

function* findRecord({ budget: { parsed } }: State, domain: string): SpfCheck<FoundRecord> {
  const answer = yield { type: 'TXT', name: domain }
  if (answer.kind === 'failed') return temporary(`${domain} TXT: ${answer.why}`)
  if (answer.kind === 'unknown') return { kind: 'neutral' }
  const texts = answer.kind === 'none' ? [] : answer.data.filter(isSpf)
  const [text] = texts
  if (text === undefined) return { kind: 'none' }
  if (texts.length > 1)
    return permanent('several', `${domain} has ${texts.length} SPF records, expected one`)
  const read = parsed.get(text) ?? parseSpf(text)
  parsed.set(text, read)
  return read.kind === 'bad' ? permanent('syntax', `${domain}: ${read.why}`) : read
}

type Matched = boolean | SpfFault

function* matches(state: State, directive: Directive, domain: string): SpfCheck<Matched> {
  const { mechanism } = directive
  const { address } = state.sender
  switch (mechanism.kind) {
    case 'all':
      return true
    case 'ip4':
    case 'ip6':
      return address !== null && networkContains(mechanism.network, address.octets)
    case 'include':
    case 'a':
    case 'mx':
    case 'exists':
    case 'ptr':
      if (!countLookup(state)) return tooManyLookups
      return yield* matchesName(state, mechanism, expand(state, mechanism.domain, domain))
    default:
      return mechanism satisfies never
  }
}

type NamingMechanism = Exclude<Mechanism, { readonly kind: 'all' | 'ip4' | 'ip6' }>

function* matchesName(state: State, mechanism: NamingMechanism, name: string): SpfCheck<Matched> {
  switch (mechanism.kind) {
    case 'include':
      return yield* includes(state, name)
    case 'a':
      return yield* hasAddress(state, name, mechanism)
    case 'mx':
      return yield* isExchange(state, name, mechanism)
    case 'exists': {
      const found = yield* ask(state, { type: 'A', name })
      return found.kind === 'data' ? found.data.length > 0 : found
    }
    case 'ptr':
      return yield* hasReverseName(state, name)
    default:
      return mechanism satisfies never
  }
}

function expand({ sender }: State, spec: string | null, domain: string): string {
  if (spec === null) return domain
  const { address, helo = sender.domain } = sender
  return expandDomain(spec, { address, domain, sender: `postmaster@${sender.domain}`, helo })
}

const tooManyLookups = permanent('limit', `more than ${maxLookups} look-ups (RFC 7208 §4.6.4)`)

/** false: that is one too many. */
const countLookup = (state: State): boolean => ++state.lookups <= maxLookups

function* includes(state: State, domain: string): SpfCheck<Matched> {
  const verdict = yield* evaluate(state, domain)
  if (verdict.kind === 'none') return permanent('no-record', `include: ${domain} has no SPF record`)
  return 'why' in verdict ? verdict : verdict.kind === 'pass'
}

type Asked = { readonly kind: 'data'; readonly data: readonly string[] } | SpfFault

/** The data of an answer; none where there is none, which counts as void, or where it is not known. */
function* ask(state: State, question: SpfQuestion): SpfCheck<Asked> {
  if (state.budget.terms-- <= 0) return temporary(tooManyTerms)
  const answer = yield question
  switch (answer.kind) {
    case 'found':
      return { kind: 'data', data: answer.data }
    case 'unknown':
      return { kind: 'data', data: [] }
    case 'failed':
      return temporary(`${question.name} ${question.type}: ${answer.why}`)
    case 'none':
      return ++state.voids > maxVoidLookups
        ? permanent(
            'limit',
            `more than ${maxVoidLookups} look-ups that find nothing (RFC 7208 §4.6.4)`,
          )
        : { kind: 'data', data: [] }
    default:
      return answer satisfies never
  }
}

interface Prefixes {
  readonly prefix4: number
  readonly prefix6: number
}

const addressType = ({ address, family = 4 }: SpfSender): 'A' | 'AAAA' =>
  (address?.family ?? family) === 6 ? 'AAAA' : 'A'

function* hasAddress(state: State, name: string, prefixes: Prefixes): SpfCheck<Matched> {
  const { address } = state.sender
  const found = yield* ask(state, { type: addressType(state.sender), name })
  if (found.kind !== 'data') return found
  return address !== null && isAmong(address, found.data, prefixes)
}

const isAmong = (
  { family, octets }: Address,
  texts: readonly string[],
  { prefix4, prefix6 }: Prefixes,
): boolean =>
  texts.some((text) => {
    const parsed = parseAddress(text)
    const prefixLength = family === 4 ? prefix4 : prefix6
    return parsed !== null && networkContains({ octets: parsed.octets, prefixLength }, octets)
  })

function* isExchange(state: State, name: string, prefixes: Prefixes): SpfCheck<Matched> {
  const found = yield* ask(state, { type: 'MX', name })
  if (found.kind !== 'data') return found
  if (found.data.length > maxExchanges) {
    const count = `${name} has ${found.data.length} exchanges`
    return permanent('limit', `${count}, expected at most ${maxExchanges} (RFC 7208 §4.6.4)`)
  }
  for (const exchange of found.data) {
    const isMatch = yield* hasAddress(state, exchange, prefixes)
    if (isMatch !== false) return isMatch
  }
  return false
}

const wholePrefixes: Prefixes = { prefix4: 32, prefix6: 128 }

/** RFC 7208 §5.5: a name of the address that leads back to it, at or below the domain. A failure is no match. */
function* hasReverseName({ sender }: State, domain: string): SpfCheck<boolean> {
  const { address } = sender
  if (address === null) return false
  const answer = yield { type: 'PTR', name: formatAddress(address.octets) }
  const names = answer.kind === 'found' ? answer.data.slice(0, maxExchanges) : []
  for (const name of names) {
    if (name !== domain && !name.endsWith(`.${domain}`)) continue
    const back = yield { type: addressType(sender), name }
    if (back.kind === 'found' && isAmong(address, back.data, wholePrefixes)) return true
  }
  return false
}
