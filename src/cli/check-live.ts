// `mxsteer check --live`: probes every target of the zone files once, as the server would, and looks at what pools with
// `identity:` want looked at. Exit 0: every target is healthy; warnings do not count.

import type { ZonesLoaded } from '../zonefile/load-zones.ts'
import { createDnsLists } from '../reputation/dns-list.ts'
import { greetingOf, type CheckedAddress, redactedList } from '../reputation/findings.ts'
import { type LookupClients, ReputationCheck } from '../reputation/reputation-check.ts'
import { effectOf } from '../health/verdict.ts'
import { systemClock } from '../lib/clock.ts'
import type { Outcome } from '../health/outcome.ts'
import type { ProbeSourceAddresses, WatchedAddress } from '../probe/smtp/profile.ts'
import { probeAddress } from '../probe/smtp/smtp-probe.ts'
import type { ServerEndpoint } from '../resolver/response.ts'
import { createStubResolver, createConcurrencyLimit } from '../resolver/stub-resolver.ts'
import { table } from './text/columns.ts'
import { findSettings } from './find-resolver.ts'
import type { FlagValues } from './flags.ts'

type Loaded = Extract<ZonesLoaded, { kind: 'loaded' }>

interface Probed {
  readonly watched: WatchedAddress
  readonly outcome: Outcome
}

/** Probes at once; and looks at once. */
const inFlightLimit = 64

export async function checkLive(loaded: Loaded, values: FlagValues): Promise<number> {
  const found = await findSettings(values)
  if (found.kind === 'bad') {
    process.stderr.write(`mxsteer check: ${found.why}\n`)
    return 2
  }
  const { source } = found.settings.probing
  const probed = await probeAll(loaded.watched, source)
  const clients = found.resolver && lookupClients(found.resolver)
  const jobs = await lookAtAll(loaded.identities, probed, clients)
  process.stdout.write(tableOf(probed, jobs))
  for (const warning of warningsOf(probed, jobs, clients))
    process.stdout.write(`warning: ${warning}\n`)
  const unwatched = countUnwatched(loaded)
  if (unwatched > 0)
    process.stdout.write(`${unwatched} of the targets are in no pool with a probe\n`)
  const healthy = probed.filter(isHealthy).length
  process.stdout.write(`${healthy} of ${probed.length} probed addresses are healthy\n`)
  return healthy === probed.length ? 0 : 1
}

const isHealthy = ({ watched, outcome }: Probed): boolean =>
  effectOf(outcome, { requiresTls: watched.profile.tls.isRequired }).verdict === 'pass'

/** Each endpoint once, however many targets stand behind it. */
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

function lookupClients(server: ServerEndpoint): LookupClients {
  const resolver = createStubResolver({ server, clock: systemClock })
  return { resolver, lists: createDnsLists({ resolver, clock: systemClock }) }
}

/** Nobody waits for a hold here: a listing is told at once. */
function lookAtAll(
  identities: readonly CheckedAddress[],
  probed: readonly Probed[],
  clients: LookupClients | null,
): Promise<readonly ReputationCheck[]> {
  const limit = createConcurrencyLimit(inFlightLimit, Infinity)
  const looks = identities.map(async (watched) => {
    const profile = { ...watched.profile, holdMs: 0 }
    const job = new ReputationCheck({ ...watched, profile }, () => Promise.resolve())
    for (const one of probed) {
      const greeting = isOf(one.watched, watched) ? greetingOf(one.outcome.dialogue) : null
      if (greeting) job.observeGreeting(greeting)
    }
    if (clients) await limit.run(() => job.check(clients, () => systemClock.monotonicMs()))
    return job
  })
  return Promise.all(looks)
}

type AddressName = Pick<WatchedAddress, 'zone' | 'target' | 'address'>

const isOf = (one: AddressName, other: AddressName): boolean =>
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

function tableOf(probed: readonly Probed[], jobs: readonly ReputationCheck[]): string {
  const rows = probed.map(({ watched, outcome }) => [
    `${watched.target}.${watched.zone}`,
    watched.address,
    watched.profile.name,
    outcome.kind,
    outcome.reason,
    String(Math.round(outcome.durationMs)),
    greetingOf(outcome.dialogue)?.banner ?? '–',
    ...identityCells(jobs.find((job) => isOf(job.watched, watched))),
  ])
  return `${table([columns, ...rows]).join('\n')}\n`
}

function identityCells(job: ReputationCheck | undefined): readonly string[] {
  if (!job) return ['–', '–']
  const { reverse, listings } = job.view()
  const lists = [...listings.keys()].map(redactedList).join(' ')
  return [reverse?.kind ?? '–', lists === '' ? '–' : lists]
}

function warningsOf(
  probed: readonly Probed[],
  jobs: readonly ReputationCheck[],
  clients: LookupClients | null,
): ReadonlySet<string> {
  const isBlind = clients === null && jobs.length > 0
  return new Set([
    ...probed.flatMap(({ watched, outcome }) => tlsWarnings(watched, outcome)),
    ...jobs.flatMap((job) => findingWarnings(job)),
    ...(clients?.lists.states() ?? []).flatMap(({ list, family, problem }) =>
      problem === null
        ? []
        : [`${redactedList(list)} is not believed about IPv${family}: ${problem}`],
    ),
    ...(isBlind ? ['no resolver, so neither PTR nor DNS lists: give --resolver ADDR:PORT'] : []),
  ])
}

const findingWarnings = (job: ReputationCheck): readonly string[] =>
  job
    .findings()
    .map(({ message }) => `${job.watched.exchange} at ${job.watched.address}: ${message}`)

const tlsWarnings = ({ target, zone, address }: WatchedAddress, outcome: Outcome): string[] =>
  outcome.kind === 'tls' ? [`${target}.${zone} at ${address}: TLS: ${outcome.reason}`] : []

const countUnwatched = ({ targets, watched }: Loaded): number => {
  const seen = new Set(watched.map(({ zone, target }) => `${zone} ${target}`))
  return targets.filter(({ zone, target }) => !seen.has(`${zone} ${target.name}`)).length
}
