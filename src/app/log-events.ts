// The event table of the log: every value of the field `event` once, with its level, message and
// fields. A row is a function of the payload. docs/operations.md says what to do about each event;
// test/docs.test.ts compares the two. event-sources.ts translates what the components of the
// server report into these events.

import type { Override } from '../health/overrides.ts'
import { isoTime } from '../lib/clock.ts'
import { listed } from '../lib/listed.ts'
import type { Log } from './log.ts'

type Level = 'info' | 'warn' | 'error'

interface LogLine {
  readonly level: Level
  readonly message: string
  /** Fields of the line beside `event`. */
  readonly fields: object
}

const line = (level: Level, message: string, fields: object = {}): LogLine => ({
  level,
  message,
  fields,
})

/** Position and content of a diagnostic of a zone file. */
interface DiagnosticFields {
  readonly code: string
  readonly file: string
  readonly line: number
  readonly column: number
  /** Path in the document, such as `pools.eu.targets.mx1`. */
  readonly path: string
  readonly message: string
}

interface AddressName {
  readonly zone: string
  readonly target: string
  readonly address: string
}

interface StateChange extends AddressName {
  readonly slot: number
  readonly from: string
  readonly reason: string
  readonly code: number | null
  readonly holdSeconds: number
  readonly afterMs: number
}

interface FindingFields extends AddressName {
  readonly pool: string
  readonly finding: string
  /** Only of a finding about a DNS list. */
  readonly list?: string
}

/** Instances that have the same zone files. */
interface ConfigGroup {
  /** Digest of the zone files. */
  readonly config: string
  readonly instances: readonly string[]
}

/** Names that have left a zone, the first of them. */
interface DepartureFields {
  readonly zone: string
  readonly names: readonly {
    readonly name: string
    readonly types: readonly string[]
    /** Until when caches may lead to it. */
    readonly until: string | null
  }[]
  /** How many there are. */
  readonly count: number
}

const namesText = ({ names, count }: DepartureFields): string =>
  names.map(({ name, until }) => `${name} until ${until}`).join(', ') +
  (count > names.length ? ` and ${count - names.length} more` : '')

interface ListFields {
  readonly list: string
  readonly family: 4 | 6
}

const cutOffText =
  'no canary answers and hardly any target does: failures are taken for faults of this host'

const over = (fields: AddressName): LogLine => line('info', `${addressText(fields)}: over`, fields)

/**
 * The rows. What a row takes as `fields` is written to the line as it is; other parameters are for the
 * message.
 */
