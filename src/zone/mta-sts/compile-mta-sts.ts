// Compiles `mta_sts:`: the policy of each domain out of the exchanges that its mail goes to, and the TXT record that tells of
// it, where the domain is in the zone.

import { listed } from '../../lib/listed.ts'
import type { Policy } from '../../steer/policy.ts'
import {
  isAtOrBelow,
  isWildcard,
  keyOfName,
  type Name,
  nameToBareText,
  rootName,
} from '../../wire/name.ts'
import { textOctets } from '../../wire/octets.ts'
import { RRType } from '../../wire/rrtype.ts'
import type { Compilation } from '../compile/compilation.ts'
import { readName } from '../compile/names.ts'
import { addSet, openOwner, type OwnerDraft, type Owners } from '../compile/owners.ts'
import type { DocumentPath } from '../compile/problem.ts'
import type { MtaStsSource } from '../compile/zone-source.ts'
import { membersOf } from '../policy-members.ts'
import { isAllowed, type MtaStsPolicy, patternsFor, policyId, policyTxt } from './policy.ts'

/** The policy of a mail domain. */
export interface DomainPolicy extends MtaStsPolicy {
  /** In lower case without final dot. */
  readonly domain: string
  readonly id: string
  /** Whether this zone has its TXT record. */
  readonly isHere: boolean
  /** Names that its mail goes to, as far as this zone says. */
  readonly exchanges: readonly string[]
}

const namesShown = 3

/** Adds the TXT records. To be called when all other records are there. */
export function compileMtaSts(compilation: Compilation, owners: Owners): readonly DomainPolicy[] {
  const { source, problems } = compilation
  const { mtaSts = [] } = source
  const policies = new Map<string, DomainPolicy>()
  let ofZone: readonly string[] | null = null
  const exchangesElsewhere = (): readonly string[] => (ofZone ??= exchangesOfZone(owners))
  for (const [i, one] of mtaSts.entries()) {
    const path = ['mta_sts', ...(mtaSts.length > 1 ? [i] : [])]
    const policy = policyOf(compilation, owners, { source: one, path }, exchangesElsewhere)
    if (policy === null) continue
    if (policies.has(policy.domain)) {
      const message = `the policy of ${policy.domain} is given twice, expected it once`
      problems.refuse('duplicate-owner', [...path, 'domain'], message)
      continue
    }
    policies.set(policy.domain, policy)
    if (policy.isHere) addTxt(compilation, owners, { policy, path })
  }
  return [...policies.values()]
}

interface PolicyEntry {
  readonly source: MtaStsSource
  readonly path: DocumentPath
}

/** `exchangesElsewhere`: those that the MX of a domain outside of the zone may name. */
function policyOf(
  compilation: Compilation,
  owners: Owners,
  { source, path }: PolicyEntry,
  exchangesElsewhere: () => readonly string[],
): DomainPolicy | null {
  const { problems, apex, apexKey } = compilation
  const name = readName(source.domain.replace(/\.?$/, '.'), rootName)
  if (name.kind === 'bad' || name.name.length === 1) {
    const why = name.kind === 'bad' ? name.why : 'the root has no mail'
    problems.refuse('bad-name', [...path, 'domain'], `bad domain: ${why}`)
    return null
  }
  const domain = nameToBareText(name.name)
  const isHere = isAtOrBelow(keyOfName(name.name), apexKey)
  const owner = owners.get(keyOfName(name.name))
  if (isHere && !takesMail(owner)) {
    const message = `${domain} has no MX of its own in this zone, and no wildcard reaches a name that has _mta-sts below it, expected "${domain}." among the records with its MX`
    problems.refuse('mta-sts-no-exchange', [...path, 'domain'], message)
    return null
  }
  const exchanges = isHere ? exchangesAt(owner, domain) : exchangesElsewhere()
  const patterns = source.mx ?? patternsFor(exchanges, nameToBareText(apex))
  const { mode, maxAgeSeconds } = source
  if (patterns.length === 0 && mode !== 'none') {
    const message = `no name of this zone takes mail for ${domain}, expected a steered MX or address, or mx: with the exchanges of ${domain}`
    problems.refuse('mta-sts-no-exchange', [...path, 'domain'], message)
    return null
  }
  checkPatterns(compilation, { source, path }, exchanges)
  const policy = { mode, maxAgeSeconds, patterns }
  return { ...policy, domain, isHere, exchanges, id: policyId(policy) }
}

