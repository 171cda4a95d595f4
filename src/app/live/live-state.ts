// What consoles are shown while the server runs, read from its components.

import { randomBytes } from 'node:crypto'

import type { LiveSources } from '../../admin/live/live-routes.ts'
import type { RowSources } from '../../admin/live/live-rows.ts'
import type { Figures } from '../../admin/live/overview-rows.ts'
import { StreamFeed } from '../../admin/live/stream-feed.ts'
import { ProbeAsks } from '../../admin/live/target-routes.ts'
import type { StatusSources } from '../../admin/views/status-view.ts'
import { knownReasons, type ReadinessSources } from '../../announce/readiness.ts'
import { isoTime } from '../../lib/clock.ts'
import type { ServerProblem } from '../../problems/problem-table.ts'
import type { ReputationWatch } from '../../reputation/reputation-watch.ts'
import type { Settings } from '../../settings/settings.ts'
import type { Workers } from '../../transport/worker/workers.ts'
import type { EndpointWatch } from '../../watch/endpoint-watch.ts'
import type { ZoneKeeper } from '../../zonefile/zone-keeper.ts'
import { departedSource, statusSources } from '../admin-sources.ts'
import type { ClusterLink } from '../cluster-link.ts'
import type { ControlPlane } from '../control-plane.ts'
import type { PersistentState } from '../persistent-state.ts'
import type { Runtime } from '../runtime.ts'
import { version } from '../version.ts'
import type { Recorders } from './recorders.ts'

interface LiveInputs extends Pick<Runtime, 'clock' | 'parts' | 'events'> {
  readonly settings: Settings
  readonly zones: ZoneKeeper
  readonly watch: EndpointWatch
  readonly workers: Workers
  readonly cluster: ClusterLink
  readonly controlPlane: ControlPlane
  readonly state: PersistentState
  readonly reputation: ReputationWatch
  readonly recorders: Recorders
  readonly problems: (notReady: readonly string[] | null) => readonly ServerProblem[]
  readonly startedMs: number
}

export function startLiveState(inputs: LiveInputs, readiness: ReadinessSources): LiveSources {
  const { clock, parts, events, watch, recorders, workers } = inputs
  const boot = randomBytes(4).toString('hex')
  const rows = rowSources(inputs, readiness)
  const figures = (streams: number): Figures => figuresOf(inputs, streams)
  const feed = new StreamFeed({
    boot,
    clock,
    timer: parts.timer('admin'),
    sources: { ...rows, events, figures },
  })
  return {
    boot,
    feed,
    events,
    history: recorders.history,
    traffic: recorders.traffic,
    workers: () => ({ ...workersOf(workers), restarts: workers.restarts() }),
    wallMs: () => clock.wallMs(),
    target: {
      ...rows,
      reputation: inputs.reputation,
      feedback: inputs.controlPlane.feedback,
      probeNow: (zone, target) => watch.probeNow(zone, target),
      asks: new ProbeAsks(() => clock.monotonicMs()),
    },
  }
}

function rowSources(inputs: LiveInputs, readiness: ReadinessSources): RowSources {
  const { settings, zones, watch, controlPlane, state, clock, problems } = inputs
  const { instance, site, consoleUrl } = settings
  const startedMs = clock.wallMs() - (clock.monotonicMs() - inputs.startedMs)
  const status: Pick<StatusSources, 'votesOn' | 'clusterStatus'> = statusSources(inputs)
  return {
    facts: { instance, site, version, startedMs, consoleUrl },
    states: () => watch.states(),
    votesOn: status.votesOn,
    overrides: controlPlane.overrides,
    shares: controlPlane.shares,
    availability: () => state.availability.pools(),
    clusterStatus: status.clusterStatus,
    problems: () => problems(null),
    notReady: () => knownReasons(readiness),
    localFaults: () => watch.localFaults(),
    zones: () =>
      zones.answered().map(({ name, serial }) => ({
        zone: name,
        serial,
        hash: zones.serials().get(name.toLowerCase())?.digest ?? null,
      })),
    departed: departedSource(zones),
  }
}

const workersOf = (workers: Workers): Figures['workers'] => ({
  alive: workers.alive(),
  of: workers.counters.length,
})

function figuresOf({ clock, watch, workers, recorders }: LiveInputs, streams: number): Figures {
  const wallMs = clock.wallMs()
  const totals = recorders.totals()
  const { overMs, of } = recorders.traffic.gained(totals, wallMs)
  const perSecond = (count: number): number =>
    overMs > 0 ? Math.round((count / overMs) * 10_000) / 10 : 0
  const queries = of('transports', 'udp') + of('transports', 'tcp')
  const answered = [...totals.keys()].filter((key) => key.startsWith('rcodes '))
  const responses = answered.reduce((sum, key) => sum + of('rcodes', key.slice(7)), 0)
  const started = of('probes', 'started')
  return {
    at: isoTime(wallMs),
    overSeconds: Math.round(overMs / 1000),
    queriesPerSecond: perSecond(queries),
    noErrorShare: responses > 0 ? of('rcodes', 'NOERROR') / responses : null,
    failedOpen: of('reasons', 'failed-open'),
    failedOpenTotal: totals.get('reasons failed-open') ?? 0,
    truncatedPerSecond: perSecond(of('fates', 'truncated')),
    addresses: watch.addressCounts(),
    probesPerSecond: perSecond(started),
    lateProbesShare: started > 0 ? of('probes', 'late') / started : null,
    workers: workersOf(workers),
    streams,
  }
}
