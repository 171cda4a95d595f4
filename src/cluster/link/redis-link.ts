// The connection to the store, by ioredis: one connection for batches of commands, one for commands that block.
//
// A store that accepts octets but does not answer (stopped, half open) is given up within the command timeout; TCP alone
// would take minutes to notice. What is no reply to our commands is cut off (reply-guard.ts), and the link opens again with
// backoff. Of an error only its code is passed on: messages of libraries may contain what was sent, a password for
// instance.
//
// In a Redis Cluster both connections go to the primary of our slot (slot-owner.ts), found anew whenever it says that it is
// none any more. ioredis' own client for clusters is not used: it connects to every node, and a batch of which some
// commands are redirected comes back as it is.

import { Redis, type RedisOptions } from 'ioredis'

import { type Command, type Reply, unlinkCommands } from './command.ts'
import { Connection } from './connection.ts'
import {
  createBackoff,
  type LinkClient,
  type LinkHooks,
  linkOptions,
  type LinkTimes,
  type StoreAddress,
  type StoreEndpoint,
} from './link-options.ts'
import { MigratingSlot } from './migrating-slot.ts'
import { guardReplies, type LinkFault } from './reply-guard.ts'
import type { HostPort } from './slot-owner.ts'

/** Connects to the store and keeps reconnecting until `close`. */
export function createRedisLink(
  address: StoreAddress,
  client: LinkClient,
  times: LinkTimes,
  random: () => number,
): StoreLink {
  const counts: LinkCounts = {
    faults: { malformed: 0, unasked: 0, oversized: 0, exception: 0 },
    redirections: { moved: 0, ask: 0 },
  }
  const open = connectionOpener({ address, client, times, random, counts })
  const { batches, blocking, migrating } = openConnections(open, address.where, times)
  return {
    async run(commands, isAtomic = false) {
      const replies = await batches.run(commands, isAtomic)
      const asked = replies && (await migrating.complete(commands, replies, isAtomic))
      counts.redirections.ask = migrating.asked
      return asked
    },
    runBlocking: (command) => blocking.call(command),
    isReady: () => batches.isReady(),
    onReady: (call) => batches.onReady(call),
    lastErrorCode: () => batches.lastErrorCode ?? migrating.lastErrorCode,
    lastBlockingErrorCode: () => blocking.lastErrorCode,
    faults: () => ({ ...counts.faults }),
    redirections: () => ({ ...counts.redirections }),
    reset() {
      batches.reset()
      blocking.reset()
    },
    close() {
      batches.close()
      blocking.close()
      migrating.close()
    },
  }
}

function openConnections(
  open: OpenConnection,
  where: StoreEndpoint,
  { commandMs, blockMs, connectMs }: LinkTimes,
): { batches: Connection; blocking: Connection; migrating: MigratingSlot } {
  const takerAt = (at: HostPort): Connection =>
    open({ kind: 'one', ...at }, { commandTimeout: commandMs })
  // Both timeouts include the time that the command may block.
  const commandTimeout = blockMs + commandMs
  return {
    batches: open(where, { commandTimeout: commandMs }),
    blocking: open(where, { commandTimeout, socketTimeout: commandTimeout }),
    migrating: new MigratingSlot(takerAt, connectMs),
  }
}

interface LinkCounts {
  readonly faults: Record<LinkFault, number>
  readonly redirections: Record<Redirection, number>
}

type Timeouts = Pick<RedisOptions, 'commandTimeout' | 'socketTimeout'>

type OpenConnection = (where: StoreEndpoint, timeouts: Timeouts) => Connection

interface OpenerOptions {
  readonly address: StoreAddress
  readonly client: LinkClient
  readonly times: LinkTimes
  readonly random: () => number
  readonly counts: LinkCounts
}

/** Returns the function that opens connections, each with a backoff of its own. */
const connectionOpener =
  ({ address, client, times, random, counts }: OpenerOptions): OpenConnection =>
  (where, timeouts) => {
    const backoff = createBackoff(times.maxRetryMs, random)
    const hooks: LinkHooks = {
      retryMs: backoff.retryMs,
      guard: (socket) =>
        guardReplies(socket, (fault) => {
          counts.faults[fault]++
          backoff.recordFault()
        }),
      onMoved: () => void counts.redirections.moved++,
    }
    const options = linkOptions({ ...address, where }, client, times, hooks)
    return new Connection(new Redis({ ...options, ...timeouts }), backoff.retryMs)
  }

/** Deletes the keys that hold another type than our commands need. Returns how many commands met such a key. */
export async function deleteWrongTypeKeys(
  link: StoreLink,
  commands: readonly Command[],
  replies: readonly Reply[],
): Promise<number> {
  const wrong = commands.filter((_, i) => {
    const reply = replies[i]
    return reply?.kind === 'error' && reply.code === 'WRONGTYPE'
  })
  if (wrong.length === 0) return 0
  const keys = new Set(wrong.map(([, key]) => key as string))
  await link.run(unlinkCommands([...keys]))
  return wrong.length
}

// What the cluster needs of a store. Nothing here throws or rejects: failures are values, returned at once or within the
// timeouts, and nothing is queued while the store is out of reach.

/** By what a node of a cluster sends us to another one. */
export type Redirection = 'moved' | 'ask'

export interface StoreLink {
  /**
   * Sends commands in one batch. Resolves to one reply per command, or null if the store is out of reach or did not
   * answer. `isAtomic` sends them as a transaction (MULTI).
   */
  run(commands: readonly Command[], isAtomic?: boolean): Promise<readonly Reply[] | null>
  /** Sends a command that blocks, over the second connection; null as above. */
  runBlocking(command: Command): Promise<Reply | null>
  /** Whether there is a connection. */
  isReady(): boolean
  /** Calls back each time that a connection has been established. */
  onReady(call: () => void): void
  /** Code of the last error; null after a success. */
  lastErrorCode(): string | null
  /** The same of the second connection. */
  lastBlockingErrorCode(): string | null
  /** How often a node of a cluster has sent us to another one since the start. */
  redirections(): Readonly<Record<Redirection, number>>
  /** How many connections were cut off since the start, by what the store had sent. */
  faults(): Readonly<Record<LinkFault, number>>
  /** Ends the connections and opens new ones. */
  reset(): void
  close(): void
}
