// The last events of the log, kept for the console: the same lines, with the fields by which they are looked for.
//
//   kept         2,000, each 512 octets of JSON at most: the text is cut first, then what is least of use goes
//   of a second  200 changes of targets and 200 other events; those beyond become one `events.counted` of each sort
//   saved        the last 500, which the next process goes on from
//
// All of the log is taken, so that log and console cannot differ.

import { isoTime } from '../lib/clock.ts'
import { printable } from '../lib/printable.ts'

/** One line of the log, as it is written. */
export interface LoggedEvent {
  readonly event: string
  readonly level: 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** An event as JSON. The names of its fields are a contract (docs/openapi.yaml). */
export interface EventRecord {
  /** Counts up; a process goes on where the one before was, if there is a state file. */
  readonly id: number
  /** ISO 8601. */
  readonly at: string
  /** As in the log; `events.counted` for those that were too many. */
  readonly event: string
  readonly level: 'info' | 'warn' | 'error'
  /** Printable. */
  readonly text: string
  readonly zone?: string
  readonly pool?: string
  readonly target?: string
  readonly address?: string
  /** States of a target. */
  readonly from?: string
  readonly to?: string
  readonly reason?: string
  /** How long the state before lasted. */
  readonly afterMs?: number
  readonly by?: string
  readonly why?: string
  /** ISO 8601. */
  readonly until?: string
  /** Of an override: drain, disable, up, weight. */
  readonly kind?: string
  readonly overrideId?: string
  /** Of an override: time, undone, replaced. */
  readonly end?: string
  readonly endedBy?: string
  /** Another instance: where an override was set, or which one came or went. */
  readonly atInstance?: string
  /** Of `events.counted`: how many. */
  readonly count?: number
}

export interface EventQuery {
  /** Only events with a lesser id. */
  readonly before: number | null
  /** Names of events, or what stands before a dot in them; empty: all. */
  readonly kinds: readonly string[]
  /** `mx1` or `mx1.smtp.example.com`, in lower case. */
  readonly target: string | null
  readonly zone: string | null
  readonly instance: string | null
  readonly by: string | null
  readonly limit: number
}

export const eventLimits = {
  kept: 2000,
  saved: 500,
  octets: 512,
  perSecond: 200,
  /** Of a field in UTF-16 units; names of zones are longer at times. */
  fieldLength: 96,
  nameLength: 255,
} as const

const encoder = new TextEncoder()

type Sort = 'target' | 'other'

export class EventRing {
  #records: EventRecord[]
  #lastId: number
  /** Whole seconds of the wall clock, what was taken in the current one, and what was not. */
  #second = 0
  #taken = { target: 0, other: 0 }
  #counted = { target: 0, other: 0 }
  #onRecord: (record: EventRecord) => void = () => {}

  constructor(restored: readonly EventRecord[] = []) {
    this.#records = restored.slice(-eventLimits.kept)
    this.#lastId = this.#records.at(-1)?.id ?? 0
  }

  /** Puts what an earlier process saved before what there is, which gets later ids. To be called before anything reads. */
  restore(saved: readonly EventRecord[]): void {
    const since = this.#records
    const before = saved.slice(-eventLimits.kept + since.length)
    const lastId = before.at(-1)?.id ?? 0
    this.#records = [...before, ...since.map((one, i) => ({ ...one, id: lastId + i + 1 }))]
    this.#lastId = lastId + since.length
  }

  get size(): number {
    return this.#records.length
  }

  /** Id of the oldest event that is kept; null: there is none. */
  get oldest(): number | null {
    return this.#records[0]?.id ?? null
  }

  /** Calls back with each event from now on. One caller. */
  follow(onRecord: (record: EventRecord) => void): void {
    this.#onRecord = onRecord
  }

