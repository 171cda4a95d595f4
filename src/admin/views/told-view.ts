// What a target said of itself, for people.

import { Standing } from '../../health/table.ts'
import type { ToldFeedback } from '../../weights/feedback-book.ts'
import { isoTime } from '../override-routes.ts'

export const toldView = ({ writer, untilMs, ...told }: ToldFeedback): object => ({
  writer,
  factor: told.factor,
  wants: told.factor === 0 && told.standing === Standing.normal ? 'drained' : words[told.standing],
  down: told.isDown,
  reason: told.reason,
  load: told.load,
  until: isoTime(untilMs),
})

const words = {
  [Standing.normal]: 'mail',
  [Standing.drained]: 'drained',
  [Standing.disabled]: 'maint',
  [Standing.forced]: 'mail',
} as const
