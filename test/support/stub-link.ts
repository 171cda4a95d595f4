// A link to a store that is a function: what each command is replied to.

import type { Command, StoreLink } from '../../src/cluster/redis/redis-link.ts'

/** Replies to each command with the value of `valueOf`; nothing is ever said over the blocking connection. */
export const stubLink = (valueOf: (command: Command) => unknown): StoreLink => ({
  run: async (commands) => commands.map((command) => ({ kind: 'value', value: valueOf(command) })),
  runBlocking: async () => null,
  isReady: () => true,
  onReady() {},
  lastErrorCode: () => null,
  faults: () => ({ malformed: 0, unasked: 0, oversized: 0, exception: 0 }),
  reset() {},
  close() {},
})
