// What is wrong with this server now, as `/status` and `mxsteer status` show it first. One table: a row for each kind of
// problem, a function from what the components report to a text for operators. The kinds are a contract.

import type { Family } from '../health/isolation.ts'
import { isoDay } from '../lib/clock.ts'
import { listed } from '../lib/listed.ts'
import { type EmptyPool, type Instead, isAnsweredBadly } from './empty-pools.ts'
import { type SharedSlots, slotRows } from './shared-slots.ts'
import { signingRows, type SigningState } from './signing-problems.ts'

/** critical: mail or answers suffer now. warning: they will, or would go unnoticed if they did. */
export type Severity = 'critical' | 'warning'

/** A problem of this server, as opposed to one in a file. */
export interface ServerProblem {
  readonly kind: ProblemKind
  readonly severity: Severity
  /** What it is about, such as `main of smtp.example.test`; empty: this instance. */
  readonly subject: string
  /** Since when, by the wall clock; null: the component does not say. */
  readonly sinceMs: number | null
  /** What is wrong, what goes on meanwhile, and what to do. */
  readonly text: string
}

/** A mistake in a file, with its place. */
interface Mistake {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly path: string
  readonly message: string
}

/** What the components report. */
export interface ServerState {
  /** By the wall clock. */
  readonly nowMs: number
  /** Why queries should not be sent here; null: it was not asked. */
  readonly notReady: readonly string[] | null
  /** Endpoints of `listen` at which no client can ask; `isBound`: but for an address of this host. */
  readonly listeners: readonly {
    readonly endpoint: string
    readonly why: string
    readonly isBound: boolean
  }[]
  /** Why the routing daemon does not learn whether to announce this instance. */
  readonly announce: readonly { readonly what: 'file' | 'command'; readonly why: string }[]
  readonly emptyPools: readonly EmptyPool[]
  readonly sharedSlots: readonly SharedSlots[]
  /** Of the last load of the zone files; empty: they are served. */
  readonly zoneMistakes: readonly Mistake[]
  /** null: DNS over TLS is off. */
  readonly certificate: {
    readonly mistake: Mistake | null
    /** 0: not known. */
    readonly expiresAtSeconds: number
  } | null
  readonly databases: readonly {
    readonly database: string
    /** null: none is in force. */
    readonly facts: object | null
    readonly refusal: string | null
  }[]
  /** null: there is no state file, or it was written. */
  readonly unwritten: { readonly file: string; readonly why: string | null } | null
  /** null: this instance shares with no others. */
  readonly store: StoreState | null
  readonly prober: {
    readonly isIsolated: boolean
    /** No probe starts although some are due. */
    readonly isStalled: boolean
    /** Address families in which this host is cut off while the other one answers. */
    readonly isolatedFamilies: readonly Family[]
    /** Pools whose failures wait for a second round; `*`: all addresses as one. */
    readonly heldGroups: readonly string[]
    /** Of all probed addresses, those whose last probe failed by another fault of this host, and why; `blind`: for long. */
    readonly ownFaults: {
      readonly count: number
      readonly blind: number
      readonly of: number
      readonly reasons: string
    }
  }
  readonly workers: { readonly alive: number; readonly of: number }
  /** Of signed zones. */
  readonly signing: SigningState
  /** Names of targets that exclude each other. */
  readonly names: readonly Finding[]
}

type UnauthenticReason = 'unsealed' | 'unverified' | 'replayed'

interface StoreState {
  readonly degraded: boolean
  readonly reasons: readonly { readonly why: string; readonly forSeconds: number }[]
  readonly unansweredSeconds: number
  readonly fenced: boolean
  readonly seals: {
    /** Whether records that are not authentic are ignored; null: there is no secret. */
    readonly mode: 'permit' | 'require' | null
    /** Names whose records are not authentic; null: records that carry none. */
    readonly unauthentic: readonly {
      readonly peer: string | null
      readonly why: UnauthenticReason
    }[]
  }
  readonly config: {
    readonly differs: boolean
    readonly groups: readonly { readonly instances: readonly string[] }[]
  }
  readonly missing: readonly {
    readonly instance: string
    readonly site: string
    readonly ageSeconds: number
  }[]
}

