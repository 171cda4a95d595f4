// What /overview, /stream, /events and others answer.

import type { DialogueLine } from '../../src/health/outcome.ts'
import type { TlsReport } from '../../src/health/tls-report.ts'

export type AddressState = 'up' | 'suspect' | 'down' | 'unknown'

/** `BOOT:SEQUENCE`: BOOT is 8 hex digits of this process, SEQUENCE counts what the stream sent. */
export type Generation = string

export interface Overview {
  readonly generation: Generation
  readonly at: string
  readonly self: SelfRow
  readonly state: StoreRow
  readonly config: ConfigRow | null // null: shares with no others
  readonly peers: readonly PeerRow[] // ≤ as many instances as the store has; not this one
  readonly problems: readonly ProblemRow[] // as /status `problems`, critical first
  readonly zones: readonly ZoneRow[]
  readonly pools: readonly PoolRow[] // in file order
  readonly members: readonly MemberRow[] // in file order; key = `${zone} ${pool} ${target}`
  readonly targets: readonly TargetRow[] // one a probed address; key = `${zone} ${target} ${address} ${port}`
  readonly overrides: readonly OverrideRow[]
  readonly departed: readonly {
    zone: string
    name: string
    types: readonly string[]
    until: string | null
  }[]
  readonly figures: Figures // not part of the generation
}

export interface SelfRow {
  readonly instance: string
  readonly site: string
  readonly version: string
  readonly started: string
  readonly ready: boolean
  readonly reasons: readonly string[]
  readonly consoleUrl: string | null // setting console_url
  /** faults of this host */
  readonly isolated: boolean
  readonly braked: readonly string[] // groups whose failures wait for a second round; '*' all
}
export interface StoreRow {
  readonly kind: 'memory' | 'redis'
  readonly degraded: boolean
  readonly fenced: boolean
  readonly reasons: readonly { readonly why: string; readonly since: string }[]
}
export interface ConfigRow {
  readonly own: string | null
  readonly differs: boolean
  readonly groups: readonly { readonly config: string; readonly instances: readonly string[] }[]
}
export interface PeerRow {
  readonly instance: string
  readonly site: string
  readonly state: string // as /status
  readonly config: string | null
  readonly version: string | null // null: an older instance that does not say
  readonly consoleUrl: string | null // http(s) only
  readonly zones: Readonly<Record<string, string>> | null // zone → hash of its content; null: not said
  /** null: heard of within 6 s; else for how long not, in steps of 5 s */
  readonly silentSeconds: number | null
}
export interface ProblemRow {
  readonly kind: string
  readonly severity: 'critical' | 'warning'
  readonly text: string
  readonly since: string
  readonly [more: string]: unknown
}
export interface ZoneRow {
  readonly zone: string
  readonly serial: number
  readonly hash: string // equal at instances that serve the same content
}
export interface PoolRow {
  readonly zone: string
  readonly pool: string
  readonly members: number
  readonly healthy: number // members that take part
  readonly healthyShare: number // of configured weights, 0…1
  readonly availabilityTarget: number | null // 0…1
  readonly availability24h: number | null // 0…1, of all instances; null: no probe counted
  readonly errorBudgetLeft: number | null // of 30 days; below 0 overspent
  readonly since: string | null // from when on availability is counted (null: nothing counted yet)
}
export type MemberOut = 'drained' | 'disabled' | 'down' | 'no-weight'
export interface MemberRow {
  readonly zone: string
  readonly pool: string
  readonly target: string
  readonly out: MemberOut | null // null: takes part
  readonly weight: WeightFactors
  /** effective weight ÷ effective weights of the pool, 0…1 */
  readonly due: number
  /** the last 15 minutes (less after a start); first rungs and slots of MX, reason `eligible` */
  readonly window: { readonly seconds: number; readonly had: number; readonly due: number }
  /** the same window, answers of steered address and SRV sets (place="address") */
  readonly addresses: { readonly had: number; readonly due: number }
  /** until when caches may lead to it (this instance's answers), rounded up to 10 s; null: nobody has it.
   *  While it is handed out this is "now + TTL" and renewed only every 10 s or so. */
  readonly exposedUntil: string | null
  /** the same of all instances that say so, while an override of the target is in force; else null */
  readonly fleetExposedUntil: string | null
}
export interface WeightFactors {
  readonly configured: number
  readonly warmUp: number
  readonly override: number
  readonly feedback: number
  readonly reputation: number
  readonly slowStart: number // 0…1 of its best address
  readonly shedding: number // 0…1 of its best address
  readonly effective: number // the product; 0 if it is out
}
export interface TargetRow {
  readonly zone: string
  readonly target: string
  readonly address: string
  readonly port: number
  readonly probe: string
  readonly state: AddressState
  readonly since: string | null
  readonly reason: string // of the last outcome; 'held-for-flapping'; 'unprobed'
  readonly alarms: readonly ('tls' | 'prober-blocked' | 'prober-blind')[]
  readonly votes: { readonly up: number; readonly down: number; readonly unknown: number }
  /** rounded to two digits; null: nothing measured */
  readonly p50Ms: number | null
  readonly p99Ms: number | null
}
export interface OverrideRow {
  // as GET /overrides
  readonly id: string
  readonly zone: string
  readonly target: string
  readonly pool: string | null
  readonly kind: 'drain' | 'disable' | 'up' | 'weight'
  readonly factor?: number
  readonly weight?: number
  readonly share?: number
  readonly why: string
  readonly by: string
  readonly set: string
  readonly until: string | null
}
export interface Figures {
  readonly at: string
  /** over the last 10 s or what there is of them */
  readonly overSeconds: number
  readonly queriesPerSecond: number
  readonly noErrorShare: number | null // of responses, 0…1; null: none
  readonly failedOpen: number // answers in those seconds
  readonly failedOpenTotal: number // since start
  readonly truncatedPerSecond: number
  readonly addresses: { readonly up: number; readonly of: number }
  readonly probesPerSecond: number
  readonly lateProbesShare: number | null // started over 1 s late, 0…1
  readonly workers: { readonly alive: number; readonly of: number }
  readonly streams: number // open consoles (streams) at this instance
}

