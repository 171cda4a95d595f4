// Translates what the components of the server report, each in a closed union of its own, into
// events of the log (log-events.ts).

import type { AdminEvent } from '../admin/http.ts'
import type { AnnounceEvent } from '../announce/announcer.ts'
import type { ClusterEvent } from '../cluster/cluster-votes.ts'
import { departedNames, uncoveredTexts } from '../departed/departed-names.ts'
import type { DepartedSet } from '../departed/name-memory.ts'
import type { ZoneDepartures } from '../departed/name-round.ts'
import type { ExclusionChange } from '../coherence/coherence-watch.ts'
import type { ClockTrust } from '../dnssec/signing-clock.ts'
import type { PlaceEvent } from '../geo/place-keeper.ts'
import type { FeedbackEffect } from '../health/feedback.ts'
import { Standing } from '../health/table.ts'
import { isoTime } from '../lib/clock.ts'
import type { StateFileEvent } from '../persistence/state-file.ts'
import { type EmptyPoolChange } from '../problems/problem-table.ts'
import { isAnsweredBadly } from '../problems/empty-pools.ts'
import { redactedList } from '../reputation/findings.ts'
import type { ReputationWatchOptions } from '../reputation/reputation-watch.ts'
import type { CertificateLoaded } from '../settings/certificate.ts'
import type { ServiceEvent } from '../systemd/notifier.ts'
import type { AnchoredStanding } from '../trust/ds-watch.ts'
import type { WorkerEvent } from '../transport/worker/workers.ts'
import type { LocalFaultEvent } from '../watch/local-fault.ts'
import type { TargetAlert } from '../watch/target-alerts.ts'
import type { Transition } from '../watch/watched-state.ts'
import type { NamedTarget } from '../weights/feedback-registry.ts'
import type { MemberWatchOptions } from '../weights/member-watch.ts'
import type { Diagnostic } from '../zonefile/diagnostic.ts'
import type { LoadResult, ZoneKeeper } from '../zonefile/zone-keeper.ts'
import { logEvent } from './log-events.ts'
import type { Log } from './log.ts'

/**
 * At most this many diagnostics of one load are logged one by one; `mxsteer check` shows all of
 * them.
 */
const loggedDiagnostics = 50

/** `cause`: what the load was for, such as `SIGHUP`. `zones`: as they are answered now. */
export function logZoneLoad(
  log: Log,
  outcome: LoadResult,
  cause: string,
  zones: ReturnType<ZoneKeeper['answered']>,
): void {
  switch (outcome.kind) {
    case 'rejected':
      logDiagnostics(log, outcome.diagnostics)
      return logEvent(log, 'config.rejected', { cause, mistakes: outcome.diagnostics.length })
    case 'loaded':
      logDiagnostics(log, outcome.warnings)
      if (outcome.isChanged) logEvent(log, 'config.loaded', { cause, zones })
      return outcome.departures.forEach((one) => logDepartures(log, one))
    default:
      return outcome satisfies never
  }
}

/** Names of a zone in one event. */
const loggedNames = 20

function logDepartures(log: Log, { zone, left, released, uncovered }: ZoneDepartures): void {
  const fieldsOf = (sets: readonly DepartedSet[]) => {
    const names = departedNames(sets)
    const shown = names.slice(0, loggedNames).map(({ untilMs, ...name }) => ({
      ...name,
      until: isoTime(untilMs),
    }))
    return { zone, names: shown, count: names.length }
  }
  if (left.length > 0) logEvent(log, 'names.kept', fieldsOf(left))
  for (const [code, sets] of Map.groupBy(uncovered, ({ why }) => why)) {
    const fields = { ...fieldsOf(sets.map(({ set }) => set)), code }
    logEvent(log, 'names.uncovered', fields, uncoveredTexts[code])
  }
  if (released.length > 0) logEvent(log, 'names.released', fieldsOf(released))
}

function logDiagnostics(log: Log, diagnostics: readonly Diagnostic[]): void {
  for (const diagnostic of diagnostics.slice(0, loggedDiagnostics))
    logEvent(log, `config.${diagnostic.severity}`, diagnostic)
}

export function logCertificateLoad(log: Log, loaded: CertificateLoaded, cause: string): void {
  switch (loaded.kind) {
    case 'same':
      return
    case 'bad': {
      const { file, code, message } = loaded.diagnostic
      return logEvent(log, 'certificate.rejected', { cause, code, file }, message)
    }
    case 'renewed': {
      const expires = isoTime(loaded.certificate.expiresAtSeconds * 1000)
      return logEvent(log, 'certificate.loaded', { cause, expires })
    }
    default:
      return loaded satisfies never
  }
}

