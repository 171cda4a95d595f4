// What instances report of themselves in the store, as two fields of the hash that has their counts of probes (`av:NAME`):
//
//   report     version, address of the console, digests of the zones served; read every ten heartbeats
//   exposure   of targets with overrides, until when caches may lead there; while there are any, read every heartbeat
//
// Both are written when they change and every ten heartbeats, and count under the epoch of the live heartbeat alone: what
// an earlier boot reported is not so any more. Each has 32 KiB at most. Of more zones those come first on which instances
// differ: those of another digest than the store has for the zone, and than another instance reports.

import { z } from 'zod'

import type { Clock } from '../lib/clock.ts'
import { webUrl } from '../lib/web-url.ts'
import type {
  ExposureReport,
  InstanceReport,
  OwnReports,
  ReportingInstance,
  ReportStore,
} from './cluster-votes.ts'
import { formatRows } from './leased-zone-hash.ts'
import { inChunks } from './own-votes.ts'
import type { GonePeer, Peers } from './peers.ts'
import { type FieldsReply, readFields } from './redis/bounded-read.ts'
import type { OversizedRecords } from './redis/oversized-records.ts'
import type { Command } from './link/command.ts'
import { deleteWrongTypeKeys, type StoreLink } from './link/redis-link.ts'
import {
  latestTimeMs,
  parseJsonRecord,
  printablePattern,
  type StateKeys,
  type StateTimes,
} from './redis/schema.ts'
import { maxSealLength } from './redis/sealed-record.ts'
import type { SyncContext, SyncedPart } from './redis/session.ts'
import type { Opened, StoreSeals } from './redis/store-seals.ts'
import { tallyLifetimeMs } from './redis/tallies.ts'

interface RedisReportsOptions {
  readonly link: StoreLink
  readonly keys: StateKeys
  readonly instance: string
  readonly times: StateTimes
  readonly oversized: OversizedRecords
  readonly seals: StoreSeals
  readonly peers: Peers
  readonly clock: Clock
}

const fields = ['report', 'exposure'] as const
type Field = (typeof fields)[number]

const maxRowsOctets = 32 * 1024
/** With version, address and braces around the rows. */
const maxReportLength = maxRowsOctets + 1024
const maxReportOctets = maxReportLength + maxSealLength

/** Instances read at once. */
const instancesPerRead = 16
const shownDifferences = 100

/** In larger fleets everything is read every ten heartbeats. */
const smallFleet = 32

/** What was read of an instance. A text that has not changed is not verified and parsed again. */
interface Known {
  readonly texts: Readonly<Record<Field, unknown>>
  readonly report: OfBoot<InstanceReport> | null
  readonly exposure: OfBoot<ExposureReport> | null
}

const nothingKnown: Known = {
  texts: { report: null, exposure: null },
  report: null,
  exposure: null,
}

interface OfBoot<Value> {
  readonly epoch: number
  readonly value: Value
}

export class RedisReports implements ReportStore, SyncedPart {
  rejected = 0
  readonly #options: RedisReportsOptions
  readonly #known = new Map<string, Known>()
  readonly #written = new Map<Field, string>()
  /** What did not fit into the own records, as of the last look at them. */
  readonly #leftOut = new Map<Field, number>()
  /** By what an instance reports. */
  readonly #differences = new WeakMap<object, ZoneDifferences & { readonly own: object }>()
  #own: OwnReports | null = null
  #zoneRows: ZoneRows | null = null
  #hasExposures = false
  #lookedMs = -Infinity
  #writtenMs = -Infinity
  #readMs = -Infinity

  constructor(options: RedisReportsOptions) {
    this.#options = options
  }

  attach(own: OwnReports): void {
    this.#own = own
  }

