// What holds something of another type where we write is nobody's: it goes.

import type { Command, Reply, StoreLink } from './store-link.ts'

/** How many commands met such a key. */
export async function mendKeys(
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
  await link.run([['del', ...keys]])
  return wrong.length
}
