// The events of the log, one function a kind. docs/operations.md has the table of `event` words.

import type { PlaceEvent } from '../geo/place-keeper.ts'
import type { FeedbackEffect } from '../health/feedback.ts'
import type { Override } from '../health/overrides.ts'
import type { KeptEvent } from '../persistence/state-file.ts'
import { shownList } from '../reputation/findings.ts'
import type { IdentityWatchOptions } from '../reputation/reputation-watch.ts'
import type { CertificateLoaded } from '../settings/certificate.ts'
import type { WorkerEvent } from '../transport/worker/workers.ts'
import type { DoubtEvent } from '../watch/local-fault.ts'
import type { TargetAlert } from '../watch/endpoint-health.ts'
import type { Transition } from '../watch/watched-state.ts'
import type { NamedTarget } from '../weights/feedback-registry.ts'
import type { MemberWatchOptions } from '../weights/member-watch.ts'
import type { Diagnostic } from '../zonefile/diagnostic.ts'
import type { LoadOutcome } from '../zonefile/zone-keeper.ts'
import type { Log } from './log.ts'

/** At most this many mistakes are logged one by one; the rest is a count. `mxsteer check` shows all. */
const loggedDiagnostics = 50

export function logReload(log: Log, outcome: LoadOutcome, cause: string): void {
  if (outcome.kind === 'rejected') {
    for (const diagnostic of outcome.diagnostics.slice(0, loggedDiagnostics))
      logDiagnostic(log, diagnostic)
    const fields = { event: 'config.rejected', cause, mistakes: outcome.diagnostics.length }
    log.error(fields, 'the zone files have mistakes; what was served before goes on')
    return
  }
  for (const warning of outcome.warnings.slice(0, loggedDiagnostics)) logDiagnostic(log, warning)
  if (!outcome.isChanged) return
  log.info({ event: 'config.loaded', cause, zones: outcome.served.zones }, 'zones taken over')
}

export function logCertificate(log: Log, loaded: CertificateLoaded, cause: string): void {
  if (loaded.kind === 'same') return
  if (loaded.kind === 'bad') {
    const { file, code, message } = loaded.diagnostic
    log.error(
      { event: 'certificate.rejected', cause, code, file },
      `${file}: ${message}; the certificate in force stays until it expires`,
    )
    return
  }
  const expires = new Date(loaded.certificate.expiresAtSeconds * 1000).toISOString()
  log.info({ event: 'certificate.loaded', cause, expires }, 'a new certificate for DNS over TLS')
}

function logDiagnostic(
  log: Log,
  { severity, code, file, line, column, path, message }: Diagnostic,
): void {
  const at = `${file}:${line}:${column}`
  log[severity === 'error' ? 'error' : 'warn'](
    { event: `config.${severity}`, code, at, path },
    `${at} ${path}: ${message}`,
  )
}

export function logTransition(log: Log, transition: Transition): void {
  const { to, zone, target, address } = transition
  const level = to === 'down' ? 'warn' : 'info'
  log[level]({ event: `target.${to}`, ...transition }, `${target}.${zone} at ${address} is ${to}`)
}

export const overrideEvents = (log: Log): Pick<MemberWatchOptions, 'onSet' | 'onEnd'> => ({
  onSet(override, from) {
    const { zone, target, action, by } = override
    const where = from === null ? '' : `, at ${from}`
    const message = `${target}.${zone}: ${action.kind}, by ${by || 'someone'}${where}`
    const origin = from === null ? {} : { from }
    log.info({ event: 'override.set', ...overrideFields(override), ...origin }, message)
  },
  onEnd(override, end, endedBy) {
    const { zone, target, action } = override
    const message = `${target}.${zone}: no longer ${action.kind}`
    log.info({ event: 'override.ended', end, endedBy, ...overrideFields(override) }, message)
  },
})

const overrideFields = ({ action, setMs, untilMs, ...rest }: Override): object => ({
  ...rest,
  kind: action.kind,
  ...(action.kind === 'weight' ? { weight: action.weight } : {}),
  set: new Date(setMs).toISOString(),
  until: untilMs === null ? null : new Date(untilMs).toISOString(),
})

const alertTexts = {
  'prober-blocked': 'refuses our probes: except the probing address from its limits',
  tls: 'has trouble with TLS',
}

export function logAlert(log: Log, { alert, isRaised, ...fields }: TargetAlert): void {
  const who = `${fields.target}.${fields.zone} at ${fields.address}`
  const event = alert === 'tls' ? 'target.tls' : 'prober.blocked'
  if (isRaised) log.warn({ event, ...fields }, `${who} ${alertTexts[alert]}`)
  else log.info({ event: `${event}.over`, ...fields }, `${who}: over`)
}

