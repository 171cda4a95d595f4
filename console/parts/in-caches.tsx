// Until when resolvers may still lead to a target by answers that were given.

import type { VNode } from 'preact'
import { useCallback } from 'preact/hooks'

import type { MemberRow } from '../store/rows.ts'
import { serverNowMs } from '../store/live.ts'
import { useSteady } from '../store/use-steady.ts'
import { countdown } from './figures.ts'
import { exposedUntilMs, isSafeToStop, namesOf } from './standing.ts'

const circumference = 2 * Math.PI * 5
/** What the ring shows as whole: TTLs of steered sets are mostly below. */
const wholeSeconds = 60

/** Drawn with each second that it counts down, and not where no cache has it. */
export function InCaches({ member }: { member: MemberRow }): VNode {
  const { seconds, isSafe } = useSteady(
    useCallback(() => leftOf(member, serverNowMs.value), [member]),
  )
  if (isSafe) return <span class="in-caches tone-hold is-safe">safe to stop</span>
  if (seconds <= 0 && member.notKnownOf.length > 0)
    return <span class="in-caches tone-warn">not known of {namesOf(member.notKnownOf)}</span>
  if (seconds <= 0) return <span class="in-caches dim">none</span>
  const part = Math.min(1, seconds / wholeSeconds) * circumference
  const tone = member.out === null ? 'dim' : 'tone-hold'
  return (
    <span class={`in-caches ${tone}`}>
      <svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true">
        <circle cx="7" cy="7" r="5" fill="none" stroke="var(--line-2)" stroke-width="2" />
        <circle
          cx="7"
          cy="7"
          r="5"
          fill="none"
          stroke="currentColor"
          stroke-width="2"
          stroke-dasharray={`${part.toFixed(1)} ${circumference.toFixed(1)}`}
          transform="rotate(-90 7 7)"
          stroke-linecap="round"
        />
      </svg>
      {countdown(seconds)}
    </span>
  )
}

function leftOf(
  member: MemberRow,
  nowMs: number,
): { readonly seconds: number; readonly isSafe: boolean } {
  const until = exposedUntilMs(member)
  return {
    seconds: until === null ? 0 : Math.max(0, (until - nowMs) / 1000),
    isSafe: isSafeToStop(member, nowMs) === true,
  }
}
