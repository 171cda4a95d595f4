// Adds one RRset to the plan. For a steered set, this is where steering decides which of its records are answered.
//
//   added       the set is in the plan
//   absent      the set has no records for this client: a fact of the zone file, never of health
//   servfail    no member is eligible, and the policy says `on_all_down: servfail`

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
import type {
  Rung,
  SelectedAddress,
  SelectedAddresses,
  SelectedMx,
  SelectedSrv,
  SelectionReason,
} from '../steer/selection.ts'
import type { Name } from '../wire/name.ts'
import type { Rdata } from '../wire/rdata/rdata.ts'
import { RRType } from '../wire/rrtype.ts'
import type { RRset } from '../zone/zone.ts'
import { AnswerPosition } from './counters.ts'
import { addEntry, type PlanEntry, type Section } from './plan.ts'
import { locusOf, type Transaction } from './transaction.ts'

export type Added = 'added' | 'absent' | 'servfail'

/** `owner` null: the qname, as it was asked. Steered sets in the answer section are counted by target. */
export function addSet(
  transaction: Transaction,
  section: Section,
  owner: Name | null,
  set: RRset | SteeredSet,
): Added {
  if (set.kind === 'plain') return addPlain(transaction, section, owner, set)
  transaction.isStatic = false
  switch (set.kind) {
    case 'steered-mx':
      transaction.usesHealth = true
      return addMx(transaction, section, owner, set)
    case 'steered-srv':
      return addSrv(transaction, section, owner, set)
    case 'steered-address':
    case 'target-address':
      transaction.usesHealth = true
      return addAddresses(transaction, section, owner, set)
    default:
      return set satisfies never
  }
}

function addPlain(
  transaction: Transaction,
  section: Section,
  owner: Name | null,
  set: RRset,
): Added {
  const entry = addEntry(transaction.plan, section, owner, set.type)
  if (entry === null) return 'absent'
  entry.ttl = set.ttl
  entry.rdata = set.rdata
  return 'added'
}

function addMx(
  transaction: Transaction,
  section: Section,
  owner: Name | null,
  set: SteeredMx,
): Added {
  const selection = selectMx(set, locusOf(transaction, set), transaction.steering)
  if (selection.kind === 'servfail') return 'servfail'
  return addSelectedMx(transaction, section, owner, selection)
}

/** Adds MX records that were selected. */
export function addSelectedMx(
  transaction: Transaction,
  section: Section,
  owner: Name | null,
  { rungs, ttl, reason }: SelectedMx,
): Added {
  const entry = addEntry(transaction.plan, section, owner, RRType.MX)
  if (entry === null) return 'absent'
  entry.ttl = ttl
  entry.rungs = rungs
  if (section === 'answer') countRungs(transaction, entry, reason)
  return 'added'
}

function addSrv(
  transaction: Transaction,
  section: Section,
  owner: Name | null,
  set: SteeredSrv,
): Added {
  const selection = selectSrv(set, locusOf(transaction, set), transaction.steering)
  if (selection.kind === 'servfail') return 'servfail'
  const entry = addEntry(transaction.plan, section, owner, set.type)
  if (entry === null) return 'absent'
  const { records, ttl, reason } = selection
  entry.ttl = ttl
  entry.rdata = records.map((record) => srvRdata(set, record))
  if (section === 'answer') countSrv(transaction, entry, records, reason)
  return 'added'
}

function addAddresses(
  transaction: Transaction,
  section: Section,
  owner: Name | null,
  set: SteeredAddresses | TargetAddresses,
): Added {
  const { steering } = transaction
  const selection =
    set.kind === 'target-address'
      ? targetAddresses(set, steering)
      : selectAddresses(set, locusOf(transaction, set), steering)
  if (selection.kind === 'servfail') return 'servfail'
  if (selection.kind === 'no-family') return 'absent'
  return addSelectedAddresses(transaction, section, owner, set, selection)
}

/** Adds addresses that were selected from `set`. */
export function addSelectedAddresses(
  transaction: Transaction,
  section: Section,
  owner: Name | null,
  set: SteeredAddresses | TargetAddresses,
  { addresses, ttl, reason }: SelectedAddresses,
): Added {
  const entry = addEntry(transaction.plan, section, owner, set.type)
  if (entry === null) return 'absent'
  entry.ttl = ttl
  entry.addresses = addresses
  if (section === 'answer') countAddresses(transaction, entry, set, reason)
  return 'added'
}

/** Counts the targets of an entry's MX records. */
function countRungs(transaction: Transaction, entry: PlanEntry, reason: SelectionReason): void {
  const { answerCounts } = transaction.context.counters
  const { rungs } = entry
  const untilMs = cachedUntilMs(transaction, entry)
  for (let i = 0; i < rungs.length; i++) {
    const { target, preference } = rungs[i] as Rung
    const isFirst = preference === (rungs[0] as Rung).preference
    const position = isFirst ? AnswerPosition.first : AnswerPosition.later
    answerCounts.add(target.index, position, reason, untilMs)
  }
  if (reason === 'failed-open') noteFailedOpen(transaction)
}

function countSrv(
  transaction: Transaction,
  entry: PlanEntry,
  records: readonly SelectedSrv[],
  reason: SelectionReason,
): void {
  const { answerCounts } = transaction.context.counters
  const untilMs = cachedUntilMs(transaction, entry)
  for (const { target, priority } of records) {
    const isFirst = priority === records[0]?.priority
    const position = isFirst ? AnswerPosition.first : AnswerPosition.later
    answerCounts.add(target.index, position, reason, untilMs)
  }
  if (reason === 'failed-open') noteFailedOpen(transaction)
}

/** Counts the targets of an entry's addresses. Down addresses under a target's own name do not count as failing open. */
function countAddresses(
  transaction: Transaction,
  entry: PlanEntry,
  set: SteeredAddresses | TargetAddresses,
  reason: SelectionReason,
): void {
  const { answerCounts } = transaction.context.counters
  const untilMs = cachedUntilMs(transaction, entry)
  const counted = set.kind === 'target-address' ? 'own-name' : reason
  const { addresses } = entry
  for (let i = 0; i < addresses.length; i++) {
    const { target } = addresses[i] as SelectedAddress
    answerCounts.add(target.index, AnswerPosition.address, counted, untilMs)
  }
  if (reason === 'failed-open' && set.kind === 'steered-address') noteFailedOpen(transaction)
}

/** When resolvers drop the entry's records from their caches, milliseconds since the epoch. */
const cachedUntilMs = ({ context }: Transaction, { ttl }: PlanEntry): number =>
  context.clock.wallMs() + ttl * 1000

export function noteFailedOpen(transaction: Transaction): void {
  transaction.context.counters.add('failedOpen')
  transaction.hasFailedOpen = true
}

/** One SRV record as rdata (RFC 2782). Its target's name must not be compressed (RFC 3597 §4). */
export function srvRdata({ port }: SteeredSrv, { priority, weight, target }: SelectedSrv): Rdata {
  const octets = new Uint8Array(6 + target.owner.length)
  octets.set([priority >> 8, priority, weight >> 8, weight, port >> 8, port])
  octets.set(target.owner, 6)
  return { octets, compressible: [] }
}
