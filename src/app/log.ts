// The log: one JSON line an event that an operator may have to act on. Nothing per query, nothing
// per probe.

import { type Logger, pino } from 'pino'

export type Log = Logger

/**
 * Lines carry `event`, a stable word; the table is in docs/operations.md. Written to standard
 * output.
 */
export const createLog = (level: string, instance: string): Log =>
  pino({
    level,
    base: { instance },
    timestamp: pino.stdTimeFunctions.isoTime,
    messageKey: 'message',
  })
