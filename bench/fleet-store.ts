// The store of a simulated fleet: what lies in it, and how many commands and octets went each way, counted as they
// would be on the wire (RESP). Commands are those of cluster/redis/snapshot.ts, session.ts and vote-reader.ts.

import {
  type StateKeys,
  type Heartbeat,
  type StoredVote,
  formatHeartbeat,
  formatVote,
  parseVote,
} from '../src/cluster/redis/schema.ts'
import { inChunks } from '../src/cluster/own-votes.ts'
import type { Command } from '../src/cluster/link/command.ts'

export interface Traffic {
  commands: number
  batches: number
  octetsUp: number
  octetsDown: number
}

export interface StoredHint {
  readonly instance: string
  /** null: all of its votes. */
  readonly endpoint: string | null
}

export class FleetStore {
  readonly traffic: Traffic = { commands: 0, batches: 0, octetsUp: 0, octetsDown: 0 }
  readonly hints: StoredHint[] = []
  readonly #keys: StateKeys
  readonly #beats = new Map<string, { beat: Heartbeat; untilMs: number }>()
  readonly #votes = new Map<string, Map<string, StoredVote>>()

  constructor(keys: StateKeys) {
    this.#keys = keys
  }

  beat(instance: string, beat: Heartbeat, lifetimeMs: number, nowMs: number): void {
    const text = formatHeartbeat(beat)
    const key = this.#keys.heartbeat(instance)
    this.#count([
      ['getrange', key, 0, 200],
      ['set', key, text, 'PX', lifetimeMs],
      ['sadd', this.#keys.instances, instance],
      ['pexpire', this.#keys.votes(instance), 8 * lifetimeMs],
    ])
    this.traffic.octetsDown += bulk(text) + 8
    this.#beats.set(instance, { beat, untilMs: nowMs + lifetimeMs })
  }

  /** All heartbeats but the own one, and where the hints end. */
  look(
    instance: string,
    nowMs: number,
    recent: ReadonlyMap<string, Heartbeat>,
  ): ReadonlyMap<string, Heartbeat> {
    const found = new Map<string, Heartbeat>()
    let octets = 0
    const recentKeys = [...recent.keys()].map((name) => this.#keys.heartbeat(name))
    const areAllThere = [...recent.keys()].every((name) => this.#isThere(name, nowMs))
    for (const [name, { beat, untilMs }] of this.#beats) {
      if (untilMs <= nowMs) continue
      const isRead = !areAllThere || !recent.has(name)
      octets += (isRead ? bulk(formatHeartbeat(beat)) : 0) + bulk(name)
      if (name !== instance) found.set(name, isRead ? beat : (recent.get(name) as Heartbeat))
    }
    const { instances, storeId, events, overrides } = this.#keys
    this.#count([
      ['scard', instances],
      ['memory', 'usage', instances, 'SAMPLES', 512],
      ['xlen', events],
      ['memory', 'usage', events, 'SAMPLES', 4096],
      ['hlen', overrides],
      ['memory', 'usage', overrides, 'SAMPLES', 16_384],
    ])
    this.#count([
      ['smembers', instances],
      ['xrevrange', events, '+', '-', 'COUNT', 1],
      ['xrange', events, '-', '+', 'COUNT', 1],
      ['hgetall', overrides],
      ['hlen', this.#keys.votes(instance)],
      ['getrange', storeId, 0, 16],
      ...(recent.size > 0 ? [['exists', ...recentKeys] as const] : []),
      ...this.#readCommands((name) => !recent.has(name)),
    ])
    if (!areAllThere) this.#count(this.#readCommands((name) => recent.has(name)))
    // The id, two events, seven counts, beside the names and heartbeats.
    this.traffic.octetsDown += octets + 22 + 2 * 100 + 7 * 6
    return found
  }

  #isThere(name: string, nowMs: number): boolean {
    return (this.#beats.get(name)?.untilMs ?? -Infinity) > nowMs
  }

  #readCommands(isWanted: (name: string) => boolean): readonly Command[] {
    const names = [...this.#beats.keys()].filter(isWanted)
    return names.map((name) => ['getrange', this.#keys.heartbeat(name), 0, 200])
  }

  write(instance: string, commands: readonly Command[]): void {
    this.#count(commands)
    this.traffic.octetsDown += 5 * commands.length
    for (const command of commands) this.#apply(instance, command)
  }

  /** Votes of several instances, in batches as cluster/redis/bounded-read.ts sends them. */
  read(
    wanted: ReadonlyMap<string, readonly string[]>,
  ): ReadonlyMap<string, readonly (StoredVote | null)[]> {
    const requests = [...wanted].map(([instance, fields]) => ({
      key: this.#keys.votes(instance),
      fields,
    }))
    const sizes = requests.flatMap(sizeCommands)
    this.#count(sizes)
    this.traffic.octetsDown += 6 * sizes.length
    const reads = requests.map(({ key, fields }): Command => ['hmget', key, ...fields])
    for (const batch of inChunks(reads, 16)) {
      this.#count([...batch, ['getrange', this.#keys.storeId, 0, 16]])
      this.traffic.octetsDown += 22
    }
    return new Map(
      [...wanted].map(([instance, fields]) => [instance, this.#votesOf(instance, fields)]),
    )
  }

  #votesOf(instance: string, endpoints: readonly string[]): readonly (StoredVote | null)[] {
    const votes = this.#votes.get(instance)
    return endpoints.map((endpoint) => {
      const vote = votes?.get(endpoint) ?? null
      this.traffic.octetsDown += vote ? bulk(formatVote(vote)) : 5
      return vote
    })
  }

  /** A reader of the stream waits for two thirds of a heartbeat at most; each hint goes to every instance. */
  listen(readers: number, hints: number): void {
    this.#count(
      Array.from({ length: readers }, () => [
        'xread',
        'COUNT',
        500,
        'BLOCK',
        2000,
        'STREAMS',
        this.#keys.events,
        '1700000000000-0',
      ]),
    )
    this.traffic.octetsDown += readers * (hints === 0 ? 5 : 40 + hints * 90)
  }

  #apply(instance: string, [name, , ...rest]: Command): void {
    const votes = this.#votes.get(instance) ?? new Map<string, StoredVote>()
    this.#votes.set(instance, votes)
    if (name === 'unlink') votes.clear()
    if (name === 'hdel') for (const endpoint of rest) votes.delete(String(endpoint))
    if (name === 'hset')
      for (let i = 0; i < rest.length; i += 2) {
        const vote = parseVote(rest[i + 1])
        if (vote) votes.set(String(rest[i]), vote)
      }
    const topic = String(rest.at(-1))
    if (name === 'xadd') this.hints.push({ instance, endpoint: topic === '*' ? null : topic })
  }

  #count(commands: readonly Command[]): void {
    this.traffic.batches++
    this.traffic.commands += commands.length
    for (const words of commands) {
      this.traffic.octetsUp += 3 + String(words.length).length
      for (const word of words) this.traffic.octetsUp += bulk(String(word))
    }
  }
}

const sizeCommands = ({
  key,
  fields,
}: {
  readonly key: string
  readonly fields: readonly string[]
}): readonly Command[] =>
  fields.length <= 4
    ? fields.map((field): Command => ['hstrlen', key, field])
    : [['memory', 'usage', key, 'SAMPLES', 2731 + 19 * fields.length]]

const bulk = (text: string): number => 5 + String(text.length).length + text.length
