// Adds one RRset to the plan. For a steered set, this is where steering decides which of its records are answered.
//
//   added       the set is in the plan
//   absent      the set has no records for this client: a fact of the zone file, never of health
//   servfail    no member is eligible, and the policy says `on_all_down: servfail`

import type { SteeredSet, Target } from '../steer/policy.ts'
import { select } from '../steer/select/select.ts'
import { targetAddresses } from '../steer/select/target-addresses.ts'
import type { Selected } from '../steer/selection.ts'
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
  const { steering } = transaction
  const selection =
    set.kind === 'target-address'
      ? targetAddresses(set, steering)
      : select(set, locusOf(transaction, set), steering)
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
  entry.rdata = rdataOf(selection)
  if (section === 'answer') countTargets(transaction, set, selection)
  return 'added'
}

function countTargets(transaction: Transaction, set: SteeredSet, selection: Selected): void {
  const { clock, counters } = transaction.context
  const reason = countedReason(set, selection)
  // When resolvers drop the records from their caches.
  const untilMs = clock.wallMs() + selection.ttl * 1000
  forEachTarget(set, selection, (target, position) => {
    counters.answerCounts.add(target, position, reason, untilMs)
  })
  if (reason === 'failed-open') noteFailedOpen(transaction)
}

/** Down addresses under a target's own name do not count as failing open. */
export const countedReason = (set: SteeredSet, { reason }: Selected): AnswerReason =>
  set.kind === 'target-address' ? 'own-name' : reason

/** Calls `visit` with the index and the position of the target of each record; of a rung's addresses once. */
export function forEachTarget(
  set: SteeredSet,
  selection: Selected,
  visit: (target: number, position: AnswerPosition) => void,
): void {
  const { first, later, address } = AnswerPosition
  if ('addresses' in selection) {
    if (set.kind === 'exchange-slot') {
      const [one] = selection.addresses
      if (one !== undefined) visit(one.target.index, set.rung === 0 ? first : later)
    } else for (const { target } of selection.addresses) visit(target.index, address)
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

/** The records selected, as rdata (RFC 1035 §3.3.9, RFC 2782). An SRV target must not be compressed (RFC 3597 §4). */
export function rdataOf(selection: Selected): readonly Rdata[] {
  if ('addresses' in selection) return selection.addresses.map(({ address }) => address.rdata)
  if ('rungs' in selection)
    return selection.rungs.map(({ preference, target }) => {
      const octets = octetsBefore(target, 2)
      octets[0] = preference >> 8
      octets[1] = preference
      return { octets, compressible: exchangeAt }
    })
  const { records, port } = selection
  return records.map(({ priority, weight, target }) => {
    const octets = octetsBefore(target, 6)
    octets.set([priority >> 8, priority, weight >> 8, weight, port >> 8, port])
    return { octets, compressible: [] }
  })
}

/** Where the name begins in the rdata of an MX. */
const exchangeAt: readonly number[] = [2]

/** Room for so many octets, and the target's name. */
function octetsBefore({ owner }: Target, count: number): Uint8Array {
  const octets = new Uint8Array(count + owner.length)
  octets.set(owner, count)
  return octets
}