export function logDoubt(log: Log, event: DoubtEvent): void {
  if (event.kind === 'braked') {
    const { group, failing, of } = event
    const who = group === '*' ? 'all targets' : `the pool ${group}`
    const message = `${failing} of ${of} of ${who} fail at once: each waits for a second round`
    log.warn({ event: 'probes.braked', group, failing, of }, message)
  } else if (event.kind === 'released') {
    const { group, seconds } = event
    const who = group === '*' ? 'all targets' : `the pool ${group}`
    log.info(
      { event: 'probes.braked.over', group, seconds },
      `${who}: what fails now counts at once`,
    )
  } else if (event.isOver) log.info({ event: 'prober.isolated.over' }, 'connected again')
  else
    log.error(
      { event: 'prober.isolated', canaries: event.canaries },
      'no canary answers and hardly any target does: failures are taken for our own',
    )
}

/** `why`: what keeps the faster transport away; null where nothing does. */
export function logFallback(log: Log, why: string | null): void {
  if (why === null) return
  log.warn({ event: 'transport.fallback', why }, 'UDP by node:dgram: each query costs more CPU')
}

export function logPlaces(log: Log, event: PlaceEvent): void {
  const { database } = event
  if (event.kind === 'loaded') {
    const { type, buildSeconds } = event.facts
    const built = buildSeconds === null ? null : new Date(buildSeconds * 1000).toISOString()
    log.info({ event: 'geoip.loaded', database, type, built }, 'a GeoIP database is in force')
    return
  }
  const { why, inForce } = event
  if (inForce)
    log.error(
      { event: 'geoip.rejected', database, why },
      'a GeoIP database was refused, the one before goes on',
    )
  else
    log.error(
      { event: 'geoip.broken', database, why },
      'no GeoIP database: rules that ask for it match nobody, the catch-all answers',
    )
}

export function logWorker(log: Log, event: WorkerEvent): void {
  switch (event.kind) {
    case 'exited':
      return log.error(
        { event: 'worker.exited', ...event },
        'an answering worker ended; it is started again',
      )
    case 'restarted':
      return log.info(
        { event: 'worker.restarted', worker: event.worker },
        'an answering worker serves again',
      )
    case 'buffer-clamped':
      return log.warn(
        { event: 'transport.buffer', askedOctets: event.askedOctets, gotOctets: event.gotOctets },
        'a smaller UDP receive buffer than asked for: raise net.core.rmem_max',
      )
  }
}

// The events of the log about what targets look like from outside. docs/operations.md has the table of `event` words.

type Events = Pick<IdentityWatchOptions, 'onFinding' | 'onList' | 'onMass' | 'onBlind'>

export const identityEvents = (log: Log): Events => ({
  onFinding({ watched, finding, isRaised }) {
    const { zone, pool, target, address } = watched
    const { kind, list, message } = finding
    const fields = { zone, pool, target, address, finding: kind, ...(list !== null && { list }) }
    const who = `${target}.${zone} at ${address}`
    if (isRaised) log.warn({ event: 'identity.finding', ...fields }, `${who}: ${message}`)
    else log.info({ event: 'identity.mended', ...fields }, `${who}: ${kind} is over`)
  },
  onList({ list, family, trouble }) {
    const fields = { list: shownList(list), family }
    if (trouble === null) log.info({ event: 'dnsbl.usable', ...fields }, 'the DNS list is usable')
    else
      log.warn(
        { event: 'dnsbl.unusable', ...fields, why: trouble },
        'the DNS list fails its test points: what it says is not believed',
      )
  },
  onMass({ zone, pool, isRaised }) {
    if (isRaised)
      log.warn(
        { event: 'dnsbl.mass', zone, pool },
        'more than half of the pool is listed: no weight is moved',
      )
    else log.info({ event: 'dnsbl.over', zone, pool }, 'at most half of the pool is listed')
  },
  onBlind() {
    log.warn({ event: 'identity.blind' }, 'PTR and DNS lists need the setting resolver')
  },
})

// The events of what is kept over restarts, and of what MTAs say of themselves. docs/operations.md has the table of
// `event` words.

export function logKept(log: Log, event: KeptEvent): void {
  const { file } = event
  switch (event.kind) {
    case 'restored': {
      const { verdicts, overrides } = event.state
      const counts = { verdicts: verdicts.size, overrides: overrides.length }
      const ageSeconds = Math.round(event.ageMs / 1000)
      return log.info({ event: 'state.restored', file, ageSeconds, ...counts }, 'state taken over')
    }
    case 'ignored':
      return log.warn({ event: 'state.ignored', file, why: event.why }, 'nothing is remembered')
    case 'unwritable':
      return log.warn(
        { event: 'state.unwritable', file, why: event.why },
        'the state file cannot be written: a restart forgets what changes from now on',
      )
    case 'writable':
      return log.info({ event: 'state.writable', file }, 'the state file is written again')
    default:
      return event satisfies never
  }
}

export function logFeedback(log: Log, of: NamedTarget, { factor, standing }: FeedbackEffect): void {
  const { zone, target } = of
  const message = `${target}.${zone} says that it wants ${standing === 0 ? `${factor} of its mail` : 'no mail'}`
  log.info({ event: 'target.feedback', zone, target, factor, isOut: standing !== 0 }, message)
}
