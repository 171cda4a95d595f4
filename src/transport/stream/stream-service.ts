// What all connections of a worker share: the answering path, the limits, the table of slots, one buffer.

import type { Respond } from '../../answer/context.ts'
import type { Counters } from '../../answer/counters.ts'
import type { BeginTransfer } from '../../answer/transfer/transfer.ts'
import type { Clock } from '../../lib/clock.ts'
import { type StreamLimits, streamLimits } from './stream-limits.ts'
import { type StreamTable, createStreamTable } from './stream-table.ts'

export interface StreamSources {
  readonly respond: Respond
  readonly beginTransfer: BeginTransfer
  readonly counters: Counters
  readonly clock: Clock
  readonly limits?: StreamLimits
}

export interface StreamService extends Required<StreamSources> {
  readonly table: StreamTable
  /** Answers of one turn gather here, each with its length before it, and leave in one write. */
  readonly gather: Buffer
}

/** A length and the longest message. */
export const answerRoom: number = 2 + 65_535

export function createStreamService(sources: StreamSources): StreamService {
  const limits = sources.limits ?? streamLimits
  return {
    ...sources,
    limits,
    table: createStreamTable(limits, sources.counters, sources.clock),
    gather: Buffer.alloc(2 * answerRoom),
  }
}