// ─────────────────────────────── GET /stream (text/event-stream) ───────────────────────────────
// Begin: GET stream?since=GENERATION (of the /overview that you have); a reconnecting EventSource sends
// `Last-Event-ID: BOOT:SEQUENCE`, which wins. Messages `id: BOOT:SEQUENCE`, `event: KIND`, `data: JSON in one line`.
//   hello    HelloFrame    first, always
//   resync   {}            what you have is too old, of another boot, or rows came or went: take /overview again. The
//                          stream goes on; deltas with a sequence ≤ that of your new overview are to be ignored.
//   delta    DeltaFrame    at most 2 a second
//   event    EventRecord   each log event at once (bursts beyond 200/s become one counted `events.counted`)
//   figures  Figures       each 2 s; has no id
//   : comment              each 10 s without anything else
// Limits: 16 streams (the 17th: 503 busy, Retry-After 5), 256 KiB unsent → cut; after 15 min ended (EventSource comes
// back with retry: 1000 and resumes).
export interface HelloFrame {
  readonly generation: Generation // current one
  readonly boot: string
  readonly at: string
}
/** Only what changed. Rows are whole and replace the row of the same key. Other sections replace the whole section. */
export interface DeltaFrame {
  readonly generation: Generation
  readonly at: string
  readonly targets?: readonly TargetRow[]
  readonly members?: readonly MemberRow[]
  readonly pools?: readonly PoolRow[]
  readonly self?: SelfRow
  readonly state?: StoreRow
  readonly config?: ConfigRow | null
  readonly peers?: readonly PeerRow[]
  readonly problems?: readonly ProblemRow[]
  readonly zones?: readonly ZoneRow[]
  readonly overrides?: readonly OverrideRow[]
  readonly departed?: Overview['departed']
}

export interface EventsReply {
  readonly at: string
  readonly boot: string
  readonly events: readonly EventRecord[]
  /** id to give as `before` for the next page; null: there are no older ones here */
  readonly before: number | null
  /** the oldest id that is kept (ring of 2000) */
  readonly oldest: number | null
}
export interface EventRecord {
  // ≤ 512 octets as JSON; long texts end in …
  readonly id: number // counts up within a state file; ids of restored events are lower
  readonly at: string
  readonly event: string // as in the log: target.down, override.set, …; `events.counted`
  readonly level: 'info' | 'warn' | 'error'
  readonly text: string // message of the log line, control and bidi characters as escapes
  readonly zone?: string
  readonly pool?: string
  readonly target?: string
  readonly address?: string
  readonly from?: string
  readonly to?: string
  readonly reason?: string
  readonly afterMs?: number
  readonly by?: string
  readonly why?: string
  readonly until?: string | null
  readonly kind?: string // of an override: drain, …
  readonly overrideId?: string // id of an override
  readonly end?: string // of an override: time | undone | replaced
  /** of an override: how it was ended by whom */
  readonly endedBy?: string
  readonly atInstance?: string // where it was set, peer that came or went; absent: here
  readonly count?: number // events.counted
}

export interface HistoryReply {
  readonly at: string
  readonly available: boolean
  readonly window: '1h' | '24h'
  readonly stepSeconds: 60 | 900
  /** when the first bucket begins; bucket i begins at start + i × step; the last one is under way */
  readonly start: string
  readonly series: readonly HistorySeries[]
}
export interface HistorySeries {
  readonly zone: string
  readonly target: string
  readonly address: string
  readonly port: number
  /** each of 60 (1h) or 96 (24h) entries; null: this process did not watch, or no probe came */
  readonly good: readonly (number | null)[]
  readonly bad: readonly (number | null)[]
  readonly p50Ms: readonly (number | null)[]
  readonly maxMs: readonly (number | null)[]
  readonly worst: readonly (AddressState | null)[]
}

