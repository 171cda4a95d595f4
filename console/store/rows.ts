// What the server answers, by the types that it answers with: console and server cannot differ.

import type {
  MemberRow as SentMember,
  Overview as SentOverview,
  OverviewSections,
  OverviewTables,
} from '../../src/admin/live/overview-rows.ts'
import type { WeightView } from '../../src/admin/views/targets-view.ts'
import type { TargetReply as TypedReply } from '../../src/admin/live/target-routes.ts'

export type { OverrideRow } from '../../src/admin/override-view.ts'
export type { EventsReply, HistoryReply, HistorySeries } from '../../src/admin/live/live-routes.ts'
export type {
  Figures,
  PeerRow,
  PoolRow,
  TargetRow,
  ZoneRow,
} from '../../src/admin/live/overview-rows.ts'
export type { EventRecord } from '../../src/history/event-ring.ts'
export type { ZonesView, ZoneView } from '../../src/admin/views/zones-view.ts'

/** With all its factors; those that are 1 are not sent. */
export interface MemberRow extends Omit<SentMember, 'weight'> {
  readonly weight: WeightView
}

export interface Overview extends Omit<SentOverview, 'members'> {
  readonly members: readonly MemberRow[]
}

/** GET /overview, as it is sent. */
export type OverviewReply = SentOverview

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
