// A hash with a record for each zone, kept in step with the store: all is read, what the store lacks is written, and what it
// has beyond this instance is reported, once. Subclasses say what a record is. Records are sealed where there is a secret,
// under no writer: they are of the zone, not of an instance.

import type { OversizedRecords } from './redis/oversized-records.ts'
import type { StoreLink } from './link/redis-link.ts'
import type { StateTimes } from './redis/schema.ts'
import {
  type RecordPlace,
  RecordSealer,
  type SplitRecord,
  type StateSecrets,
  type Verification,
} from './redis/sealed-record.ts'
import type { SyncContext, SyncedPart } from './redis/session.ts'
import { readZoneHash, writeZoneHash, type ZoneHashRead, type ZoneRecord } from './zone-hash.ts'

export interface ZoneHashOptions {
  readonly link: StoreLink
  readonly times: Pick<StateTimes, 'snapshotMs'>
  readonly oversized: OversizedRecords
  /** null: records are neither sealed nor verified. */
  readonly secrets: StateSecrets | null
}

interface RecordKind {
  /** Of the hash. */
  readonly key: string
  /** Of one record; larger ones are not read. */
  readonly maxRecordOctets: number
}

/** `Own`: what this instance has of each zone that it serves. */
export abstract class ZoneHashPart<Own extends ReadonlyMap<string, unknown>> implements SyncedPart {
  rejected = 0
  protected own: Own
  protected readonly sealer: RecordSealer | null
  readonly #options: ZoneHashOptions
  readonly #kind: RecordKind
  #syncedAtMs = -Infinity
  #onNews: () => void = () => {}
  /** The news that were last reported. */
  #toldOf: ReadonlySet<string> = new Set()

  constructor(options: ZoneHashOptions, kind: RecordKind, none: Own) {
    this.#options = options
    this.#kind = kind
    this.own = none
    this.sealer = options.secrets === null ? null : new RecordSealer(options.secrets.secrets)
  }

  /** Takes over what was read. */
  protected abstract take(records: readonly ZoneRecord[]): void
  /**
   * Writes what the store lacks of this instance, unless that is fenced. Resolves to what the store has beyond it, one text
   * each; null: the store did not answer.
   */
  protected abstract reconcile(isFenced: boolean): Promise<readonly string[] | null>

  /** Calls back when the store has something beyond this instance. */
  onNews(call: () => void): void {
    this.#onNews = call
    // What was found before anything listened is found again.
    this.#toldOf = new Set()
    this.#syncedAtMs = -Infinity
  }

  /** What this instance has from now on. */
  publish(own: Own): void {
    this.own = own
    this.#syncedAtMs = -Infinity
  }

  onReconnect(): void {
    this.#syncedAtMs = -Infinity
  }

  onStoreEmptied(): void {
    this.onReconnect()
  }

  dueInMs(nowMs: number): number {
    const isIdle = this.own.size === 0
    return isIdle ? Infinity : this.#syncedAtMs + this.#options.times.snapshotMs - nowMs
  }

  async sync({ nowMs, isFenced }: SyncContext): Promise<boolean> {
    if (this.dueInMs(nowMs) > 0) return true
    const read = await this.readStored()
    if (read === 'no-reply') return false
    this.#syncedAtMs = nowMs
    // Nothing is written that was not compared with what is stored.
    if (read === 'unusable') return true
    const news = await this.reconcile(isFenced)
    if (news === null) {
      this.#syncedAtMs = -Infinity
      return false
    }
    const before = this.#toldOf
    this.#toldOf = new Set(news)
    if (news.some((one) => !before.has(one))) this.#onNews()
    return true
  }

  /** Reads what the store has now; what was read last stands if nothing can be read. */
  protected async readStored(): Promise<ZoneHashRead['kind']> {
    const { link, oversized } = this.#options
    const read = await readZoneHash({ link, oversized, ...this.#kind }, [...this.own.keys()])
    if (read.kind !== 'no-reply') this.rejected += read.rejected
    if (read.kind === 'read') this.take(read.records)
    return read.kind
  }

  /** Resolves to false if the store does not answer. */
  protected async writeRecords(records: readonly ZoneRecord[]): Promise<boolean> {
    const rejected = await writeZoneHash({ link: this.#options.link, ...this.#kind }, records)
    this.rejected += rejected ?? 0
    return rejected !== null
  }

  protected sealed(zone: string, value: string): string {
    return this.sealer?.seal(this.#placeOf(zone), value) ?? value
  }

  /** Without a secret none is, and seals are cut off unseen. */
  protected verify(zone: string, { value, seal }: SplitRecord): Verification {
    if (this.sealer === null || seal === null) return 'none'
    return this.sealer.verify(this.#placeOf(zone), value, seal)
  }

  #placeOf(zone: string): RecordPlace {
    return { key: this.#kind.key, field: zone, writer: '', epoch: 0 }
  }
}
