// `mxsteer check --live`: probes every target of the zone files once, as the server would, and
// makes the reputation checks of pools with `identity:`. Exit code 0: every target is healthy,
// whatever the warnings, and the SPF of every domain given allows every target that sends.

import { handOut, nothingHanded } from '../../coherence/handed-out.ts'
import { type MatrixFacts, matrixOf } from '../../coherence/matrix.ts'
import { addressFacts } from '../../reputation/address-facts.ts'
import { isIntegerWithin } from '../../zonefile/leaf.ts'
import type { ZonesLoaded } from '../../zonefile/run-load.ts'
import { createDnsLists } from '../../reputation/dns-list.ts'
import { greetingOf, type CheckedAddress, redactedList } from '../../reputation/findings.ts'
import { type LookupClients, ReputationCheck } from '../../reputation/reputation-check.ts'
import { effectOf } from '../../health/verdict.ts'
import { systemClock } from '../../lib/clock.ts'
import { printable } from '../../lib/printable.ts'
import type { Outcome } from '../../health/outcome.ts'
import type { ProbeSourceAddresses, WatchedAddress } from '../../probe/smtp/profile.ts'
import { probeAddress } from '../../probe/smtp/smtp-probe.ts'
import {
  createConcurrencyLimit,
  createStubResolver,
  type StubResolver,
} from '../../resolver/stub-resolver.ts'
import { tableLines } from '../text/columns.ts'
import { printLines } from '../text/output.ts'
import { readSettings, resolverFlags, resolverOf } from '../command-settings.ts'
import { fail, type FlagValues, noPort } from '../commands/flags.ts'
import { checkDomains, maxDomains } from './domain-spf.ts'
import { checkPolicies } from './hosted-policies.ts'

type Loaded = Extract<ZonesLoaded, { kind: 'loaded' }>

interface Probed {
  readonly watched: WatchedAddress
  readonly outcome: Outcome
}

/** Where policies of MTA-STS are hosted. */
const httpsPort = 443

/** Of probes, and of reputation checks, at the same time. */
const inFlightLimit = 64

export async function checkLive(
  loaded: Loaded,
  domains: readonly string[],
  values: FlagValues,
): Promise<number> {
  const read = await readSettings(values, resolverFlags)
  if (read.kind === 'bad') return fail('check', read.why)
  const { source } = read.settings.probing
  const server = resolverOf(read.settings)
  if (domains.length > maxDomains) return fail('check', `at most ${maxDomains} domains at a time`)
  if (domains.length > 0 && server === null)
    return fail('check', 'no resolver to ask for SPF records: give --resolver ADDR:PORT')
  const policyPort = Number(values['policy-port'] ?? httpsPort)
  if (!isIntegerWithin(policyPort, 1, 65_535)) return fail('check', noPort('policy-port', values))
  const probed = await probeAll(loaded.watched, source)
  const resolver = server && createStubResolver({ server, clock: systemClock })
  const clients = resolver && lookupClients(resolver)
  const checks = await checkReputation(loaded.identities, probed, clients)
  printLines(resultTable(probed, checks))
  printWarnings([...warningTexts(probed, checks, clients), ...exclusions(loaded, probed, checks)])
  const unwatched = countUnwatched(loaded)
  if (unwatched > 0) printLines([`${unwatched} of the targets are in no pool with a probe`])
  const differing = await checkPolicies(
    loaded.mail.flatMap(({ policies }) => policies),
    resolver,
    policyPort,
  )
  const healthy = probed.filter(isHealthy).length
  printLines([`${healthy} of ${probed.length} probed addresses are healthy`])
  const senders = loaded.targets.filter(({ isSender }) => isSender)
  const uncovered = clients ? await checkDomains(domains, senders, clients.resolver) : 0
  return healthy === probed.length && uncovered + differing === 0 ? 0 : 1
}

const printWarnings = (texts: readonly string[]): void =>
  printLines(texts.map((text) => `warning: ${printable(text)}`))

const isHealthy = ({ watched, outcome }: Probed): boolean =>
  effectOf(outcome, { requiresTls: watched.profile.tls.isRequired }).verdict === 'pass'

/** Probes each endpoint once, however many targets share it. */
async function probeAll(
  addresses: readonly WatchedAddress[],
  source: ProbeSourceAddresses,
): Promise<readonly Probed[]> {
  const limit = createConcurrencyLimit(inFlightLimit, Infinity)
  const bySlot = Map.groupBy(addresses, ({ slot }) => slot)
  const groups = await Promise.all(
    [...bySlot.values()].map(async (group) => {
      const [{ address, probeAddress: place = address, profile }] = group as [WatchedAddress]
      const request = { address: place, profile, source }
      const outcome = await limit.run(() => probeAddress(request, systemClock))
      return outcome === null ? [] : group.map((watched) => ({ watched, outcome }))
    }),
  )
  return groups.flat()
}

const lookupClients = (resolver: StubResolver): LookupClients => ({
  resolver,
  lists: createDnsLists({ resolver, clock: systemClock }),
})

