// Serials of zones in the store: one hash, with the serial and the digest of the content for each zone that an instance
// serves. Instances with the same content so have the same serial, and one that starts goes on where the others are.
//
//   none stored                  the own one is written
//   own one greater              it is written: the greatest serial of a zone is the one that stands
//   stored one greater           of the same content: this instance is behind, and takes it; of another content: that is
//                                newer, or this instance's files are not yet
//   the same, of other content   two instances chose it at once: this one is behind, and takes the next one
//
// Nothing is ever written that is not greater than what was read, and what a race between two writers takes back is
// written again, so that all end with the greatest one. Of a hash that is too large only the zones that this instance serves
// are read; before it serves any, none. With a secret each record is sealed, under no writer: a serial is of
// the zone, not of an instance. To put an old one there again moves nothing, since only a greater one counts.

import { isAfter, type ZoneSerial, type ZoneSerials } from '../lib/zone-serials.ts'
import type { OversizedRecords } from './redis/oversized-records.ts'
import type { StoreLink } from './redis/redis-link.ts'
import { maxPackedOctets, type StateKeys, type StateTimes } from './redis/schema.ts'
import {
  type RecordPlace,
  RecordSealer,
  splitSealed,
  type StateSecrets,
  type Verification,
} from './redis/sealed-record.ts'
import type { SyncContext, SyncedPart } from './redis/session.ts'
import {
  readZoneHash,
  writeZoneHash,
  type ZoneHash,
  zoneLimit,
  type ZoneRecord,
} from './zone-hash.ts'

interface RedisSerialsOptions {
  readonly link: StoreLink
  readonly keys: Pick<StateKeys, 'serials'>
  readonly times: Pick<StateTimes, 'snapshotMs'>
  readonly oversized: OversizedRecords
  /** null: records are neither sealed nor verified. */
  readonly secrets: StateSecrets | null
}

const recordPattern = /^(\d{1,10})\|([\w-]{16})$/
const maxSerial = 0xffff_ffff
export const formatSerial = ({ serial, digest }: ZoneSerial): string => `${serial}|${digest}`

/** null if the value is not a record of a serial. */
export function parseSerial(value: unknown): ZoneSerial | null {
  const fields = typeof value === 'string' ? recordPattern.exec(value) : null
  const serial = Number(fields?.[1])
  return fields && serial <= maxSerial ? { serial, digest: fields[2] ?? '' } : null
}

interface VerifiedText {
  readonly text: string
  readonly verification: Verification
}

export class RedisSerials implements SyncedPart {
  rejected = 0
  readonly #options: RedisSerialsOptions
  readonly #sealer: RecordSealer | null
  /** By zone: a text that has not changed since it was verified is not verified again. */
  #verified: ReadonlyMap<string, VerifiedText> = new Map()
  /** Whether records that carry another seal than ours, or none, are to be written anew: once after a start. */
  #isToSeal: boolean
  #own: ZoneSerials = new Map()
  #stored: ZoneSerials = new Map()
  #syncedAtMs = -Infinity
  #onBehind: () => void = () => {}
  /** What this instance was last behind, so that it is reported once. */
  #toldOf = ''

  constructor(options: RedisSerialsOptions) {
    this.#options = options
    this.#sealer = options.secrets === null ? null : new RecordSealer(options.secrets.secrets)
    this.#isToSeal = this.#sealer !== null
  }

  /** Calls back when this instance has to take serials of the store: those of `read`. */
  onBehind(call: () => void): void {
    this.#onBehind = call
    // What was found before anything listened is found again.
    this.#toldOf = ''
    this.#syncedAtMs = -Infinity
  }

  /** Reads what the store has now. Resolves to what was read last if nothing can be read. */
  async read(): Promise<ZoneSerials> {
    await this.#read()
    return this.#stored
  }

  /** The serials that this instance serves from now on. */
  publish(own: ZoneSerials): void {
    this.#own = own
    this.#syncedAtMs = -Infinity
  }

  onReconnect(): void {
    this.#syncedAtMs = -Infinity
  }

  onStoreEmptied(): void {
    this.onReconnect()
  }

  dueInMs(nowMs: number): number {
    const isIdle = this.#own.size === 0
    return isIdle ? Infinity : this.#syncedAtMs + this.#options.times.snapshotMs - nowMs
  }

