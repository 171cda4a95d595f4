// A hash of zones whose records are lists of items, each with a time until which it counts: what caches may lead to, and what
// was handed out. Instances that start later, or took a new file over first, so know what others still have.
//
//   an item that an instance has now   with a lease: as if that ended in a minute. It is renewed for as long as any has it
//   one that it has no more            with its end
//   the same item twice                the later end counts: nothing is ever written that ends before what was read
//
// What a race between two writers takes back is written again. Times are compared by wall clock.
//
// A record is sealed where there is a secret, under no writer, as serials are. To put an old one there again moves nothing.

import type { Clock } from '../lib/clock.ts'
import type { StoreLink } from './link/redis-link.ts'
import { splitSealed, type StateSecrets } from './redis/sealed-record.ts'
import { type ZoneHashRead, zoneLimit, type ZoneRecord } from './zone-hash.ts'
import { ZoneHashPart, type ZoneHashOptions } from './zone-hash-part.ts'

export interface LeasedHashOptions extends ZoneHashOptions {
  readonly clock: Clock
}

export const leaseMs = 60_000
const endedForMs = 86_400_000
const zonesRemovedAtOnce = 500

/** An item of a record, and whether an instance of the fleet has written it, as its seal proves; without, it may be anybody's. */
export type Proven<Item> = Item & { readonly isProven: boolean }

/** What the store has of each zone. */
export type StoredItems<Item> = ReadonlyMap<string, readonly Proven<Item>[]>

/** What items of a hash are. `Zone`: what an instance has of a zone. */
export interface LeasedItems<Zone, Item> {
  /** Of one record. */
  readonly maxOctets: number
  readonly keyOf: (item: Item) => string
  /** Until when an item counts, milliseconds since 1970. */
  readonly endMs: (item: Item) => number
  /** Until when anybody needs to know of it; it may outlive the end. */
  readonly neededUntilMs: (item: Item) => number
  /** What the store has to have of a zone, as if what the instance has now ended at `nowMs + leaseMs`. */
  readonly needed: (zone: Zone, nowMs: number, leaseMs: number) => readonly Item[]
  /** One of two of the same key: with the later end. */
  readonly join: (one: Item, other: Item) => Item
  /** `unshared`: what did not fit into a record. */
  readonly format: (items: readonly Item[]) => { readonly text: string; readonly unshared: number }
  /** null: the value is no such record. */
  readonly parse: (value: string, nowMs: number, zone: string) => readonly Item[] | null
  /** Texts of what is news to an instance that has `zone`. */
  readonly news: (zone: Zone, stored: readonly Proven<Item>[], nowMs: number) => readonly string[]
}

/** Its news are items that other instances have and this one does not: those of `stored`. */
export class LeasedZoneHash<Zone, Item extends object> extends ZoneHashPart<
  ReadonlyMap<string, Zone>
