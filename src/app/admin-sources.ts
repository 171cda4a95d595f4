// What the admin server reports: metrics and `/status`, read from the running components at the
// time of each request.

import type { AdminCounters } from '../admin/admin-counters.ts'
import type { StatusSources } from '../admin/views/status-view.ts'
import type { ZoneDepartedName } from '../admin/views/targets-view.ts'
import type { ZonesSources } from '../admin/views/zones-view.ts'
import { departedNames } from '../departed/departed-names.ts'
import type { DepartedSet } from '../departed/name-memory.ts'
import { exclusionProblem } from '../coherence/coherence-watch.ts'
import type { MatrixFacts } from '../coherence/matrix.ts'
import type { ClockTrust } from '../dnssec/signing-clock.ts'
import type { HealthReader } from '../health/table.ts'
import { alignedInterval } from '../lib/clock.ts'
import type { CountedTarget } from '../metrics/answer-metrics.ts'
import type { MetricSources } from '../metrics/metrics.ts'
import type { WeightedTarget } from '../metrics/target-metrics.ts'
import type { WatchedAddress } from '../probe/smtp/profile.ts'
import { EmptyPools } from '../problems/empty-pools.ts'
import { SharedSlotsFinder } from '../problems/shared-slots.ts'
import { ProblemWatch, type ServerProblem } from '../problems/problem-table.ts'
import type { SigningState } from '../problems/signing-problems.ts'
import { addressFacts } from '../reputation/address-facts.ts'
import type { ReputationWatch } from '../reputation/reputation-watch.ts'
import type { Settings } from '../settings/settings.ts'
import type { UnavailableEndpoint } from '../transport/endpoint.ts'
import { createDropCounter } from '../transport/udp/udp-drops.ts'
import type { DsWatch } from '../trust/ds-watch.ts'
import type { Workers } from '../transport/worker/workers.ts'
import type { EndpointWatch } from '../watch/endpoint-watch.ts'
import type { StartWatch } from '../watch/start-watch.ts'
import { slotKey } from '../watch/slot-key.ts'
import type { LoadedTarget } from '../zonefile/load-zones.ts'
import type { ZoneKeeper } from '../zonefile/zone-keeper.ts'
import type { ClusterLink } from './cluster-link.ts'
import type { ControlPlane } from './control-plane.ts'
import { logClockTrust, logEmptyPool } from './event-sources.ts'
import { stillUnavailable, udpEndpoints } from './listeners.ts'
import type { Recorders } from './live/recorders.ts'
import type { PersistentState } from './persistent-state.ts'
import type { AnnounceHook } from './readiness-signals.ts'
import type { ReloadableFiles } from './reloadable-files.ts'
import type { Runtime } from './runtime.ts'
import { version } from './version.ts'

interface MetricInputs
  extends
    ReloadableFiles,
    Pick<Runtime, 'clock' | 'droppedLines' | 'parts' | 'events' | 'signingTime'> {
  readonly settings: Settings
  readonly workers: Workers
  readonly watch: EndpointWatch
  readonly controlPlane: ControlPlane
  readonly reputation: ReputationWatch
  readonly dsWatch: DsWatch
  readonly state: PersistentState
  readonly cluster: ClusterLink
  readonly admin: AdminCounters
  readonly recorders: Recorders
}

/** Of the time to sign by; without a signed zone nothing depends on it. */
export const clockTrust = ({
  keys,
  signingTime,
}: Pick<ReloadableFiles, 'keys'> & Pick<Runtime, 'signingTime'>): ClockTrust =>
  keys.current().length === 0 ? 'right' : signingTime.trust()

export function metricSources(inputs: MetricInputs): MetricSources {
  const { settings, zones, places, certificate, workers, watch, controlPlane } = inputs
  const { reputation, state, cluster, admin, clock } = inputs
  const drops = createDropCounter(udpEndpoints(settings))
  return {
    version,
    counters: workers.counters,
    states: () => watch.states(),
    probing: { schedule: () => watch.counters(), localFaults: () => watch.localFaults() },
    targets: () => zones.current().targets.map(countedTarget),
    zones: () => zones.answered(),
    departed: () => departedOf(zones).map(({ zone, sets }) => ({ zone, sets: sets.length })),
    unsharedNames: () => cluster.unsharedNames(),
    workersAlive: () => workers.alive(),
    workerRestarts: () => workers.restarts(),
    lastReload: () => zones.lastReload(),
    ...reloadSource(zones),
    certificate: certificate && {
      lastReload: () => certificate.lastReload(),
      expiresAtSeconds: () => certificate.current()?.expiresAtSeconds ?? 0,
    },
    udpKernelDrops: () => drops.read(),
    droppedLogLines: inputs.droppedLines,
    partFailures: () => inputs.parts.failures(),
    databases: () => places.states(),
    wallMs: () => clock.wallMs(),
    ...controlPlane,
    reputation,
    availability: () => state.availability.pools(),
    stateWrite: () => state.lastWrite(),
    cluster: cluster.view,
    admin,
    signing: signingSource(inputs),
    names: nameSource(inputs),
    records: inputs,
  }
}

