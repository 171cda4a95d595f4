// Counts of probes in the store: a hash per instance, pool → buckets as JSON, written and read every 20 heartbeats. What
// another instance counted replaces what was known from it and is never added to the own counts, so that the sum over
// instances counts each probe once. The hash lives as long as the longest window: the counts of an instance that is gone
// stay valid.

import { createHash } from 'node:crypto'

import type { SavedAvailability } from '../../health/availability.ts'
import { inChunks } from '../own-votes.ts'
import { availabilitySchema } from '../../persistence/state-format.ts'
import { isInstanceName, parseJsonRecord, type StateKeys, type StateTimes } from './schema.ts'
import { type Command, deleteWrongTypeKeys, listOf, type StoreLink } from './redis-link.ts'
import type { SyncContext, SyncedPart } from './session.ts'
import { instanceLimit } from './snapshot.ts'
import type { LocalTallies, TallyStore } from '../cluster-votes.ts'

interface RedisTalliesOptions {
  readonly link: StoreLink
  readonly keys: StateKeys
  readonly instance: string
  readonly times: StateTimes
}

/** Pools beyond this many are not shared. */
const poolLimit = 500
const fieldsPerCommand = 50
const maxRecordLength = 16_384
const lifetimeMs = 30 * 86_400_000

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
    const stored = await this.#readInstance(this.#options.instance, missing)
    if (stored === null) return false
    for (const [pool, saved] of stored) this.#own?.restore(pool, saved)
    for (const pool of missing) this.#restored.add(pool)
    return true
  }

  async #write(pools: readonly string[]): Promise<boolean> {
    const { link, keys, instance } = this.#options
    const own = this.#own?.current()
    if (!own || pools.length === 0) return true
    const key = keys.tallies(instance)
    const records = pools.map((pool) => [fieldOf(pool), JSON.stringify(own.get(pool))])
    const commands: readonly Command[] = [
      ...inChunks(records, fieldsPerCommand).map((part): Command => ['hset', key, ...part.flat()]),
      ['pexpire', key, lifetimeMs],
    ]
    const replies = await link.run(commands)
    if (replies === null) return false
    this.rejected += await deleteWrongTypeKeys(link, commands, replies)
    return true
  }

  async #read(pools: readonly string[]): Promise<boolean> {
    const { link, keys, instance } = this.#options
    const replies = await link.run([['srandmember', keys.instances, instanceLimit + 1]])
    if (replies === null) return false
    const names = listOf(replies[0]).filter(isInstanceName)
    const others = new Map<string, SavedAvailability[]>()
    for (const name of names.filter((one) => one !== instance).slice(0, instanceLimit)) {
      const stored = await this.#readInstance(name, pools)
      if (stored === null) return false
      for (const [pool, saved] of stored) others.set(pool, [...(others.get(pool) ?? []), saved])
    }
    this.#others = others
    return true
  }

  /** The counts of one instance for those of the pools that it has; null if the store did not answer. */
  async #readInstance(
    instance: string,
    pools: readonly string[],
  ): Promise<readonly (readonly [pool: string, saved: SavedAvailability])[] | null> {
    const { link, keys } = this.#options
    if (pools.length === 0) return []
    const chunks = inChunks(pools, fieldsPerCommand)
    const replies = await link.run(
      chunks.map((part): Command => ['hmget', keys.tallies(instance), ...part.map(fieldOf)]),
    )
    if (replies === null) return null
    return chunks.flatMap((part, i) => {
      const values = listOf(replies[i])
      return part.flatMap((pool, at) => {
        const value = values[at] ?? null
        const saved = parseTally(value)
        if (saved === null && value !== null) this.rejected++
        return saved === null ? [] : [[pool, saved] as const]
      })
    })
  }
}

/** null if the value is not a record of counts. */
export const parseTally = (value: unknown): SavedAvailability | null =>
  parseJsonRecord(availabilitySchema, value, maxRecordLength)
