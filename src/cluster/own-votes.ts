// The own votes, and which of them the store does not have yet. As many as there are watched endpoints; of several changes
// of one vote only the last is written.

import { hashText } from '../lib/hash.ts'
import type { Vote } from './cluster-votes.ts'
import { endpointId, formatHint, formatVote, type Hint, type StateKeys } from './redis/schema.ts'
import type { Command } from './link/command.ts'
import type { RecordPlace } from './redis/sealed-record.ts'

interface OwnVote extends Vote {
  /** Name of the endpoint in the store. */
  readonly endpoint: string
  /** `hashText` of the slot key. */
  readonly hash: number
}

/** The instance and its boot (`epoch`) that votes are written for. */
export interface Voter {
  readonly keys: StateKeys
  readonly instance: string
  readonly epoch: number
  /** How long the store keeps the votes of an instance whose heartbeat has stopped. */
  readonly lifetimeMs: number
  readonly seals: VoteSeals
}

interface VoteSeals {
  /** Whether the votes of this instance are sealed. */
  readonly isSealing: boolean
  /** The vote as it is to be stored at the place. */
  seal(place: RecordPlace, value: string): string
}

const fieldsPerCommand = 1000
/** More changes than this are announced by one hint that names no endpoint. */
const hintLimit = 200
/** Approximate length of the event stream. */
const eventLimit = 20_000

export class OwnVotes {
  readonly #bySlotKey = new Map<string, OwnVote>()
  readonly #slotKeys = new Map<string, string>()
  /** Endpoints whose vote in the store is not the current one. */
  #unwritten = new Set<string>()
  /** Sequence of the votes written last, of this process. */
  #sequence = 0

  set(vote: Vote): void {
    const before = this.#bySlotKey.get(vote.slotKey)
    const endpoint = before?.endpoint ?? endpointId(vote.slotKey)
    const hash = before?.hash ?? hashText(vote.slotKey)
    this.#bySlotKey.set(vote.slotKey, { ...vote, endpoint, hash })
    this.#slotKeys.set(endpoint, vote.slotKey)
    const isNewAndUnknown = before === undefined && vote.state === '?'
    if (!isNewAndUnknown) this.#unwritten.add(endpoint)
  }

  delete(slotKey: string): void {
    const before = this.#bySlotKey.get(slotKey)
    if (!before) return
    this.#bySlotKey.delete(slotKey)
    this.#slotKeys.delete(before.endpoint)
    this.#unwritten.add(before.endpoint)
  }

  get(slotKey: string): OwnVote | undefined {
    return this.#bySlotKey.get(slotKey)
  }

  slotKeyOf(endpoint: string): string | undefined {
    return this.#slotKeys.get(endpoint)
  }

  all(): IterableIterator<OwnVote> {
    return this.#bySlotKey.values()
  }

  /** How many votes the store has once all of them are written; `?` is not stored. */
  storedCount(): number {
    let count = 0
    for (const { state } of this.#bySlotKey.values()) if (state !== '?') count++
    return count
  }

  hasUnwritten(): boolean {
    return this.#unwritten.size > 0
  }

  /**
   * Commands that replace everything stored by the current votes, to be run as a transaction: all of them are about one
   * key, as transactions have to be while a cluster moves its slot. A hint has to follow.
   */
  rewriteCommands(voter: Voter): readonly Command[] {
    const { keys, instance, lifetimeMs } = voter
    this.#unwritten.clear()
    const votes = [...this.#bySlotKey.values()].filter(({ state }) => state !== '?')
    return [
      ['unlink', keys.votes(instance)],
      ...inChunks(votes, fieldsPerCommand).map((part) => this.#write(voter, part)),
      ['pexpire', keys.votes(instance), lifetimeMs],
    ]
  }

  /** Commands that write what has changed; empty if nothing has. */
  changeCommands(voter: Voter): readonly Command[] {
    const { keys, instance } = voter
    const changed = [...this.#unwritten]
    this.#unwritten = new Set()
    if (changed.length === 0) return []
    const votes = changed.map((endpoint) => this.#bySlotKey.get(this.#slotKeys.get(endpoint) ?? ''))
    const written = votes.filter((vote) => vote !== undefined && vote.state !== '?')
    const removed = changed.filter((_, i) => (votes[i]?.state ?? '?') === '?')
    return [
      ...inChunks(written as OwnVote[], fieldsPerCommand).map((part) => this.#write(voter, part)),
      ...inChunks(removed, fieldsPerCommand).map((part): Command => [
        'hdel',
        keys.votes(instance),
        ...part,
      ]),
      ...finalCommands(voter, changed.length > hintLimit ? [] : changed),
    ]
  }

  #write({ keys, instance, epoch, seals }: Voter, votes: readonly OwnVote[]): Command {
    const key = keys.votes(instance)
    const sequence = seals.isSealing ? ++this.#sequence : null
    const fields = votes.flatMap((vote) => {
      const place = { key, field: vote.endpoint, writer: instance, epoch }
      return [vote.endpoint, seals.seal(place, formatVote({ ...vote, epoch, sequence }))]
    })
    return ['hset', key, ...fields]
  }
}

/** Expiry and hints; an empty list of endpoints stands for all of them. */
function finalCommands(
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

/** The command that appends a hint to the event stream. */
export const hintCommand = (keys: StateKeys, hint: Hint): Command => [
  'xadd',
  keys.events,
  'MAXLEN',
  '~',
  eventLimit,
  '*',
  ...formatHint(hint),
]

/** Splits a list into lists of at most `size` elements. */
export function inChunks<T>(list: readonly T[], size: number): readonly (readonly T[])[] {
  const chunks: T[][] = []
  for (let at = 0; at < list.length; at += size) chunks.push(list.slice(at, at + size))
  return chunks
}
