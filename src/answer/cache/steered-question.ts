// A question that leads to a steered set: what was found for it, and its records behind header and question.

import type { MessageWriter } from '../../wire/writer.ts'
import type { Lookup } from '../../zone/lookup.ts'
import { addAdditional } from '../additional.ts'
import { putAddressAnswer } from './address-answer.ts'
import type { Recurrence } from './drawn-answers.ts'
import type { Inquiry } from '../inquiry.ts'
import type { QuestionLadder } from './ladder-octets.ts'
import type { PreparedSet } from './prepared-sets.ts'
import { maxStoredOctets } from './question-store.ts'

export type Found = Extract<Lookup, { kind: 'found' }>

export interface SteeredQuestion {
  /** No other question ever has it. */
  readonly number: number
  readonly found: Found
  readonly ladder: QuestionLadder | null
  /** null: nothing is drawn by weight for its set. */
  readonly prepared: PreparedSet | null
  readonly recurrence: Recurrence
}

/** Whether an answer that ends there is worth keeping whole. */
export const isKeepable = ({ start }: MessageWriter, end: number): boolean =>
  end >= 0 && end - start <= maxStoredOctets

export const isRecurring = ({ prepared, recurrence }: SteeredQuestion): boolean =>
  prepared !== null && prepared.isRecurring && recurrence.isWorthwhile()

/** What was added to the plan, behind header and question that are there; -1 with all that belongs to it planned. */
export function putRecords(
  inquiry: Inquiry,
  { found, ladder }: SteeredQuestion,
  writer: MessageWriter,
  limit: number,
): number {
  if (ladder === null) return putAddressAnswer(inquiry, writer, limit)
  const end = ladder.put(inquiry, found.zone, writer.out, writer.start, limit)
  if (end < 0) addAdditional(inquiry, found.zone)
  return end
}