  async sync({ nowMs, isFenced }: SyncContext): Promise<boolean> {
    if (this.dueInMs(nowMs) > 0) return true
    const read = await this.#read()
    if (read === 'no-reply') return false
    this.#syncedAtMs = nowMs
    // What is stored may be greater: nothing is written that was not compared.
    if (read === 'unusable') return true
    const { unwritten, behind } = compare(this.#own, this.#stored, (zone) => this.#lacksSeal(zone))
    if (!isFenced && !(await this.#write(unwritten))) return this.#fail()
    this.#isToSeal = false
    const isNews = behind !== this.#toldOf
    this.#toldOf = behind
    if (isNews && behind !== '') this.#onBehind()
    return true
  }

  #fail(): false {
    this.#syncedAtMs = -Infinity
    return false
  }

  async #read(): Promise<'read' | 'unusable' | 'no-reply'> {
    const read = await readZoneHash(this.#hash(), [...this.#own.keys()])
    if (read.kind !== 'no-reply') this.rejected += read.rejected
    if (read.kind === 'read') this.#stored = this.#recordsOf(read.records)
    return read.kind
  }

  #hash(): ZoneHash {
    const { link, keys, oversized } = this.#options
    return { link, oversized, key: keys.serials, maxRecordOctets: maxPackedOctets }
  }

  #recordsOf(records: readonly ZoneRecord[]): ZoneSerials {
    const stored = new Map<string, ZoneSerial>()
    const verified = new Map<string, VerifiedText>()
    for (const { zone, text } of records) {
      const record = parseSerial(splitSealed(text).value)
      if (record === null) {
        this.rejected++
        continue
      }
      const verification = this.#verify(zone, text)
      verified.set(zone, { text, verification })
      if (verification === 'none' && this.#options.secrets?.mode === 'require') this.rejected++
      else stored.set(zone, record)
    }
    this.#verified = verified
    return stored
  }

  /** Without a secret seals are cut off unseen. */
  #verify(zone: string, text: string): Verification {
    const known = this.#verified.get(zone)
    if (known?.text === text) return known.verification
    const { value, seal } = splitSealed(text)
    if (this.#sealer === null || seal === null) return 'none'
    return this.#sealer.verify(this.#placeOf(zone), value, seal)
  }

  #lacksSeal(zone: string): boolean {
    return this.#isToSeal && this.#verified.get(zone)?.verification !== 'active'
  }

  #placeOf(zone: string): RecordPlace {
    return { key: this.#options.keys.serials, field: zone, writer: '', epoch: 0 }
  }

  #textOf(zone: string, one: ZoneSerial): string {
    const value = formatSerial(one)
    return this.#sealer?.seal(this.#placeOf(zone), value) ?? value
  }

  async #write(unwritten: readonly (readonly [string, ZoneSerial])[]): Promise<boolean> {
    const records = unwritten.map(([zone, one]) => ({ zone, text: this.#textOf(zone, one) }))
    const rejected = await writeZoneHash(this.#hash(), records)
    this.rejected += rejected ?? 0
    return rejected !== null
  }
}

/** `behind`: a text of the serials that are to be taken; empty: none. */
function compare(
  own: ZoneSerials,
  stored: ZoneSerials,
  lacksSeal: (zone: string) => boolean,
): { readonly unwritten: readonly (readonly [string, ZoneSerial])[]; readonly behind: string } {
  const unwritten: (readonly [string, ZoneSerial])[] = []
  const behind: string[] = []
  for (const [zone, mine] of [...own].slice(0, zoneLimit)) {
    const theirs = stored.get(zone)
    if (!theirs || isAfter(mine.serial, theirs.serial)) unwritten.push([zone, mine])
    else if (isToBeTaken(mine, theirs)) behind.push(`${zone} ${formatSerial(theirs)}`)
    else if (isSame(mine, theirs) && lacksSeal(zone)) unwritten.push([zone, mine])
  }
  return { unwritten, behind: behind.join('\n') }
}

const isSame = (mine: ZoneSerial, theirs: ZoneSerial): boolean =>
  mine.serial === theirs.serial && mine.digest === theirs.digest

const isToBeTaken = (mine: ZoneSerial, theirs: ZoneSerial): boolean =>
  mine.digest === theirs.digest
    ? isAfter(theirs.serial, mine.serial)
    : theirs.serial === mine.serial
