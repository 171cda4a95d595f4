// What targets look like from outside, as /targets shows it.

import { Standing } from '../../health/table.ts'
import { shownList } from '../../reputation/findings.ts'
import type { IdentityState } from '../../reputation/reputation-watch.ts'
import type { ToldFeedback } from '../../weights/feedback-registry.ts'
import { isoTime } from '../../lib/clock.ts'

export function identityView(state: IdentityState, wallMs: number): object {
  const { watched, greeting, reverse, listings, findings, ageMs } = state
  const { zone, pool, target, address } = watched
  // Listings are kept on the clock of intervals; a look has just been, or not been, `ageMs` ago on it.
  const sinceLookMs = (atMs: number): number => (state.lookedAtMs ?? atMs) - atMs
  return {
    zone,
    pool,
    target,
    address,
    lookedAt: ageMs === null ? null : isoTime(wallMs - ageMs),
    banner: greeting?.banner ?? null,
    ehlo: greeting?.ehlo ?? null,
    reverse: reverse && {
      state: reverse.kind,
      ...('names' in reverse && { names: reverse.names }),
    },
    listings: [...listings].map(([list, { sinceMs, codes, isBelieved }]) => ({
      list: shownList(list),
      since: isoTime(wallMs - (ageMs ?? 0) - sinceLookMs(sinceMs)),
      codes,
      believed: isBelieved,
    })),
    findings: findings.map(({ kind, message }) => ({ kind, message })),
  }
}

// What a target said of itself, for people.

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
