// Counts of probes that lie in the store: of each instance a hash, pool → buckets as JSON, written and read every 20
// heartbeats. What another instance counted replaces what was known of it, and is never added to ours. They last as
// long as the longest window: an instance that is gone has still seen what it saw.

import { createHash } from 'node:crypto'

import type { SavedAvailability } from '../../health/availability.ts'
import { inChunks } from '../own-votes.ts'
import { readWindows } from '../../persistence/state-format.ts'
import { type StateKeys, isInstanceName, type StateTimes } from './schema.ts'
import { type Command, type Reply, type StoreLink, deleteWrongTypeKeys } from './redis-link.ts'
import type { SyncContext, SyncedPart } from './session.ts'
import { instanceLimit } from './snapshot.ts'
import type { LocalTallies, TallyStore } from '../cluster-votes.ts'

interface StoreTalliesParts {
  readonly link: StoreLink
  readonly keys: StateKeys
  readonly instance: string
  readonly times: StateTimes
}

/** More pools than this count here alone. */
const poolLimit = 500
const fieldsACommand = 50
const longestRecord = 16_384
const lifetimeMs = 30 * 86_400_000

const fieldOf = (pool: string): string =>
  createHash('sha256').update(pool).digest('base64url').slice(0, 16)

export class RedisTallies implements TallyStore, SyncedPart {
  rejected = 0
  readonly #parts: StoreTalliesParts
  #own: LocalTallies | null = null
  /** Pools whose counts of before were taken over. */
  readonly #restored = new Set<string>()
  /** By pool; then by instance. */
  #others = new Map<string, SavedAvailability[]>()
  #doneAtMs = -Infinity

  constructor(parts: StoreTalliesParts) {
    this.#parts = parts
  }

  attach(own: LocalTallies): void {
    this.#own = own
  }

  ofOthers(pool: string): readonly SavedAvailability[] {
    return this.#others.get(pool) ?? []
  }

  /** Next turn, whenever the last one was. */
  onReconnect(): void {
    this.#doneAtMs = -Infinity
  }

  onStoreEmptied(): void {
    this.onReconnect()
  }

  dueInMs(nowMs: number): number {
    return this.#own === null ? Infinity : this.#doneAtMs + this.#parts.times.tallyMs - nowMs
  }

  async sync({ nowMs, isFenced }: SyncContext): Promise<boolean> {
    if (this.dueInMs(nowMs) > 0) return true
    const pools = [...(this.#own?.current().keys() ?? [])].slice(0, poolLimit)
    const isDone =
      (await this.#restore(pools)) &&
      (isFenced || (await this.#write(pools))) &&
      (await this.#read(pools))
    if (isDone) this.#doneAtMs = nowMs
    return isDone
  }

  async #restore(pools: readonly string[]): Promise<boolean> {
    const unread = pools.filter((pool) => !this.#restored.has(pool))
    const found = await this.#readOf(this.#parts.instance, unread)
    if (found === null) return false
    for (const [pool, saved] of found) this.#own?.restore(pool, saved)
    for (const pool of unread) this.#restored.add(pool)
    return true
  }

  async #write(pools: readonly string[]): Promise<boolean> {
    const { link, keys, instance } = this.#parts
    const own = this.#own?.current()
    if (!own || pools.length === 0) return true
    const key = keys.tallies(instance)
    const lines = pools.map((pool) => [fieldOf(pool), JSON.stringify(own.get(pool))])
    const commands: readonly Command[] = [
      ...inChunks(lines, fieldsACommand).map((part): Command => ['hset', key, ...part.flat()]),
      ['pexpire', key, lifetimeMs],
    ]
    const replies = await link.run(commands)
    if (replies === null) return false
    this.rejected += await deleteWrongTypeKeys(link, commands, replies)
    return true
  }

  async #read(pools: readonly string[]): Promise<boolean> {
    const { link, keys, instance } = this.#parts
    const replies = await link.run([['srandmember', keys.instances, instanceLimit + 1]])
    if (replies === null) return false
    const names = listOf(replies[0]).filter(isInstanceName)
    const others = new Map<string, SavedAvailability[]>()
    for (const name of names.filter((one) => one !== instance).slice(0, instanceLimit)) {
      const found = await this.#readOf(name, pools)
      if (found === null) return false
      for (const [pool, saved] of found) others.set(pool, [...(others.get(pool) ?? []), saved])
    }
    this.#others = others
    return true
  }

  /** null: no answer. */
  async #readOf(
    instance: string,
    pools: readonly string[],
  ): Promise<readonly (readonly [pool: string, saved: SavedAvailability])[] | null> {
    const { link, keys } = this.#parts
    if (pools.length === 0) return []
    const chunks = inChunks(pools, fieldsACommand)
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

export function parseTally(value: unknown): SavedAvailability | null {
  if (typeof value !== 'string' || value.length > longestRecord) return null
  try {
    return readWindows(JSON.parse(value))
  } catch {
    return null
  }
}

const listOf = (reply: Reply | undefined): readonly unknown[] =>
  reply?.kind === 'value' && Array.isArray(reply.value) ? (reply.value as unknown[]) : []
