// `agent:` of a target: where the MTA says of itself how much mail it wants.

import { formatAddress, parseAddress } from '../lib/ip.ts'
import type { AgentSource } from '../zone/compile/zone-source.ts'
import { closedMap, durationMs, integer, leaf, text } from './leaf.ts'
import type { z } from 'zod'

const address = leaf({
  expected: 'an IPv4 or IPv6 address',
  fallback: '192.0.2.1',
  read(value) {
    const parsed = typeof value === 'string' ? parseAddress(value) : null
    return parsed && formatAddress(parsed.octets)
  },
})

export const agentSchema: z.ZodType<AgentSource> = closedMap({
  port: integer('a port', 1, 65_535),
  address: address.optional(),
  interval: durationMs('1s', '1h', '10s').default(10_000),
  send: text(
    'a text of at most 200 printable characters',
    /^[\x20-\x7e\r\n]{1,200}$/,
    'x',
  ).optional(),
}).transform(({ interval, ...agent }) => ({ ...agent, intervalMs: interval }))
