// What each target adds to the MX answers of one question, encoded once for each generation of health: its MX record,
// and the records of its addresses.
//
// A piece is what encode.ts writes for that target alone. It stays the same beside others as long as names are
// compressed by the question alone: each exchange is one label that the question does not have, then a pointer to it;
// and each address belongs to the exchange. Where any of that is not so, there are no pieces, and answers are encoded
// whole.

import type { Target } from '../../steer/policy.ts'
import type { Rung } from '../../steer/selection.ts'
import { headerOctets, questionTailOctets } from '../../wire/header.ts'
import { keyOfOctets, type NameKey } from '../../wire/name.ts'
import type { Query } from '../../wire/query.ts'
import { Rcode } from '../../wire/rcode.ts'
import { RRClass, RRType } from '../../wire/rrtype.ts'
import { beginMessage, createWriter } from '../../wire/writer.ts'
import { lookupInZone } from '../../zone/lookup.ts'
import type { Zone } from '../../zone/zone.ts'
import { addAdditional } from '../additional.ts'
import { putQuestion, putSections } from '../encode.ts'
import { addEntry, type PlanEntry, resetPlan } from '../plan.ts'
import type { Transaction } from '../transaction.ts'

interface TargetFragment {
  readonly generation: number
  /** The MX record, TTL and preference open. */
  readonly mx: Uint8Array
  /** Address records, their owner names open; all of a family are as long. */
  readonly v4: Uint8Array
  readonly v6: Uint8Array
}

/** Owner (a pointer), type, class, TTL and length. */
const mxHeadOctets = 12

const record4Octets: number = mxHeadOctets + 4

const record6Octets: number = mxHeadOctets + 16

const scratchOctets = 4096

const writer = createWriter()

const scratch = new Uint8Array(scratchOctets)

/** What the pointer there points to, -1 where there is none. */
const pointerAt = (message: Uint8Array, at: number): number =>
  (message[at] as number) < 0xc0
    ? -1
    : (((message[at] as number) & 0x3f) << 8) | (message[at + 1] as number)

const rdlengthAt = (message: Uint8Array, record: number): number =>
  ((message[record + 10] as number) << 8) | (message[record + 11] as number)

export class TargetFragments {
  /** False: of this question's targets none can be made. */
  isFit = true
  /** Decides and is encoded beside the answer in hand. */
  readonly #alone: Transaction
  /** By the target's index. */
  readonly #pieces = new Map<number, TargetFragment>()
  readonly #exchanges = new Map<NameKey, number>()

  readonly #budget: { pieces: number }

  /** `alone`: for nothing else; those of all questions may share it. `budget`: pieces that all of them may keep yet. */
  constructor(alone: Transaction, budget: { pieces: number }) {
    this.#alone = alone
    this.#budget = budget
  }

