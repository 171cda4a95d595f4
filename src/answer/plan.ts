// The plan of an answer, before it is encoded: header values and an ordered list of RRsets. decide.ts and what it calls
// fill it; size limits are applied by encode.ts only. A responder reuses one plan for all of its queries.

import { keyOfOctets, type Name, type NameKey } from '../wire/name.ts'
import { Rcode } from '../wire/rcode.ts'
import type { Rdata } from '../wire/rdata/rdata.ts'

export type Section = 'answer' | 'authority' | 'additional'

/**
 * What happens to a set that does not fit. required: the answer is truncated (TC). optional: the set is omitted without
 * TC (RFC 2181 §9). Glue of in-domain name servers is required (RFC 9471 §3.1), other additional data is optional.
 */
type Need = 'required' | 'optional'

/** One RRset of the answer. */
export interface PlanEntry {
  section: Section
  need: Need
  /** Owner name; null for the qname, in the letter case of the query. */
  owner: Name | null
  type: number
  ttl: number
  rdata: readonly Rdata[]
  /** RRSIG records of the set, as rdata; none where it is not signed, or the query does not ask for them. */
  signatures: readonly Rdata[]
}

/** Header values and RRsets of one answer. */
export interface Plan {
  rcode: Rcode
  authoritative: boolean
  /** The first `count` entries are the plan, in the order of sections; later ones are spare, kept for reuse. */
  readonly entries: PlanEntry[]
  count: number
  /** The answer was copied from the answer cache and has records, although the plan has no entries. */
  isWritten: boolean
  /** Whether the message encoded last contains every set of the plan. */
  isWhole: boolean
}

/** More sets than any reasonable answer has: four times those of 16 name servers with A and AAAA. */
const maxEntries = 128

const none: readonly never[] = []

/** An empty plan. */
export const createPlan = (): Plan => ({
  rcode: Rcode.NOERROR,
  authoritative: false,
  entries: [],
  count: 0,
  isWritten: false,
  isWhole: false,
})

/** Empties the plan for the next query; AA is cleared. */
export function resetPlan(plan: Plan, rcode: Rcode): void {
  plan.rcode = rcode
  plan.authoritative = false
  plan.count = 0
  plan.isWritten = false
}

/** Appends an entry without records, of TTL 0, for the caller to fill; null where the plan is full. */
export function addEntry(
  plan: Plan,
  section: Section,
  owner: Name | null,
  type: number,
): PlanEntry | null {
  if (plan.count === maxEntries) return null
  let entry = plan.entries[plan.count]
  if (entry === undefined) {
    entry = blankEntry()
    plan.entries.push(entry)
  }
  plan.count++
  entry.section = section
  entry.need = section === 'additional' ? 'optional' : 'required'
  entry.owner = owner
  entry.type = type
  entry.ttl = 0
  entry.rdata = none
  entry.signatures = none
  return entry
}

/** Whether the section has a set of this owner and type. Owners are compared by identity: nodes share them. */
export function hasEntry(plan: Plan, section: Section, owner: Name, type: number): boolean {
  for (let i = 0; i < plan.count; i++) {
    const entry = plan.entries[i] as PlanEntry
    if (entry.owner === owner && entry.type === type && entry.section === section) return true
  }
  return false
}

/** Like `hasEntry`, comparing owners by value: for owner names that are not those of a node. */
export function hasEntryNamed(plan: Plan, section: Section, key: NameKey, type: number): boolean {
  for (let i = 0; i < plan.count; i++) {
    const { owner, type: entryType, section: entrySection } = plan.entries[i] as PlanEntry
    if (owner === null || entryType !== type || entrySection !== section) continue
    if (keyOfOctets(owner, 0, owner.length) === key) return true
  }
  return false
}

/** Drops all entries, spare ones too, so that they keep no replaced catalog from being garbage collected. */
export function forgetEntries(plan: Plan): void {
  plan.entries.length = 0
  plan.count = 0
}

const blankEntry = (): PlanEntry => ({
  section: 'answer',
  need: 'required',
  owner: null,
  type: 0,
  ttl: 0,
  rdata: none,
  signatures: none,
})