> {
  /** Items that were left out of records since these would be too large, as of the last write. */
  unshared = 0
  readonly #link: StoreLink
  readonly #key: string
  readonly #clock: Clock
  readonly #mode: StateSecrets['mode'] | null
  readonly #items: LeasedItems<Zone, Item>
  #stored: StoredItems<Item> = new Map()
  /** What `#stored` was read from: a text that has not changed is not verified and parsed again. */
  #texts: ReadonlyMap<string, string> = new Map()
  /** When the reading began that `#stored` is of, and the latest one. */
  #readMs = 0
  #askedMs = 0

  constructor(options: LeasedHashOptions, key: string, items: LeasedItems<Zone, Item>) {
    super(options, { key, maxRecordOctets: items.maxOctets + 64 }, new Map())
    this.#link = options.link
    this.#key = key
    this.#clock = options.clock
    this.#mode = options.secrets?.mode ?? null
    this.#items = items
  }

  /** As it was read last. */
  stored(): StoredItems<Item> {
    return this.#stored
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
    const stored = new Map<string, readonly Proven<Item>[]>()
    for (const { zone, text } of records) {
      const known = this.#texts.get(zone) === text ? this.#stored.get(zone) : undefined
      const items = known ?? this.#parse(zone, text)
      if (items === null) this.rejected++
      else stored.set(zone, items)
    }
    this.#stored = stored
    this.#texts = new Map(records.map(({ zone, text }) => [zone, text]))
    this.#readMs = this.#askedMs
  }

  /** null: it is no such record, or has no seal where one is required. */
  #parse(zone: string, text: string): readonly Proven<Item>[] | null {
    const split = splitSealed(text)
    const isProven = this.verify(zone, split) !== 'none'
    if (!isProven && this.#mode === 'require') return null
    const items = this.#items.parse(split.value, this.#askedMs, zone)
    return items?.map((item) => ({ ...item, isProven })) ?? null
  }

  protected override async reconcile(isFenced: boolean): Promise<readonly string[] | null> {
    return isFenced || (await this.#write()) ? this.#news() : null
  }

  async #write(): Promise<boolean> {
    const wallMs = this.#clock.wallMs()
    this.unshared = 0
    const records = [...this.own].slice(0, zoneLimit).flatMap(([zone, own]) => {
      const stored = this.#stored.get(zone) ?? []
      if (this.#isCovered(own, stored, wallMs)) return []
      // What nobody of the fleet has written must not get a seal by this.
      const kept = this.sealer ? stored.filter(({ isProven }) => isProven) : stored
      const { text, unshared } = this.#items.format(this.#joined(own, kept, wallMs))
      this.unshared += unshared
      return [{ zone, text: this.sealed(zone, text) }]
    })
    return (await this.writeRecords(records)) && this.#removeEnded(wallMs)
  }

  /** Whether the store has all of a zone's items for as long as they count. */
  #isCovered(own: Zone, stored: readonly Item[], wallMs: number): boolean {
    const { keyOf, endMs, needed } = this.#items
    const ends = new Map(stored.map((item) => [keyOf(item), endMs(item)]))
    return needed(own, wallMs, 0).every((item) => (ends.get(keyOf(item)) ?? 0) >= endMs(item))
  }

  /** What is to be stored. What nobody needs to know any more is left out. */
  #joined(own: Zone, stored: readonly Item[], wallMs: number): readonly Item[] {
    const { keyOf, neededUntilMs, needed, join } = this.#items
    const joined = new Map<string, Item>()
    for (const item of [...needed(own, wallMs, leaseMs), ...stored]) {
      const there = joined.get(keyOf(item))
      if (neededUntilMs(item) > wallMs) joined.set(keyOf(item), there ? join(there, item) : item)
    }
    return [...joined.values()]
  }

  /** Records of zones that nobody has served for a day. */
  async #removeEnded(wallMs: number): Promise<boolean> {
    const { neededUntilMs } = this.#items
    const ended = [...this.#stored]
      .filter(([zone]) => !this.own.has(zone))
      .filter(([, items]) => items.every((item) => neededUntilMs(item) < wallMs - endedForMs))
      .map(([zone]) => zone)
      .slice(0, zonesRemovedAtOnce)
    return ended.length === 0 || (await this.#link.run([['hdel', this.#key, ...ended]])) !== null
  }

  #news(): readonly string[] {
    const wallMs = this.#clock.wallMs()
    return [...this.own].flatMap(([zone, own]) =>
      this.#items.news(own, this.#stored.get(zone) ?? [], wallMs).map((text) => `${zone} ${text}`),
    )
  }
}

/** Rows of JSON as a list, as far as it stays below so many octets: what may not be in it, and what does not fit, is counted. */
export function formatRows(
  rows: Iterable<string | null>,
  maxOctets: number,
): { readonly text: string; readonly unshared: number } {
  const fitting: string[] = []
  let octets = 2
  let unshared = 0
  for (const row of rows) {
    const length = row === null ? Infinity : Buffer.byteLength(row) + 1
    if (row === null || octets + length > maxOctets) unshared++
    else {
      fitting.push(row)
      octets += length
    }
  }
  return { text: `[${fitting.join(',')}]`, unshared }
}
