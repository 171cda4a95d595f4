// What was handed out, as entries of the state file:
//
//   {"policy":{"zone":…,"domain":…,"id":…,…}}      a policy of MTA-STS
//   {"tlsa":{"zone":…,"target":…,"records":[…],…}}  a set of TLSA
//   {"exchange":{"zone":…,"domain":…,"name":…,…}}   a name of an exchange

import { z } from 'zod'

import type {
  HandedExchange,
  HandedOut,
  HandedPolicy,
  HandedTlsa,
} from '../coherence/handed-out.ts'

const time = z.number().min(0).max(Number.MAX_SAFE_INTEGER)

/** A name may be escaped: four characters an octet. */
const name = z.string().max(1024)

const seconds = z.int().min(0).max(0x7fff_ffff)

const handed = { zone: name, firstMs: time, lastMs: time.nullable() }

const policySchema = z.strictObject({
  ...handed,
  domain: name,
  id: z.string().regex(/^[A-Za-z0-9]{1,32}$/),
  mode: z.enum(['enforce', 'testing', 'none']),
  maxAgeSeconds: seconds,
  patterns: z.array(name).max(20_000),
})

const tlsaSchema = z.strictObject({
  ...handed,
  target: z.string().max(63),
  ttlSeconds: seconds,
  records: z.array(z.string().regex(/^\d{1,3} \d{1,3} \d{1,3} …?[0-9a-f]{0,128}$/)).max(20_000),
})

const exchangeSchema = z.strictObject({ ...handed, domain: name, name, ttlSeconds: seconds })

/** The schemas of these entries. */
export const handedSchemas: readonly [
  z.ZodType<{ policy: HandedPolicy }>,
  z.ZodType<{ tlsa: HandedTlsa }>,
  z.ZodType<{ exchange: HandedExchange }>,
] = [
  z.strictObject({ policy: policySchema }),
  z.strictObject({ tlsa: tlsaSchema }),
  z.strictObject({ exchange: exchangeSchema }),
]

type HandedEntry =
  | { readonly policy: HandedPolicy }
  | { readonly tlsa: HandedTlsa }
  | { readonly exchange: HandedExchange }

export const handedEntries = ({ policies, tlsa, exchanges }: HandedOut): readonly HandedEntry[] => [
  ...policies.map((policy) => ({ policy })),
  ...tlsa.map((one) => ({ tlsa: one })),
  ...exchanges.map((exchange) => ({ exchange })),
]

/** What entries say, in their order. */
export interface HandedReader {
  /** false: the entry is of another kind. */
  take(entry: object): boolean
  handed(): HandedOut
}

export function createHandedReader(): HandedReader {
  const policies: HandedPolicy[] = []
  const tlsa: HandedTlsa[] = []
  const exchanges: HandedExchange[] = []
  return {
    take(entry) {
      const one = entry as Partial<Record<'policy' | 'tlsa' | 'exchange', unknown>>
      if (one.policy !== undefined) policies.push(one.policy as HandedPolicy)
      else if (one.tlsa !== undefined) tlsa.push(one.tlsa as HandedTlsa)
      else if (one.exchange !== undefined) exchanges.push(one.exchange as HandedExchange)
      else return false
      return true
    },
    handed: () => ({ policies, tlsa, exchanges }),
  }
}
