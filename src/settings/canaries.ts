// `canaries`: addresses that tell the server whether it is cut off itself (health/isolation.ts).

import type { z } from 'zod'
import { parseEndpoint } from '../lib/ip.ts'
import { leaf, oneOrMany } from '../zonefile/leaf.ts'

export interface CanaryEndpoint {
  readonly address: string
  readonly port: number
}

const mostCanaries = 16

const canary: z.ZodType<CanaryEndpoint> = leaf({
  expected: 'ADDRESS:PORT such as 192.0.2.1:53 or [2001:db8::1]:53',
  fallback: '192.0.2.1:53',
  read(value) {
    const endpoint = typeof value === 'string' ? parseEndpoint(value.trim()) : null
    return endpoint?.port ? endpoint : null
  },
})

export const canaries: z.ZodType<readonly CanaryEndpoint[]> = oneOrMany(canary).refine(
  (list) => list.length <= mostCanaries,
  { message: `expected at most ${mostCanaries}` },
)
