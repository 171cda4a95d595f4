// The events of the log, one function a kind. docs/operations.md has the table of `event` words.

import type { CertificateLoaded } from '../settings/certificate-keeper.ts'
import type { Mistake } from '../zonefile/mistake.ts'
import type { LoadOutcome } from '../zonefile/zone-keeper.ts'
import type { PlaceEvent } from '../geo/place-keeper.ts'
import type { Override } from '../health/overrides.ts'
import type { Log } from './log.ts'
import type { MemberWatchOptions } from '../weights/members.ts'
import type { DoubtEvent } from '../watch/self-doubt.ts'
import type { TargetAlarm } from '../watch/target-alarms.ts'
import type { Transition } from '../watch/watched-state.ts'
import type { WorkerEvent } from '../transport/worker/workers.ts'

/** At most this many mistakes are logged one by one; the rest is a count. `mxsteer check` shows all. */
const loggedMistakes = 50

export function logReload(log: Log, outcome: LoadOutcome, cause: string): void {
  if (outcome.kind === 'rejected') {
    for (const mistake of outcome.mistakes.slice(0, loggedMistakes)) logMistake(log, mistake)
    const fields = { event: 'config.rejected', cause, mistakes: outcome.mistakes.length }
    log.error(fields, 'the zone files have mistakes; what was served before goes on')
    return
  }
  for (const warning of outcome.warnings.slice(0, loggedMistakes)) logMistake(log, warning)
  if (!outcome.isChanged) return
  log.info({ event: 'config.loaded', cause, zones: outcome.served.zones }, 'zones taken over')
}

export function logCertificate(log: Log, loaded: CertificateLoaded, cause: string): void {
  if (loaded.kind === 'same') return
  if (loaded.kind === 'bad') {
    const { file, code, message } = loaded.mistake
    log.error(
      { event: 'certificate.rejected', cause, code, file },
      `${file}: ${message}; the certificate in force stays until it expires`,
    )
    return
  }
  const expires = new Date(loaded.certificate.expiresAtSeconds * 1000).toISOString()
  log.info({ event: 'certificate.loaded', cause, expires }, 'a new certificate for DNS over TLS')
}

function logMistake(
  log: Log,
  { severity, code, file, line, column, path, message }: Mistake,
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

const alarmTexts = {
  'prober-blocked': 'refuses our probes: except the probing address from its limits',
  tls: 'has trouble with TLS',
}

export function logAlarm(log: Log, { alarm, isRaised, ...fields }: TargetAlarm): void {
  const who = `${fields.target}.${fields.zone} at ${fields.address}`
  const event = alarm === 'tls' ? 'target.tls' : 'prober.blocked'
  if (isRaised) log.warn({ event, ...fields }, `${who} ${alarmTexts[alarm]}`)
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
