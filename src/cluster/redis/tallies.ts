// Counts of probes in the store: a hash per instance, pool → buckets as JSON, written and read every 20 heartbeats. What
// another instance counted replaces what was known from it and is never added to the own counts, so that the sum over
// instances counts each probe once. The hash lives as long as the longest window: the counts of an instance that is gone
// stay valid, and it is found by its name in a sorted set: those that wrote last are read. The scores are seconds of the
// store's clock.

import { createHash } from 'node:crypto'

import type { SavedAvailability } from '../../health/availability.ts'
import { inChunks } from '../own-votes.ts'
import { availabilitySchema } from '../../persistence/state-format.ts'
import { countOf, type FieldsReply, readFields, usageCommand } from './bounded-read.ts'
import type { OversizedRecords } from './oversized-records.ts'
import {
  isInstanceName,
  maxTallyLength,
  maxTallyOctets,
  parseJsonRecord,
  type StateKeys,
  type StateTimes,
} from './schema.ts'
import { type Command, listOf, type Reply } from '../link/command.ts'
import { deleteWrongTypeKeys, type StoreLink } from '../link/redis-link.ts'
import type { SyncContext, SyncedPart } from './session.ts'
import { instanceLimit } from './snapshot.ts'
import type { StoreSeals } from './store-seals.ts'
import type { LocalTallies, TallyStore } from '../cluster-votes.ts'

interface RedisTalliesOptions {
  readonly link: StoreLink
  readonly keys: StateKeys
  readonly instance: string
  readonly times: StateTimes
  readonly oversized: OversizedRecords
  readonly seals: StoreSeals
  /** Names of the other live instances. */
  readonly peers: () => readonly string[]
}

/** Pools beyond this many are not shared. */
const poolLimit = 500
const fieldsPerCommand = 50
/** Of the hash, from each write on. */
export const tallyLifetimeMs: number = 30 * 86_400_000
/** So many names are kept in the store: four times as many as are read. */
const nameLimit = 4 * instanceLimit
const namesOctets = 256 * 1024
/** Instances read at once: their counts may be some 8 MB each. */
const instancesPerRead = 4

const fieldOf = (pool: string): string =>
  createHash('sha256').update(pool).digest('base64url').slice(0, 16)

export class RedisTallies implements TallyStore, SyncedPart {
  rejected = 0
  readonly #options: RedisTalliesOptions
  #own: LocalTallies | null = null
  /** Pools whose counts from before this boot have been restored. */
  readonly #restored = new Set<string>()
  /** Pool → the counts of each other instance. */
  #others = new Map<string, SavedAvailability[]>()
  #syncedAtMs = -Infinity

  constructor(options: RedisTalliesOptions) {
    this.#options = options
  }

  attach(own: LocalTallies): void {
    this.#own = own
  }

  ofOthers(pool: string): readonly SavedAvailability[] {
    return this.#others.get(pool) ?? []
  }

  onReconnect(): void {
    this.#syncedAtMs = -Infinity
  }

  onStoreEmptied(): void {
    this.onReconnect()
  }

  dueInMs(nowMs: number): number {
    return this.#own === null ? Infinity : this.#syncedAtMs + this.#options.times.tallyMs - nowMs
  }

