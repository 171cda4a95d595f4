// MX ladders put together from fragments: what each target adds to the answers of one question, its MX record and the
// records of its addresses, encoded once for each generation of health.
//
// A fragment is what encode.ts writes for that target alone. It is the same beside others as long as names are compressed
// against the question alone: each exchange is one label that the question does not have, then a pointer into the
// question; and each address belongs to the exchange. Where that is not so, there are no fragments, and answers are
// encoded whole.

import type { Target } from '../../steer/policy.ts'
import type { Rung } from '../../steer/selection.ts'
import { headerOctets, questionTailOctets } from '../../wire/header.ts'
import { keyOfOctets, type NameKey } from '../../wire/name.ts'
import { readUint16 } from '../../wire/octets.ts'
import type { Query } from '../../wire/query.ts'
import { Rcode } from '../../wire/rcode.ts'
import { RRClass, RRType } from '../../wire/rrtype.ts'
import { beginMessage, createWriter, type MessageWriter } from '../../wire/writer.ts'
import { lookupInZone } from '../../zone/lookup.ts'
import type { Zone } from '../../zone/zone.ts'
import { addAdditional } from '../additional.ts'
import { putQuestion, putSections } from '../encode.ts'
import { addEntry, type PlanEntry, resetPlan } from '../plan.ts'
import type { Transaction } from '../transaction.ts'

interface TargetFragment {
  readonly generation: number
  /** The MX record; TTL and preference are filled in later. */
  readonly mx: Uint8Array
  /** Address records; their owner names are filled in later. Those of a family have one length. */
  readonly v4: Uint8Array
  readonly v6: Uint8Array
}

/** Owner (a pointer), type, class, TTL and RDLENGTH. */
const recordHeadOctets = 12
const record4Octets = recordHeadOctets + 4
const record6Octets = recordHeadOctets + 16

/** Longer ladders are encoded whole. */
const maxRungs = 16

const scratchOctets = 4096

/** Shared by all ladders of a responder, and refilled by each answer. */
export interface LadderScratch {
  /** In which a target is planned alone, beside the transaction that is being answered. */
  readonly transaction: Transaction
  readonly writer: MessageWriter
  readonly octets: Uint8Array
  /** Of the answer under way: the fragment of each rung, and the pointer to its exchange. */
  readonly fragments: (TargetFragment | null)[]
  readonly namePointers: Int32Array
}

export const createLadderScratch = (transaction: Transaction): LadderScratch => ({
  transaction,
  writer: createWriter(),
  octets: new Uint8Array(scratchOctets),
  fragments: Array.from({ length: maxRungs }, () => null),
  namePointers: new Int32Array(maxRungs),
})

/** How many fragments all ladders together may still keep. */
interface FragmentBudget {
  fragments: number
}

export class TargetFragments {
  /** False: this question's answers cannot be put together from fragments. */
  isUsable = true
  readonly #scratch: LadderScratch
  readonly #budget: FragmentBudget
  /** By the target's index. */
  readonly #fragments = new Map<number, TargetFragment>()
  readonly #exchanges = new Map<NameKey, number>()

  constructor(scratch: LadderScratch, budget: FragmentBudget) {
    this.#scratch = scratch
    this.#budget = budget
  }

