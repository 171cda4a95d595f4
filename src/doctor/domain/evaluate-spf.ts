// Evaluates SPF with the records that a resolver finds, as a receiver does (RFC 7208).

import { parseAddress, reverseName } from '../../lib/ip.ts'
import type { StubResolver } from '../../resolver/stub-resolver.ts'
import {
  checkHost,
  type SpfAnswer,
  type SpfBudget,
  type SpfQuestion,
  type SpfSender,
  type SpfVerdict,
} from '../../spf/check-host.ts'

export interface SpfMeans {
  readonly resolver: StubResolver
  readonly budget: SpfBudget
}

/** Never rejects: what cannot be found out is `temperror`. */
export async function evaluateSpf(
  sender: SpfSender,
  { resolver, budget }: SpfMeans,
): Promise<SpfVerdict> {
  const check = checkHost(sender, budget)
  let step = check.next()
  while (step.done !== true) step = check.next(await resolve(resolver, step.value))
  return step.value.verdict
}

async function resolve(resolver: StubResolver, { type, name }: SpfQuestion): Promise<SpfAnswer> {
  const address = type === 'PTR' ? parseAddress(name) : null
  const answer = await resolver.resolve({ type, name: address ? reverseName(address) : name })
  switch (answer.kind) {
    case 'found':
      return { kind: 'found', data: answer.records.map(({ data }) => dataOf(type, data)) }
    case 'none':
      return { kind: 'none' }
    case 'failed':
      return answer
    default:
      return answer satisfies never
  }
}

/** Of an MX the exchange, which stands behind its preference. */
const dataOf = (type: SpfQuestion['type'], data: string): string =>
  type === 'MX' ? data.slice(data.indexOf(' ') + 1) : data
