// Which records of the store count. With a secret every record of this instance is sealed (sealed-record.ts), and:
//
//   require   what carries no good seal is ignored, as if it had not been read
//   permit    the same is counted and reported, and used all the same: for the time in which a fleet gets its secret
//
// Without a secret nothing is sealed, and the seals of others are cut off unseen, so that a fleet can get its secret
// instance by instance.
//
// Replays: a heartbeat counts only if it is not older, by epoch and sequence, than the last authentic one of its name; a
// vote likewise. In place of a heartbeat that is ignored the last authentic one stands for as long as the store would have
// kept it: a store that fails over to a replica that lags behind has older ones for a moment, and no program replayed them.

import type { Clock } from '../../lib/clock.ts'
import {
  type Heartbeat,
  parseHeartbeat,
  parseVote,
  type StateTimes,
  type StoredVote,
} from './schema.ts'
import {
  type RecordPlace,
  RecordSealer,
  type SealMode,
  splitSealed,
  splitSigned,
  type StateSecrets,
  type Verification,
} from './sealed-record.ts'
import {
  type SealedKind,
  type SealEvent,
  type UnauthenticReason,
  UnauthenticRecords,
} from './unauthentic-records.ts'

/** What was found where a record of the kind should be. */
export type Opened<Value> =
  | { readonly kind: 'missing' }
  /** Not a record of this kind. */
  | { readonly kind: 'invalid' }
  /** Not authentic: to be treated as if it had not been read. */
  | { readonly kind: 'ignored' }
  | {
      readonly kind: 'record'
      readonly value: Value
      /** Whether the store has it as this instance would write it. */
      readonly isSealedAsOurs: boolean
    }

interface SealsOptions {
  /** null: records are neither sealed nor verified. */
  readonly secrets: StateSecrets | null
  readonly instance: string
  readonly clock: Clock
  readonly times: Pick<StateTimes, 'heartbeatMs' | 'heartbeatLifetimeMs'>
  readonly onEvent: (event: SealEvent) => void
}

/** Instances whose last authentic heartbeat is remembered, at most. */
const marksLimit = 1024

/** How long it is remembered, beyond any restart. */
const markLifetimeMs = 86_400_000

/** Between two reads of any kind of record there are 20 heartbeats at most, see `stateTimes`. */
const quietHeartbeats = 30

/** Votes remembered of an instance, at most. */
const votesLimit = 100_000

/** The last authentic records of an instance. */
interface Mark {
  readonly heartbeat: Heartbeat
  /** When its epoch or sequence last changed. */
  readonly changedAtMs: number
  /** By endpoint. A text that has not changed since it was verified is not verified again. */
  readonly votes: Map<string, { readonly text: string; readonly vote: StoredVote }>
}

/** Whether the store has the record as this instance would write it. */
export const isSealedAsOurs = (opened: Opened<unknown>): boolean =>
  opened.kind === 'record' && opened.isSealedAsOurs

const missing = { kind: 'missing' } as const
const invalid = { kind: 'invalid' } as const
const ignored = { kind: 'ignored' } as const

export class StoreSeals {
  readonly records: UnauthenticRecords
  /** Epoch of this boot; 0 until it has one. */
  epoch = 0
  readonly #options: SealsOptions
  readonly #sealer: RecordSealer | null
  readonly #marks = new Map<string, Mark>()

  constructor(options: SealsOptions) {
    const { secrets, times, onEvent } = options
    this.#options = options
    this.#sealer = secrets === null ? null : new RecordSealer(secrets.secrets)
    const quietMs = quietHeartbeats * times.heartbeatMs
    this.records = new UnauthenticRecords({ isIgnored: this.isRequired, quietMs, onEvent })
  }

  /** null: there is no secret. */
  get mode(): SealMode | null {
    return this.#options.secrets?.mode ?? null
  }

  /** Whether what this instance writes is sealed. */
  get isSealing(): boolean {
    return this.#sealer !== null
  }

  /** Whether only authentic records count. */
  get isRequired(): boolean {
    return this.mode === 'require'
  }

  /** A heartbeat, vote or epoch as it is to be stored. */
  seal(place: RecordPlace, value: string): string {
    return this.#sealer?.seal(place, value) ?? value
  }

