// One RRset into the plan. For a steered set this is where steering decides which of its records are answered.
//
//   added       the set is in the plan
//   absent      the set has no records for this client: a fact of the zone file, never of health
//   servfail    the zone asked for SERVFAIL when nothing is eligible

import type {
  SteeredAddresses,
  SteeredMx,
  SteeredSet,
  SteeredSrv,
  TargetAddresses,
} from '../steer/policy.ts'
import { selectAddresses } from '../steer/select/select-addresses.ts'
import { selectMx } from '../steer/select/select-mx.ts'
import { selectSrv } from '../steer/select/select-srv.ts'
import { targetAddresses } from '../steer/select/target-addresses.ts'
import type { ChosenAddress, Rung, SelectionReason, SrvChoice } from '../steer/selection.ts'
import type { Name } from '../wire/name.ts'
import type { Rdata } from '../wire/rdata/rdata.ts'
import type { RRset } from '../zone/zone.ts'
import { HandOutPlace } from './counters.ts'
import { type Inquiry, locusOf } from './transaction.ts'
import { addEntry, type PlanEntry, type Section } from './plan.ts'

export type Added = 'added' | 'absent' | 'servfail'

export function addSet(
  inquiry: Inquiry,
  section: Section,
  owner: Name | null,
  set: RRset | SteeredSet,
): Added {
  if (set.kind === 'plain') return addPlain(inquiry, section, owner, set)
  inquiry.isFixed = false
  switch (set.kind) {
    case 'steered-mx':
      inquiry.usesHealth = true
      return addRungs(inquiry, section, owner, set)
    case 'steered-srv':
      return addChoices(inquiry, section, owner, set)
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
  if (section === 'answer') countRungs(inquiry, entry, selection.reason)
  return 'added'
}

function addChoices(
  inquiry: Inquiry,
  section: Section,
  owner: Name | null,
  set: SteeredSrv,
): Added {
  const selection = selectSrv(set, locusOf(inquiry, set), inquiry.context)
  if (selection.kind === 'servfail') return 'servfail'
  const entry = addEntry(inquiry.plan, section, owner, set.type)
  if (entry === null) return 'absent'
  const { choices, ttl, reason } = selection
  entry.ttl = ttl
  entry.rdata = choices.map((choice) => srvRdata(set, choice))
  if (section === 'answer') countChoices(inquiry, entry, choices, reason)
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
  if (section === 'answer') countAddresses(inquiry, entry, set, selection.reason)
  return 'added'
}

export function countRungs(inquiry: Inquiry, entry: PlanEntry, reason: SelectionReason): void {
  const { handOuts } = inquiry.context.counters
  const { rungs } = entry
  const untilMs = cachedUntilMs(inquiry, entry)
  for (let i = 0; i < rungs.length; i++) {
    const { target, preference } = rungs[i] as Rung
    const isFirst = preference === (rungs[0] as Rung).preference
    const place = isFirst ? HandOutPlace.first : HandOutPlace.later
    handOuts.add(target.index, place, reason, untilMs)
  }
  if (reason === 'failed-open') noteFailedOpen(inquiry)
}

function countChoices(
  inquiry: Inquiry,
  entry: PlanEntry,
  choices: readonly SrvChoice[],
  reason: SelectionReason,
): void {
  const { handOuts } = inquiry.context.counters
  const untilMs = cachedUntilMs(inquiry, entry)
  for (const { target, priority } of choices) {
    const isFirst = priority === choices[0]?.priority
    const place = isFirst ? HandOutPlace.first : HandOutPlace.later
    handOuts.add(target.index, place, reason, untilMs)
  }
  if (reason === 'failed-open') noteFailedOpen(inquiry)
}

/** A target's own name always answers for itself: that it is down is no failing open of a set. */
export function countAddresses(
  inquiry: Inquiry,
  entry: PlanEntry,
  set: SteeredAddresses | TargetAddresses,
  reason: SelectionReason,
): void {
  const { handOuts } = inquiry.context.counters
  const untilMs = cachedUntilMs(inquiry, entry)
  const counted = set.kind === 'target-address' ? 'own-name' : reason
  const { addresses } = entry
  for (let i = 0; i < addresses.length; i++) {
    const { target } = addresses[i] as ChosenAddress
    handOuts.add(target.index, HandOutPlace.address, counted, untilMs)
  }
  if (reason === 'failed-open' && set.kind === 'steered-address') noteFailedOpen(inquiry)
}

const cachedUntilMs = ({ context }: Inquiry, { ttl }: PlanEntry): number =>
  context.clock.wallMs() + ttl * 1000

function noteFailedOpen(inquiry: Inquiry): void {
  inquiry.context.counters.add('failedOpen')
  inquiry.hasFailedOpen = true
}

// One steered SRV record as rdata (RFC 2782). Its target's name is not compressed (RFC 3597 §4).

export function srvRdata({ port }: SteeredSrv, { priority, weight, target }: SrvChoice): Rdata {
  const octets = new Uint8Array(6 + target.owner.length)
  octets.set([priority >> 8, priority, weight >> 8, weight, port >> 8, port])
  octets.set(target.owner, 6)
  return { octets, compressible: [] }
}