export const logEvents = {
  'server.ready': (fields: object): LogLine => line('info', 'answering', fields),
  'server.signal': (fields: { signal: string }, when: string): LogLine =>
    line('info', `stopping ${when}`, fields),
  'server.overdue': (fields: { withinMs: number }): LogLine =>
    line('warn', 'not everything could be ended: the process ends without it', fields),
  'server.stopped': (): LogLine => line('info', 'stopped'),

  'takeover.begun': (fields: object): LogLine => line('info', 'taking over', fields),
  'takeover.unused': (fields: { endpoint: string; why: string }): LogLine =>
    line('warn', 'a socket of the process before is not used any more', fields),
  'takeover.asked': (fields: object): LogLine => line('info', 'a process will take over', fields),
  'takeover.refused': (fields: { code: string; why: string }): LogLine =>
    line('warn', 'another process may not take over; this one goes on', fields),
  'takeover.failed': (fields: object): LogLine => line('error', 'this process goes on', fields),
  'takeover.handed': (fields: object): LogLine => line('info', 'a process has taken over', fields),
  'takeover.unavailable': (fields: object): LogLine => line('warn', 'none can take over', fields),
  'log.dropped': (fields: { lines: number }): LogLine =>
    line('warn', 'standard output was not read: lines of the log were dropped', fields),

  'config.loaded': (fields: { cause: string; zones: readonly object[] }): LogLine =>
    line('info', 'zones taken over', fields),
  'config.rejected': (fields: { cause: string; mistakes: number }): LogLine =>
    line('error', 'the zone files have mistakes; what was served before goes on', fields),
  'config.error': (diagnostic: DiagnosticFields): LogLine => diagnosticLine('error', diagnostic),
  'config.warning': (diagnostic: DiagnosticFields): LogLine => diagnosticLine('warn', diagnostic),
  'config.differs': (fields: { groups: readonly ConfigGroup[] }): LogLine =>
    line(
      'warn',
      `instances have different zone files or keys: ${fields.groups.map(groupText).join(' | ')}`,
      fields,
    ),
  'config.agrees': (): LogLine =>
    line('info', 'all instances have the same zone files and keys again'),

  'names.kept': (fields: DepartureFields): LogLine =>
    line(
      'info',
      `names that left the zone are answered for as long as caches may lead to them: ${namesText(fields)}`,
      fields,
    ),
  'names.uncovered': (fields: DepartureFields & { code: string }, why: string): LogLine =>
    line('warn', `caches may lead to names that have left: ${namesText(fields)}; ${why}`, fields),
  'names.released': (fields: DepartureFields): LogLine =>
    line(
      'info',
      `no cache leads to these names any more, they have left the zone: ${namesText(fields)}`,
      fields,
    ),

  'certificate.loaded': (fields: { cause: string; expires: string | null }): LogLine =>
    line('info', 'a new certificate for DNS over TLS', fields),
  'certificate.rejected': (
    fields: { cause: string; code: string; file: string },
    why: string,
  ): LogLine =>
    line(
      'error',
      `${fields.file}: ${why}; the certificate in force stays until it expires`,
      fields,
    ),

  'clock.behind': (fields: { wall: string | null; known: string | null }): LogLine =>
    line('error', 'the clock is before what has been: not ready, nothing is signed', fields),
  'clock.frozen': (fields: { wall: string | null; signing: string | null }): LogLine =>
    line('error', 'the clock was set: signatures go by the time of before, 24 h at most', fields),
  'clock.followed': (fields: { wall: string | null }): LogLine =>
    line('warn', 'signatures go by the clock again', fields),

  'ds.mismatch': (fields: object): LogLine =>
    line('error', 'DS at the parent lead to no key: resolvers refuse the zone', fields),
  'ds.resolved': (fields: object): LogLine => line('info', 'no DS leads to no key', fields),

  'geoip.loaded': (fields: { database: string; type: string; built: string | null }): LogLine =>
    line('info', 'a GeoIP database is in force', fields),
  'geoip.rejected': (fields: { database: string; why: string }): LogLine =>
    line('error', 'a GeoIP database was refused, the one before goes on', fields),
  'geoip.broken': (fields: { database: string; why: string }): LogLine =>
    line(
      'error',
      'no GeoIP database: rules that ask for it match no client, the catch-all answers',
      fields,
    ),

  'listener.unavailable': (fields: {
    endpoint: string
    why: string
    isBound: boolean
  }): LogLine => {
    const then = fields.isBound
      ? 'no client can ask there before an address comes'
      : 'the server listens on the others'
    return line('warn', `${fields.endpoint}: ${then}`, fields)
  },
  'transport.fallback': (fields: { why: string }): LogLine =>
    line('warn', 'UDP by node:dgram: each query costs more CPU', fields),
  'transport.buffer': (fields: { askedOctets: number; gotOctets: number }): LogLine =>
    line('warn', 'a smaller UDP receive buffer than asked for: raise net.core.rmem_max', fields),
  'worker.exited': (fields: {
    kind: 'exited'
    worker: number
    why: string
    backoffMs: number
  }): LogLine => line('error', 'an answering worker ended; it is started again', fields),
  'part.failed': (fields: {
    part: string
    error: string
    why?: string
    stack: readonly string[]
  }): LogLine =>
    line('error', `a bug in ${fields.part}: ${fields.error}; the rest goes on`, fields),
  'worker.restarted': (fields: { worker: number }): LogLine =>
    line('info', 'an answering worker serves again', fields),

  'admin.exited': (fields: { thread: string; why: string; backoffMs: number }): LogLine =>
    line('error', 'a thread of the admin server ended; it is started again', fields),
  'admin.restarted': (fields: { thread: string }): LogLine =>
    line('info', 'a thread of the admin server serves again', fields),
  'session.begun': (fields: { by: string }): LogLine =>
    line('info', `${fields.by} signed in`, fields),
  'session.refused': (fields: { client: string }): LogLine =>
    line('warn', 'a client presented a token that is not the admin token', fields),

  'target.up': (change: StateChange): LogLine => stateLine('info', change, 'up'),
  'target.suspect': (change: StateChange): LogLine => stateLine('info', change, 'suspect'),
  'target.down': (change: StateChange): LogLine => stateLine('warn', change, 'down'),
  'target.unknown': (change: StateChange): LogLine => stateLine('info', change, 'unknown'),
  'target.feedback': (fields: {
    zone: string
    target: string
    factor: number
    isOut: boolean
  }): LogLine => {
    const { zone, target, factor, isOut } = fields
    const wanted = isOut ? 'no mail' : `${factor} of its mail`
    return line('info', `${target}.${zone} reports that it takes ${wanted}`, fields)
  },
  'target.tls': (fields: AddressName & { reason: string }): LogLine =>
    line('warn', `${addressText(fields)} has trouble with TLS`, fields),
  'target.tls.over': (fields: AddressName): LogLine => over(fields),
  'prober.blocked': (fields: AddressName & { reason: string }): LogLine =>
    line(
      'warn',
      `${addressText(fields)} refuses our probes: except the probing address from its limits`,
      fields,
    ),
  'prober.blocked.over': (fields: AddressName): LogLine => over(fields),
  'prober.blind': (fields: AddressName & { reason: string }): LogLine =>
    line(
      'warn',
      `no probe of ${addressText(fields)} gets out of this host for long: its state stays as it was`,
      fields,
    ),
  'prober.blind.over': (fields: AddressName): LogLine => over(fields),
  'prober.isolated': (fields: { canaries: number; family?: 4 | 6 }): LogLine => {
    const { family } = fields
    if (family === undefined) return line('error', cutOffText, fields)
    const seen = 'no canary of it answers and hardly any target does'
    const path = `this host is cut off in IPv${family} alone: ${seen}`
    return line('error', `${path}. Such failures are taken for faults of this host`, fields)
  },
  'prober.isolated.over': (fields: { family?: 4 | 6 }): LogLine => {
    const { family } = fields
    return line('info', `connected again${family === undefined ? '' : ` in IPv${family}`}`, fields)
  },
  'probes.stalled': (): LogLine =>
    line('error', 'no probe starts although some are due: the watchdog is not fed meanwhile'),
  'probes.resumed': (): LogLine => line('info', 'probes start again, or none is due any more'),
  'probes.braked': (fields: { group: string; failing: number; of: number }): LogLine => {
    const { group, failing, of } = fields
    const failures = `${failing} of ${of} of ${poolText(group)} fail at once`
    return line('warn', `${failures}: each waits for a second round`, fields)
  },
  'probes.braked.over': (fields: { group: string; seconds: number }): LogLine =>
    line('info', `${poolText(fields.group)}: what fails now counts at once`, fields),

  'pool.empty': (
    fields: { zone: string; pool: string; instead: readonly string[] },
    isAnsweredBadly: boolean,
  ): LogLine => {
    const { zone, pool, instead } = fields
    const message = `no member is eligible in pool ${pool} of ${zone}`
    const answered = instead.length === 0 ? 'no rule needs it' : instead.join(', ')
    return line(
      isAnsweredBadly ? 'error' : 'warn',
      `${message}; answered instead: ${answered}`,
      fields,
    )
  },
  'pool.empty.over': (fields: { zone: string; pool: string }): LogLine =>
    line('info', `a member is eligible in pool ${fields.pool} of ${fields.zone} again`, fields),

  'names.apart': (fields: object, message: string): LogLine => line('warn', message, fields),
  'names.apart.over': (fields: object, message: string): LogLine => line('info', message, fields),

  'override.set': (override: Override, from: string | null): LogLine => {
    const { zone, target, action, by } = override
    const where = from === null ? '' : `, at ${from}`
    const fields = { ...overrideFields(override), ...(from === null ? {} : { from }) }
    return line('info', `${target}.${zone}: ${action.kind}, by ${by || 'someone'}${where}`, fields)
  },
  'override.ended': (override: Override, fields: { end: string; endedBy: string }): LogLine => {
    const { zone, target, action } = override
    const message = `${target}.${zone}: no longer ${action.kind}`
    return line('info', message, { ...fields, ...overrideFields(override) })
  },

  'identity.finding': (fields: FindingFields, message: string): LogLine =>
    line('warn', `${addressText(fields)}: ${message}`, fields),
  'identity.mended': (fields: FindingFields): LogLine =>
    line('info', `${addressText(fields)}: ${fields.finding} is over`, fields),
  'identity.blind': (): LogLine => line('warn', 'PTR and DNS lists need the setting resolver'),
  'dnsbl.unusable': (fields: ListFields & { why: string }): LogLine =>
    line('warn', 'the DNS list fails its test points: what it says is not believed', fields),
  'dnsbl.usable': (fields: ListFields): LogLine => line('info', 'the DNS list is usable', fields),
  'dnsbl.mass': (fields: { zone: string; pool: string }): LogLine =>
    line('warn', 'more than half of the pool is listed: no weight is moved', fields),
  'dnsbl.over': (fields: { zone: string; pool: string }): LogLine =>
    line('info', 'at most half of the pool is listed', fields),

  'state.restored': (fields: {
    file: string
    ageSeconds: number
    verdicts: number
    overrides: number
  }): LogLine => line('info', 'state taken over', fields),
  'state.ignored': (fields: { file: string; why: string }): LogLine =>
    line('warn', 'nothing is remembered', fields),
  'state.unwritable': (fields: { file: string; why: string }): LogLine =>
    line(
      'warn',
      'the state file cannot be written: a restart forgets what changes from now on',
      fields,
    ),
  'state.writable': (fields: { file: string }): LogLine =>
    line('info', 'the state file is written again', fields),

  'state.degraded': (fields: { why: string }): LogLine =>
    line(
      'warn',
      'the store is out of reach: everything is probed here, ' +
        'the last votes of the others stand for a while',
      fields,
    ),
  'state.recovered': (fields: { afterMs: number }): LogLine =>
    line('info', 'the store is in reach again', fields),
  'state.polling': (fields: { why: string; everyMs: number }): LogLine =>
    line('info', 'the store lets no read wait for news: it is asked again and again', fields),
  'state.blocking': (): LogLine => line('info', 'the store lets reads wait for news again'),
  'state.oversized': (fields: { key: string; field?: string; octets: number }): LogLine =>
    line('warn', 'a record of the store is too large to be one of ours: it is not read', fields),
  'state.emptied': (): LogLine => line('warn', 'the store lost its memory: ours is written anew'),
  'state.fenced': (): LogLine =>
    line('error', 'a later process has the name of this instance: this one only listens'),
  'state.unfenced': (): LogLine => line('info', 'the name of this instance is its own again'),
  'state.unauthentic': (fields: {
    peer: string | null
    record: string
    why: 'unsealed' | 'unverified' | 'replayed'
    ignored: boolean
  }): LogLine => line('warn', unauthenticText(fields), fields),
  'state.authentic': (fields: { peer: string | null }): LogLine =>
    line(
      'info',
      `no more records of ${fields.peer ?? 'no instance'} in the store that are not authentic`,
      fields,
    ),
  'peer.joined': (fields: { peer: string; site: string }): LogLine =>
    line('info', 'another instance is there', fields),
  'peer.gone': (fields: { peer: string; why: 'stopped' | 'silent' }): LogLine =>
    fields.why === 'stopped'
      ? line('info', 'another instance stopped, and said so', fields)
      : line('warn', 'another instance is gone', fields),

  'announce.changed': (fields: { to: 'up' | 'down'; reasons: readonly string[] }): LogLine =>
    fields.to === 'up'
      ? line('info', 'the service addresses may be announced', fields)
      : line('warn', 'the service addresses are to be withdrawn', fields),
  'announce.failed': (fields: { what: 'file' | 'command'; why: string }): LogLine =>
    line(
      'error',
      `the ${fields.what} of announce failed: the routing daemon does not learn whether to announce`,
      fields,
    ),
  'service.deaf': (): LogLine =>
    line('error', 'a socket does not answer our own SOA: the watchdog is not fed meanwhile'),
  'service.hearing': (): LogLine => line('info', 'every socket answers again'),
  'service.unsent': (fields: { why: string }): LogLine =>
    line('warn', 'the service manager cannot be sent the state of this instance', fields),
}