/** What a row finds: `severity` where it is not that of the row, `forSeconds` where it is known. */
interface Finding {
  readonly text: string
  readonly subject?: string
  readonly severity?: Severity
  readonly forSeconds?: number
}

interface Row {
  readonly severity: Severity
  readonly find: (state: ServerState) => readonly Finding[]
}

/** In the order in which problems of the same severity are shown. `more-problems`: how many are left out of the list. */
export const problemKinds = [
  'pool-empty',
  'not-ready',
  'workers-down',
  'listener-unavailable',
  'announce-failed',
  'slots-shared',
  'prober-isolated',
  'probes-stalled',
  'probes-held',
  'probes-own-fault',
  'zones-rejected',
  'certificate-refused',
  'certificate-expires',
  'clock-behind',
  'clock-frozen',
  'ds-mismatch',
  'keys-lapsed',
  'keys-refused',
  'keys-run-out',
  'names-apart',
  'geoip-refused',
  'state-unwritten',
  'store-degraded',
  'records-unauthentic',
  'name-taken',
  'config-differs',
  'peer-missing',
  'more-problems',
] as const

export type ProblemKind = (typeof problemKinds)[number]

type RowKind = Exclude<ProblemKind, 'more-problems'>

const rows: Readonly<Record<RowKind, Row>> = {
  'pool-empty': { severity: 'warning', find: ({ emptyPools }) => emptyPools.map(emptyPool) },
  'not-ready': { severity: 'critical', find: ({ notReady }) => (notReady ?? []).map(said) },
  'workers-down': { severity: 'warning', find: ({ workers }) => workersDown(workers) },
  'listener-unavailable': {
    severity: 'warning',
    find: ({ listeners }) => listeners.map(listenerUnavailable),
  },
  'announce-failed': { severity: 'critical', find: ({ announce }) => announce.map(announceFailed) },
  ...slotRows,
  'prober-isolated': { severity: 'critical', find: ({ prober }) => isolated(prober) },
  'probes-stalled': { severity: 'critical', find: ({ prober }) => stalled(prober) },
  'probes-held': { severity: 'warning', find: ({ prober }) => prober.heldGroups.map(held) },
  'probes-own-fault': { severity: 'warning', find: ({ prober }) => ownFault(prober.ownFaults) },
  'zones-rejected': { severity: 'warning', find: ({ zoneMistakes }) => rejected(zoneMistakes) },
  'certificate-refused': { severity: 'warning', find: certificateRefused },
  'certificate-expires': { severity: 'warning', find: certificateExpires },
  ...signingRows,
  'names-apart': { severity: 'warning', find: ({ names }) => names },
  'geoip-refused': { severity: 'warning', find: ({ databases }) => databases.flatMap(refused) },
  'state-unwritten': { severity: 'warning', find: ({ unwritten }) => stateUnwritten(unwritten) },
  'store-degraded': { severity: 'warning', find: ({ store }) => degraded(store) },
  'records-unauthentic': { severity: 'warning', find: ({ store }) => unauthentic(store) },
  'name-taken': { severity: 'warning', find: ({ store }) => nameTaken(store) },
  'config-differs': { severity: 'warning', find: ({ store }) => differs(store) },
  'peer-missing': { severity: 'warning', find: ({ store }) => (store?.missing ?? []).map(missing) },
}

const maxProblems = 100

