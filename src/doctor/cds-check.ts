// Check `cds`: whether the parent has done what CDS and CDNSKEY ask for (RFC 7344, RFC 8078).

import { type DelegationSigner, matchDs, readDelegationSigner } from '../dnssec/chain-of-trust.ts'
import type { AnsweringParent } from '../trust/parent-ds.ts'
import type { Name } from '../wire/name.ts'
import { type CheckResult, fail, ok, skip, warn } from './report.ts'
import { contentOf, type SignedSet, type ZoneServer } from './signed-facts.ts'

export interface CdsFacts {
  readonly zone: string
  readonly apex: Name
  readonly parent: string
  readonly parents: readonly AnsweringParent[]
  readonly servers: readonly ZoneServer[]
  readonly dnskeys: readonly Uint8Array[]
}

export function checkCds(facts: CdsFacts): readonly CheckResult[] {
  const sets = facts.servers.flatMap(({ cds, cdnskey }) =>
    'problem' in cds || 'problem' in cdnskey || cds.rdatas.length + cdnskey.rdatas.length === 0
      ? []
      : [{ cds, cdnskey }],
  )
  const [first] = sets
  if (first === undefined)
    return [skip('cds', `none is published: ${facts.parent} is told of keys by hand`)]
  const isAlike = sets.every(
    ({ cds, cdnskey }) =>
      contentOf(cds.rdatas) === contentOf(first.cds.rdatas) &&
      contentOf(cdnskey.rdatas) === contentOf(first.cdnskey.rdatas),
  )
  if (!isAlike || sets.length < facts.servers.filter(({ cds }) => !('problem' in cds)).length)
    return [
      warn(
        'cds',
        'the name servers have different CDS or CDNSKEY: a parent takes neither',
        'copy the same key files, with their times, to every instance',
      ),
    ]
  return [judgeWish(first.cds, first.cdnskey, facts)]
}

/** The algorithm of a CDS and CDNSKEY by which the parent is to drop all DS (RFC 8078 §4). */
const dropAll = 0

function judgeWish(cds: SignedSet, cdnskey: SignedSet, facts: CdsFacts): CheckResult {
  const { zone, parent, parents } = facts
  const wished = signersOf(cds.rdatas)
  if (wished.some(({ algorithm }) => algorithm === dropAll)) return judgeDrop(facts)
  const ids = new Set(wished.map((ds) => idOf(ds, facts)))
  const keys = cdnskey.rdatas.map((rdata) => Buffer.from(rdata).toString('hex'))
  const named = new Set([...ids].filter((id) => id.startsWith('key ')))
  if (wished.length > 0 && named.size === 0)
    return fail(
      'cds',
      `CDS names no key of the zone (${names(wished)}): a parent that does what it says breaks the zone`,
      `correct the times SyncPublish and SyncDelete of the keys: mxsteer keys status ${zone}`,
    )
  if (
    cds.rdatas.length > 0 &&
    keys.length > 0 &&
    !isSame(ids, new Set(keys.map((key) => `key ${key}`)))
  )
    return fail(
      'cds',
      'CDS and CDNSKEY name different keys: a parent takes neither (RFC 7344 §4)',
      'see who changed them on the way: instances make both of the same keys',
    )
  const wanted = wished.length > 0 ? ids : new Set(keys.map((key) => `key ${key}`))
  const late = parents.filter(
    ({ ds }) => !isSame(wanted, new Set(signersOf(ds).map((one) => idOf(one, facts)))),
  )
  if (late.length === 0) return ok('cds', `${parent} names the keys that CDS asks for`)
  const has = names(signersOf(late[0]?.ds ?? [])) || 'none'
  return warn(
    'cds',
    `${parent} has yet to act: CDS asks for DS ${names(wished)}; at ${addressesOf(late)} there is ${has}`,
    `wait, if ${parent} reads CDS; else give it what "mxsteer keys ds ${zone}" prints`,
  )
}

function judgeDrop({ parent, parents }: CdsFacts): CheckResult {
  const late = parents.filter(({ ds }) => ds.length > 0)
  if (late.length === 0) return ok('cds', `${parent} has dropped the DS, as CDS asks for`)
  return warn(
    'cds',
    `${parent} has yet to act: CDS asks it to drop the DS, which is still at ${addressesOf(late)}`,
    `wait, if ${parent} reads CDS; else have the DS taken out by hand`,
  )
}

const addressesOf = (parents: readonly AnsweringParent[]): string =>
  parents.map(({ address }) => address).join(', ')

const signersOf = (rdatas: readonly Uint8Array[]): readonly DelegationSigner[] =>
  rdatas.flatMap((rdata) => readDelegationSigner(rdata) ?? [])

/** The key that is named, whatever the digest; the record itself where it is none of the zone. */
function idOf(ds: DelegationSigner, { apex, dnskeys }: CdsFacts): string {
  const match = matchDs(apex, ds, dnskeys)
  if (match.kind === 'key') return `key ${Buffer.from(match.dnskey).toString('hex')}`
  return `${ds.tag} ${ds.algorithm} ${ds.digestType} ${Buffer.from(ds.digest).toString('hex')}`
}

const names = (signers: readonly DelegationSigner[]): string =>
  signers
    .map(({ tag, algorithm, digestType }) => `${tag} ${algorithm} ${digestType}`)
    .sort()
    .join(', ')

const isSame = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
  a.size === b.size && [...a].every((one) => b.has(one))
