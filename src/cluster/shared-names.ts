// What caches may lead to, in the store: one hash, with a record for each zone that has the names of its zone file and those
// that have left it. So an instance that starts with a new zone file keeps what the old one had, and one that took the new
// file over first keeps it for as long as others still have the old one.
//
// Without a seal records are only believed their times (departed/name-memory.ts).

import { z } from 'zod'
import { maxKeepSeconds } from '../departed/exposed-sets.ts'
import {
  type DepartedSet,
  keyOfSet,
  departedNow,
  type SharedNames,
  singleRecords,
  type ZoneNames,
} from '../departed/name-memory.ts'
import { RRType } from '../wire/rrtype.ts'
import {
  formatRows,
  type LeasedHashOptions,
  type LeasedItems,
  LeasedZoneHash,
} from './leased-zone-hash.ts'
import { parseJsonRecord, type StateKeys } from './redis/schema.ts'

interface RedisNamesOptions extends LeasedHashOptions {
  readonly keys: Pick<StateKeys, 'names'>
}

/** Of one zone; what does not fit is not shared. */
const maxRecordOctets = 262_144
const maxRdataLength = 2048

/** Its news are names that other instances keep and this one does not: those of `read`. */
export class RedisNames extends LeasedZoneHash<ZoneNames, DepartedSet> {
  constructor(options: RedisNamesOptions) {
    super(options, options.keys.names, nameItems)
  }

  /** Reads what the store has now. Resolves to what was read last if nothing can be read. */
  async read(): Promise<SharedNames> {
    await this.readStored()
    return { sets: this.stored(), readMs: this.readMs() }
  }
}

/** In whole seconds, as they are stored; those that have left first. */
const neededSets = (
  { current, departed }: ZoneNames,
  nowMs: number,
  leaseMs: number,
): readonly DepartedSet[] =>
  [...departed, ...current.map((set) => departedNow(set, nowMs + leaseMs))]
    .flatMap(singleRecords)
    .map((set) => ({ ...set, untilMs: Math.floor(set.untilMs / 1000) * 1000 }))

/** As JSON: a list of `[owner, type, ttl, keepSeconds, untilSeconds, [rdata…]]`. */
function rowOf({ owner, type, ttl, keepSeconds, untilMs, rdata }: DepartedSet): string | null {
  const isFitting = rdata.every(({ length }) => length <= maxRdataLength)
  return isFitting ? JSON.stringify([owner, type, ttl, keepSeconds, untilMs / 1000, rdata]) : null
}

const nameItems: LeasedItems<ZoneNames, DepartedSet> = {
  maxOctets: maxRecordOctets,
  keyOf: keyOfSet,
  endMs: ({ untilMs }) => untilMs,
  neededUntilMs: ({ untilMs }) => untilMs,
  needed: neededSets,
  join: (one, { untilMs }) => ({ ...one, untilMs: Math.max(one.untilMs, untilMs) }),
  format: (sets) => formatRows(sets.map(rowOf), maxRecordOctets),
  parse: (value, nowMs) => parseSets(value, nowMs),
  // Of sets that a seal proves, since others are not taken.
  news({ current, departed }, stored, nowMs) {
    const known = new Set([...current, ...departed].flatMap(singleRecords).map(keyOfSet))
    return stored
      .filter((set) => set.isProven && set.untilMs > nowMs && !known.has(keyOfSet(set)))
      .map(keyOfSet)
  },
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
