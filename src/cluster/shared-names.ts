// What caches may lead to, in the store: one hash, with a record for each zone that has the names of its zone file and those
// that have left it. So an instance that starts with a new zone file keeps what the old one had, and one that took the new
// file over first keeps it for as long as others still have the old one.
//
//   a name of the zone file   with a lease: as if it left in a minute. It is renewed for as long as any instance has the name
//   one that has left         with the time until which caches may lead to it
//   the same name twice       the later time counts: nothing is ever written that ends before what was read
//
// What a race between two writers takes back is written again. Times are compared by wall clock.
//
// A record is sealed where there is a secret, under no writer, as serials are. To put an old one there again moves nothing.
// Without a seal records are only believed their times (departed/name-memory.ts).

import { z } from 'zod'
import { maxKeepSeconds } from '../departed/exposed-sets.ts'
import {
  type DepartedSet,
  keyOfSet,
  departedNow,
  type NameMemory,
  type SharedNames,
  type SharedSet,
  singleRecords,
  type ZoneNames,
} from '../departed/name-memory.ts'
import type { Clock } from '../lib/clock.ts'
import { RRType } from '../wire/rrtype.ts'
import type { StoreLink } from './redis/redis-link.ts'
import { parseJsonRecord, type StateKeys } from './redis/schema.ts'
import { splitSealed, type StateSecrets } from './redis/sealed-record.ts'
import { type ZoneHashRead, zoneLimit, type ZoneRecord } from './zone-hash.ts'
import { ZoneHashPart, type ZoneHashOptions } from './zone-hash-part.ts'

interface RedisNamesOptions extends ZoneHashOptions {
  readonly keys: Pick<StateKeys, 'names'>
  readonly clock: Clock
}

/** Of one zone; what does not fit is not shared. */
const maxRecordOctets = 262_144
const leaseMs = 60_000
const endedForMs = 86_400_000
const zonesRemovedAtOnce = 500
const maxRdataLength = 2048

/** Its news are names that other instances keep and this one does not: those of `read`. */
export class RedisNames extends ZoneHashPart<NameMemory> {
  /** Sets that were left out of records since these would be too large, as of the last write. */
  unshared = 0
  readonly #link: StoreLink
  readonly #key: string
  readonly #clock: Clock
  readonly #mode: StateSecrets['mode'] | null
  #stored: ReadonlyMap<string, readonly SharedSet[]> = new Map()
  /** When the reading began that `#stored` is of, and the latest one. */
  #readMs = 0
  #askedMs = 0

  constructor(options: RedisNamesOptions) {
    const key = options.keys.names
    super(options, { key, maxRecordOctets: maxRecordOctets + 64 }, new Map())
    this.#link = options.link
    this.#key = key
    this.#clock = options.clock
    this.#mode = options.secrets?.mode ?? null
  }

