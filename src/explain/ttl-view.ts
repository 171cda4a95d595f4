// The TTL of a steered answer, and the state or weight that limits it. Fields are JSON of /explain.

import type { HealthReader } from '../health/table.ts'
import { answerTtl, type Locus } from '../steer/selection.ts'
import type { SelectedSet, TargetAddresses } from '../steer/policy.ts'
import { traceSteering } from './trace.ts'

export interface TtlView {
  /** The TTL in force; `most` and `least` are the `ttl` and `min_ttl` of the set. */
  readonly seconds: number
  readonly most: number
  readonly least: number
  readonly limit: 'ttl' | 'min-ttl' | 'hold' | 'epoch'
  /**
   * The target whose state or weight could change that soon; null: none, or it is not known which.
   */
  readonly by: { readonly target: string; readonly what: string; readonly inSeconds: number } | null
}

type Hold = NonNullable<TtlView['by']>

export function ttlView(
  set: SelectedSet,
  locus: Locus,
  health: HealthReader,
  seconds: number,
): TtlView {
  const trace = traceSteering(set, locus, health)
  const holds = trace.isInternal
    ? []
    : trace.pools.flatMap(({ members }) =>
        members.flatMap(({ member, addresses }): Hold[] => [
          ...addresses.map(({ text, state, holdSeconds }) => ({
            target: member.target.name,
            what: `${text} is ${state}`,
            inSeconds: holdSeconds,
          })),
          {
            target: member.target.name,
            what: 'override or warm-up',
            inSeconds: health.rowHoldSeconds(member.row),
          },
        ]),
      )
  return ttlViewOf(set, holds, seconds)
}

export function targetTtlView(
  set: TargetAddresses,
  health: HealthReader,
  seconds: number,
): TtlView {
  const { target, memberships } = set
  const holds = memberships.flatMap(({ slots }) =>
    slots.map((slot, i) => ({
      target: target.name,
      what: target.addresses[i]?.text ?? '',
      inSeconds: health.holdSeconds(slot),
    })),
  )
  return ttlViewOf(set, holds, seconds)
}

function ttlViewOf(
  set: { readonly ttl: number; readonly minTtl: number },
  holds: readonly Hold[],
  seconds: number,
): TtlView {
  const { ttl: most, minTtl: least } = set
  const by =
    seconds >= most
      ? undefined
      : holds
          .toSorted((a, b) => a.inSeconds - b.inSeconds)
          .find(({ inSeconds }) => answerTtl(set, inSeconds) === seconds)
  const limit = seconds >= most ? 'ttl' : by && by.inSeconds < least ? 'min-ttl' : 'hold'
  return { seconds, most, least, limit, by: by ?? null }
}
