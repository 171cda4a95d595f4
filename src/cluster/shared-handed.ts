// What was handed out and binds caches, in the store: one hash, with a record for each zone that has its policies of MTA-STS,
// TLSA sets and exchange names. So an instance that changes its files knows what others still hand out, and one that starts
// what was handed out before it.
//
// What no seal proves only lengthens what an instance has handed out itself (coherence/shared-handed.ts), by the time of a
// lease at most.

import { z } from 'zod'

import type { HandedExchange } from '../coherence/handed-out.ts'
import {
  boundUntilMs,
  type HandedItem,
  joinItems,
  keyOfItem,
  lastMsOf,
  newsOf,
  type SharedHanded,
  withTimes,
} from '../coherence/shared-handed.ts'
import { handedFields } from '../persistence/handed-entries.ts'
import {
  formatRows,
  type LeasedHashOptions,
  type LeasedItems,
  LeasedZoneHash,
  leaseMs as ownLeaseMs,
} from './leased-zone-hash.ts'
import { parseJsonRecord, type StateKeys } from './redis/schema.ts'

interface RedisHandedOptions extends LeasedHashOptions {
  readonly keys: Pick<StateKeys, 'handed'>
}

type ItemsOfZone = readonly HandedItem[]

/** Of one zone: 2,000 targets with TLSA fit; what does not is not shared. */
const maxRecordOctets = 524_288

/** No instance writes a later end; clocks may differ by as much. */
const longestLeadMs = 2 * ownLeaseMs

/** Its news are items that other instances have handed out later than this one knows. */
export class RedisHanded extends LeasedZoneHash<ItemsOfZone, HandedItem> {
  constructor(options: RedisHandedOptions) {
    super(options, options.keys.handed, handedItems)
  }

  /** Reads what the store has now. Resolves to what was read last if nothing can be read. */
  async read(): Promise<SharedHanded> {
    await this.readStored()
    return this.stored()
  }
}

const handedItems: LeasedItems<ItemsOfZone, HandedItem> = {
  maxOctets: maxRecordOctets,
  keyOf: keyOfItem,
  endMs: (item) => lastMsOf(item, 0),
  neededUntilMs: (item) => boundUntilMs(item, 0),
  needed: (items, nowMs, leaseMs) =>
    items
      .map((item) =>
        withTimes(item, ({ firstMs, lastMs }) => ({
          firstMs: Math.ceil(firstMs),
          lastMs: Math.ceil(lastMs ?? nowMs + leaseMs),
        })),
      )
      .filter((item) => boundUntilMs(item, nowMs) > nowMs),
  join: joinItems,
  format: (items) => formatRows(rowsOf(items), maxRecordOctets),
  parse: parseItems,
  news: newsOf,
}

/**
 * As JSON, a list of lists of a letter and fields, with the times of the first and the last handing out:
 *
 *   ["p", first, last, domain, id, mode, maxAge, [pattern…]]    a policy
 *   ["t", first, last, target, ttl, [record…]]                  TLSA
 *   ["x", first, last, domain, ttl, [name…]]                    exchanges
 */
function rowsOf(items: readonly HandedItem[]): readonly string[] {
  const rows: unknown[][] = []
  const exchanges: HandedExchange[] = []
  for (const item of items) {
    if ('policy' in item) {
      const { firstMs, lastMs, domain, id, mode, maxAgeSeconds, patterns } = item.policy
      rows.push(['p', firstMs, lastMs, domain, id, mode, maxAgeSeconds, patterns])
    } else if ('tlsa' in item) {
      const { firstMs, lastMs, target, ttlSeconds, records } = item.tlsa
      rows.push(['t', firstMs, lastMs, target, ttlSeconds, records])
    } else exchanges.push(item.exchange)
  }
  const together = Map.groupBy(exchanges, ({ firstMs, lastMs, domain, ttlSeconds }) =>
    JSON.stringify(['x', firstMs, lastMs, domain, ttlSeconds]),
  )
  const exchangeRows = [...together].map(([head, all]) => {
    const names = JSON.stringify(all.map(({ name }) => name))
    return `${head.slice(0, -1)},${names}]`
  })
  return [...rows.map((row) => JSON.stringify(row)), ...exchangeRows]
}

const { name, time, seconds, id, mode, patterns, target, records } = handedFields

const recordSchema = z.array(
  z.union([
    z.tuple([z.literal('p'), time, time, name, id, mode, seconds, patterns]),
    z.tuple([z.literal('t'), time, time, target, seconds, records]),
    z.tuple([z.literal('x'), time, time, name, seconds, z.array(name)]),
  ]),
)

/** null: the value is no such record. Later ends than any instance writes are lowered. */
function parseItems(value: string, nowMs: number, zone: string): readonly HandedItem[] | null {
  const rows = parseJsonRecord(recordSchema, value, maxRecordOctets)
  return rows?.flatMap((row) => itemsOfRow(row, zone, nowMs + longestLeadMs)) ?? null
}

function itemsOfRow(
  row: z.output<typeof recordSchema>[number],
  zone: string,
  latestMs: number,
): readonly HandedItem[] {
  const lastMs = Math.min(row[2], latestMs)
  const times = { zone, lastMs, firstMs: Math.min(row[1], lastMs) }
  switch (row[0]) {
    case 'p': {
      const [, , , domain, policyId, policyMode, maxAgeSeconds, allowed] = row
      const policy = { domain, id: policyId, mode: policyMode, maxAgeSeconds, patterns: allowed }
      return [{ policy: { ...times, ...policy } }]
    }
    case 't':
      return [{ tlsa: { ...times, target: row[3], ttlSeconds: row[4], records: row[5] } }]
    case 'x':
      return row[5].map((exchange) => ({
        exchange: { ...times, domain: row[3], ttlSeconds: row[4], name: exchange },
      }))
    default:
      return row satisfies never
  }
}