export function logGeoDatabase(log: Log, event: PlaceEvent): void {
  const { database } = event
  switch (event.kind) {
    case 'loaded': {
      const { type, buildSeconds } = event.facts
      const built = isoTime(buildSeconds && buildSeconds * 1000)
      return logEvent(log, 'geoip.loaded', { database, type, built })
    }
    case 'refused':
      return logEvent(log, event.inForce ? 'geoip.rejected' : 'geoip.broken', {
        database,
        why: event.why,
      })
    default:
      return event satisfies never
  }
}

/** `wallMs`: what the clock says; `signingMs`: the time that signatures go by. */
export function logClockTrust(
  log: Log,
  trust: ClockTrust,
  wallMs: number,
  signingMs: number,
): void {
  const wall = isoTime(wallMs)
  switch (trust) {
    case 'behind':
      return logEvent(log, 'clock.behind', { wall, known: isoTime(signingMs) })
    case 'frozen':
      return logEvent(log, 'clock.frozen', { wall, signing: isoTime(signingMs) })
    case 'right':
      return logEvent(log, 'clock.followed', { wall })
    default:
      return trust satisfies never
  }
}

export function logDsStanding(log: Log, standing: AnchoredStanding): void {
  const { kind, zone } = standing
  switch (kind) {
    case 'mismatch': {
      const { parent, servers, ds } = standing
      return logEvent(log, 'ds.mismatch', { zone, parent, servers, ds })
    }
    case 'matches':
    case 'none':
      return logEvent(log, 'ds.resolved', { zone, why: kind })
    case 'unknown':
      return
    default:
      return kind satisfies never
  }
}

/** `why`: what keeps the faster UDP transport from working; null where it works. */
export function logTransportFallback(log: Log, why: string | null): void {
  if (why !== null) logEvent(log, 'transport.fallback', { why })
}

export function logWorkerEvent(log: Log, event: WorkerEvent): void {
  switch (event.kind) {
    case 'exited':
      return logEvent(log, 'worker.exited', event)
    case 'restarted':
      return logEvent(log, 'worker.restarted', { worker: event.worker })
    case 'buffer-clamped': {
      const { askedOctets, gotOctets } = event
      return logEvent(log, 'transport.buffer', { askedOctets, gotOctets })
    }
    default:
      return event satisfies never
  }
}

export function logAdminEvent(log: Log, event: AdminEvent): void {
  switch (event.kind) {
    case 'hung':
      // Reported as a failure of its part, and logged when it has ended.
      return
    case 'exited': {
      const { thread, why, backoffMs } = event
      return logEvent(log, 'admin.exited', { thread, why, backoffMs })
    }
    case 'restarted':
      return logEvent(log, 'admin.restarted', { thread: event.thread })
    case 'wrong-token':
      return logEvent(log, 'session.refused', { client: event.client })
    default:
      return event satisfies never
  }
}

export const logTransition = (log: Log, { to, ...change }: Transition): void =>
  logEvent(log, `target.${to}`, change)

export function logTargetAlert(log: Log, { alert, isRaised, ...fields }: TargetAlert): void {
  switch (alert) {
    case 'tls':
      return logEvent(log, isRaised ? 'target.tls' : 'target.tls.over', fields)
    case 'prober-blocked':
      return logEvent(log, isRaised ? 'prober.blocked' : 'prober.blocked.over', fields)
    case 'prober-blind':
      return logEvent(log, isRaised ? 'prober.blind' : 'prober.blind.over', fields)
    default:
      return alert satisfies never
  }
}

export function logLocalFault(log: Log, event: LocalFaultEvent): void {
  switch (event.kind) {
    case 'held': {
      const { group, failing, of } = event
      return logEvent(log, 'probes.braked', { group, failing, of })
    }
    case 'released': {
      const { group, seconds } = event
      return logEvent(log, 'probes.braked.over', { group, seconds })
    }
    case 'isolated':
      return event.isOver
        ? logEvent(log, 'prober.isolated.over', {})
        : logEvent(log, 'prober.isolated', { canaries: event.canaries })
    case 'family-isolated': {
      const { family, canaries } = event
      return event.isOver
        ? logEvent(log, 'prober.isolated.over', { family })
        : logEvent(log, 'prober.isolated', { canaries, family })
    }
    default:
      return event satisfies never
  }
}

export function logEmptyPool(log: Log, change: EmptyPoolChange): void {
  const { zone, pool, uses, isOver } = change
  if (isOver) return logEvent(log, 'pool.empty.over', { zone, pool })
  const instead = [...new Set(uses.map((use) => use.instead))]
  logEvent(log, 'pool.empty', { zone, pool, instead }, isAnsweredBadly(change))
}

export function logExclusion(log: Log, { isOver, text, ...fields }: ExclusionChange): void {
  const { zone, target, facet } = fields
  const message = `${target}.${zone}: ${facet}: ${isOver ? 'over' : text}`
  logEvent(log, isOver ? 'names.apart.over' : 'names.apart', fields, message)
}

