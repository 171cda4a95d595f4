// Reverse mapping of an address: whether it has PTR records, and whether the names they give lead back to it
// (forward-confirmed). Receivers ask this of who sends to them; it says nothing of who receives.

import { parseAddress } from '../lib/ip.ts'
import { reverseName } from '../resolver/reverse-name.ts'
import type { StubResolver } from '../resolver/stub-resolver.ts'

export type Reverse =
  /** The names that lead back. */
  | { readonly kind: 'confirmed'; readonly names: readonly string[] }
  | { readonly kind: 'unconfirmed'; readonly names: readonly string[] }
  | { readonly kind: 'missing' }
  | { readonly kind: 'unknown'; readonly why: string }

/** An address with more names than this is taken by the first. */
const nameLimit = 8

export async function checkReverse(resolver: StubResolver, address: string): Promise<Reverse> {
  const parsed = parseAddress(address)
  if (!parsed) return { kind: 'unknown', why: 'no-address' }
  const found = await resolver.ask({ name: reverseName(parsed), type: 'PTR' })
  if (found.kind === 'failed') return { kind: 'unknown', why: found.why }
  if (found.kind === 'none') return { kind: 'missing' }
  const names = found.records.slice(0, nameLimit).map(({ data }) => data)
  const type = parsed.family === 4 ? 'A' : 'AAAA'
  const forwards = await Promise.all(names.map((name) => resolver.ask({ name, type })))
  const leadsBack = (i: number): boolean => {
    const forward = forwards[i]
    return forward?.kind === 'found' && forward.records.some(({ data }) => data === address)
  }
  const confirmed = names.filter((_, i) => leadsBack(i))
  if (confirmed.length > 0) return { kind: 'confirmed', names: confirmed }
  const failure = forwards.find(({ kind }) => kind === 'failed')
  return failure?.kind === 'failed'
    ? { kind: 'unknown', why: failure.why }
    : { kind: 'unconfirmed', names }
}
