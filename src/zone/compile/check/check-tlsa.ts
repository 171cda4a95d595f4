// Warnings of TLSA records that senders do not use as their operator means them (RFC 7672). With a TLSA set a sender has to
// authenticate every host behind the name, without one it authenticates nobody.

import { listed } from '../../../lib/listed.ts'
import type { Policy, Target } from '../../../steer/policy.ts'
import { keyOfName, type NameKey } from '../../../wire/name.ts'
import type { Rdata } from '../../../wire/rdata/rdata.ts'
import { RRType } from '../../../wire/rrtype.ts'
import { membersOf } from '../../policy-members.ts'
import type { Compilation } from '../compilation.ts'
import { type OwnerDraft, type Owners, pathOfRdata, pathOfSet } from '../owners.ts'
import type { DocumentPath } from '../problem.ts'

const namesShown = 3

/** Key of `_25._tcp.<owner>`. */
export const smtpTlsaKey = (owner: NameKey): NameKey => `\u0003_25\u0004_tcp${owner}`

/** Of TLSA in a zone that is not signed, of records that SMTP does not use, and of exchanges without any. */
export function checkTlsa(compilation: Compilation, owners: Owners): void {
  const { problems, source } = compilation
  const seen = new Set<string>()
  const policies = new Set<Policy>()
  let isWarned = source.dnssec !== undefined
  for (const owner of owners.values()) {
    const tlsa = owner.sets.get(RRType.TLSA)
    if (tlsa && !isWarned) {
      const message = `${source.zone} is not signed, and TLSA counts in signed zones alone (RFC 7672 §2.1), expected dnssec: {}`
      problems.warn('tlsa-unsigned', pathOfRdata(owner, RRType.TLSA, 0), message)
      isWarned = true
    }
    checkUsages(compilation, owner, seen)
    checkExchanges(compilation, { owner, owners, policies })
  }
}

/** `seen`: paths of records that are warned of; those of a target stand at several ports, and at relays. */
function checkUsages({ problems }: Compilation, owner: OwnerDraft, seen: Set<string>): void {
  const tlsa = owner.sets.get(RRType.TLSA)
  if (tlsa?.kind !== 'plain' || !owner.key.startsWith(smtpTlsaKey(''))) return
  for (const [i, { octets }] of tlsa.rdata.entries()) {
    const path = pathOfRdata(owner, RRType.TLSA, i)
    const why = whyUnusable(octets)
    if (why === null || seen.has(path.join())) continue
    seen.add(path.join())
    problems.warn('tlsa-unusable', path, `${why}, expected 3 1 1, or 2 1 1 for an authority`)
  }
}

/** `octets`: TLSA rdata. null: senders use it. */
function whyUnusable(octets: Uint8Array): string | null {
  const [usage = 0, selector = 0, matchingType = 0] = octets
  const shown = `${usage} ${selector} ${matchingType}`
  const isDefined = (usage === 2 || usage === 3) && selector <= 1 && matchingType <= 2
  if (!isDefined) return `senders do not use ${shown} for SMTP (RFC 7672 §3.1.3)`
  const data = octets.subarray(3)
  if (matchingType > 0 || isDerSequence(data)) return null
  const what = selector === 0 ? 'certificate' : 'public key'
  return `${shown} has the whole ${what} in DER, and these ${data.length} octets are none`
}

/** Whether the octets are one SEQUENCE (X.690 §8.1.3), as certificates and public keys are. */
function isDerSequence(octets: Uint8Array): boolean {
  const [tag, first = 0] = octets
  if (tag !== 0x30) return false
  if (first < 0x80) return octets.length === 2 + first
  const count = first & 0x7f
  const length = octets.subarray(2, 2 + count).reduce((sum, octet) => sum * 256 + octet, 0)
  return count > 0 && count <= 3 && octets.length === 2 + count + length
}

interface CheckedOwner {
  readonly owner: OwnerDraft
  readonly owners: Owners
  /** Those that have been checked. */
  readonly policies: Set<Policy>
}

function checkExchanges(compilation: Compilation, { owner, owners, policies }: CheckedOwner): void {
  const mx = owner.sets.get(RRType.MX)
  if (mx?.kind !== 'steered-mx' || policies.has(mx.policy)) return
  policies.add(mx.policy)
  const has = (target: Target): boolean => {
    const sets = owners.get(smtpTlsaKey(keyOfName(target.owner)))?.sets
    return sets?.has(RRType.TLSA) === true || sets?.has(RRType.CNAME) === true
  }
  const consequence = 'mail that goes there is not authenticated'
  const path = pathOfSet(owner, RRType.MX)
  warnPartial(compilation, { policy: mx.policy, path }, { has, consequence })
}

interface Judged {
  readonly has: (target: Target) => boolean
  /** What happens at targets that have none. */
  readonly consequence: string
}

/** Warns where some of the targets that a policy answers have TLSA records and some have none. `path`: of the steered record. */
export function warnPartial(
  { problems, source }: Compilation,
  { policy, path }: { readonly policy: Policy; readonly path: DocumentPath },
  { has, consequence }: Judged,
): void {
  // Of an unsigned zone they are not used at all.
  if (!source.dnssec) return
  const answered = membersOf(policy).flatMap(({ target, weight }) => (weight > 0 ? [target] : []))
  const lacking = new Set(answered.filter((target) => !has(target)).map(({ name }) => name))
  if (lacking.size === 0 || answered.every((target) => lacking.has(target.name))) return
  const message = `no TLSA for ${listed([...lacking], namesShown)}, and others of steering ${policy.name} have: ${consequence}`
  problems.warn('tlsa-partial', [...path, 'steer'], message)
}

/** Warns of a TLSA set by hand that has nothing of a target. */
export function warnUncovered(
  { problems, source }: Compilation,
  byHand: OwnerDraft | undefined,
  ofTargets: ReadonlyMap<string, readonly Rdata[]>,
): void {
  const tlsa = byHand?.sets.get(RRType.TLSA)
  if (!byHand || tlsa?.kind !== 'plain' || !source.dnssec) return
  const given = new Set(tlsa.rdata.map(octetsText))
  const lacking = [...ofTargets].filter(
    ([, rdata]) => !rdata.some((one) => given.has(octetsText(one))),
  )
  if (lacking.length === 0) return
  const names = listed(
    lacking.map(([name]) => name),
    namesShown,
  )
  const message = `these take the place of the \`tlsa\` of targets, and have none of ${names}`
  problems.warn('tlsa-partial', pathOfSet(byHand, RRType.TLSA), message, 'key')
}

/** A character an octet: sorts as the octets do. */
export const octetsText = ({ octets }: Rdata): string => Buffer.from(octets).toString('latin1')
