// The chain of trust to a zone and within it: asks every name server of the parent and of the zone, each on its own, and has
// the checks `ds`, `keys`, `signatures`, `denial`, `cds`, `validation` and `dane` judge what they answer.

import { systemClock } from '../lib/clock.ts'
import { listed } from '../lib/listed.ts'
import type { DnsAccess } from '../trust/parent.ts'
import { hasAnswered, type ParentServer, queryDsOf } from '../trust/parent-ds.ts'
import { parseName } from '../wire/name.ts'
import { RRType } from '../wire/rrtype.ts'
import { checkCds } from './cds-check.ts'
import type { ServerAddress } from './name-servers.ts'
import type { OwnZone } from './own-zone.ts'
import { checkDs } from './ds-check.ts'
import type { Referral } from './parent.ts'
import { type CheckResult, ok, skip, warn } from './report.ts'
import { querySet, queryZoneServers } from './signed-facts.ts'
import { checkSignedServers, publishedKeys } from './signed-servers.ts'
import { checkValidation } from './validation.ts'

type Delegated = Extract<Referral, { kind: 'delegated' }>

/** What its parent says of the keys of a zone. */
interface Parent {
  readonly servers: readonly ParentServer[]
  /** null: none of them says so. */
  readonly isSigned: boolean | null
}

/** `servers`: the addresses of the zone's name servers. */
export async function checkDnssec(
  own: OwnZone,
  referral: Referral,
  servers: readonly ServerAddress[],
  access: DnsAccess,
): Promise<readonly CheckResult[]> {
  const parent = referral.kind === 'delegated' ? await queryParentOf(own, referral, access) : null
  const hasDs = parent?.servers.some((one) => hasAnswered(one) && one.ds.length > 0) ?? false
  const asked = own.signing !== null || hasDs ? servers : []
  const facts = {
    apex: own.apex,
    validitySeconds: own.signing?.validitySeconds ?? null,
    servers: await queryZoneServers(own.apex, asked, access),
    nowSeconds: Math.floor(systemClock.wallMs() / 1000),
  }
  const keys = asked.length > 0 ? publishedKeys(facts) : { dnskeys: [], isSigner: () => false }
  const isSigned = own.signing !== null || (keys !== null && keys.dnskeys.length > 0)
  const results = isSigned ? [...checkSignedServers(facts)] : []
  if (referral.kind !== 'delegated' || parent === null)
    return own.signing === null
      ? [...results, ...checkDane(own, 'the zone is not signed')]
      : [skip('ds', 'the parent could not be asked, or does not delegate the zone'), ...results]
  const about = { zone: own.name, apex: own.apex, parent: referral.parent }
  const dsFacts = { ...about, servers: parent.servers, isParentSigned: parent.isSigned, keys }
  const dnskeys = keys?.dnskeys ?? []
  const parents = parent.servers.filter(hasAnswered)
  const chain = checkDs({ ...dsFacts, isUnsigning: own.signing?.isUnsigning ?? false })
  const isBroken = chain.some(({ status }) => status === 'fail')
  const why = whyDaneFails(own, { parent, hasDs, name: referral.parent })
  return [
    ...chain,
    ...results,
    ...(isSigned ? checkCds({ ...about, parents, servers: facts.servers, dnskeys }) : []),
    ...(isSigned || hasDs ? [await checkValidation({ ...about, ...referral, hasDs }, access)] : []),
    // Of a zone that resolvers refuse there is nothing to say beside that.
    ...(isBroken ? [] : checkDane(own, why)),
  ]
}

async function queryParentOf(
  own: OwnZone,
  { parentName }: Delegated,
  access: DnsAccess,
): Promise<Parent> {
  const asked = await queryDsOf(own.apex, parentName, access)
  const servers = asked.kind === 'asked' ? asked.servers : []
  return { servers, isSigned: await isParentSigned(parentName, servers, access) }
}

/** By the first of its servers that says so. */
async function isParentSigned(
  parentName: string,
  servers: readonly ParentServer[],
  access: DnsAccess,
): Promise<boolean | null> {
  const parsed = parseName(`${parentName}.`)
  if (parsed.kind === 'bad') return null
  for (const { address } of servers.filter(hasAnswered)) {
    const set = await querySet(address, parsed.name, RRType.DNSKEY, access)
    if (!('problem' in set)) return set.rdatas.length > 0
  }
  return null
}

/** null: nothing is known to be in the way. */
function whyDaneFails(
  { signing }: OwnZone,
  about: { readonly parent: Parent; readonly hasDs: boolean; readonly name: string },
): string | null {
  if (signing === null) return 'the zone is not signed'
  if (!about.hasDs) return `${about.name} has no DS`
  return about.parent.isSigned === false ? `${about.name} is not signed` : null
}

/** Senders look at TLSA only where the whole chain is signed (RFC 7672 §2.2). */
export function checkDane(own: OwnZone, why: string | null): readonly CheckResult[] {
  if (own.tlsaOwners.length === 0) return []
  const shown = listed(own.tlsaOwners, 3)
  if (why === null)
    return [ok('dane', `TLSA at ${shown}, in a zone that is signed from its parent on`)]
  const advice = 'sign the zone and give the parent its DS: docs/operations/dnssec.md'
  return [warn('dane', `TLSA at ${shown} counts for nobody: ${why}`, advice)]
}