  /** The target's fragment, encoded where it is missing or of another generation; null: there is none. */
  of(target: Target, generation: number, query: Query, zone: Zone): TargetFragment | null {
    const known = this.#fragments.get(target.index)
    if (known !== undefined && known.generation === generation) return known
    if (known === undefined && this.#budget.fragments-- <= 0) return null
    const key = keyOfOctets(target.owner, 0, target.owner.length)
    // The encoder would write one pointer for two targets of one name.
    if ((this.#exchanges.get(key) ?? target.index) !== target.index) this.isUsable = false
    this.#exchanges.set(key, target.index)
    const fragment = this.isUsable ? this.#encode(target, generation, query, zone) : null
    if (fragment === null) this.isUsable = false
    else this.#fragments.set(target.index, fragment)
    return fragment
  }

  #encode(target: Target, generation: number, query: Query, zone: Zone): TargetFragment | null {
    const { transaction, writer, octets } = this.#scratch
    const { plan } = transaction
    if (!hasOwnAddressesOnly(zone, target)) return null
    resetPlan(plan, Rcode.NOERROR)
    const entry = addEntry(plan, 'answer', null, RRType.MX)
    if (entry === null) return null
    entry.rungs = [{ target, preference: 0 }]
    addAdditional(transaction, zone)
    beginMessage(writer, octets, 0, scratchOctets)
    writer.at = headerOctets
    putQuestion(writer, query)
    const from = writer.at
    if (putSections(writer, plan, RRClass.IN) || !plan.isWhole) return null
    return fragmentOf(octets, from, writer.at, generation)
  }
}

/** Whether the target's name has its own addresses alone, all of them in each answer: neither drawn nor from other sets. */
function hasOwnAddressesOnly(zone: Zone, target: Target): boolean {
  const key = keyOfOctets(target.owner, 0, target.owner.length)
  for (const [type, family] of [
    [RRType.A, 4],
    [RRType.AAAA, 6],
  ] as const) {
    const result = lookupInZone(zone, key, type)
    if (result.kind !== 'found') continue
    const { node, set } = result
    if (set.kind !== 'target-address' || zone.nodes.get(key) !== node) return false
    const own = set.target.addresses.filter((address) => address.family === family)
    if (own.length > set.answers) return false
  }
  return true
}

/** The offset that the compression pointer at `at` refers to; -1: there is no pointer. */
const pointerAt = (message: Uint8Array, at: number): number =>
  (message[at] as number) < 0xc0 ? -1 : readUint16(message, at) & 0x3fff

/** The message's records from `from` to `end` as a fragment; null where they cannot be one. */
function fragmentOf(
  message: Uint8Array,
  from: number,
  end: number,
  generation: number,
): TargetFragment | null {
  const name = from + recordHeadOctets + 2
  const pointer = name + 1 + (message[name] as number)
  const mxEnd = pointer + 2
  // The exchange must be one label and a pointer into the question.
  if ((message[name] as number) >= 0xc0 || (message[pointer] as number) < 0xc0) return null
  const rdlength = readUint16(message, from + 10)
  if (pointerAt(message, pointer) >= from || from + recordHeadOctets + rdlength !== mxEnd)
    return null
  let at = mxEnd
  let v6From = end
  while (at < end) {
    const type = readUint16(message, at + 2)
    const isAddress = type === RRType.A || type === RRType.AAAA
    if (pointerAt(message, at) !== name || !isAddress) return null
    if (type === RRType.AAAA) v6From = Math.min(v6From, at)
    at += type === RRType.A ? record4Octets : record6Octets
  }
  return {
    generation,
    mx: message.slice(from, mxEnd),
    v4: message.slice(mxEnd, v6From),
    v6: message.slice(v6From, end),
  }
}

/** Queried less often between two changes of health, a question is not worth fragments: they take as long as some answers. */
const minQueriesBeforeFragments = 8

/** The MX answers of one question. */
export class LadderAnswer {
  readonly #scratch: LadderScratch
  readonly #budget: FragmentBudget
  #fragments: TargetFragments | null = null
  /** Generation of health at the last query, and queries since it began, up to `minQueriesBeforeFragments`. */
  #generation = -1
  #queries = 0

  constructor(scratch: LadderScratch, budget: FragmentBudget) {
    this.#scratch = scratch
    this.#budget = budget
  }

  /**
   * Writes counts, records and addresses of the plan's ladder behind the header and question that stand in `out` from
   * `start` on. Returns the offset of their end; -1 where there are no fragments, or it does not fit before `limit`.
   */
  put(transaction: Transaction, zone: Zone, out: Uint8Array, start: number, limit: number): number {
    const { plan, steering } = transaction
    const { rungs } = plan.entries[0] as PlanEntry
    const generation = steering.health.generation()
    if (!this.#isStable(generation) || plan.count !== 1 || rungs.length > maxRungs) return -1
    this.#fragments ??= new TargetFragments(this.#scratch, this.#budget)
    if (!this.#fragments.isUsable) return -1
    const end = this.#collect(transaction, zone, generation, start)
    return end < 0 || end > limit ? -1 : this.#putRecords(transaction, out, start)
  }

  #isStable(generation: number): boolean {
    if (generation !== this.#generation) {
      this.#generation = generation
      this.#queries = 0
    }
    return (
      this.#queries === minQueriesBeforeFragments || ++this.#queries === minQueriesBeforeFragments
    )
  }

  /** Fills the scratch's fragments for the plan's rungs; returns where the answer will end, or -1. */
  #collect({ plan, query }: Transaction, zone: Zone, generation: number, start: number): number {
    const { fragments } = this.#scratch
    const { rungs } = plan.entries[0] as PlanEntry
    let end = start + headerOctets + query.qnameOctets + questionTailOctets
    for (let i = 0; i < rungs.length; i++) {
      const { target } = rungs[i] as Rung
      const fragment = this.#fragments?.of(target, generation, query, zone) ?? null
      if (fragment === null) return -1
      fragments[i] = fragment
      end += fragment.mx.length + fragment.v4.length + fragment.v6.length
    }
    return end
  }

  #putRecords({ plan, query }: Transaction, out: Uint8Array, start: number): number {
    const { fragments, namePointers } = this.#scratch
    const { rungs, ttl } = plan.entries[0] as PlanEntry
    let at = start + headerOctets + query.qnameOctets + questionTailOctets
    let addresses = 0
    for (let i = 0; i < rungs.length; i++) {
      const { mx, v4, v6 } = fragments[i] as TargetFragment
      addresses += v4.length / record4Octets + v6.length / record6Octets
      namePointers[i] = 0xc000 | (at - start + recordHeadOctets + 2)
      putMx(out, at, mx, ttl, (rungs[i] as Rung).preference)
      at += mx.length
    }
    for (let i = 0; i < rungs.length; i++) {
      const { v4 } = fragments[i] as TargetFragment
      at = putAddresses(out, at, v4, record4Octets, namePointers[i] as number)
    }
    for (let i = 0; i < rungs.length; i++) {
      const { v6 } = fragments[i] as TargetFragment
      at = putAddresses(out, at, v6, record6Octets, namePointers[i] as number)
    }
    out[start + 7] = rungs.length
    out[start + 10] = addresses >> 8
    out[start + 11] = addresses
    return at
  }
}

function putMx(out: Uint8Array, at: number, mx: Uint8Array, ttl: number, preference: number): void {
  for (let i = 0; i < mx.length; i++) out[at + i] = mx[i] as number
  out[at + 6] = ttl >>> 24
  out[at + 7] = ttl >>> 16
  out[at + 8] = ttl >>> 8
  out[at + 9] = ttl
  out[at + recordHeadOctets] = preference >> 8
  out[at + recordHeadOctets + 1] = preference
}

/** Copies address records and sets their owner names to the pointer; returns the offset of their end. */
function putAddresses(
  out: Uint8Array,
  at: number,
  records: Uint8Array,
  recordOctets: number,
  pointer: number,
): number {
  for (let i = 0; i < records.length; i++) out[at + i] = records[i] as number
  for (let i = 0; i < records.length; i += recordOctets) {
    out[at + i] = pointer >> 8
    out[at + i + 1] = pointer
  }
  return at + records.length
}
