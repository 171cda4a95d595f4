// Our own votes: what they are, and what of them the store does not have yet. As many as there are endpoints watched
// here; only the last word of each waits to be written.

import { hashText } from '../lib/hash.ts'
import type { Vote } from './cluster-votes.ts'
import { type StateKeys, endpointId, type Hint, formatHint, formatVote } from './redis/schema.ts'
import type { Command } from './redis/redis-link.ts'

interface OwnVote extends Vote {
  readonly endpoint: string
  readonly hash: number
}

export interface Voter {
  readonly keys: StateKeys
  readonly instance: string
  readonly epoch: number
  /** How long the store keeps the votes of who does not beat any more. */
  readonly lifetimeMs: number
}

const fieldsACommand = 1000
/** More hints than this are one: read all of it. */
const hintLimit = 200
const eventsKept = 20_000

export class OwnVotes {
  readonly #byKey = new Map<string, OwnVote>()
  readonly #keyOf = new Map<string, string>()
  /** Endpoints of which the store has something else. */
  #unwritten = new Set<string>()

  set(vote: Vote): void {
    const before = this.#byKey.get(vote.slotKey)
    const endpoint = before?.endpoint ?? endpointId(vote.slotKey)
    const hash = before?.hash ?? hashText(vote.slotKey)
    this.#byKey.set(vote.slotKey, { ...vote, endpoint, hash })
    this.#keyOf.set(endpoint, vote.slotKey)
    const hasNothing = before === undefined && vote.state === '?'
    if (!hasNothing) this.#unwritten.add(endpoint)
  }

  delete(slotKey: string): void {
    const before = this.#byKey.get(slotKey)
    if (!before) return
    this.#byKey.delete(slotKey)
    this.#keyOf.delete(before.endpoint)
    this.#unwritten.add(before.endpoint)
  }

  get(slotKey: string): OwnVote | undefined {
    return this.#byKey.get(slotKey)
  }

  slotKeyOf(endpoint: string): string | undefined {
    return this.#keyOf.get(endpoint)
  }

  all(): IterableIterator<OwnVote> {
    return this.#byKey.values()
  }

  /** As many as lie in the store once all of it is written. */
  storedCount(): number {
    let count = 0
    for (const { state } of this.#byKey.values()) if (state !== '?') count++
    return count
  }

  hasUnwritten(): boolean {
    return this.#unwritten.size > 0
  }

  /** All of them, in place of whatever lies there; to be run whole. */
  rewriteCommands(owner: Voter): readonly Command[] {
    const { keys, instance } = owner
    this.#unwritten.clear()
    const said = [...this.#byKey.values()].filter(({ state }) => state !== '?')
    return [
      ['del', keys.votes(instance)],
      ...inChunks(said, fieldsACommand).map((part) => this.#write(owner, part)),
      ...lastCommands(owner, []),
    ]
  }

  /** What changed; empty where nothing did. */
  changeCommands(owner: Voter): readonly Command[] {
    const { keys, instance } = owner
    const changed = [...this.#unwritten]
    this.#unwritten = new Set()
    if (changed.length === 0) return []
    const votes = changed.map((endpoint) => this.#byKey.get(this.#keyOf.get(endpoint) ?? ''))
    const said = votes.filter((vote) => vote !== undefined && vote.state !== '?')
    const unsaid = changed.filter((_, i) => (votes[i]?.state ?? '?') === '?')
    return [
      ...inChunks(said as OwnVote[], fieldsACommand).map((part) => this.#write(owner, part)),
      ...inChunks(unsaid, fieldsACommand).map((part): Command => [
        'hdel',
        keys.votes(instance),
        ...part,
      ]),
      ...lastCommands(owner, changed.length > hintLimit ? [] : changed),
    ]
  }

  #write({ keys, instance, epoch }: Voter, votes: readonly OwnVote[]): Command {
    const fields = votes.flatMap((vote) => [vote.endpoint, formatVote({ ...vote, epoch })])
    return ['hset', keys.votes(instance), ...fields]
  }
}

/** Expiry and hints; no endpoint: all of them. */
function lastCommands(
  { keys, instance, lifetimeMs }: Voter,
  endpoints: readonly string[],
): readonly Command[] {
  const abouts: readonly Hint['about'][] =
    endpoints.length === 0 ? ['votes'] : endpoints.map((endpoint) => ({ endpoint }))
  return [
    ['pexpire', keys.votes(instance), lifetimeMs],
    ...abouts.map((about) => hintCommand(keys, { instance, about })),
  ]
}

export const hintCommand = (keys: StateKeys, hint: Hint): Command => [
  'xadd',
  keys.events,
  'MAXLEN',
  '~',
  eventsKept,
  '*',
  ...formatHint(hint),
]

export function inChunks<T>(list: readonly T[], size: number): readonly (readonly T[])[] {
  const chunks: T[][] = []
  for (let at = 0; at < list.length; at += size) chunks.push(list.slice(at, at + size))
  return chunks
}
