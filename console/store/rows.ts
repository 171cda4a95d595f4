// What the server answers, by the types that it answers with: console and server cannot differ.

import type {
  MemberRow,
  OverviewSections,
  OverviewTables,
} from '../../src/admin/live/overview-rows.ts'
import type { TargetReply as TypedReply } from '../../src/admin/live/target-routes.ts'

export type { OverrideRow } from '../../src/admin/override-view.ts'
export type { EventsReply, HistoryReply, HistorySeries } from '../../src/admin/live/live-routes.ts'
export type {
  Figures,
  MemberRow,
  Overview,
  PeerRow,
  PoolRow,
  TargetRow,
  ZoneRow,
} from '../../src/admin/live/overview-rows.ts'
export type { EventRecord } from '../../src/history/event-ring.ts'

/** One target; rows that /targets has as well, and that the server gives no type of its own. */
export interface TargetReply extends Omit<TypedReply, 'members' | 'identity' | 'told'> {
  readonly members: readonly MemberRow[]
  readonly identity: readonly IdentityRow[]
  readonly told: readonly ToldRow[]
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

export type AddressDetail = TargetReply['addresses'][number]
export type OutcomeView = NonNullable<AddressDetail['last']>

/** `BOOT:SEQUENCE`: BOOT is of a process, SEQUENCE counts what its stream sent. */
export type Generation = string

/** `delta` of the stream: what changed. Rows are whole and replace those of their key, sections are replaced. */
export interface DeltaFrame extends Partial<OverviewSections & OverviewTables> {
  readonly generation: Generation
  readonly at: string
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
