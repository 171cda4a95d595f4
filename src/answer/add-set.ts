// Adds one RRset to the plan. For a steered set, this is where steering decides which of its records are answered.
//
//   added       the set is in the plan
//   absent      the set has no records for this client: a fact of the zone file, never of health
//   servfail    no member is eligible, and the policy says `on_all_down: servfail`

import type { SteeredSet } from '../steer/policy.ts'
import { selectAddresses } from '../steer/select/select-addresses.ts'
import { selectMx } from '../steer/select/select-mx.ts'
import { selectSrv } from '../steer/select/select-srv.ts'
import { targetAddresses } from '../steer/select/target-addresses.ts'
import type {
  AddressSelection,
  MxSelection,
  Selected,
  SelectedSrvSet,
  SrvSelection,
} from '../steer/selection.ts'
import type { Name } from '../wire/name.ts'
import type { Rdata } from '../wire/rdata/rdata.ts'
import type { RRset } from '../zone/zone.ts'
import { AnswerPosition, type AnswerReason } from './counters.ts'
import { addEntry, type Section } from './plan.ts'
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
  transaction.usesHealth = true
  const selection = select(transaction, set)
  switch (selection.kind) {
    case 'selected':
      return addSelected(transaction, section, owner, set, selection)
    case 'no-family':
      return 'absent'
    case 'servfail':
      return 'servfail'
    default:
      return selection satisfies never
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

function select(
  transaction: Transaction,
  set: SteeredSet,
): MxSelection | SrvSelection | AddressSelection {
  const { steering } = transaction
  switch (set.kind) {
    case 'steered-mx':
      return selectMx(set, locusOf(transaction, set), steering)
    case 'steered-srv':
      return selectSrv(set, locusOf(transaction, set), steering)
    case 'steered-address':
      return selectAddresses(set, locusOf(transaction, set), steering)
    case 'target-address':
      return targetAddresses(set, steering)
    default:
      return set satisfies never
  }
}

/** Adds what was selected from `set`. */
export function addSelected(
  transaction: Transaction,
  section: Section,
  owner: Name | null,
  set: SteeredSet,
  selection: Selected,
): Added {
  const entry = addEntry(transaction.plan, section, owner, set.type)
  if (entry === null) return 'absent'
  entry.ttl = selection.ttl
  if ('rungs' in selection) entry.rungs = selection.rungs
  else if ('addresses' in selection) entry.addresses = selection.addresses
  else entry.rdata = srvRdata(selection)
  if (section === 'answer') countTargets(transaction, set, selection)
  return 'added'
}

function countTargets(transaction: Transaction, set: SteeredSet, selection: Selected): void {
  const { clock, counters } = transaction.context
  const reason = countedReason(set, selection)
  // When resolvers drop the records from their caches.
  const untilMs = clock.wallMs() + selection.ttl * 1000
  forEachTarget(selection, (target, position) => {
    counters.answerCounts.add(target, position, reason, untilMs)
  })
  if (reason === 'failed-open') noteFailedOpen(transaction)
}

/** Down addresses under a target's own name do not count as failing open. */
export const countedReason = (set: SteeredSet, { reason }: Selected): AnswerReason =>
  set.kind === 'target-address' ? 'own-name' : reason

/** Calls `visit` with the index and the position of the target of each record. */
export function forEachTarget(
  selection: Selected,
  visit: (target: number, position: AnswerPosition) => void,
): void {
  const { first, later, address } = AnswerPosition
  if ('addresses' in selection) {
    for (const { target } of selection.addresses) visit(target.index, address)
  } else if ('rungs' in selection) {
    const best = selection.rungs[0]?.preference
    for (const { target, preference } of selection.rungs)
      visit(target.index, preference === best ? first : later)
  } else {
    const best = selection.records[0]?.priority
    for (const { target, priority } of selection.records)
      visit(target.index, priority === best ? first : later)
  }
}

export function noteFailedOpen(transaction: Transaction): void {
  transaction.context.counters.add('failedOpen')
  transaction.hasFailedOpen = true
}

/** SRV records as rdata (RFC 2782). The target's name must not be compressed (RFC 3597 §4). */
export const srvRdata = ({ records, port }: SelectedSrvSet): readonly Rdata[] =>
  records.map(({ priority, weight, target }) => {
    const octets = new Uint8Array(6 + target.owner.length)
    octets.set([priority >> 8, priority, weight >> 8, weight, port >> 8, port])
    octets.set(target.owner, 6)
    return { octets, compressible: [] }
  })
