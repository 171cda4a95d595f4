// `mxsteer check --live`: the policies of MTA-STS that domains host, beside those of the zone files.

import { comparePolicies, fetchHostedPolicy } from '../../doctor/domain/hosted-policy.ts'
import { createConcurrencyLimit, type StubResolver } from '../../resolver/stub-resolver.ts'
import type { DomainPolicy } from '../../zone/mta-sts/compile-mta-sts.ts'

/** Policies that are fetched at the same time. */
const inFlightLimit = 64

export interface PolicyFindings {
  /** 0 without a resolver. */
  readonly compared: number
  /** Of these, those that are not as the zone files have them. */
  readonly differing: number
  readonly warnings: readonly string[]
}

/** null: there are no policies. */
export async function checkPolicies(
  policies: readonly DomainPolicy[],
  resolver: StubResolver | null,
  port: number,
): Promise<PolicyFindings | null> {
  if (policies.length === 0) return null
  if (resolver === null) {
    const why = 'no resolver, so no policy of MTA-STS: give --resolver ADDR:PORT'
    return { compared: 0, differing: 0, warnings: [why] }
  }
  const limit = createConcurrencyLimit(inFlightLimit, Infinity)
  const compared = await Promise.all(
    policies.map((one) =>
      limit.run(async () =>
        comparePolicies(one, await fetchHostedPolicy(resolver, one.domain, port)),
      ),
    ),
  )
  const wrong = compared.map((texts) => texts ?? [])
  return {
    compared: policies.length,
    differing: wrong.filter((texts) => texts.length > 0).length,
    warnings: wrong.flat(),
  }
}
