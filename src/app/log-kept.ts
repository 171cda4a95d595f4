// The events of what is kept over restarts, and of what MTAs say of themselves. docs/operations.md has the table of
// `event` words.

import type { FeedbackEffect } from '../health/feedback.ts'
import type { Log } from './log.ts'
import type { NamedTarget } from '../weights/feedback-book.ts'
import type { KeptEvent } from '../persistence/state-file.ts'

export function logKept(log: Log, event: KeptEvent): void {
  const { file } = event
  switch (event.kind) {
    case 'restored': {
      const { verdicts, overrides } = event.state
      const counts = { verdicts: verdicts.size, overrides: overrides.length }
      const ageSeconds = Math.round(event.ageMs / 1000)
      return log.info({ event: 'state.restored', file, ageSeconds, ...counts }, 'state taken over')
    }
    case 'ignored':
      return log.warn({ event: 'state.ignored', file, why: event.why }, 'nothing is remembered')
    case 'unwritable':
      return log.warn(
        { event: 'state.unwritable', file, why: event.why },
        'the state file cannot be written: a restart forgets what changes from now on',
      )
    case 'writable':
      return log.info({ event: 'state.writable', file }, 'the state file is written again')
    default:
      return event satisfies never
  }
}

export function logFeedback(log: Log, of: NamedTarget, { factor, standing }: FeedbackEffect): void {
  const { zone, target } = of
  const message = `${target}.${zone} says that it wants ${standing === 0 ? `${factor} of its mail` : 'no mail'}`
  log.info({ event: 'target.feedback', zone, target, factor, isOut: standing !== 0 }, message)
}