/** The problems of a server, critical ones first; beyond 100 the last one tells how many are left out. */
export function problemsOf(state: ServerState): readonly ServerProblem[] {
  const all = (Object.entries(rows) as [RowKind, Row][]).flatMap(([kind, row]) =>
    row.find(state).map(({ severity = row.severity, subject = '', forSeconds, text }) => ({
      kind,
      severity,
      subject,
      sinceMs: forSeconds === undefined ? null : state.nowMs - forSeconds * 1000,
      text,
    })),
  )
  const sorted = ['critical', 'warning'].flatMap((one) =>
    all.filter(({ severity }) => severity === one),
  )
  const more = sorted.length - maxProblems
  if (more <= 0) return sorted
  const text = `and ${more} more: mend these first`
  const rest = { kind: 'more-problems', severity: 'warning', subject: '', sinceMs: null } as const
  return [...sorted.slice(0, maxProblems), { ...rest, text }]
}

const said = (text: string): Finding => ({ subject: text, text })

const insteadTexts: Readonly<Record<Exclude<Instead, 'other-pool' | 'backup'>, string>> = {
  panic: 'its health is ignored (panic) and all its members are answered',
  'last-good': 'those that went down last are answered (on_all_down: last_good)',
  all: 'all members are answered, down ones too (on_all_down: all)',
  servfail: 'SERVFAIL is answered (on_all_down: servfail)',
}

const maxNamed = 8

const listText = (names: readonly string[]): string => listed(names, maxNamed)

function emptyPool(one: EmptyPool): Finding {
  const { zone, pool, uses } = one
  const answers = Map.groupBy(uses, ({ instead, pools }) =>
    instead === 'other-pool' || instead === 'backup'
      ? `its clients go to pool ${pools.join(', ')}${instead === 'backup' ? ' (on_all_down)' : ''}`
      : insteadTexts[instead],
  )
  const effects = [...answers].map(([answer, by]) => {
    const rules = listText(by.map(({ policy, rule }) => `${policy} rule ${rule}`))
    return `${answer}, by ${rules}`
  })
  const meanwhile = effects.length === 0 ? 'no rule needs it now' : effects.join('; ')
  return {
    subject: `${pool} of ${zone}`,
    severity: isAnsweredBadly(one) ? 'critical' : 'warning',
    text:
      `no member is eligible in pool ${pool} of ${zone}: ${meanwhile}. ` +
      '`mxsteer targets` says why each target is out',
  }
}

const workersDown = ({ alive, of }: ServerState['workers']): readonly Finding[] =>
  alive >= of
    ? []
    : [
        {
          severity: alive === 0 ? 'critical' : 'warning',
          text:
            `${alive} of ${of} answering threads serve; those that ended are started again. ` +
            'If they end again and again, see `why` of worker.exited in the log',
        },
      ]

function listenerUnavailable(one: ServerState['listeners'][number]): Finding {
  const { endpoint, why, isBound } = one
  const end = isBound ? 'it serves as soon as there is one' : 'it is bound at the next start only'
  const text =
    `no client could ask at ${endpoint} since the start (${why}): ${end}. The other addresses of \`listen\` serve. ` +
    'Give this host such an address, or take the wildcard out of `listen`'
  return { subject: endpoint, text }
}

function announceFailed({ what, why }: ServerState['announce'][number]): Finding {
  const remedy =
    what === 'file' ? 'It is tried again each second' : 'It runs again at the next change only'
  const text =
    `the ${what} of announce failed (${why}): the routing daemon may announce what it should not, ` +
    `or the reverse. ${remedy}: mend the ${what}`
  return { subject: what, text }
}

function isolated({ isIsolated, isolatedFamilies }: ServerState['prober']): readonly Finding[] {
  const text =
    'this host is cut off: no canary answers and hardly any target does. No target is ' +
    "taken out meanwhile. Mend this host's network"
  return isIsolated ? [{ text }] : isolatedFamilies.map(familyIsolated)
}

function familyIsolated(family: Family): Finding {
  const name = `IPv${family}`
  const text =
    `this host is cut off in ${name} alone: canaries of ${name} do not answer and hardly any of its ` +
    `targets does, while the other family answers. No ${name} address is taken out for it meanwhile. ` +
    `Mend the ${name} uplink of this host; if it is well, mend the canaries`
  return { subject: name, severity: 'warning', text }
}

