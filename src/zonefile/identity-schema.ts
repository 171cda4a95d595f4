// The shape of a pool's `identity:`. Keys, defaults and bounds are documented in docs/zone-reference.md; what needs
// more than one value to judge is checked in zone/compile/check-identity.ts.

import type { z } from 'zod'
import type { IdentitySource } from '../zone/compile/zone-source.ts'
import { closedMap, durationMs, integer, leaf, oneOrMany } from './leaf.ts'
import { flag } from './target-schema.ts'

/** Underscores too: some lists are asked under names of their own kind. */
const listName = leaf({
  expected: 'the name of a DNS list such as zen.example.org',
  fallback: 'list.invalid',
  read(value) {
    const name = typeof value === 'string' ? value.replace(/\.$/, '').toLowerCase() : ''
    const labels = name.split('.')
    const isName = labels.every((label) => /^[a-z0-9_-]{1,63}$/.test(label))
    // Room for the 32 labels of an IPv6 address before it.
    return isName && labels.length > 1 && name.length <= 180 ? name : null
  },
})

const listedWeight = leaf({
  expected: 'a share from 0.05 to 1',
  fallback: 1,
  read: (value) => (typeof value === 'number' && value >= 0.05 && value <= 1 ? value : null),
})

const dnsblSchema = closedMap({
  lists: oneOrMany(listName),
  hold: durationMs('0s', '4w', '6h').default(6 * 3_600_000),
  agree: integer('a count', 1, 8).default(1),
  listed_weight: listedWeight.default(1),
})

export const identitySchema: z.ZodType<IdentitySource> = closedMap({
  greeting: flag.optional(),
  ptr: flag.default(true),
  interval: durationMs('1m', '1w', '1h').default(3_600_000),
  dnsbl: dnsblSchema.optional(),
}).transform(({ greeting, ptr, interval, dnsbl }) => ({
  greeting,
  ptr,
  intervalMs: interval,
  dnsbl: dnsbl && {
    lists: dnsbl.lists,
    holdMs: dnsbl.hold,
    agree: dnsbl.agree,
    listedShare: dnsbl.listed_weight,
  },
}))
