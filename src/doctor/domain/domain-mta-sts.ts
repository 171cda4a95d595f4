// Check `mta-sts` of a mail domain: whether senders that go by its hosted policy deliver to its MX, and whether that is the
// policy of the zone file, where one has `mta_sts:` for the domain.

import { listed } from '../../lib/listed.ts'
import type { StubResolver } from '../../resolver/stub-resolver.ts'
import type { DomainPolicy } from '../../zone/mta-sts/compile-mta-sts.ts'
import { isAllowed } from '../../zone/mta-sts/policy.ts'
import { type CheckResult, fail, ok, warn } from '../report.ts'
import { comparePolicies, fetchHostedPolicy, type HostedPolicy } from './hosted-policy.ts'

export interface PolicyAsked {
  /** Without final dot, in lower case. */
  readonly domain: string
  /** Those that its MX names, in the same form. */
  readonly exchanges: readonly string[]
  /** Of the zones of this server; undefined: none has `mta_sts:` for the domain. */
  readonly expected: DomainPolicy | undefined
}

const namesShown = 5

/** Nothing where the domain has no policy, neither hosted nor in a zone. `port`: where policies are hosted. */
export async function checkDomainMtaSts(
  asked: PolicyAsked,
  resolver: StubResolver,
  port: number,
): Promise<readonly CheckResult[]> {
  const hosted = await fetchHostedPolicy(resolver, asked.domain, port)
  if (hosted.id === null && asked.expected === undefined) return []
  return [judge(asked, hosted)]
}

function judge({ domain, exchanges, expected }: PolicyAsked, hosted: HostedPolicy): CheckResult {
  const { fetched } = hosted
  const policy = fetched.kind === 'policy' ? fetched.policy : null
  const outside =
    policy === null || policy.mode === 'none'
      ? []
      : exchanges.filter((name) => !isAllowed(policy.patterns, name))
  if (outside.length > 0) {
    const text = `the hosted policy of ${domain}, in mode ${policy?.mode}, does not allow ${listed(outside, namesShown)}`
    const advice = 'host one that does, with a new id, and wait for the max_age of this one'
    return policy?.mode === 'enforce'
      ? fail('mta-sts', text, advice)
      : warn('mta-sts', text, advice)
  }
  const differences = expected === undefined ? [] : comparePolicies(expected, hosted)
  if (differences.length > 0) {
    const advice = `mxsteer mta-sts ${domain} prints what is to be hosted`
    return warn('mta-sts', listed(differences, namesShown), advice)
  }
  if (fetched.kind === 'failed')
    return warn(
      'mta-sts',
      `${domain} has a TXT record of MTA-STS, and no policy: ${fetched.why}`,
      'host the policy, or take the record out',
    )
  return ok('mta-sts', `the hosted policy of ${domain}, in mode ${policy?.mode}, allows its MX`)
}