export interface TargetReply {
  readonly at: string
  readonly zone: string
  readonly target: string
  /** as `targets[]` of GET /targets, and more */
  readonly addresses: readonly AddressDetail[]
  /** as `members[]` of GET /targets (with window, addresses, shedding) */
  readonly members: readonly MemberRow[]
  readonly identity: readonly IdentityRow[] // as /targets
  readonly told: readonly ToldRow[] // `words` of its row in /targets `told`; []: none
  readonly overrides: readonly OverrideRow[]
}
export interface AddressDetail {
  readonly zone: string
  readonly target: string
  readonly address: string
  readonly port: number
  readonly probe: string
  readonly state: AddressState
  readonly since: string
  readonly reason: string
  readonly factor: number
  readonly slowStart: number
  readonly shedding: number
  readonly alarms: readonly string[]
  readonly held: boolean
  readonly holdSeconds: number | null
  readonly verdicts: Readonly<Record<string, number>>
  readonly fall: number
  readonly rise: number
  readonly flaps: number
  readonly downs: number
  readonly latencyMs: {
    readonly probes: number
    readonly p50: number | null
    readonly p90: number | null
    readonly p99: number | null
  }
  readonly nextProbeInMs: number | null
  readonly last: OutcomeView | null
  /** the last outcome that was no pass; kept until the next one, also when it is up again; null: none since start */
  readonly lastFailure: OutcomeView | null
  readonly votes: readonly {
    readonly instance: string
    readonly site: string
    readonly vote: 'up' | 'down' | 'unknown'
    readonly reason: string
  }[]
}
/** as `last` of /targets: kind, reason, code, durationMs, phases, dialogue, tls …, and when */
export interface OutcomeView {
  readonly kind: string
  readonly reason: string
  readonly code: number | null
  readonly durationMs: number
  readonly at: string | null
  readonly dialogue: readonly DialogueLine[]
  readonly tls?: TlsReport
}
export interface IdentityRow {
  readonly pool: string
  readonly lookedAt: string | null
  readonly banner: string | null
  readonly reverse: { readonly state: string; readonly names?: readonly string[] } | null
  readonly listings: readonly { readonly list: string }[]
  readonly findings: readonly { readonly kind: string; readonly message: string }[]
}
export interface ToldRow {
  readonly writer: string
  readonly wants: string
  readonly factor: number
  readonly reason: string | null
  readonly load: number | null
}

export interface ZonesView {
  readonly zones: readonly ZoneView[]
  readonly more: number
  readonly lastLoad: {
    readonly successful: boolean
    readonly loadedAt: string | null
    readonly mistakes: number
  }
}
export interface ZoneView {
  readonly zone: string
  readonly serial: number
  /** When these contents were put in force. */
  readonly loadedAt: string | null
  /** Name of the file in the folder. */
  readonly file: string
  /** Hash of its contents, 16 characters; equal on instances that serve the same. */
  readonly hash: string
  /** Records and steered sets. */
  readonly records: number
  readonly signed: boolean
  /** At most 100. */
  readonly steered: readonly SteeredName[]
  readonly policies: readonly {
    readonly name: string
    readonly onAllDown: string
    readonly ttl: number
    readonly minTtl: number
    /** `when` null: everyone else. Prose such as `continent EU or AF`. */
    readonly rules: readonly { readonly when: string | null; readonly pools: readonly string[] }[]
  }[]
  readonly pools: readonly {
    readonly name: string
    readonly minHealthy: number
    readonly spill: 'all' | 'proportional'
    readonly panic: number
    readonly spread: boolean
    readonly targets: readonly { readonly target: string; readonly weight: number }[]
  }[]
  /** At most 500. */
  readonly targets: readonly {
    readonly name: string
    readonly region: string | null
    readonly rack: string | null
    readonly addresses: readonly string[]
  }[]
  readonly warnings: readonly Mistake[]
}
export interface SteeredName {
  /** Without the final dot. */
  readonly name: string
  readonly type: string
  readonly policy: string
}
export interface Mistake {
  readonly severity: 'error' | 'warning'
  readonly code: string
  readonly line: number
  readonly column: number
  readonly path: string
  readonly message: string
}
export interface SessionView {
  /** null: not signed in. At most 60 characters, printable. */
  readonly name: string | null
  /** When the session ends. */
  readonly until: string | null
  /** What reading needs: nothing, or a session. */
  readonly reads: 'open' | 'session'
  /** Whether this browser may read now. */
  readonly mayRead: boolean
  /**
   * open: anybody here (loopback without a token); session: sign in; closed: another address without a token, nobody.
   */
  readonly writes: 'open' | 'session' | 'closed'
  /** Whether this browser may write now. */
  readonly mayWrite: boolean
  /** What the operator should do where nobody may write; else null. */
  readonly advice: string | null
}
