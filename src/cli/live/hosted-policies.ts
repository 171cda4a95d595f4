// `mxsteer check --live`: the policies of MTA-STS that domains host, beside those of the zone files.

import { comparePolicies, fetchHostedPolicy } from '../../doctor/domain/hosted-policy.ts'
import { createConcurrencyLimit, type StubResolver } from '../../resolver/stub-resolver.ts'
import type { DomainPolicy } from '../../zone/mta-sts/compile-mta-sts.ts'
import { printLines } from '../text/output.ts'

/** Policies that are fetched at the same time. */
const inFlightLimit = 64

/** Compares hosted policies. Prints what is wrong, and returns how many are not as the zone files have them. */
export async function checkPolicies(
  policies: readonly DomainPolicy[],
  resolver: StubResolver | null,
  port: number,
): Promise<number> {
  if (policies.length === 0) return 0
  if (resolver === null) {
    printLines(['warning: no resolver, so no policy of MTA-STS: give --resolver ADDR:PORT'])
    return 0
  }
  const limit = createConcurrencyLimit(inFlightLimit, Infinity)
  const compared = await Promise.all(
    policies.map((one) =>
      limit.run(async () =>
        comparePolicies(one, await fetchHostedPolicy(resolver, one.domain, port)),
      ),
    ),
  )
  printLines(compared.flatMap((wrong) => (wrong ?? []).map((text) => `warning: ${text}`)))
  const differing = compared.filter((wrong) => (wrong ?? []).length > 0).length
  const equal = policies.length - differing
  printLines([
    `${equal} of ${policies.length} hosted policies of MTA-STS are as the zone files have them`,
  ])
  return differing
}
