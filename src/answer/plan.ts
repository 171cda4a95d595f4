// An answer as decided, before any octet of it is written: header values and an ordered list of record sets.
// Deciding adds to it, encode.ts alone knows octets and limits. One plan serves all queries of a responder.

import type { SelectedAddress, Rung } from '../steer/selection.ts'
import { keyOfOctets, type Name, type NameKey } from '../wire/name.ts'
import { Rcode } from '../wire/rcode.ts'
import type { Rdata } from '../wire/rdata/rdata.ts'

export type Section = 'answer' | 'authority' | 'additional'

/**
 * What it means that a set does not fit. required: the answer says TC. optional: it is left out in silence
 * (RFC 2181 §9). Glue of in-domain name servers is required (RFC 9471 §3.1), other additional data is not.
 */
type Need = 'required' | 'optional'

/** One RRset to be answered. Its records are those of the three lists together; all but one are empty. */
export interface PlanEntry {
  section: Section
  need: Need
  /** null: the name that was asked for, as it was asked. */
  owner: Name | null
  type: number
  ttl: number
  rdata: readonly Rdata[]
  rungs: readonly Rung[]
  addresses: readonly SelectedAddress[]
}

export interface Plan {
  rcode: Rcode
  authoritative: boolean
  /** The first `count` are in force, in the order of sections; the rest are kept for reuse. */
  readonly entries: PlanEntry[]
  count: number
  /** Nothing is planned, for there was an answer to copy, and it has records. */
  isWritten: boolean
  /** All sets went into the message that was written last. */
  isWhole: boolean
}

/** More sets than any sensible answer has: 16 name servers with both families four times over. */
const maxEntries = 128

const none: readonly never[] = []

export const createPlan = (): Plan => ({
  rcode: Rcode.NOERROR,
  authoritative: false,
  entries: [],
  count: 0,
  isWritten: false,
  isWhole: false,
})

export function resetPlan(plan: Plan, rcode: Rcode): void {
  plan.rcode = rcode
  plan.authoritative = false
  plan.count = 0
  plan.isWritten = false
}

/** A fresh entry at the end, its lists empty, or null where the plan is full. */
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
  entry.rungs = none
  entry.addresses = none
  return entry
}

/** Whether the section already has the set of this very owner: nodes are shared, so identity is enough. */
export function hasEntry(plan: Plan, section: Section, owner: Name, type: number): boolean {
  for (let i = 0; i < plan.count; i++) {
    const entry = plan.entries[i] as PlanEntry
    if (entry.owner === owner && entry.type === type && entry.section === section) return true
  }
  return false
}

/** As `hasEntry`, by what the owner is called: for names that no node has. */
export function hasEntryNamed(plan: Plan, section: Section, key: NameKey, type: number): boolean {
  for (let i = 0; i < plan.count; i++) {
    const { owner, type: itsType, section: itsSection } = plan.entries[i] as PlanEntry
    if (owner === null || itsType !== type || itsSection !== section) continue
    if (keyOfOctets(owner, 0, owner.length) === key) return true
  }
  return false
}

/** Lets go of what earlier plans pointed to, so that a catalog no longer served can be collected. */
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
  rungs: none,
  addresses: none,
})
