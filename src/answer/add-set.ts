// One RRset into the plan. For a steered set this is where steering decides which of its records are answered.
//
//   added       the set is in the plan
//   absent      the set has no records for this client: a fact of the zone file, never of health
//   servfail    the zone asked for SERVFAIL when nothing is eligible

import type { SteeredAddresses, SteeredMx, SteeredSet, TargetAddresses } from '../steer/policy.ts'
import { selectAddresses, targetAddresses } from '../steer/select-addresses.ts'
import { selectMx } from '../steer/select-mx.ts'
import type { AddressSelection, Rung, SelectionReason } from '../steer/selection.ts'
import type { Name, RRset } from '../zone/zone.ts'
import { locusOf } from './inquiry.ts'
import type { Inquiry } from './inquiry.ts'
import { addEntry } from './plan.ts'
import type { Section } from './plan.ts'

type SelectedAddresses = Extract<AddressSelection, { kind: 'selected' }>

export type Added = 'added' | 'absent' | 'servfail'

export function addSet(
  inquiry: Inquiry,
  section: Section,
  owner: Name | null,
  set: RRset | SteeredSet,
): Added {
  switch (set.kind) {
    case 'plain':
      return addPlain(inquiry, section, owner, set)
    case 'steered-mx':
      inquiry.usesHealth = true
      return addRungs(inquiry, section, owner, set)
    case 'steered-address':
    case 'target-address':
      inquiry.usesHealth = true
      return addAddresses(inquiry, section, owner, set)
    default:
      return set satisfies never
  }
}

function addPlain(inquiry: Inquiry, section: Section, owner: Name | null, set: RRset): Added {
  const entry = addEntry(inquiry.plan, section, owner, set.type)
  if (entry === null) return 'absent'
  entry.ttl = set.ttl
  entry.rdata = set.rdata
  return 'added'
}

function addRungs(inquiry: Inquiry, section: Section, owner: Name | null, set: SteeredMx): Added {
  const selection = selectMx(set, locusOf(inquiry, set), inquiry.context)
  if (selection.kind === 'servfail') return 'servfail'
  const entry = addEntry(inquiry.plan, section, owner, set.type)
  if (entry === null) return 'absent'
  entry.ttl = selection.ttl
  entry.rungs = selection.rungs
  if (section === 'answer') countRungs(inquiry, selection.rungs, selection.reason)
  return 'added'
}

function addAddresses(
  inquiry: Inquiry,
  section: Section,
  owner: Name | null,
  set: SteeredAddresses | TargetAddresses,
): Added {
  const { context, plan } = inquiry
  const selection =
    set.kind === 'target-address'
      ? targetAddresses(set, context)
      : selectAddresses(set, locusOf(inquiry, set), context)
  if (selection.kind === 'servfail') return 'servfail'
  if (selection.kind === 'no-family') return 'absent'
  const entry = addEntry(plan, section, owner, set.type)
  if (entry === null) return 'absent'
  entry.ttl = selection.ttl
  entry.addresses = selection.addresses
  if (section === 'answer') countAddresses(inquiry, set, selection)
  return 'added'
}

function countRungs(inquiry: Inquiry, rungs: readonly Rung[], reason: SelectionReason): void {
  const { counters } = inquiry.context
  for (let i = 0; i < rungs.length; i++)
    counters.handedOut((rungs[i] as Rung).target.index, i === 0)
  if (reason === 'failed-open') noteFailedOpen(inquiry)
}

/** A target's own name always answers for itself: that it is down is no failing open of a set. */
function countAddresses(
  inquiry: Inquiry,
  set: SteeredAddresses | TargetAddresses,
  { addresses, reason }: SelectedAddresses,
): void {
  for (const chosen of addresses) inquiry.context.counters.handedOut(chosen.target.index, true)
  if (reason === 'failed-open' && set.kind === 'steered-address') noteFailedOpen(inquiry)
}

function noteFailedOpen(inquiry: Inquiry): void {
  inquiry.context.counters.add('failedOpen')
  inquiry.hasFailedOpen = true
}
