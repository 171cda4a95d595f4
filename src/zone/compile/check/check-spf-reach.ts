// Where the SPF records of a zone lead: to limits that make them an error (RFC 7208 §4.6.4), to names that have nothing, to
// steered names, whose answers have but a part of the hosts that send, and to some addresses of a pool but not to all.
//
// A pool counts as one that sends where a `spf:` of the zone names it. Without any `spf:`, for each record those count that it
// has an address of. The work is bounded by a budget of terms.

import { bareName } from '../../../lib/bare-name.ts'
import { listed } from '../../../lib/listed.ts'
import { parseAddress } from '../../../lib/ip.ts'
import {
  checkHost,
  type SpfBudget,
  type SpfChecked,
  type SpfSender,
} from '../../../spf/check-host.ts'
import type { Directive } from '../../../spf/spf-record.ts'
import { hasMacro } from '../../../spf/macros.ts'
import type { Target } from '../../../steer/policy.ts'
import type { Zone } from '../../zone.ts'
import type { Compilation } from '../compilation.ts'
import {
  type AddressIndex,
  indexAddresses,
  poolsWithin,
  type SendingAddress,
} from './spf-addresses.ts'
import { type Found, indexPools, type Known, type Led, leadsTo } from './spf-steered.ts'
import { createSpfAnswers } from './spf-answers.ts'
import type { SpfText } from './check-spf.ts'

/** Of a zone: about a second of work. */
const termsLimit = 3_000_000

const addressesShown = 3

/** What to write in place of names. */
const byAddress = 'ip4: and ip6:, or spf: { pools: […] }'

interface Reach extends Known {
  readonly compilation: Compilation
  readonly budget: SpfBudget
  readonly index: AddressIndex
  /** Domains that other records of the zone include: what these allow is part of those. */
  readonly included: ReadonlySet<string>
  /** Where names lead to, by mechanism and name. */
  readonly found: Map<string, Found>
}

/** `targets`: by name. To be called where the zone has no errors. */
export function checkSpfReach(
  compilation: Compilation,
  zone: Zone,
  texts: readonly SpfText[],
  targets: ReadonlyMap<string, { readonly target: Target }>,
): void {
  if (texts.length === 0) return
  const shared = compilation.input.spfTerms ?? { left: termsLimit }
  const terms = Math.min(termsLimit, shared.left)
  const reach: Reach = {
    compilation,
    answers: createSpfAnswers(zone),
    poolsOf: indexPools(compilation.source),
    found: new Map(),
    budget: { terms, parsed: new Map() },
    index: indexAddresses(compilation.source, targets),
    included: new Set(texts.flatMap(includedBy)),
  }
  const unchecked = texts.find((text) => {
    if (reach.budget.terms > 0) checkText(reach, text)
    return reach.budget.terms <= 0
  })
  shared.left -= terms - Math.max(0, reach.budget.terms)
  if (unchecked === undefined) return
  const message =
    'from here on SPF records are not compared with the addresses of targets: there are too many terms'
  compilation.problems.warn('spf-unchecked', unchecked.path, message)
}

const includedBy = ({ record: { directives, redirect } }: SpfText): readonly string[] => [
  ...(redirect === null ? [] : [redirect.toLowerCase()]),
  ...directives.flatMap(({ mechanism }) =>
    mechanism.kind === 'include' ? [mechanism.domain.toLowerCase()] : [],
  ),
]

function checkText(reach: Reach, text: SpfText): void {
  if (!checkLimits(reach, text)) return
  const led = text.record.directives.flatMap((directive) => checkDirective(reach, text, directive))
  if (led.length > 0) reportSteered(reach, text, led)
  else if (!text.isMade && !reach.included.has(text.domain)) checkPools(reach, text)
}

function evaluate({ answers, budget }: Reach, sender: SpfSender): SpfChecked {
  const check = checkHost(sender, budget)
  let step = check.next()
  while (!step.done) step = check.next(answers.answer(step.value))
  return step.value
}

/** false: the record is an error, so that nothing else of it counts. */
function checkLimits(reach: Reach, { domain, record, path }: SpfText): boolean {
  const isPlain = record.directives.every(
    ({ mechanism: { kind } }) => kind === 'all' || kind === 'ip4' || kind === 'ip6',
  )
  if (isPlain && record.redirect === null) return true
  const { verdict } = evaluate(reach, { address: null, domain })
  const { problems } = reach.compilation
  if (verdict.kind !== 'permerror') {
    checkIpv6(reach, { domain, path })
    return true
  }
  const message = `receivers find an error in this SPF: ${verdict.why}`
  if (verdict.reason === 'limit')
    problems.refuse('spf-limit', path, `${message}. Expected ${byAddress} in place of names`)
  else if (verdict.reason === 'no-record')
    problems.refuse('spf-no-record', path, `${message}. Expected ${byAddress}`)
  // Mistakes of records that it includes are reported there.
  return false
}

/** Names without AAAA count as look-ups that find nothing for those who send by IPv6 alone (RFC 7208 §4.6.4). */
function checkIpv6(reach: Reach, { domain, path }: Pick<SpfText, 'domain' | 'path'>): void {
  const { verdict } = evaluate(reach, { address: null, family: 6, domain })
  if (verdict.kind !== 'permerror' || verdict.reason !== 'limit') return
  const { problems } = reach.compilation
  const hasSenders = reach.index.sorted.some(({ octets }) => octets.length === 16)
  const message = `receivers find an error in this SPF where mail comes by IPv6: ${verdict.why}. Expected ${byAddress} in place of names without AAAA`
  if (hasSenders) problems.refuse('spf-limit', path, message)
  else problems.warn('spf-limit', path, message)
}

