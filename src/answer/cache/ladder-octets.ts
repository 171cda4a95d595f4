// MX ladders kept ready: an answer to one question is put together of what each target adds to it (ladder-pieces.ts), in
// the order that steering drew.

import type { Rung } from '../../steer/selection.ts'
import { headerOctets, questionTailOctets } from '../../wire/header.ts'
import type { Zone } from '../../zone/zone.ts'
import type { Inquiry } from '../inquiry.ts'
import { LadderPieces, mxHeadOctets, record4Octets, record6Octets } from './ladder-pieces.ts'
import type { Piece } from './ladder-pieces.ts'
import type { PlanEntry } from '../plan.ts'

/** What goes into a ladder by its pieces; longer ones are encoded whole. */
const maxRungs = 16

/** Of the ladder in hand. */
const pieces: (Piece | null)[] = Array.from({ length: maxRungs }, () => null)
const namePointers = new Int32Array(maxRungs)

/** Asked less often between two changes of health, it is not worth pieces: to make them takes as long as some answers. */
const calmAskings = 8

/** One for each question, as it was asked; `alone` as of LadderPieces. */
export class QuestionLadder {
  readonly #alone: Inquiry
  readonly #budget: { pieces: number }
  #pieces: LadderPieces | null = null
  /** Of health, when it was asked last; and how often since. */
  #generation = -1
  #calm = 0

  constructor(alone: Inquiry, budget: { pieces: number }) {
    this.#alone = alone
    this.#budget = budget
  }

  /**
   * Header counts, records and addresses of the plan's ladder to `out`, behind header and question that are there:
   * where they end, or -1. Nothing beyond `limit`.
   */
  // oxlint-disable-next-line max-params -- on the answering path: an object would be an allocation a query
  put(inquiry: Inquiry, zone: Zone, out: Uint8Array, start: number, limit: number): number {
    const { plan, context } = inquiry
    const { rungs } = plan.entries[0] as PlanEntry
    const generation = context.health.generation()
    if (!this.#isCalm(generation) || plan.count !== 1 || rungs.length > maxRungs) return -1
    this.#pieces ??= new LadderPieces(this.#alone, this.#budget)
    if (!this.#pieces.isFit) return -1
    return this.#putPieces(inquiry, zone, generation, out, start, limit)
  }

  #isCalm(generation: number): boolean {
    if (generation !== this.#generation) {
      this.#generation = generation
      this.#calm = 0
    }
    return this.#calm === calmAskings || ++this.#calm === calmAskings
  }

  // oxlint-disable-next-line max-params -- on the answering path: an object would be an allocation a query
  #putPieces(
    inquiry: Inquiry,
    zone: Zone,
    generation: number,
    out: Uint8Array,
    start: number,
    limit: number,
  ): number {
    const { plan, query } = inquiry
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
      const { mx } = pieces[i] as Piece
      namePointers[i] = 0xc000 | (at - start + mxHeadOctets + 2)
      putMx(out, at, mx, ttl, (rungs[i] as Rung).preference)
      at += mx.length
    }
    for (let i = 0; i < rungs.length; i++)
      at = putAddresses(out, at, (pieces[i] as Piece).v4, record4Octets, namePointers[i] as number)
    for (let i = 0; i < rungs.length; i++)
      at = putAddresses(out, at, (pieces[i] as Piece).v6, record6Octets, namePointers[i] as number)
    out[start + 7] = rungs.length
    out[start + 10] = addresses >> 8
    out[start + 11] = addresses
    return at
  }
}

// oxlint-disable-next-line max-params -- on the answering path: an object would be an allocation a record
function putMx(out: Uint8Array, at: number, mx: Uint8Array, ttl: number, preference: number): void {
  for (let i = 0; i < mx.length; i++) out[at + i] = mx[i] as number
  out[at + 6] = ttl >>> 24
  out[at + 7] = ttl >>> 16
  out[at + 8] = ttl >>> 8
  out[at + 9] = ttl
  out[at + mxHeadOctets] = preference >> 8
  out[at + mxHeadOctets + 1] = preference
}

// oxlint-disable-next-line max-params -- on the answering path: an object would be an allocation a record
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