  /** Zones and targets that this instance does not report, since its records have no room for them. */
  get leftOut(): number {
    return [...this.#leftOut.values()].reduce((sum, count) => sum + count, 0)
  }

  instances(): readonly ReportingInstance[] {
    const { peers, clock } = this.#options
    const nowMs = clock.monotonicMs()
    const wallMs = clock.wallMs()
    const gone =
      (state: 'silent' | 'stopped') =>
      ({ instance, goneAtMs }: GonePeer): ReportingInstance => {
        const { report = null, exposure = null } = this.#known.get(instance) ?? {}
        const goneMs = wallMs - (nowMs - goneAtMs)
        const last = { report: report?.value ?? null, exposure: exposure?.value ?? null }
        return { instance, state, goneMs, ...last }
      }
    const live = [...peers.all()].map(({ instance, heartbeat }): ReportingInstance => {
      const { report = null, exposure = null } = this.#known.get(instance) ?? {}
      const ofBoot = <Value>(one: OfBoot<Value> | null): Value | null =>
        one?.epoch === heartbeat.epoch ? one.value : null
      const last = { report: ofBoot(report), exposure: ofBoot(exposure) }
      return { instance, state: 'live', goneMs: null, ...last }
    })
    return [
      ...live,
      ...peers.missing(nowMs).map(gone('silent')),
      ...peers.left(nowMs).map(gone('stopped')),
    ]
  }

  /** What of its zones an instance serves otherwise than this one; null: it does not report them. */
  differencesOf({ zones, zonesLeftOut }: InstanceReport): ZoneDifferences | null {
    const own = this.#own?.zones()
    if (zones === null || own === undefined) return null
    const known = this.#differences.get(zones)
    if (known?.own === own) return known
    const differing = [...new Set([...own.keys(), ...zones.keys()])]
      .filter(
        (zone) => (zonesLeftOut === 0 || zones.has(zone)) && zones.get(zone) !== own.get(zone),
      )
      .sort()
    const shown = differing.slice(0, shownDifferences)
    const made = {
      own,
      zones: Object.fromEntries(shown.map((zone) => [zone, zones.get(zone) ?? null])),
      count: differing.length,
      unknown: zonesLeftOut,
    }
    this.#differences.set(zones, made)
    return made
  }

  onReconnect(): void {
    this.#writtenMs = -Infinity
    this.#readMs = -Infinity
  }

  onStoreEmptied(): void {
    this.onReconnect()
  }

  dueInMs(nowMs: number): number {
    if (this.#own === null) return Infinity
    const writeMs = this.#writtenMs + this.#options.times.snapshotMs
    return Math.min(writeMs, this.#readMs + this.#readEveryMs()) - nowMs
  }

  /** Soon again while an exposure is waited for, or an instance has not reported yet. */
  #readEveryMs(): number {
    const { peers, times } = this.#options
    const isAwaited = (): boolean => {
      for (const { instance, heartbeat } of peers.all())
        if (this.#known.get(instance)?.report?.epoch !== heartbeat.epoch) return true
      return this.#hasExposures
    }
    return peers.count() <= smallFleet && isAwaited() ? times.heartbeatMs : times.snapshotMs
  }

  async sync({ nowMs, isFenced }: SyncContext): Promise<boolean> {
    const own = this.#own
    if (own === null) return true
    const { heartbeatMs, snapshotMs } = this.#options.times
    const isWriteDue = nowMs >= this.#writtenMs + snapshotMs
    if (!isFenced && (isWriteDue || nowMs >= this.#lookedMs + heartbeatMs / 3)) {
      this.#lookedMs = nowMs
      if (!(await this.#write(this.#changes(own, isWriteDue)))) return false
      if (isWriteDue) this.#writtenMs = nowMs
    }
    if (nowMs < this.#readMs + this.#readEveryMs()) return true
    if (!(await this.#read())) return false
    this.#readMs = nowMs
    return true
  }

  /** Own records, those that have changed or all of them. */
  #changes(own: OwnReports, isWriteDue: boolean): readonly (readonly [Field, string, string])[] {
    const { seals, clock } = this.#options
    const exposures = own.exposures()
    this.#hasExposures = exposures.size > 0
    const zones = this.#zoneRowsOf(own, isWriteDue)
    const targets = formatRows(
      [...exposures].map(([key, { untilMs, overrides }]) =>
        JSON.stringify([...key.split(' '), untilMs, ...overrides]),
      ),
      maxRowsOctets,
    )
    this.#leftOut.set('report', zones.leftOut).set('exposure', targets.unshared)
    const { epoch } = seals
    const { version, consoleUrl } = own
    const head = JSON.stringify({ epoch, version, console: consoleUrl, left: zones.leftOut })
    const bodies: Readonly<Record<Field, readonly [text: string, written: string]>> = {
      report: [`${head}${zones.text}`, `${head.slice(0, -1)},"zones":${zones.text}}`],
      exposure: [
        `${epoch}${targets.text}`,
        `{"epoch":${epoch},"at":${clock.wallMs()},"targets":${targets.text}}`,
      ],
    }
    return fields
      .filter((field) => isWriteDue || this.#written.get(field) !== bodies[field][0])
      .map((field) => [field, ...bodies[field]] as const)
  }

  /** Made anew where zones have changed, or may have come to differ from what others report. */
  #zoneRowsOf(own: OwnReports, isWriteDue: boolean): ZoneRows {
    const zones = own.zones()
    const known = this.#zoneRows
    if (known?.zones === zones && (known.leftOut === 0 || !isWriteDue)) return known
    const whole = formatRows([...zones].map(rowOf), maxRowsOctets)
    const { text, unshared } =
      whole.unshared === 0
        ? whole
        : formatRows(this.#differingFirst(own, zones).map(rowOf), maxRowsOctets)
    return (this.#zoneRows = { zones, text, leftOut: unshared })
  }

  #differingFirst(own: OwnReports, zones: ReadonlyMap<string, string>): readonly ZoneRow[] {
    const others = [...this.#known.values()].map(({ report }) => report?.value.zones)
    const isAlike = ([zone, digest]: ZoneRow): boolean =>
      own.isShared(zone, digest) && others.every((one) => (one?.get(zone) ?? digest) === digest)
    const byAgreement = Map.groupBy(zones, isAlike)
    return [...(byAgreement.get(false) ?? []), ...(byAgreement.get(true) ?? [])]
  }

  async #write(records: readonly (readonly [Field, string, string])[]): Promise<boolean> {
    if (records.length === 0) return true
    const { link, keys, instance, seals } = this.#options
    const key = keys.tallies(instance)
    const values = records.flatMap(([field, , written]) => [
      field,
      seals.sign({ key, field }, written),
    ])
    const commands: readonly Command[] = [
      ['hset', key, ...values],
      ['pexpire', key, tallyLifetimeMs],
    ]
    const replies = await link.run(commands)
    if (replies === null) return false
    this.rejected += await deleteWrongTypeKeys(link, commands, replies)
    for (const [field, text] of records) this.#written.set(field, text)
    return true
  }

  async #read(): Promise<boolean> {
    const { link, keys, oversized, peers, clock } = this.#options
    const live = [...peers.all()].map(({ instance }) => instance)
    for (const part of inChunks(live, instancesPerRead)) {
      const requests = part.map((name) => {
        return { key: keys.tallies(name), fields, maxOctets: maxReportOctets }
      })
      const read = await readFields(link, oversized, requests)
      if (read === null) return false
      for (const [i, name] of part.entries()) this.#take(name, read.replies[i])
    }
    const nowMs = clock.monotonicMs()
    const gone = [...peers.missing(nowMs), ...peers.left(nowMs)].map(({ instance }) => instance)
    const kept = new Set([...live, ...gone])
    for (const name of this.#known.keys()) if (!kept.has(name)) this.#known.delete(name)
    return true
  }

  #take(instance: string, reply: FieldsReply | undefined): void {
    if (reply?.kind !== 'values') return
    const [reportText = null, exposureText = null] = reply.values
    const before = this.#known.get(instance) ?? nothingKnown
    this.#known.set(instance, {
      texts: { report: reportText, exposure: exposureText },
      report:
        before.texts.report === reportText
          ? before.report
          : this.#parse({ instance, field: 'report', stored: reportText }, parseReport),
      exposure:
        before.texts.exposure === exposureText
          ? before.exposure
          : this.#parse({ instance, field: 'exposure', stored: exposureText }, parseExposure),
    })
  }

  #parse<Value>(
    { instance, field, stored }: StoredField,
    parse: (value: string) => OfBoot<Value> | null,
  ): OfBoot<Value> | null {
    const { keys, seals } = this.#options
    const place = { key: keys.tallies(instance), field }
    const opened: Opened<string> = seals.openSigned('report', place, stored, instance)
    const value = opened.kind === 'record' ? parse(opened.value) : null
    if (value === null && (opened.kind === 'record' || opened.kind === 'invalid')) this.rejected++
    return value
  }
}

/** Zones of another content at another instance than at this one. */
export interface ZoneDifferences {
  /** The digest there; null: it does not serve the zone. By name, the first 100. */
  readonly zones: Readonly<Record<string, string | null>>
  /** How many there are. */
  readonly count: number
  /** Zones that it serves and does not report. */
  readonly unknown: number
}

type ZoneRow = readonly [zone: string, digest: string]

const rowOf = (row: ZoneRow): string => JSON.stringify(row)

interface ZoneRows {
  /** What they are of. */
  readonly zones: ReadonlyMap<string, string>
  readonly text: string
  readonly leftOut: number
}

interface StoredField {
  readonly instance: string
  readonly field: Field
  readonly stored: unknown
}

const epoch = z.number().int().min(1).max(1e15)
const name = z.string().regex(/^[\x21-\x7e]{1,1024}$/)
const contentDigest = z.string().regex(/^[\w-]{16}$/)

/** A field of another version, or of nobody that means well, is as if it were not reported; others are ignored. */
const reportSchema = z.object({
  epoch,
  version: z.string().min(1).max(64).regex(printablePattern).nullable().catch(null),
  console: z
    .string()
    .transform((text) => webUrl(text))
    .nullable()
    .catch(null),
  zones: z
    .array(z.tuple([name, contentDigest]))
    .nullable()
    .catch(null),
  left: z.number().int().min(0).max(1e6).catch(0),
})

/** null: the value is no such record. */
export function parseReport(value: string): OfBoot<InstanceReport> | null {
  const record = parseJsonRecord(reportSchema, value, maxReportLength)
  if (record === null) return null
  const zones = record.zones && new Map(record.zones)
  const { version, console: consoleUrl, left: zonesLeftOut } = record
  return { epoch: record.epoch, value: { version, consoleUrl, zones, zonesLeftOut } }
}

const time = z.number().int().min(0).max(latestTimeMs)
const overrideId = z.string().min(1).max(64).regex(printablePattern)

const exposureSchema = z.object({
  epoch,
  at: time,
  targets: z.array(z.tuple([name, name, time], overrideId)),
})

/** null: the value is no such record. */
export function parseExposure(value: string): OfBoot<ExposureReport> | null {
  const record = parseJsonRecord(exposureSchema, value, maxReportLength)
  if (record === null) return null
  const targets = record.targets.map(
    ([zone, target, untilMs, ...overrides]) =>
      [`${zone} ${target}`, { untilMs, overrides }] as const,
  )
  return { epoch: record.epoch, value: { atMs: record.at, targets: new Map(targets) } }
}
