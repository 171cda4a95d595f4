// Check `validation`: what a resolver that validates makes of the zone. It sees what no look at single servers does: the whole
// chain from its trust anchor on, and proofs of each kind.

import { queryDnssec } from '../resolver/dnssec-query.ts'
import { type Name, parseName } from '../wire/name.ts'
import { RRType } from '../wire/rrtype.ts'
import { displayName, type DnsAccess } from '../trust/parent.ts'
import { type CheckResult, fail, ok, skip, warn } from './report.ts'
import { absentName } from './signed-facts.ts'

export interface ValidationInput {
  readonly apex: Name
  readonly parent: string
  /** Without final dot; empty for the root. */
  readonly parentName: string
  readonly hasDs: boolean
}

type Verdict = 'secure' | 'insecure' | 'bogus' | { readonly problem: string }

export async function checkValidation(
  { apex, parent, parentName, hasDs }: ValidationInput,
  access: DnsAccess,
): Promise<CheckResult> {
  const { address, port } = access.resolver.server
  const resolver = `the resolver ${address} port ${port}`
  if (!hasDs) return skip('validation', `${parent} has no DS: there is nothing to validate`)
  const asked = [
    ['SOA', await validate({ name: apex, type: RRType.SOA }, access)],
    ['MX', await validate({ name: apex, type: RRType.MX }, access)],
    [
      'a name that does not exist',
      await validate({ name: absentName(apex), type: RRType.A }, access),
    ],
  ] as const
  const bogus = asked.filter(([, verdict]) => verdict === 'bogus').map(([what]) => what)
  if (bogus.length > 0)
    return fail(
      'validation',
      `${resolver} refuses ${bogus.join(', ')} as bogus: it answers only unchecked`,
      'mend what else fails here; until then, have the DS taken out of the parent if mail is lost',
    )
  if (asked.every(([, verdict]) => verdict === 'secure'))
    return ok('validation', `${resolver} validates SOA, MX and a name that does not exist`)
  const failed = asked.flatMap(([what, verdict]) =>
    typeof verdict === 'object' ? [`${what}: ${verdict.problem}`] : [],
  )
  return failed.length > 0
    ? warn(
        'validation',
        `${resolver} does not answer ${failed.join(', ')}`,
        'ask another with --resolver',
      )
    : withoutValidation(resolver, { parent, parentName }, access)
}

/** Why there is no AD though there is a DS. */
async function withoutValidation(
  resolver: string,
  { parent, parentName }: Pick<ValidationInput, 'parent' | 'parentName'>,
  access: DnsAccess,
): Promise<CheckResult> {
  const secure = await nearestSecure(parentName, access)
  if (secure === null)
    return skip('validation', `${resolver} does not validate: give one that does with --resolver`)
  return secure === parentName
    ? warn(
        'validation',
        `${resolver} validates ${parent}, and takes the zone as unsigned`,
        'see the DS: it has to be of an algorithm and a digest that resolvers know',
      )
    : warn(
        'validation',
        `${resolver} validates ${displayName(secure)}, and takes ${parent} as unsigned: so it does the zone`,
        `have ${parent} signed, and named by a DS of its own parent`,
      )
}

/** The name itself, or the next above it, that the resolver finds secure; null: not even the root. */
async function nearestSecure(name: string, access: DnsAccess): Promise<string | null> {
  const parsed = parseName(`${name}.`)
  if (parsed.kind === 'bad') return null
  const verdict = await validate({ name: parsed.name, type: RRType.SOA }, access)
  if (verdict === 'secure') return name
  if (name === '') return null
  return nearestSecure(name.includes('.') ? name.slice(name.indexOf('.') + 1) : '', access)
}

/** Bogus is what fails, and is answered where checks are disabled (RFC 4035 §3.2.2). */
async function validate(
  question: { readonly name: Name; readonly type: number },
  { resolver, timeoutMs }: DnsAccess,
): Promise<Verdict> {
  const ask = (isUnchecked: boolean): ReturnType<typeof queryDnssec> =>
    queryDnssec(resolver.server, question, { timeoutMs, isRecursive: true, isUnchecked })
  const reply = await ask(false)
  if (reply.kind === 'failed') return { problem: reply.why }
  if (reply.rcode === 0 || reply.rcode === 3) return reply.isAuthentic ? 'secure' : 'insecure'
  if (reply.rcode !== 2) return { problem: `rcode ${reply.rcode}` }
  const unchecked = await ask(true)
  const isAnswered = unchecked.kind === 'reply' && (unchecked.rcode === 0 || unchecked.rcode === 3)
  return isAnswered ? 'bogus' : { problem: 'servfail' }
}