/** Looked for once. What is behind a name counts as so many terms, and so do the exchanges that were looked at. */
function behind(reach: Reach, kind: 'a' | 'mx' | 'exists', domain: string): Found {
  const key = `${kind} ${domain}`
  const known = reach.found.get(key)
  if (known !== undefined) return known
  const found = leadsTo(reach, kind, domain)
  const exchanges = kind === 'mx' ? reach.answers.answer({ type: 'MX', name: domain }) : null
  reach.budget.terms -= exchanges?.kind === 'found' ? exchanges.data.length : 1
  if (typeof found !== 'string')
    for (const { addresses } of found) reach.budget.terms -= addresses.length
  reach.found.set(key, found)
  return found
}

/** Where the directive leads to something of which an answer has but a part. Reports what finds nothing, and what finds too much. */
function checkDirective(reach: Reach, text: SpfText, directive: Directive): readonly Led[] {
  const { mechanism, qualifier } = directive
  const { problems } = reach.compilation
  if (mechanism.kind !== 'a' && mechanism.kind !== 'mx' && mechanism.kind !== 'exists') return []
  if (mechanism.domain !== null && hasMacro(mechanism.domain)) return []
  const domain = bareName(mechanism.domain ?? text.domain)
  const found = behind(reach, mechanism.kind, domain)
  if (found === 'nothing') {
    const record = mechanism.kind === 'mx' ? 'MX' : 'address'
    const message = `${directive.text} finds nothing: ${domain} has no ${record}, and of look-ups without an answer there may be 2`
    problems.warn('spf-finds-nothing', text.path, message)
    return []
  }
  if (found === 'elsewhere' || qualifier !== '+') return []
  if (mechanism.kind === 'exists') {
    const message = `${directive.text} allows every host of the Internet to send, since that name has an address: expected ${byAddress}`
    problems.warn('spf-passes-all', text.path, message)
    return []
  }
  return found.map((led) => ({ ...led, directive }))
}

const verdictOf = (reach: Reach, domain: string, address: string): SpfChecked['verdict'] =>
  evaluate(reach, { address: parseAddress(address), domain }).verdict

interface Uncovered extends SendingAddress {
  readonly isFail: boolean
}

/** Those of the addresses that the record does not allow, whatever steered names answer. */
function uncoveredOf(
  reach: Reach,
  domain: string,
  addresses: readonly SendingAddress[],
): readonly Uncovered[] {
  return addresses.flatMap((one) => {
    const { kind } = verdictOf(reach, domain, one.address)
    // An error is reported as such.
    if (kind === 'pass' || kind === 'permerror' || kind === 'temperror') return []
    return [{ ...one, isFail: kind === 'fail' }]
  })
}

const namesOf = (uncovered: readonly SendingAddress[]): string =>
  listed(
    uncovered.map(({ target, address }) => `${target} at ${address}`),
    addressesShown,
  )

function reportSteered(reach: Reach, text: SpfText, led: readonly Led[]): void {
  const addresses = new Map(led.flatMap((one) => one.addresses).map((one) => [one.address, one]))
  const uncovered = uncoveredOf(reach, text.domain, [...addresses.values()])
  const [first] = led
  if (!first || uncovered.length === 0) return
  const consequence = uncovered.some(({ isFail }) => isFail)
    ? 'fails at times'
    : 'does not pass at times'
  const message = `${first.directive.text} leads to ${first.what}: SPF ${consequence} for ${namesOf(uncovered)}. Expected ${insteadOf(text, led)}`
  const { problems } = reach.compilation
  if (uncovered.some(({ isFail }) => isFail)) problems.refuse('spf-steered', text.path, message)
  else problems.warn('spf-steered', text.path, message)
}

const termsShown = 6

/** What to write in place of the record. */
function insteadOf({ record: { directives } }: SpfText, led: readonly Led[]): string {
  const pools = [...new Set(led.flatMap((one) => one.pools))]
  const ofLed = new Set(led.map(({ directive }) => directive))
  const further = directives.filter((one) => one.mechanism.kind !== 'all' && !ofLed.has(one))
  const terms = further.slice(0, termsShown).map(({ text }) => JSON.stringify(text))
  if (further.length > termsShown) terms.push('…')
  const also = terms.length > 0 ? `, also: [${terms.join(', ')}]` : ''
  const qualifier = directives.find(({ mechanism }) => mechanism.kind === 'all')?.qualifier ?? '?'
  return `spf: { pools: [${pools.join(', ')}]${also}, all: ${qualifier === '+' ? '?' : qualifier}all } in place of it`
}

/** Warns where the record allows some addresses of a pool that sends, and not all. */
function checkPools(reach: Reach, text: SpfText): void {
  const { index, compilation } = reach
  for (const pool of poolsWithin(index, reach, text)) {
    const addresses = index.ofPool.get(pool) ?? []
    const uncovered = uncoveredOf(reach, text.domain, addresses)
    if (uncovered.length === 0 || uncovered.length === addresses.length) continue
    const message = `this SPF allows other addresses of pool ${pool}, and not ${namesOf(uncovered)}: expected all of them, as spf: { pools: [${pool}] } has them`
    compilation.problems.warn('spf-uncovered', text.path, message)
  }
}