export const overrideEvents = (log: Log): Pick<MemberWatchOptions, 'onSet' | 'onEnd'> => ({
  onSet: (override, from) => logEvent(log, 'override.set', override, from),
  onEnd: (override, end, endedBy) => logEvent(log, 'override.ended', override, { end, endedBy }),
})

export function logFeedback(log: Log, of: NamedTarget, { factor, standing }: FeedbackEffect): void {
  const { zone, target } = of
  const isOut = standing !== Standing.normal
  logEvent(log, 'target.feedback', { zone, target, factor, isOut })
}

export const reputationEvents = (
  log: Log,
): Pick<ReputationWatchOptions, 'onFinding' | 'onList' | 'onMass' | 'onNoResolver'> => ({
  onFinding({ watched, finding, isRaised }) {
    const { zone, pool, target, address } = watched
    const { kind, list, message } = finding
    const fields = { zone, pool, target, address, finding: kind, ...(list !== null && { list }) }
    if (isRaised) logEvent(log, 'identity.finding', fields, message)
    else logEvent(log, 'identity.mended', fields)
  },
  onList({ list, family, problem }) {
    const fields = { list: redactedList(list), family }
    if (problem === null) logEvent(log, 'dnsbl.usable', fields)
    else logEvent(log, 'dnsbl.unusable', { ...fields, why: problem })
  },
  onMass: ({ zone, pool, isRaised }) =>
    logEvent(log, isRaised ? 'dnsbl.mass' : 'dnsbl.over', { zone, pool }),
  onNoResolver: () => logEvent(log, 'identity.blind'),
})

export function logStateFileEvent(log: Log, event: StateFileEvent): void {
  const { file } = event
  switch (event.kind) {
    case 'restored': {
      const { verdicts, overrides } = event.state
      const ageSeconds = Math.round(event.ageMs / 1000)
      const counts = { verdicts: verdicts.size, overrides: overrides.length }
      return logEvent(log, 'state.restored', { file, ageSeconds, ...counts })
    }
    case 'ignored':
      return logEvent(log, 'state.ignored', { file, why: event.why })
    case 'unwritable':
      return logEvent(log, 'state.unwritable', { file, why: event.why })
    case 'writable':
      return logEvent(log, 'state.writable', { file })
    default:
      return event satisfies never
  }
}

const oversizedFields = ({
  key,
  field,
  octets,
}: Extract<ClusterEvent, { kind: 'oversized-record' }>): {
  key: string
  field?: string
  octets: number
} => ({
  key,
  ...(field === null ? {} : { field }),
  octets,
})

export function logClusterEvent(log: Log, event: ClusterEvent): void {
  switch (event.kind) {
    case 'degraded':
      return logEvent(log, 'state.degraded', { why: event.why })
    case 'recovered':
      return logEvent(log, 'state.recovered', { afterMs: event.afterMs })
    case 'polling':
      return logEvent(log, 'state.polling', { why: event.why, everyMs: event.everyMs })
    case 'blocking':
      return logEvent(log, 'state.blocking')
    case 'peer-joined':
      return logEvent(log, 'peer.joined', { peer: event.peer, site: event.site })
    case 'peer-gone':
      return logEvent(log, 'peer.gone', {
        peer: event.peer,
        why: event.isStopped ? 'stopped' : 'silent',
      })
    case 'oversized-record':
      return logEvent(log, 'state.oversized', oversizedFields(event))
    case 'emptied':
      return logEvent(log, 'state.emptied')
    case 'fenced':
      return logEvent(log, 'state.fenced')
    case 'unfenced':
      return logEvent(log, 'state.unfenced')
    case 'config-differs':
      return logEvent(log, 'config.differs', { groups: event.groups })
    case 'config-agrees':
      return logEvent(log, 'config.agrees')
    case 'unauthentic': {
      const { peer, record, why, isIgnored: ignored } = event
      return logEvent(log, 'state.unauthentic', { peer, record, why, ignored })
    }
    case 'authentic':
      return logEvent(log, 'state.authentic', { peer: event.peer })
    default:
      return event satisfies never
  }
}

export function logAnnouncement(log: Log, event: AnnounceEvent): void {
  switch (event.kind) {
    case 'changed':
      return logEvent(log, 'announce.changed', { to: event.to, reasons: event.reasons })
    case 'failed':
      return logEvent(log, 'announce.failed', { what: event.what, why: event.why })
    default:
      return event satisfies never
  }
}

export function logServiceNotifier(log: Log, event: ServiceEvent): void {
  switch (event.kind) {
    case 'unresponsive':
      return logEvent(log, 'service.deaf')
    case 'responsive':
      return logEvent(log, 'service.hearing')
    case 'send-failed':
      return logEvent(log, 'service.unsent', { why: event.why })
    default:
      return event satisfies never
  }
}