const stalled = ({ isStalled }: ServerState['prober']): readonly Finding[] =>
  isStalled
    ? [
        {
          text:
            'no probe starts although some are due, a bug: states of targets stand still. The ' +
            'watchdog of systemd is not fed, so that it restarts the server; without it, restart it',
        },
      ]
    : []

const held = (group: string): Finding => ({
  subject: group,
  text:
    `many addresses of ${group === '*' ? 'all pools' : `pool ${group}`} began to fail at once: ` +
    'each has to fail a second round before it leaves. Look for what they share',
})

/** Only where it is most of the addresses, or lasts: single ones come and go. */
function ownFault(faults: ServerState['prober']['ownFaults']): readonly Finding[] {
  const { count, blind, of, reasons } = faults
  if (count === 0 || (blind === 0 && count * 2 < of)) return []
  const text =
    `${count} of ${of} addresses cannot be probed for a reason of this host (${reasons}): ` +
    'their states stand still. See descriptors, ports, routes and probe_source'
  return [{ text }]
}

/** `FILE:LINE:COLUMN PATH: MESSAGE`, as `mxsteer check` prints it. */
function mistakeText({ file, line, column, path, message }: Mistake): string {
  const where = line > 0 ? `${file}:${line}:${column}` : file
  return `${where}${path === '' ? '' : ` ${path}`}: ${message}`
}

function rejected(mistakes: readonly Mistake[]): readonly Finding[] {
  const [first] = mistakes
  if (!first) return []
  const more = mistakes.length - 1
  const rest = more === 0 ? '' : `, and ${more} more ${more === 1 ? 'mistake' : 'mistakes'}`
  const text =
    `the zone files on disk are not served: ${mistakeText(first)}${rest}. ` +
    'What was served before goes on; `mxsteer check` names every mistake'
  return [{ subject: first.file, text }]
}

function certificateRefused({ certificate }: ServerState): readonly Finding[] {
  const mistake = certificate?.mistake
  if (!mistake) return []
  const text = `the certificate on disk is not in force: ${mistakeText(mistake)}. The one before goes on until it expires`
  return [{ subject: mistake.file, text }]
}

const expiresSoonMs = 7 * 86_400_000

function certificateExpires({ certificate, nowMs }: ServerState): readonly Finding[] {
  const endMs = (certificate?.expiresAtSeconds ?? 0) * 1000
  if (endMs === 0 || !(endMs - nowMs < expiresSoonMs)) return []
  const isOver = endMs <= nowMs
  const when = `${isOver ? 'expired' : 'expires'} on ${isoDay(endMs)}`
  const text = `the certificate of DNS over TLS ${when}: renew it`
  return [{ severity: isOver ? 'critical' : 'warning', text }]
}

function refused({ database, facts, refusal }: ServerState['databases'][number]): Finding[] {
  if (refusal === null) return []
  const meanwhile =
    facts === null
      ? 'None is in force: rules that ask for it match no client, the catch-all answers'
      : 'The one before goes on'
  const text = `the ${database} database was refused: ${refusal}. ${meanwhile}`
  return [{ subject: database, severity: facts === null ? 'critical' : 'warning', text }]
}

const stateUnwritten = (unwritten: ServerState['unwritten']): readonly Finding[] =>
  unwritten === null
    ? []
    : [
        {
          subject: unwritten.file,
          text:
            `${unwritten.file} cannot be written (${unwritten.why ?? 'unknown'}): a restart forgets ` +
            'verdicts and overrides. Make the folder writable',
        },
      ]

function degraded(store: StoreState | null): readonly Finding[] {
  if (!store?.degraded) return []
  const seconds = Math.round(store.unansweredSeconds)
  const [last, ...before] = store.reasons
  const why = last ? `: ${last.why} for ${Math.round(last.forSeconds)} s` : ''
  const earlier =
    before.length === 0 ? '' : `, before that ${listText(before.map((one) => one.why))}`
  const text =
    `the store has not answered for ${seconds} s${why}${earlier}. Every target is probed here, ` +
    'and overrides set now hold here alone. Mend the store, or its address and password'
  return [{ text, forSeconds: store.unansweredSeconds }]
}

