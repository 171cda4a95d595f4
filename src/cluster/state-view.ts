// A look at the exchange, for metrics and people.

import { isDisputed, type LiveVote } from '../health/consensus.ts'
import type { HintReader } from './redis/hint-reader.ts'
import type { InstanceState } from './redis/schema.ts'
import type { SyncedPart, StoreSession } from './redis/session.ts'
import type { VoteReader } from './redis/vote-reader.ts'
import type { StoreReachability } from './store-reachability.ts'
import type { ConfigAgreement, ConfigGroup } from './config-agreement.ts'
import type { ProbeAssignments } from './probe-assignments.ts'
import type { OwnVotes } from './own-votes.ts'
import type { Peers } from './peers.ts'
import type { ClusterStatus } from './cluster-votes.ts'

interface StateViewInput {
  readonly own: OwnVotes
  readonly peers: Peers
  readonly duties: ProbeAssignments
  readonly hints: HintReader
  readonly session: StoreSession
  readonly reader: VoteReader
  readonly reach: StoreReachability
  readonly agreement: ConfigAgreement
  readonly feedback: Pick<SyncedPart, 'rejected'>
  readonly tallies: Pick<SyncedPart, 'rejected'>
  readonly votesOf: (slotKey: string) => readonly LiveVote[]
}

export const createStateView = (
  {
    own,
    peers,
    duties,
    hints,
    session,
    reader,
    reach,
    agreement,
    votesOf,
    feedback,
    tallies,
  }: StateViewInput,
  nowMs: number,
): StateView => ({
  kind: 'redis',
  degraded: reach.isCutOff,
  instances: 1 + peers.count(),
  fenced: session.isFenced,
  votes: countVotes(own, votesOf),
  takeovers: duties.takeovers,
  rejected: [session.counters, reader, feedback, tallies].reduce(
    (sum, { rejected }) => sum + rejected,
    hints.rejected(),
  ),
  rewrites: session.counters.rewrites,
  streamLagSeconds: hints.lagSeconds(),
  unansweredSeconds: reach.unansweredMs(nowMs) / 1000,
  peers: viewPeers(peers, nowMs),
  config: { own: session.config, differs: agreement.isAlerting, groups: agreement.groups() },
})

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

const viewPeers = (peers: Peers, nowMs: number): readonly PeerView[] =>
  [...peers.all()].map(({ instance, heartbeat: beat, heartbeatChangedAtMs: movedAtMs }) => ({
    instance,
    site: beat.site,
    state: beat.state,
    config: beat.config,
    ageSeconds: (nowMs - movedAtMs) / 1000,
  }))

interface PeerView {
  readonly instance: string
  readonly site: string
  readonly state: InstanceState
  /** null: it does not tell. */
  readonly config: string | null
  /** Since its heartbeat last moved. */
  readonly ageSeconds: number
}

export interface StateView extends ClusterStatus {
  readonly fenced: boolean
  /** Our own; `disputed`: endpoints where live votes differ. */
  readonly votes: {
    readonly up: number
    readonly down: number
    readonly unknown: number
    readonly disputed: number
  }
  readonly takeovers: number
  readonly rejected: number
  readonly rewrites: number
  readonly streamLagSeconds: number
  readonly unansweredSeconds: number
  readonly peers: readonly PeerView[]
  readonly config: {
    /** null: not known yet. */
    readonly own: string | null
    /** They have differed for too long. */
    readonly differs: boolean
    readonly groups: readonly ConfigGroup[]
  }
}

export interface StateViewSource {
  stateView(): StateView
}