const reloadSource = (
  zones: ZoneKeeper,
): Pick<MetricSources, 'reloadMs' | 'reloadHeapOctets' | 'reloads'> => ({
  reloadMs: () => zones.lastReload().durationMs,
  reloadHeapOctets: () => zones.lastReload().peakHeapOctets,
  reloads: () => zones.reloads(),
})

const signingSource = (inputs: MetricInputs): MetricSources['signing'] => ({
  clock: () => clockTrust(inputs),
  zones: () => inputs.keys.views(),
  nowMs: () => inputs.signingTime.nowMs(),
  parents: () => inputs.dsWatch.standings(),
})

const nameSource = (inputs: MetricInputs): MetricSources['names'] => ({
  excluded: () => inputs.coherence.count(),
  handed: () => inputs.names.handed(inputs.clock.wallMs()),
  unshared: () => inputs.cluster.unsharedHanded(),
})

const countedTarget = ({ zone, target, pools }: LoadedTarget): CountedTarget & WeightedTarget => ({
  zone,
  name: target.name,
  index: target.index,
  weights: new Map(pools.map(({ pool, member }) => [pool, member.weight])),
})

interface ProblemInputs extends ReloadableFiles, Pick<Runtime, 'clock' | 'log' | 'signingTime'> {
  readonly workers: Workers
  readonly watch: EndpointWatch
  readonly starts: StartWatch
  readonly state: PersistentState
  readonly cluster: ClusterLink
  readonly reputation: ReputationWatch
  readonly dsWatch: DsWatch
  readonly unavailable: readonly UnavailableEndpoint[]
  /** The hook is replaced when the server is ready. */
  readonly late: { readonly announceHook: AnnounceHook }
}

/** What is known of the names around targets: of probes, of the checks of identity, and of what was handed out. */
export function matrixFacts({
  names,
  watch,
  reputation,
  clock,
}: Pick<MetricInputs, 'names' | 'watch' | 'reputation' | 'clock'>): MatrixFacts {
  const nowMs = clock.wallMs()
  const probed = Map.groupBy(watch.states(), addressKey)
  const checked = Map.groupBy(reputation.states(), ({ watched }) => addressKey(watched))
  return {
    nowMs,
    handed: names.handed(nowMs),
    factsOf(zone, target, address) {
      const key = addressKey({ zone, target, address })
      const dialogues = (probed.get(key) ?? []).map((one) => one.lastOutcome?.dialogue ?? [])
      const reverses = (checked.get(key) ?? []).flatMap((one) => one.reverse ?? [])
      return addressFacts(names.presentedAt({ zone, target, address }), dialogues, reverses)
    },
  }
}

const addressKey = (one: Pick<WatchedAddress, 'zone' | 'target' | 'address'>): string =>
  `${one.zone} ${one.target} ${one.address}`

type Problems = (notReady: readonly string[] | null) => readonly ServerProblem[]

const problemIntervalMs = 1000

/**
 * Looks every second at what is wrong, so that it is known since when. Returns the look itself;
 * `notReady`: why queries should not be sent here, null if that was not asked.
 */
export function watchProblems(inputs: ProblemInputs, health: HealthReader): Problems {
  const { zones, places, certificate, workers, watch, state, cluster, clock } = inputs
  const { starts, unavailable, late, names, coherence } = inputs
  const pools = new EmptyPools(health)
  const slots = new SharedSlotsFinder(health)
  const problemWatch = new ProblemWatch((change) => logEmptyPool(inputs.log, change))
  const signing = watchSigning(inputs)
  const look: Problems = (notReady) => {
    const written = state.lastWrite()
    const { isIsolated, isolatedFamilies, heldGroups } = watch.localFaults()
    const isStalled = starts.isStalled()
    return problemWatch.observe({
      nowMs: clock.wallMs(),
      notReady,
      listeners: stillUnavailable(unavailable),
      announce: late.announceHook.failing(),
      emptyPools: pools.find(zones.current().catalog),
      sharedSlots: slots.find(zones.current().catalog),
      zoneMistakes: zones.lastReload().mistakes,
      certificate: certificate && {
        mistake: certificate.mistake(),
        expiresAtSeconds: certificate.current()?.expiresAtSeconds ?? 0,
      },
      databases: places.states(),
      unwritten: written?.successful === false ? written : null,
      store: cluster.view?.() ?? null,
      prober: { isIsolated, isStalled, isolatedFamilies, heldGroups, ownFaults: watch.ownFaults() },
      workers: { alive: workers.alive(), of: workers.counters.length },
      signing: signing(),
      names: coherence
        .look(names.zones(), clock.monotonicMs(), () => matrixFacts(inputs))
        .map(exclusionProblem),
    })
  }
  // Ends with the process.
  alignedInterval(problemIntervalMs, () => void look(null))
  return look
}