const unauthenticTexts: Readonly<Record<UnauthenticReason, string>> = {
  unsealed: 'have no seal',
  unverified: 'have a seal that no state_secret here verifies',
  replayed: 'are old ones, put there again',
}

function unauthentic(store: StoreState | null): readonly Finding[] {
  const { mode, unauthentic: names = [] } = store?.seals ?? {}
  const effect =
    mode === 'permit' ? 'They are used all the same (state_secret_mode)' : 'They are ignored'
  return [...Map.groupBy(names, ({ why }) => why)].map(([why, ofReason]) => {
    const whose = listText(ofReason.map(({ peer }) => peer ?? 'no instance'))
    const text =
      `records in the store of ${whose} ${unauthenticTexts[why]}. ${effect}. ` +
      'Give all instances the same secrets; if they have them, another program writes to the store'
    return { subject: why, text }
  })
}

const nameTaken = (store: StoreState | null): readonly Finding[] =>
  store?.fenced
    ? [
        {
          text:
            'a later process has the name of this instance, so this one only listens. ' +
            'Give each instance a name of its own',
        },
      ]
    : []

function differs(store: StoreState | null): readonly Finding[] {
  if (!store?.config.differs) return []
  const groups = store.config.groups.map(({ instances }) => listText(instances)).join(' | ')
  const text = `instances have different zone files, keys or settings: ${groups}. Give all of them the same`
  return [{ text }]
}

const missing = ({ instance, site, ageSeconds }: StoreState['missing'][number]): Finding => ({
  subject: instance,
  forSeconds: ageSeconds,
  text:
    `${instance} at ${site} went silent: it died, or is out of reach. ` +
    'If it was taken away for good, this ends a day later',
})

// Since when each problem stands, and when a pool becomes empty or has an eligible member again. It is shown the state of the
// server every second, and at each look of an operator; the time is an argument.

/** A pool became empty, or what is answered instead changed; `isOver`: a member is eligible again. */
export interface EmptyPoolChange extends EmptyPool {
  readonly isOver: boolean
}

export class ProblemWatch {
  readonly #onPool: (change: EmptyPoolChange) => void
  /** Kind and subject → first seen, in milliseconds of the wall clock. At most as many as problems are listed. */
  #sinceMs = new Map<string, number>()
  /** Zone and pool → the empty pool, as last reported. */
  #emptyPools = new Map<string, EmptyPool>()

  constructor(onPool: (change: EmptyPoolChange) => void) {
    this.#onPool = onPool
  }

  /** The problems of this state, each with when it was first seen, where that is known. */
  observe(state: ServerState): readonly ServerProblem[] {
    this.#reportPools(state.emptyPools)
    const before = this.#sinceMs
    this.#sinceMs = new Map()
    return problemsOf(state).map((problem) => {
      // Whether this instance is ready is looked at only when a client asks.
      if (problem.kind === 'not-ready') return problem
      const sinceMs = problem.sinceMs ?? before.get(keyOf(problem)) ?? state.nowMs
      this.#sinceMs.set(keyOf(problem), sinceMs)
      return { ...problem, sinceMs }
    })
  }

  #reportPools(pools: readonly EmptyPool[]): void {
    const before = this.#emptyPools
    this.#emptyPools = new Map(pools.map((one) => [`${one.zone} ${one.pool}`, one]))
    for (const [key, one] of this.#emptyPools)
      if (answeredBy(one) !== answeredBy(before.get(key))) this.#onPool({ ...one, isOver: false })
    for (const [key, one] of before)
      if (!this.#emptyPools.has(key)) this.#onPool({ ...one, uses: [], isOver: true })
  }
}

const keyOf = ({ kind, subject }: ServerProblem): string => `${kind} ${subject}`

/** What is answered instead, to compare; null: the pool is not empty. */
const answeredBy = (pool: EmptyPool | undefined): string | null =>
  pool === undefined ? null : JSON.stringify(pool.uses)