  take(logged: LoggedEvent, wallMs: number): void {
    this.flush(wallMs)
    const sort = /^target\.(up|suspect|down|unknown)$/.test(logged.event) ? 'target' : 'other'
    if (++this.#taken[sort] > eventLimits.perSecond) this.#counted[sort]++
    else this.#add(recordOf(logged, ++this.#lastId, wallMs))
  }

  /** Adds what was counted in a second that is over; to be called before the ring is read. */
  flush(wallMs: number): void {
    const second = Math.floor(wallMs / 1000)
    if (second === this.#second) return
    const counted = this.#counted
    const atMs = (this.#second + 1) * 1000
    this.#second = second
    this.#taken = { target: 0, other: 0 }
    this.#counted = { target: 0, other: 0 }
    for (const sort of ['target', 'other'] as const)
      if (counted[sort] > 0) this.#add(countedRecord(sort, counted[sort], ++this.#lastId, atMs))
  }

  /** Newest first. */
  list(query: EventQuery): readonly EventRecord[] {
    const found: EventRecord[] = []
    for (let i = this.#records.length - 1; i >= 0 && found.length < query.limit; i--) {
      const record = this.#records[i] as EventRecord
      if (matches(record, query)) found.push(record)
    }
    return found
  }

  /** What the state file keeps, oldest first. */
  saved(): readonly EventRecord[] {
    return this.#records.slice(-eventLimits.saved)
  }

  #add(record: EventRecord): void {
    this.#records.push(record)
    if (this.#records.length > eventLimits.kept) this.#records.shift()
    this.#onRecord(record)
  }
}

const matches = (record: EventRecord, query: EventQuery): boolean =>
  (query.before === null || record.id < query.before) &&
  (query.kinds.length === 0 || query.kinds.some((kind) => isOfKind(record.event, kind))) &&
  (query.zone === null || record.zone?.toLowerCase() === query.zone) &&
  (query.target === null || isOfTarget(record, query.target)) &&
  (query.instance === null || record.atInstance === query.instance) &&
  (query.by === null || record.by === query.by || record.endedBy === query.by)

const isOfKind = (event: string, kind: string): boolean =>
  event === kind || event.startsWith(`${kind}.`)

function isOfTarget({ target, zone = '' }: EventRecord, wanted: string): boolean {
  if (target === undefined) return false
  const name = target.toLowerCase()
  return name === wanted || `${name}.${zone.toLowerCase()}` === wanted
}

function countedRecord(sort: Sort, count: number, id: number, atMs: number): EventRecord {
  const what = sort === 'target' ? 'changes of targets' : 'events'
  const text = `${count} more ${what} within this second: the log has each of them`
  const at = isoTime(atMs) ?? ''
  return { id, at, event: 'events.counted', level: 'warn', text, kind: sort, count }
}

/** Fields of the log that are kept as they are called there. */
const kept = [
  'zone',
  'pool',
  'target',
  'address',
  'reason',
  'by',
  'why',
  'until',
  'kind',
  'end',
  'endedBy',
] as const

/** In the order in which they go from a record that is too long. */
const droppable = ['why', 'by', 'endedBy', 'reason', 'atInstance', 'pool', 'until'] as const

function recordOf(
  { event, level, message, fields }: LoggedEvent,
  id: number,
  wallMs: number,
): EventRecord {
  const record: Writable<EventRecord> = {
    id,
    at: isoTime(wallMs) ?? '',
    event,
    level,
    text: printable(message),
  }
  for (const key of kept) setText(record, key, fields[key])
  const isOverride = event.startsWith('override.')
  if (isOverride) setText(record, 'overrideId', fields['id'])
  setText(record, 'atInstance', isOverride ? fields['from'] : fields['peer'])
  if (!isOverride) setText(record, 'from', fields['from'])
  setText(record, 'to', fields['to'])
  const { afterMs } = fields
  if (typeof afterMs === 'number' && Number.isFinite(afterMs)) record.afterMs = Math.round(afterMs)
  return fitted(record)
}

type Writable<Of> = { -readonly [Key in keyof Of]: Of[Key] }

type TextKey = (typeof kept)[number] | 'overrideId' | 'atInstance' | 'from' | 'to'

const names: ReadonlySet<TextKey> = new Set(['zone', 'target'])

function setText(record: Writable<EventRecord>, key: TextKey, value: unknown): void {
  if (typeof value !== 'string' || value === '') return
  const most = names.has(key) ? eventLimits.nameLength : eventLimits.fieldLength
  record[key] = cut(printable(value), most)
}

const cut = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, Math.max(0, length - 1)).toWellFormed()}…`

const octetsOf = (value: unknown): number => encoder.encode(JSON.stringify(value)).length

/** Within the limit of octets. */
function fitted(record: Writable<EventRecord>): EventRecord {
  const full = record.text
  let excess = octetsOf(record) - eventLimits.octets
  if (excess <= 0) return record
  for (const key of [null, ...droppable]) {
    if (key !== null) delete record[key]
    record.text = full
    for (excess = octetsOf(record) - eventLimits.octets; excess > 0 && record.text !== '';) {
      // A character is an octet at least, so that too little is cut at most, and cut again.
      record.text = cut(record.text, record.text.length - Math.max(2, Math.ceil(excess / 3)))
      if (record.text === '…') record.text = ''
      excess = octetsOf(record) - eventLimits.octets
    }
    if (excess <= 0 && record.text.length >= Math.min(full.length, eventLimits.fieldLength)) break
  }
  return record
}