  async sync({ nowMs, isFenced }: SyncContext): Promise<boolean> {
    if (this.dueInMs(nowMs) > 0) return true
    const pools = [...(this.#own?.current().keys() ?? [])].slice(0, poolLimit)
    const isDone =
      (await this.#restore(pools)) &&
      (isFenced || (await this.#write(pools))) &&
      (await this.#read(pools))
    if (isDone) this.#syncedAtMs = nowMs
    return isDone
  }

  async #restore(pools: readonly string[]): Promise<boolean> {
    const missing = pools.filter((pool) => !this.#restored.has(pool))
    const stored = await this.#readInstances([this.#options.instance], missing)
    if (stored === null) return false
    for (const [pool, saved] of stored) this.#own?.restore(pool, saved)
    for (const pool of missing) this.#restored.add(pool)
    return true
  }

  async #write(pools: readonly string[]): Promise<boolean> {
    const { link, keys, instance, seals } = this.#options
    const own = this.#own?.current()
    if (!own || pools.length === 0) return true
    const key = keys.tallies(instance)
    const records = pools.map((pool) => {
      const field = fieldOf(pool)
      return [field, seals.sign({ key, field }, JSON.stringify(own.get(pool)))]
    })
    const commands: readonly Command[] = [
      ...inChunks(records, fieldsPerCommand).map((part): Command => ['hset', key, ...part.flat()]),
      ['pexpire', key, tallyLifetimeMs],
    ]
    const replies = await link.run([...commands, ['time']])
    if (replies === null) return false
    this.rejected += await deleteWrongTypeKeys(link, commands, replies)
    return this.#writeName(secondsOf(replies.at(-1)))
  }

  /** Renews the own name among those that have counts. `nowSeconds` is null if the store does not tell its time. */
  async #writeName(nowSeconds: number | null): Promise<boolean> {
    const { link, keys, instance } = this.#options
    if (nowSeconds === null) return true
    const commands: readonly Command[] = [
      ['zadd', keys.tallyNames, nowSeconds, instance],
      ['zremrangebyscore', keys.tallyNames, '-inf', nowSeconds - tallyLifetimeMs / 1000],
      ['zremrangebyscore', keys.tallyNames, nowSeconds + 86_400, '+inf'],
      ['zremrangebyrank', keys.tallyNames, 0, -nameLimit - 1],
    ]
    const replies = await link.run(commands)
    if (replies === null) return false
    this.rejected += await deleteWrongTypeKeys(link, commands, replies)
    return true
  }

  async #read(pools: readonly string[]): Promise<boolean> {
    const names = await this.#namesOfOthers()
    if (names === null) return false
    const others = new Map<string, SavedAvailability[]>()
    for (const part of inChunks(names, instancesPerRead)) {
      const stored = await this.#readInstances(part, pools)
      if (stored === null) return false
      for (const [pool, saved] of stored) others.set(pool, [...(others.get(pool) ?? []), saved])
    }
    this.#others = others
    return true
  }

  /** The live instances, and those that wrote counts last; null if the store did not answer. */
  async #namesOfOthers(): Promise<readonly string[] | null> {
    const { link, keys, instance, oversized, peers } = this.#options
    const key = keys.tallyNames
    const sizes = await link.run([['zcard', key], usageCommand(key, nameLimit)])
    if (sizes === null) return null
    const [count, octets] = sizes.map(countOf)
    const isReadable = (count ?? 0) <= nameLimit && (octets ?? 0) <= namesOctets
    if (!isReadable) oversized.note({ key, field: null, octets: octets ?? 0 })
    const replies = await link.run([
      isReadable ? ['zrevrange', key, 0, instanceLimit] : ['unlink', key],
    ])
    if (replies === null) return null
    const names = new Set([...peers(), ...listOf(replies[0]).filter(isInstanceName)])
    names.delete(instance)
    return [...names].slice(0, instanceLimit)
  }

  /** The counts of instances for those of the pools that they have; null if the store did not answer. */
  async #readInstances(
    instances: readonly string[],
    pools: readonly string[],
  ): Promise<readonly (readonly [pool: string, saved: SavedAvailability])[] | null> {
    const { link, keys, oversized } = this.#options
    if (pools.length === 0) return []
    const fields = pools.map(fieldOf)
    const requests = instances.map((name) => {
      return { key: keys.tallies(name), fields, maxOctets: maxTallyOctets }
    })
    const read = await readFields(link, oversized, requests)
    return read && read.replies.flatMap((reply, i) => this.#parse(instances[i] ?? '', pools, reply))
  }

  #parse(
    instance: string,
    pools: readonly string[],
    reply: FieldsReply,
  ): readonly (readonly [pool: string, saved: SavedAvailability])[] {
    const { keys, seals } = this.#options
    const key = keys.tallies(instance)
    const values = reply.kind === 'values' ? reply.values : []
    return pools.flatMap((pool, i) => {
      const opened = seals.openSigned('tally', { key, field: fieldOf(pool) }, values[i], instance)
      const saved = opened.kind === 'record' ? parseTally(opened.value) : null
      const isInvalid = opened.kind === 'record' || opened.kind === 'invalid'
      if (saved === null && isInvalid) this.rejected++
      return saved === null ? [] : [[pool, saved] as const]
    })
  }
}

/** The first number in the reply to TIME, seconds since the epoch; null if it is none. */
function secondsOf(reply: Reply | undefined): number | null {
  const seconds = Number(listOf(reply)[0] ?? NaN)
  return Number.isSafeInteger(seconds) ? seconds : null
}

/** null if the value is not a record of counts. */
export const parseTally = (value: unknown): SavedAvailability | null =>
  parseJsonRecord(availabilitySchema, value, maxTallyLength)