/** A policy that leaves exchanges out: mail of senders that go by it does not reach these. */
function checkPatterns(
  { problems }: Compilation,
  { source: { mx, mode, domain }, path }: PolicyEntry,
  exchanges: readonly string[],
): void {
  if (mx === undefined || mode === 'none') return
  const outside = exchanges.filter((name) => !isAllowed(mx, name))
  if (outside.length === 0) return
  const isAll = outside.length === exchanges.length
  const what = isAll ? 'these allow no exchange' : 'these do not allow every exchange'
  const message = `${what} of ${domain}: senders that go by the policy do not deliver to ${listed(outside, namesShown)}`
  if (isAll && mode === 'enforce') problems.refuse('mta-sts-excludes', [...path, 'mx'], message)
  else problems.warn('mta-sts-excludes', [...path, 'mx'], message)
}

/**
 * Where it has none of these, the record at `_mta-sts` below it would make it an empty non-terminal, which no wildcard
 * answers for (RFC 4592 §2.2.2).
 */
const takesMail = (owner: OwnerDraft | undefined): boolean =>
  [RRType.MX, RRType.A, RRType.AAAA, RRType.CNAME].some((type) => owner?.sets.has(type))

/** The exchanges of a domain; without MX it is its own (RFC 5321 §5.1). */
function exchangesAt(owner: OwnerDraft | undefined, domain: string): readonly string[] {
  const set = owner?.sets.get(RRType.MX)
  if (set?.kind === 'steered-mx') return targetsOf(set.policy)
  if (set?.kind !== 'plain') return [domain]
  return set.rdata
    .map(({ octets }) => nameToBareText(octets.subarray(2)))
    .filter((name) => name !== '')
}

/** Where the MX of a domain is elsewhere, it may be any name here that stands for targets, slots included. */
function exchangesOfZone(owners: Owners): readonly string[] {
  const names = new Set<string>()
  const policies = new Set<Policy>()
  for (const { owner, sets } of owners.values()) {
    const mx = sets.get(RRType.MX)
    if (mx?.kind === 'steered-mx') policies.add(mx.policy)
    const address = sets.get(RRType.A) ?? sets.get(RRType.AAAA)
    const isExchange = address?.kind === 'steered-address' || address?.kind === 'exchange-slot'
    if (isExchange && !isWildcard(owner)) names.add(nameToBareText(owner))
  }
  for (const policy of policies) for (const name of targetsOf(policy)) names.add(name)
  return [...names].sort()
}

const targetsOf = (policy: Policy): readonly string[] => {
  const answered = membersOf(policy).filter(({ weight }) => weight > 0)
  return [...new Set(answered.map(({ target }) => nameToBareText(target.owner)))].sort()
}

function addTxt(
  compilation: Compilation,
  owners: Owners,
  { policy, path }: { readonly policy: DomainPolicy; readonly path: DocumentPath },
): void {
  const name = readName(`_mta-sts.${policy.domain}.`, rootName)
  if (name.kind === 'bad') {
    compilation.problems.refuse('bad-name', path, `bad name _mta-sts.${policy.domain}: ${name.why}`)
    return
  }
  const text = textOctets(policyTxt(policy.id))
  const octets = new Uint8Array([text.length, ...text])
  const owner: Name = name.name
  addSet(compilation, openOwner(owners, owner, path), {
    set: {
      kind: 'plain',
      type: RRType.TXT,
      ttl: compilation.source.ttl,
      rdata: [{ octets, compressible: [] }],
    },
    place: path,
    rdataPaths: [],
  })
}
