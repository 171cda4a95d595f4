// What was handed out, as entries of the state file:
//
//   {"policy":{"zone":…,"domain":…,"id":…,…}}      a policy of MTA-STS
//   {"tlsa":{"zone":…,"target":…,"records":[…],…}}  a set of TLSA
//   {"exchange":{"zone":…,"domain":…,"name":…,…}}   a name of an exchange

import { z } from 'zod'

import type { HandedExchange, HandedPolicy, HandedTlsa } from '../coherence/handed-out.ts'
import type { HandedItem } from '../coherence/shared-handed.ts'

/** A name may be escaped: four characters an octet. */
const name = z.string().max(1024)

const seconds = z.int().min(0).max(0x7fff_ffff)

const time = z.number().min(0).max(Number.MAX_SAFE_INTEGER)

interface HandedFields {
  readonly name: z.ZodString
  readonly time: z.ZodNumber
  readonly seconds: z.ZodNumber
  readonly id: z.ZodString
  readonly mode: z.ZodEnum<{ enforce: 'enforce'; testing: 'testing'; none: 'none' }>
  readonly patterns: z.ZodArray<z.ZodString>
  readonly target: z.ZodString
  readonly records: z.ZodArray<z.ZodString>
}

/** What the fields of these entries may be; also of the records of the store. */
export const handedFields: HandedFields = {
  name,
  time,
  seconds,
  id: z.string().regex(/^[A-Za-z0-9]{1,32}$/),
  mode: z.enum(['enforce', 'testing', 'none']),
  patterns: z.array(name).max(20_000),
  target: z.string().max(63),
  records: z.array(z.string().regex(/^\d{1,3} \d{1,3} \d{1,3} …?[0-9a-f]{0,128}$/)).max(20_000),
}

const { id, mode, patterns, target, records } = handedFields

const handed = { zone: name, firstMs: time, lastMs: time.nullable() }

const policySchema = z.strictObject({
  ...handed,
  domain: name,
  id,
  mode,
  maxAgeSeconds: seconds,
  patterns,
})

const tlsaSchema = z.strictObject({ ...handed, target, ttlSeconds: seconds, records })

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

/** Whether an entry of the state file is one of these. */
export const isHandedItem = (entry: object): entry is HandedItem =>
  'policy' in entry || 'tlsa' in entry || 'exchange' in entry