/** Makes each check once. A listing counts at once, since no hold time can pass here. */
function checkReputation(
  identities: readonly CheckedAddress[],
  probed: readonly Probed[],
  clients: LookupClients | null,
): Promise<readonly ReputationCheck[]> {
  const limit = createConcurrencyLimit(inFlightLimit, Infinity)
  const checks = identities.map(async (watched) => {
    const profile = { ...watched.profile, holdMs: 0 }
    const check = new ReputationCheck({ ...watched, profile }, () => Promise.resolve())
    for (const one of probed) {
      const greeting = isSameAddress(one.watched, watched) ? greetingOf(one.outcome.dialogue) : null
      if (greeting) check.observeGreeting(greeting)
    }
    if (clients) await limit.run(() => check.check(clients, () => systemClock.monotonicMs()))
    return check
  })
  return Promise.all(checks)
}

type AddressName = Pick<WatchedAddress, 'zone' | 'target' | 'address'>

const isSameAddress = (one: AddressName, other: AddressName): boolean =>
  one.zone === other.zone && one.target === other.target && one.address === other.address

const columns = [
  'TARGET',
  'ADDRESS',
  'PROBE',
  'RESULT',
  'REASON',
  'MS',
  'GREETS AS',
  'PTR',
  'LISTS',
]

function resultTable(
  probed: readonly Probed[],
  checks: readonly ReputationCheck[],
): readonly string[] {
  const rows = probed.map(({ watched, outcome }) => [
    `${watched.target}.${watched.zone}`,
    watched.address,
    watched.profile.name,
    outcome.kind,
    outcome.reason,
    String(Math.round(outcome.durationMs)),
    greetingOf(outcome.dialogue)?.banner ?? '–',
    ...reputationCells(checks.find((check) => isSameAddress(check.watched, watched))),
  ])
  return tableLines([columns, ...rows].map((row) => row.map(printable)))
}

function reputationCells(check: ReputationCheck | undefined): readonly string[] {
  if (!check) return ['–', '–']
  const { reverse, listings } = check.view()
  const lists = [...listings.keys()].map(redactedList).join(' ')
  return [reverse?.kind ?? '–', lists === '' ? '–' : lists]
}

function warningTexts(
  probed: readonly Probed[],
  checks: readonly ReputationCheck[],
  clients: LookupClients | null,
): ReadonlySet<string> {
  const lacksResolver = clients === null && checks.length > 0
  return new Set([
    ...probed.flatMap(({ watched, outcome }) => tlsWarnings(watched, outcome)),
    ...checks.flatMap((check) => findingWarnings(check)),
    ...(clients?.lists.states() ?? []).flatMap(({ list, family, problem }) =>
      problem === null
        ? []
        : [`${redactedList(list)} is not believed about IPv${family}: ${problem}`],
    ),
    ...(lacksResolver
      ? ['no resolver, so neither PTR nor DNS lists: give --resolver ADDR:PORT']
      : []),
  ])
}

/** What of the names around a target keeps senders from delivering, by what was seen just now. */
function exclusions(
  { mail }: Loaded,
  probed: readonly Probed[],
  checks: readonly ReputationCheck[],
): readonly string[] {
  const nowMs = systemClock.wallMs()
  const facts: MatrixFacts = {
    nowMs,
    handed: handOut(nothingHanded, mail, nowMs),
    factsOf(zone, target, address) {
      const isIt = (one: AddressName): boolean => isSameAddress(one, { zone, target, address })
      const outcomes = probed.flatMap(({ watched, outcome }) => (isIt(watched) ? [outcome] : []))
      const [presented = null] = outcomes.flatMap(({ tls }) => tls?.presented ?? [])
      const reverses = checks.flatMap((check) =>
        isIt(check.watched) ? (check.view().reverse ?? []) : [],
      )
      return addressFacts(
        presented && { ...presented, seenMs: nowMs },
        outcomes.map(({ dialogue }) => dialogue),
        reverses,
      )
    },
  }
  return matrixOf(mail, facts).flatMap(({ exchange, cells }) =>
    cells.flatMap(({ facet, state, text }) =>
      state === 'excludes' ? [`${exchange}: ${facet}: ${text}`] : [],
    ),
  )
}

const findingWarnings = (check: ReputationCheck): readonly string[] =>
  check
    .findings()
    .map(({ message }) => `${check.watched.exchange} at ${check.watched.address}: ${message}`)

const tlsWarnings = ({ target, zone, address }: WatchedAddress, outcome: Outcome): string[] =>
  outcome.kind === 'tls' ? [`${target}.${zone} at ${address}: TLS: ${outcome.reason}`] : []

const countUnwatched = ({ targets, watched }: Loaded): number => {
  const seen = new Set(watched.map(({ zone, target }) => `${zone} ${target}`))
  return targets.filter(({ zone, target }) => !seen.has(`${zone} ${target.name}`)).length
}