/** Looks at the time to sign by, at the keys and, where it is due, at the parents of signed zones. */
function watchSigning(
  inputs: Pick<ProblemInputs, 'keys' | 'dsWatch' | 'clock' | 'log' | 'signingTime'>,
): () => SigningState {
  const { keys, dsWatch, clock, log, signingTime } = inputs
  let trust: ClockTrust = 'right'
  return () => {
    const before = trust
    trust = clockTrust(inputs)
    if (trust !== before) logClockTrust(log, trust, clock.wallMs(), signingTime.nowMs())
    const views = keys.views()
    dsWatch.look(views)
    return { clock: trust, keys: views, mismatches: dsWatch.mismatches() }
  }
}

/** What has left the zones that are served, and is still answered. */
const departedOf = (zones: Pick<ZoneKeeper, 'names' | 'current'>): readonly DepartedOfZone[] =>
  zones.current().zones.map(({ name }) => ({
    zone: name,
    sets: zones.names().get(name)?.departed ?? [],
  }))

interface DepartedOfZone {
  readonly zone: string
  readonly sets: readonly DepartedSet[]
}

export const departedSource =
  (zones: Pick<ZoneKeeper, 'names' | 'current'>): (() => readonly ZoneDepartedName[]) =>
  () =>
    departedOf(zones).flatMap(({ zone, sets }) =>
      departedNames(sets).map((name) => ({ zone, ...name })),
    )

/** The zones that are served, and the last load where it was refused. */
export const zonesSource = (zones: ZoneKeeper): ZonesSources => ({
  served() {
    const { zones: loaded, catalog, loadedMs } = zones.current()
    const answered = zones.answered()
    const inOrder = [...catalog.zones.values()]
    return loaded.flatMap(({ name, file, hash, serial }, i) => {
      const zone = inOrder[i]
      const shown = { name, file, hash, serial: answered[i]?.serial ?? serial }
      return zone === undefined ? [] : [{ ...shown, loadedMs: loadedMs.get(name) ?? 0, zone }]
    })
  },
  targets: () => zones.current().targets,
  warnings: () => zones.current().warnings,
  files: () => zones.files(),
  refused() {
    const { mistakes, refused, atMs } = zones.lastReload()
    return mistakes.length === 0 ? null : { atMs, mistakes, files: refused }
  },
})

interface StatusInputs extends Pick<Runtime, 'clock'> {
  readonly settings: Settings
  readonly zones: ZoneKeeper
  readonly cluster: ClusterLink
  readonly problems: Problems
  /** Monotonic time of the start, in milliseconds. */
  readonly startedMs: number
}

/**
 * What `/status` reports beside health and overrides: this instance, its cluster, and the votes of
 * all instances.
 */
export function statusSources(inputs: StatusInputs): StatusSources {
  const { settings, zones, cluster, clock, startedMs, problems } = inputs
  let watched: readonly WatchedAddress[] = []
  let keys: ReadonlyMap<number, string> = new Map()
  return {
    version,
    instance: settings.instance,
    site: settings.site,
    uptimeSeconds: () => (clock.monotonicMs() - startedMs) / 1000,
    clusterStatus() {
      const { kind, degraded } = cluster.votes.status()
      const view = cluster.view?.()
      const { fenced = false, unansweredSeconds = 0, reasons = [], polling = null } = view ?? {}
      const { peers = [], config = null } = view ?? {}
      return { kind, degraded, fenced, unansweredSeconds, reasons, polling, peers, config }
    },
    problems,
    votesOn(slot) {
      const current = zones.current().watched
      if (current !== watched) keys = new Map(current.map((one) => [one.slot, slotKey(one)]))
      watched = current
      const key = keys.get(slot)
      return key === undefined ? [] : cluster.votes.votes(key)
    },
  }
}