type LogEventName = keyof typeof logEvents

/** Writes one event. `payload` holds the parameters of its row in the table. */
export function logEvent<Name extends LogEventName>(
  log: Log,
  event: Name,
  ...payload: Parameters<(typeof logEvents)[Name]>
): void {
  const toLine = logEvents[event] as (...of: Parameters<(typeof logEvents)[Name]>) => LogLine
  const { level, message, fields } = toLine(...payload)
  const rounded = wholeMilliseconds(fields)
  log[level]({ event, ...rounded }, message)
  log.onEvent?.({ event, level, message, fields: rounded })
}

/** Rounds the fields whose names end in `Ms`. */
const wholeMilliseconds = (fields: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields).map(([key, value]: [string, unknown]) => [
      key,
      key.endsWith('Ms') && typeof value === 'number' ? Math.round(value) : value,
    ]),
  )

function diagnosticLine(
  level: Level,
  { code, file, line: row, column, path, message }: DiagnosticFields,
): LogLine {
  const at = `${file}:${row}:${column}`
  return line(level, `${at} ${path}: ${message}`, { code, at, path })
}

/** Fields in the order in which operators know them: `from` and `to` side by side. */
function stateLine(level: Level, change: StateChange, to: string): LogLine {
  const { slot, zone, target, address, from, ...rest } = change
  const fields = { slot, zone, target, address, from, to, ...rest }
  return line(level, `${addressText(change)} is ${to}`, fields)
}

const overrideFields = ({ action, setMs, untilMs, ...override }: Override): object => ({
  ...override,
  kind: action.kind,
  ...(action.kind === 'weight' ? { weight: action.weight } : {}),
  set: isoTime(setMs),
  until: isoTime(untilMs),
})

const unauthenticReasons = {
  unsealed: 'has no seal',
  unverified: 'has a seal that no state_secret here verifies',
  replayed: 'is an old one, put there again',
}

function unauthenticText({
  peer,
  record,
  why,
  ignored,
}: {
  readonly peer: string | null
  readonly record: string
  readonly why: keyof typeof unauthenticReasons
  readonly ignored: boolean
}): string {
  const whose = peer === null ? '' : ` of ${peer}`
  return `a record (${record})${whose} ${unauthenticReasons[why]}: it is ${ignored ? 'ignored' : 'used all the same'}`
}

const addressText = ({ zone, target, address }: AddressName): string =>
  `${target}.${zone} at ${address}`

/** `*` stands for the addresses of all pools together. */
const poolText = (group: string): string => (group === '*' ? 'all targets' : `the pool ${group}`)

const namesShown = 8

const groupText = ({ instances }: ConfigGroup): string => listed(instances, namesShown, ' ')
