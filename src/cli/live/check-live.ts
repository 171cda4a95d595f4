// `mxsteer check --live`: probes every target of the zone files once, as the server would, and
// makes the reputation checks of pools with `identity:`. Exit code 0: every target is healthy,
// whatever the warnings, and the SPF of every domain given allows every target that sends.
// Nothing is printed here: what was found is a value, for people (`liveLines`) or as it is for scripts.

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
import { readSettings, resolverFlags, resolverOf } from '../command-settings.ts'
import { type FlagValues, noPort } from '../commands/flags.ts'
import { checkDomains, type DomainFinding, maxDomains } from './domain-spf.ts'
import { checkPolicies, type PolicyFindings } from './hosted-policies.ts'

type Loaded = Extract<ZonesLoaded, { kind: 'loaded' }>

interface Probed {
  readonly watched: WatchedAddress
  readonly outcome: Outcome
}

/** Where policies of MTA-STS are hosted. */
const httpsPort = 443

/** Of probes, and of reputation checks, at the same time. */
const inFlightLimit = 64

/** What was found, as `--json` prints it. */
export interface LiveFindings {
  readonly addresses: readonly AddressFinding[]
  readonly warnings: readonly string[]
  /** Targets that are in no pool with a probe. */
  readonly unwatched: number
  /** Of the addresses. */
  readonly healthy: number
  /** null: no zone file has one. */
  readonly policies: PolicyFindings | null
  readonly domains: readonly DomainFinding[]
}

interface AddressFinding {
  readonly target: string
  readonly zone: string
  readonly address: string
  readonly probe: string
  readonly result: string
  readonly reason: string
  readonly ms: number
  /** null: it did not greet. */
  readonly greetsAs: string | null
  /** null: it was not asked for. */
  readonly ptr: string | null
  /** Of DNS, those that list it. */
  readonly lists: readonly string[]
}

export type LiveChecked =
  | { readonly kind: 'found'; readonly findings: LiveFindings }
  /** The flags do not go together. */
  | { readonly kind: 'bad'; readonly why: string }

export async function checkLive(
  loaded: Loaded,
  domains: readonly string[],
  values: FlagValues,
): Promise<LiveChecked> {
  const read = await readSettings(values, resolverFlags)
  if (read.kind === 'bad') return read
  const { source } = read.settings.probing
  const server = resolverOf(read.settings)
  if (domains.length > maxDomains) return bad(`at most ${maxDomains} domains at a time`)
  if (domains.length > 0 && server === null)
    return bad('no resolver to ask for SPF records: give --resolver ADDR:PORT')
  const policyPort = Number(values['policy-port'] ?? httpsPort)
  if (!isIntegerWithin(policyPort, 1, 65_535)) return bad(noPort('policy-port', values))
  const probed = await probeAll(loaded.watched, source)
  const resolver = server && createStubResolver({ server, clock: systemClock })
  const clients = resolver && lookupClients(resolver)
  const checks = await checkReputation(loaded.identities, probed, clients)
  const policies = loaded.mail.flatMap((zone) => zone.policies)
  const senders = loaded.targets.filter(({ isSender }) => isSender)
  const findings = {
    addresses: probed.map((one) => addressFinding(one, checks)),
    warnings: [...warningTexts(probed, checks, clients), ...exclusions(loaded, probed, checks)],
    unwatched: countUnwatched(loaded),
    healthy: probed.filter(isHealthy).length,
    policies: await checkPolicies(policies, resolver, policyPort),
    domains: resolver === null ? [] : await checkDomains(domains, senders, resolver),
  }
  return { kind: 'found', findings }
}

const bad = (why: string): Extract<LiveChecked, { kind: 'bad' }> => ({ kind: 'bad', why })

/** Whether the exit code is 0. */
export const isAllRight = ({ addresses, healthy, policies, domains }: LiveFindings): boolean =>
  healthy === addresses.length &&
  (policies?.differing ?? 0) === 0 &&
  domains.every(({ problems }) => problems.length === 0)

export function liveLines(findings: LiveFindings): readonly string[] {
  const { addresses, warnings, unwatched, healthy, policies, domains } = findings
  return [
    ...resultTable(addresses),
    ...warnings.map(warningLine),
    ...(unwatched > 0 ? [`${unwatched} of the targets are in no pool with a probe`] : []),
    ...(policies === null ? [] : policyLines(policies)),
    `${healthy} of ${addresses.length} probed addresses are healthy`,
    ...domains.flatMap(({ domain, checked, problems }) =>
      problems.length > 0
        ? problems.map(warningLine)
        : [printable(`${domain}: SPF passes for all ${checked} addresses of targets that send`)],
    ),
  ]
}

function policyLines({ compared, differing, warnings }: PolicyFindings): readonly string[] {
  const equal = `${compared - differing} of ${compared} hosted policies of MTA-STS are as the zone files have them`
  return [...warnings.map(warningLine), ...(compared === 0 ? [] : [equal])]
}

const warningLine = (text: string): string => `warning: ${printable(text)}`

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

function resultTable(addresses: readonly AddressFinding[]): readonly string[] {
  const rows = addresses.map((one) => [
    `${one.target}.${one.zone}`,
    one.address,
    one.probe,
    one.result,
    one.reason,
    String(one.ms),
    one.greetsAs ?? '–',
    one.ptr ?? '–',
    one.lists.join(' ') || '–',
  ])
  return tableLines([columns, ...rows].map((row) => row.map(printable)))
}

function addressFinding(
  { watched, outcome }: Probed,
  checks: readonly ReputationCheck[],
): AddressFinding {
  const { target, zone, address, profile } = watched
  const view = checks.find((check) => isSameAddress(check.watched, watched))?.view()
  return {
    target,
    zone,
    address,
    probe: profile.name,
    result: outcome.kind,
    reason: outcome.reason,
    ms: Math.round(outcome.durationMs),
    greetsAs: greetingOf(outcome.dialogue)?.banner ?? null,
    ptr: view?.reverse?.kind ?? null,
    lists: [...(view?.listings.keys() ?? [])].map(redactedList),
  }
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
