// A hash of the store with a record for each zone, which whoever serves the zone writes. All of it is read where it is small;
// of one that is larger than records of so many zones can be, the zones that this instance serves.

import { inChunks } from './own-votes.ts'
import { countOf, readFields, storedFields, usageCommand } from './redis/bounded-read.ts'
import type { OversizedRecords } from './redis/oversized-records.ts'
import { type Command, hashOf } from './link/command.ts'
import { deleteWrongTypeKeys, type StoreLink } from './link/redis-link.ts'

export interface ZoneHash {
  readonly link: StoreLink
  readonly oversized: OversizedRecords
  readonly key: string
  /** Of one record; larger ones are not read. */
  readonly maxRecordOctets: number
}

/** Zones beyond this many are not shared. */
export const zoneLimit = 20_000
/** Of a hash with more octets not all is read. */
const maxOctets = 8 * 1024 * 1024
const fieldsPerCommand = 500

/** Of a name of at most 255 octets, as zone files have it. */
const zonePattern = /^[\x21-\x7e]{1,1024}$/

/** `rejected`: what was not of the type that it should be, and is deleted. */
export type ZoneHashRead =
  | { readonly kind: 'read'; readonly records: readonly ZoneRecord[]; readonly rejected: number }
  | { readonly kind: 'unusable'; readonly rejected: number }
  | { readonly kind: 'no-reply' }

export interface ZoneRecord {
  readonly zone: string
  readonly text: string
}

/** `own`: zones that this instance serves. */
export async function readZoneHash(
  { link, oversized, key, maxRecordOctets }: ZoneHash,
  own: readonly string[],
): Promise<ZoneHashRead> {
  const commands: readonly Command[] = [['hlen', key], usageCommand(key, zoneLimit)]
  const sizes = await link.run(commands)
  if (sizes === null) return { kind: 'no-reply' }
  const [count, octets] = sizes.map(countOf)
  if (count === null || octets === null || count === undefined || octets === undefined)
    return { kind: 'unusable', rejected: await deleteWrongTypeKeys(link, commands, sizes) }
  if (count <= zoneLimit && octets <= maxOctets) {
    const replies = await link.run([['hgetall', key]])
    if (replies === null) return { kind: 'no-reply' }
    return replies[0]?.kind === 'error' ? unusable : recordsOf(hashOf(replies[0]))
  }
  oversized.note({ key, field: null, octets })
  const fields = own.slice(0, zoneLimit)
  const read = await readFields(link, oversized, [{ key, fields, maxOctets: maxRecordOctets }])
  if (read === null) return { kind: 'no-reply' }
  const [reply] = read.replies
  return reply?.kind === 'values' ? recordsOf(storedFields(fields, reply).fields) : unusable
}

const unusable: ZoneHashRead = { kind: 'unusable', rejected: 0 }

function recordsOf(fields: readonly unknown[]): ZoneHashRead {
  const records: ZoneRecord[] = []
  let rejected = 0
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const [zone, text] = [fields[i], fields[i + 1]]
    if (typeof zone === 'string' && zonePattern.test(zone) && typeof text === 'string')
      records.push({ zone, text })
    else rejected++
  }
  return { kind: 'read', records, rejected }
}

/** Resolves to how many keys were of another type, and are deleted; null: the store did not answer. */
export async function writeZoneHash(
  { link, key }: Pick<ZoneHash, 'link' | 'key'>,
  records: readonly ZoneRecord[],
): Promise<number | null> {
  if (records.length === 0) return 0
  const commands = inChunks(records, fieldsPerCommand).map((part): Command => [
    'hset',
    key,
    ...part.flatMap(({ zone, text }) => [zone, text]),
  ])
  const replies = await link.run(commands)
  return replies === null ? null : deleteWrongTypeKeys(link, commands, replies)
}
