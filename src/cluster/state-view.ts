// The shared state as metrics and the admin interface show it.

import { isDisputed, type LiveVote } from '../health/consensus.ts'
import type { HintReader } from './redis/hint-reader.ts'
import type { OversizedRecords } from './redis/oversized-records.ts'
import type { StoreLink } from './link/redis-link.ts'
import type { InstanceState } from './redis/schema.ts'
import type { SealMode } from './redis/sealed-record.ts'
import type { StoreSession, SyncedPart } from './redis/session.ts'
import type { StoreSeals } from './redis/store-seals.ts'
import type { UnauthenticCount, UnauthenticRecord } from './redis/unauthentic-records.ts'
import type { VoteReader } from './redis/vote-reader.ts'
import type { ReachabilityReason, StoreReachability } from './store-reachability.ts'
import type { ConfigAgreement, ConfigGroup } from './config-agreement.ts'
import type { ProbeAssignments } from './probe-assignments.ts'
import type { OwnVotes } from './own-votes.ts'
import type { Peers } from './peers.ts'
import type { ClusterStatus, ExposureReport } from './cluster-votes.ts'
import type { RedisReports, ZoneDifferences } from './shared-reports.ts'

export interface StateViewSource {
  stateView(): StateView
}

/** Served as JSON: field names are part of the admin interface. */
export interface StateView extends ClusterStatus {
  /** Whether another process uses the name of this instance. */
  readonly fenced: boolean
  /** Own votes; `disputed` counts endpoints on which live votes differ. */
  readonly votes: {
    readonly up: number
    readonly down: number
    readonly unknown: number
    readonly disputed: number
  }
  /** Endpoints taken over from instances that left. */
  readonly takeovers: number
  /** Values read from the store that were not valid. */
  readonly rejected: number
  /** Those of them that were too large to be read. */
  readonly oversized: number
  readonly seals: SealsView
  /** Zones and targets that this instance does not report to the others, for lack of room. */
  readonly unreported: number
  /** Full writes of the own votes. */
  readonly rewrites: number
  /** Connections cut off for what the store had sent, by what was wrong with it. */
  readonly linkFaults: Readonly<Record<string, number>>
  /** How often a node of a cluster has sent this instance to another one, by how it says so. */
  readonly redirections: Readonly<Record<string, number>>
  /** Error code for which the store is asked for hints again and again; null: reads wait for them. */
  readonly polling: string | null
  readonly streamLagSeconds: number
  /** Seconds since the store last answered. */
  readonly unansweredSeconds: number
  /** Why it is degraded, the last reason first; empty if it is not, or if no reason is known yet. */
  readonly reasons: readonly ReachabilityReason[]
  readonly peers: readonly PeerView[]
  /** Instances that went silent within the last day and are not back. */
  readonly missing: readonly {
    readonly instance: string
    readonly site: string
    readonly ageSeconds: number
  }[]
  readonly config: {
    /** Own hash of the configuration; null if it is not known yet. */
    readonly own: string | null
    /** Whether instances have differed for longer than the grace time. */
    readonly differs: boolean
    readonly groups: readonly ConfigGroup[]
  }
}

interface SealsView {
  /** null: there is no secret. */
  readonly mode: SealMode | null
  /** Records read that are not authentic. */
  readonly counts: readonly UnauthenticCount[]
  /** Names whose records are not authentic at present, with the first one found. */
  readonly unauthentic: readonly UnauthenticRecord[]
}

interface PeerView {
  readonly instance: string
  readonly site: string
  readonly state: InstanceState
  /** null if it is not known. */
  readonly config: string | null
  /** Seconds since its heartbeat last changed. */
  readonly ageSeconds: number
  /** null: the instance does not report it. So for the next three. */
  readonly version: string | null
  readonly consoleUrl: string | null
  readonly zones: ZoneDifferences | null
  readonly exposure: ExposureReport | null
}

interface StateViewInput {
  readonly own: OwnVotes
  readonly peers: Peers
  readonly assignments: ProbeAssignments
  readonly hints: HintReader
  readonly session: StoreSession
  readonly reader: VoteReader
  readonly reachability: StoreReachability
  readonly agreement: ConfigAgreement
  readonly reports: RedisReports
  /** Feedback, counts of probes and serials. */
  readonly synced: readonly Pick<SyncedPart, 'rejected'>[]
  readonly oversized: OversizedRecords
  readonly link: Pick<StoreLink, 'faults' | 'redirections'>
  readonly seals: StoreSeals
  readonly votesOf: (slotKey: string) => readonly LiveVote[]
}

export function createStateView(input: StateViewInput, nowMs: number): StateView {
  const { own, peers, assignments, hints, session, reachability, agreement, votesOf } = input
  const { oversized, link, seals } = input
  return {
    kind: 'redis',
    degraded: reachability.isCutOff,
    instances: 1 + peers.count(),
    fenced: session.isFenced,
    // A walk over all endpoints: only where it is read.
    get votes() {
      return countVotes(own, votesOf)
    },
    takeovers: assignments.takeovers,
    rejected: countRejected(input),
    oversized: oversized.count,
    seals: viewSeals(seals),
    rewrites: session.counters.rewrites,
    linkFaults: link.faults(),
    redirections: link.redirections(),
    polling: hints.polling,
    streamLagSeconds: hints.lagSeconds(),
    unansweredSeconds: reachability.unansweredMs(nowMs) / 1000,
    reasons: reachability.reasons(nowMs),
    unreported: input.reports.leftOut,
    peers: viewPeers(input, nowMs),
    missing: viewMissing(peers, nowMs),
    config: { own: session.config, differs: agreement.isAlerting, groups: agreement.groups() },
  }
}

const countRejected = (input: StateViewInput): number => {
  const { session, reader, synced, hints, oversized } = input
  return [session.counters, reader, ...synced].reduce(
    (sum, { rejected }) => sum + rejected,
    hints.rejected() + oversized.count,
  )
}

function countVotes(
  own: OwnVotes,
  votesOf: (slotKey: string) => readonly LiveVote[],
): StateView['votes'] {
  const counts = { up: 0, down: 0, unknown: 0, disputed: 0 }
  for (const { slotKey, state } of own.all()) {
    counts[state === 'U' ? 'up' : state === 'D' ? 'down' : 'unknown']++
    if (isDisputed(votesOf(slotKey))) counts.disputed++
  }
  return counts
}

const viewSeals = ({ mode, records }: StoreSeals): SealsView => ({
  mode,
  counts: records.counts(),
  unauthentic: records.reported(),
})

const viewMissing = (peers: Peers, nowMs: number): StateView['missing'] =>
  peers.missing(nowMs).map(({ instance, site, goneAtMs }) => ({
    instance,
    site,
    ageSeconds: (nowMs - goneAtMs) / 1000,
  }))

function viewPeers(
  { peers, reports }: Pick<StateViewInput, 'peers' | 'reports'>,
  nowMs: number,
): readonly PeerView[] {
  const byName = new Map(reports.instances().map((one) => [one.instance, one]))
  return [...peers.all()].map(({ instance, heartbeat, heartbeatChangedAtMs }) => {
    const { report = null, exposure = null } = byName.get(instance) ?? {}
    return {
      instance,
      site: heartbeat.site,
      state: heartbeat.state,
      config: heartbeat.config,
      ageSeconds: (nowMs - heartbeatChangedAtMs) / 1000,
      version: report?.version ?? null,
      consoleUrl: report?.consoleUrl ?? null,
      zones: report && reports.differencesOf(report),
      exposure,
    }
  })
}