  /** Reads what the store has now. Resolves to what was read last if nothing can be read. */
  async read(): Promise<SharedNames> {
    await this.readStored()
    return { sets: this.#stored, readMs: this.#readMs }
  }

  /** When the store was last read, milliseconds since 1970; 0: it never was. */
  readMs(): number {
    return this.#readMs
  }

  protected override readStored(): Promise<ZoneHashRead['kind']> {
    this.#askedMs = this.#clock.wallMs()
    return super.readStored()
  }

  protected override take(records: readonly ZoneRecord[]): void {
    const wallMs = this.#askedMs
    const stored = new Map<string, readonly SharedSet[]>()
    for (const { zone, text } of records) {
      const split = splitSealed(text)
      const isProven = this.verify(zone, split) !== 'none'
      const isIgnored = !isProven && this.#mode === 'require'
      const sets = isIgnored ? null : parseSets(split.value, wallMs)
      if (sets === null) this.rejected++
      else
        stored.set(
          zone,
          sets.map((set) => ({ ...set, isProven })),
        )
    }
    this.#stored = stored
    this.#readMs = wallMs
  }

  protected override async reconcile(isFenced: boolean): Promise<readonly string[] | null> {
    return isFenced || (await this.#write()) ? this.#news() : null
  }

  async #write(): Promise<boolean> {
    const wallMs = this.#clock.wallMs()
    this.unshared = 0
    const records = [...this.own].slice(0, zoneLimit).flatMap(([zone, names]) => {
      const stored = this.#stored.get(zone) ?? []
      if (isCovered(names, stored, wallMs)) return []
      // What nobody of the fleet has written must not get a seal by this.
      const kept = this.sealer ? stored.filter(({ isProven }) => isProven) : stored
      const { text, unshared } = formatSets(joinSets(names, kept, wallMs))
      this.unshared += unshared
      return [{ zone, text: this.sealed(zone, text) }]
    })
    return (await this.writeRecords(records)) && this.#removeEnded(wallMs)
  }

  /** Records of zones that nobody has served for a day. */
  async #removeEnded(wallMs: number): Promise<boolean> {
    const ended = [...this.#stored]
      .filter(([zone]) => !this.own.has(zone))
      .filter(([, sets]) => sets.every(({ untilMs }) => untilMs < wallMs - endedForMs))
      .map(([zone]) => zone)
      .slice(0, zonesRemovedAtOnce)
    return ended.length === 0 || (await this.#link.run([['hdel', this.#key, ...ended]])) !== null
  }

  /** Of sets that a seal proves, since others are not taken. */
  #news(): readonly string[] {
    const wallMs = this.#clock.wallMs()
    return [...this.own].flatMap(([zone, { current, departed }]) => {
      const known = new Set([...current, ...departed].flatMap(singleRecords).map(keyOfSet))
      return (this.#stored.get(zone) ?? [])
        .filter((set) => set.isProven && set.untilMs > wallMs && !known.has(keyOfSet(set)))
        .map((set) => `${zone} ${keyOfSet(set)}`)
    })
  }
}

/** Whether the store has all of a zone's names for as long as they are needed. */
function isCovered(names: ZoneNames, stored: readonly DepartedSet[], wallMs: number): boolean {
  const until = new Map(stored.map((set) => [keyOfSet(set), set.untilMs]))
  return neededSets(names, wallMs).every((set) => (until.get(keyOfSet(set)) ?? 0) >= set.untilMs)
}

/** In whole seconds, as they are stored. */
const neededSets = ({ current, departed }: ZoneNames, wallMs: number): readonly DepartedSet[] =>
  [...departed, ...current.map((set) => departedNow(set, wallMs))]
    .flatMap(singleRecords)
    .map((set) => ({ ...set, untilMs: Math.floor(set.untilMs / 1000) * 1000 }))

/** What is to be stored, those that have left first. What has ended is left out. */
function joinSets(
  names: ZoneNames,
  stored: readonly DepartedSet[],
  wallMs: number,
): readonly DepartedSet[] {
  const joined = new Map<string, DepartedSet>()
  const needed = [
    ...neededSets({ current: [], departed: names.departed }, wallMs),
    ...neededSets({ current: names.current, departed: [] }, wallMs + leaseMs),
  ]
  for (const set of [...needed, ...stored]) {
    const there = joined.get(keyOfSet(set))
    if (set.untilMs <= wallMs) continue
    joined.set(keyOfSet(set), {
      ...(there ?? set),
      untilMs: Math.max(set.untilMs, there?.untilMs ?? 0),
    })
  }
  return [...joined.values()]
}

/** As JSON: a list of `[owner, type, ttl, keepSeconds, untilSeconds, [rdata…]]`. */
function formatSets(sets: readonly DepartedSet[]): { text: string; unshared: number } {
  const rows: string[] = []
  let octets = 2
  let unshared = 0
  for (const { owner, type, ttl, keepSeconds, untilMs, rdata } of sets) {
    const row = JSON.stringify([owner, type, ttl, keepSeconds, untilMs / 1000, rdata])
    const isFitting =
      octets + row.length < maxRecordOctets && rdata.every(({ length }) => length <= maxRdataLength)
    if (isFitting) rows.push(row)
    else unshared++
    if (isFitting) octets += row.length + 1
  }
  return { text: `[${rows.join(',')}]`, unshared }
}

const count = (most: number): z.ZodInt => z.int().min(0).max(most)

const recordSchema = z.array(
  z.tuple([
    z.string().regex(/^[\x21-\x7e]{1,1024}$/),
    z.literal([RRType.A, RRType.MX, RRType.AAAA, RRType.SRV, RRType.TLSA]),
    count(0x7fff_ffff),
    count(maxKeepSeconds),
    count(1e12),
    z
      .array(
        z
          .string()
          .max(maxRdataLength)
          .regex(/^[\x20-\x7e]+$/),
      )
      .min(1),
  ]),
)

/** null: the value is no such record. Later times than anything is kept for are lowered. */
function parseSets(value: string, wallMs: number): readonly DepartedSet[] | null {
  const rows = parseJsonRecord(recordSchema, value, maxRecordOctets)
  const lastMs = wallMs + maxKeepSeconds * 1000
  return (
    rows?.map(([owner, type, ttl, keepSeconds, untilSeconds, rdata]) => ({
      owner,
      type,
      ttl,
      keepSeconds,
      untilMs: Math.min(untilSeconds * 1000, lastMs),
      rdata,
    })) ?? null
  )
}
