// A hash read whole. By connection and client it comes as a list of fields and values in turn, or as an object.

import type { StoreLink } from './store-link.ts'

/** Fields and values in turn; null: no answer. */
export async function readHash(link: StoreLink, key: string): Promise<readonly unknown[] | null> {
  const replies = await link.run([['hgetall', key]])
  if (replies === null) return null
  const value = replies[0]?.kind === 'value' ? replies[0].value : []
  return Array.isArray(value) ? (value as unknown[]) : Object.entries(value ?? {}).flat()
}
