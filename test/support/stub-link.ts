// A link to a store that is a function: what each command is replied to.

import type { Command } from '../../src/cluster/link/command.ts'
import type { StoreLink } from '../../src/cluster/link/redis-link.ts'

/** Replies to each command with the value of `valueOf`; nothing is ever said over the blocking connection. */
export const stubLink = (valueOf: (command: Command) => unknown): StoreLink => ({
  run: async (commands) => commands.map((command) => ({ kind: 'value', value: valueOf(command) })),
  runBlocking: async () => null,
  isReady: () => true,
  onReady() {},
  lastErrorCode: () => null,
  lastBlockingErrorCode: () => null,
  redirections: () => ({ moved: 0, ask: 0 }),
  faults: () => ({ malformed: 0, unasked: 0, oversized: 0, exception: 0 }),
  reset() {},
  close() {},
})

/** One hash, as the store has it. */
export const hashLink = (hash: Map<string, string>): StoreLink =>
  stubLink(([name, , ...rest]) => {
    if (name === 'hlen') return hash.size
    if (name === 'memory') return 100
    if (name === 'hgetall') return Object.fromEntries(hash)
    if (name === 'hdel') for (const field of rest) hash.delete(String(field))
    if (name === 'hset')
      for (let i = 0; i + 1 < rest.length; i += 2) hash.set(String(rest[i]), String(rest[i + 1]))
    return 1
  })