  of(target: Target, generation: number, query: Query, zone: Zone): TargetFragment | null {
    const known = this.#pieces.get(target.index)
    if (known !== undefined && known.generation === generation) return known
    if (known === undefined && this.#budget.pieces-- <= 0) return null
    const key = keyOfOctets(target.owner, 0, target.owner.length)
    // Two of one name would be pointed to as one.
    if ((this.#exchanges.get(key) ?? target.index) !== target.index) this.isFit = false
    this.#exchanges.set(key, target.index)
    const piece = this.isFit ? this.#make(target, generation, query, zone) : null
    if (piece === null) this.isFit = false
    else this.#pieces.set(target.index, piece)
    return piece
  }

  /** What encode.ts writes for this target alone, taken apart. */
  #make(target: Target, generation: number, query: Query, zone: Zone): TargetFragment | null {
    const { plan } = this.#alone
    if (!isPlain(zone, target)) return null
    resetPlan(plan, Rcode.NOERROR)
    const entry = addEntry(plan, 'answer', null, RRType.MX)
    if (entry === null) return null
    entry.rungs = [{ target, preference: 0 }]
    addAdditional(this.#alone, zone)
    beginMessage(writer, scratch, 0, scratchOctets)
    writer.at = headerOctets
    putQuestion(writer, query)
    const from = writer.at
    if (putSections(writer, plan, RRClass.IN) || !plan.isWhole) return null
    return takeApart(scratch, from, writer.at, generation)
  }
}

/** Whether its addresses come out of its own sets alone, all that live: neither drawn nor found elsewhere. */
function isPlain(zone: Zone, target: Target): boolean {
  const key = keyOfOctets(target.owner, 0, target.owner.length)
  for (const [type, family] of [
    [RRType.A, 4],
    [RRType.AAAA, 6],
  ] as const) {
    const found = lookupInZone(zone, key, type)
    if (found.kind !== 'found') continue
    if (found.set.kind !== 'target-address' || zone.nodes.get(key) !== found.node) return false
    const own = found.set.target.addresses.filter((address) => address.family === family)
    if (own.length > found.set.answers) return false
  }
  return true
}

/** The message's records from `from` on, if they are what pieces may be made of. */
function takeApart(
  message: Uint8Array,
  from: number,
  end: number,
  generation: number,
): TargetFragment | null {
  const name = from + mxHeadOctets + 2
  const pointer = name + 1 + (message[name] as number)
  const mxEnd = pointer + 2
  // One label, and a pointer into the question.
  if ((message[name] as number) >= 0xc0 || (message[pointer] as number) < 0xc0) return null
  if (
    pointerAt(message, pointer) >= from ||
    from + mxHeadOctets + rdlengthAt(message, from) !== mxEnd
  )
    return null
  const lengths: Record<number, number> = {
    [RRType.A]: record4Octets,
    [RRType.AAAA]: record6Octets,
  }
  let at = mxEnd
  let v6From = end
  while (at < end) {
    const type = ((message[at + 2] as number) << 8) | (message[at + 3] as number)
    if (pointerAt(message, at) !== name || lengths[type] === undefined) return null
    if (type === RRType.AAAA) v6From = Math.min(v6From, at)
    at += lengths[type]
  }
  return {
    generation,
    mx: message.slice(from, mxEnd),
    v4: message.slice(mxEnd, v6From),
    v6: message.slice(v6From, end),
  }
}

// MX ladders kept ready: an answer to one question is put together of what each target adds to it (ladder-answer.ts), in
// the order that steering drew.

/** What goes into a ladder by its pieces; longer ones are encoded whole. */
const maxRungs = 16

/** Of the ladder in hand. */
const pieces: (TargetFragment | null)[] = Array.from({ length: maxRungs }, () => null)

const namePointers = new Int32Array(maxRungs)

/** Asked less often between two changes of health, it is not worth pieces: to make them takes as long as some answers. */
const minQueriesBeforeFragments = 8

/** One for each question, as it was asked; `alone` as of LadderPieces. */
export class LadderAnswer {
  readonly #alone: Transaction
  readonly #budget: { pieces: number }
  #pieces: TargetFragments | null = null
  /** Of health, when it was asked last; and how often since. */
  #generation = -1
  #calm = 0

  constructor(alone: Transaction, budget: { pieces: number }) {
    this.#alone = alone
    this.#budget = budget
  }

  /**
   * Header counts, records and addresses of the plan's ladder to `out`, behind header and question that are there:
   * where they end, or -1. Nothing beyond `limit`.
   */
  put(transaction: Transaction, zone: Zone, out: Uint8Array, start: number, limit: number): number {
    const { plan, context } = transaction
    const { rungs } = plan.entries[0] as PlanEntry
    const generation = context.health.generation()
    if (!this.#isCalm(generation) || plan.count !== 1 || rungs.length > maxRungs) return -1
    this.#pieces ??= new TargetFragments(this.#alone, this.#budget)
    if (!this.#pieces.isFit) return -1
    return this.#putPieces(transaction, zone, generation, out, start, limit)
  }

  #isCalm(generation: number): boolean {
    if (generation !== this.#generation) {
      this.#generation = generation
      this.#calm = 0
    }
    return this.#calm === minQueriesBeforeFragments || ++this.#calm === minQueriesBeforeFragments
  }

  #putPieces(
    transaction: Transaction,
    zone: Zone,
    generation: number,
    out: Uint8Array,
    start: number,
    limit: number,
  ): number {
    const { plan, query } = transaction
    const { rungs, ttl } = plan.entries[0] as PlanEntry
    let end = start + headerOctets + query.qnameOctets + questionTailOctets
    let at = end
    let addresses = 0
    for (let i = 0; i < rungs.length; i++) {
      const { target } = rungs[i] as Rung
      const piece = this.#pieces?.of(target, generation, query, zone) ?? null
      if (piece === null) return -1
      pieces[i] = piece
      end += piece.mx.length + piece.v4.length + piece.v6.length
      addresses += piece.v4.length / record4Octets + piece.v6.length / record6Octets
    }
    if (end > limit) return -1
    for (let i = 0; i < rungs.length; i++) {
      const { mx } = pieces[i] as TargetFragment
      namePointers[i] = 0xc000 | (at - start + mxHeadOctets + 2)
      putMx(out, at, mx, ttl, (rungs[i] as Rung).preference)
      at += mx.length
    }
    for (let i = 0; i < rungs.length; i++)
      at = putAddresses(
        out,
        at,
        (pieces[i] as TargetFragment).v4,
        record4Octets,
        namePointers[i] as number,
      )
    for (let i = 0; i < rungs.length; i++)
      at = putAddresses(
        out,
        at,
        (pieces[i] as TargetFragment).v6,
        record6Octets,
        namePointers[i] as number,
      )
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
  out[at + mxHeadOctets] = preference >> 8
  out[at + mxHeadOctets + 1] = preference
}

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