  /** An override, feedback or counts of probes as this instance is to store them. */
  sign({ key, field }: Pick<RecordPlace, 'key' | 'field'>, value: string): string {
    const place = { key, field, writer: this.#options.instance, epoch: this.epoch }
    return this.#sealer?.sign(place, value) ?? value
  }

  /** Reads what `seal` wrote; the writer of the place is the one that its key names. */
  open<Value extends { readonly epoch: number }>(
    kind: SealedKind,
    place: Omit<RecordPlace, 'epoch'>,
    stored: unknown,
    parse: (value: unknown) => Value | null,
  ): Opened<Value> {
    if (stored === null || stored === undefined) return missing
    if (typeof stored !== 'string') return invalid
    const split = splitSealed(stored)
    const value = parse(split.value)
    if (value === null) return invalid
    const { epoch } = value
    const verification = this.#verify({ ...place, epoch }, split.value, split.seal)
    return this.#accept(value, verification, { kind, peer: place.writer, seal: split.seal })
  }

  /** Reads the heartbeat of an instance, its own included. */
  openHeartbeat(key: string, instance: string, stored: unknown): Opened<Heartbeat> {
    const place = { key, field: '', writer: instance }
    const opened = this.open('heartbeat', place, stored, parseHeartbeat)
    if (!this.isRequired || opened.kind === 'missing') return opened
    const mark = this.#marks.get(instance)
    const isRecord = opened.kind === 'record'
    if (isRecord && !(mark && isBefore(opened.value, mark.heartbeat))) {
      this.noteHeartbeat(instance, opened.value)
      return opened
    }
    const { clock, times } = this.#options
    const isFresh = mark && clock.monotonicMs() - mark.changedAtMs <= times.heartbeatLifetimeMs
    if (isFresh) return { kind: 'record', value: mark.heartbeat, isSealedAsOurs: true }
    if (isRecord) this.#add('heartbeat', instance, 'replayed')
    return isRecord ? ignored : opened
  }

  /** Notes an authentic heartbeat: one that was read, or that this instance has written. */
  noteHeartbeat(instance: string, heartbeat: Heartbeat): void {
    if (!this.isRequired) return
    const nowMs = this.#options.clock.monotonicMs()
    const before = this.#marks.get(instance)
    if (before && !isBefore(before.heartbeat, heartbeat)) return
    // The one that has not changed for the longest time comes first.
    this.#marks.delete(instance)
    this.#marks.set(instance, {
      heartbeat,
      changedAtMs: nowMs,
      votes: before?.votes ?? new Map(),
    })
    for (const [name, { changedAtMs }] of this.#marks) {
      if (this.#marks.size <= marksLimit && nowMs - changedAtMs <= markLifetimeMs) break
      this.#marks.delete(name)
    }
  }

  /** Reads a vote of another instance; `place.field` is the endpoint. */
  openVote(place: Omit<RecordPlace, 'epoch'>, stored: unknown): Opened<StoredVote> {
    const votes = this.#marks.get(place.writer)?.votes
    const known = votes?.get(place.field)
    if (known?.text === stored && known !== undefined)
      return { kind: 'record', value: known.vote, isSealedAsOurs: true }
    const opened = this.open('vote', place, stored, parseVote)
    if (votes === undefined || opened.kind !== 'record') return opened
    if (known && isBefore(opened.value, known.vote)) {
      // Not reported: so are votes of a replica that lags behind, until its instance writes them again.
      this.records.count({ record: 'vote', peer: place.writer, why: 'replayed' })
      return ignored
    }
    if (votes.size >= votesLimit) votes.clear()
    votes.set(place.field, { text: stored as string, vote: opened.value })
    return opened
  }

  /** The own epoch in the store; null if there is none, or none that this instance has sealed. */
  openEpoch(key: string, instance: string, stored: unknown): number | null {
    const { value, seal } = splitSealed(typeof stored === 'string' ? stored : '')
    const epoch = /^[1-9]\d{0,14}$/.test(value) ? Number(value) : 0
    const place = { key, field: '', writer: instance, epoch }
    return this.#verify(place, value, seal) === 'none' ? null : epoch
  }

  /** Reads what `sign` wrote, of any writer; or only `writer`, if it is given. */
  openSigned(
    kind: SealedKind,
    place: Pick<RecordPlace, 'key' | 'field'>,
    stored: unknown,
    writer?: string,
  ): Opened<string> {
    if (stored === null || stored === undefined) return missing
    if (typeof stored !== 'string') return invalid
    const split = splitSigned(stored)
    const { value, seal, epoch } = split
    const signed = { ...place, writer: writer ?? split.writer ?? '', epoch }
    const verification = this.#verify(signed, value, seal)
    return this.#accept(value, verification, { kind, peer: writer ?? split.writer, seal })
  }

  /** A record of that name has a good seal, and had ended here. */
  reportReplay(kind: SealedKind, peer: string | null): void {
    this.#add(kind, peer, 'replayed')
  }

  /** Reports the names of which no record that is not authentic has been read for a while. */
  endQuiet(): void {
    this.records.endQuiet(this.#options.clock.monotonicMs())
  }

  #verify(place: RecordPlace, value: string, seal: string | null): Verification {
    return seal === null || this.#sealer === null ? 'none' : this.#sealer.verify(place, value, seal)
  }

  #accept<Value>(
    value: Value,
    verification: Verification,
    { kind, peer, seal }: { kind: SealedKind; peer: string | null; seal: string | null },
  ): Opened<Value> {
    const isSealedAsOurs = this.#sealer === null ? seal === null : verification === 'active'
    const record = { kind: 'record', value, isSealedAsOurs } as const
    if (this.#sealer === null || verification !== 'none') return record
    this.#add(kind, peer, seal === null ? 'unsealed' : 'unverified')
    return this.isRequired ? ignored : record
  }

  #add(record: SealedKind, peer: string | null, why: UnauthenticReason): void {
    // Counts stay in the store for long after their instance is gone: those of another secret are no news.
    if (record === 'tally') this.records.count({ record, peer, why })
    else this.records.add({ record, peer, why }, this.#options.clock.monotonicMs())
  }
}

/** Where a record stands in the order in which its instance wrote them. */
interface Position {
  readonly epoch: number
  readonly sequence: number | null
}

const isBefore = (one: Position, other: Position): boolean =>
  one.epoch === other.epoch ? (one.sequence ?? 0) < (other.sequence ?? 0) : one.epoch < other.epoch
