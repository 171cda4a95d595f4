// Handlers of GET /targets/NAME and POST /targets/NAME/probe: all that is known of one target, and a probe of it now.
//
//   zone    where several zones have the target

import type { LiveVote } from '../../health/consensus.ts'
import { isoTime } from '../../lib/clock.ts'
import type { WatchedState } from '../../watch/watched-state.ts'
import { findTarget } from '../find-target.ts'
import { type OverrideRow, overrideViews } from '../override-view.ts'
import { compactJson, refuse, type Reply } from '../reply.ts'
import type { AdminRequest } from '../route.ts'
import { voteView, type VoteView } from '../views/status-view.ts'
import {
  type AddressView,
  outcomeView,
  type OutcomeView,
  type TargetsSources,
  targetView,
  type TargetView,
} from '../views/targets-view.ts'
import { strangeParameter } from './parameters.ts'

export interface TargetRouteSources extends TargetsSources {
  readonly votesOn: (slot: number) => readonly LiveVote[]
  /** Has a target probed now; returns the addresses that this instance probes. */
  readonly probeNow: (zone: string, target: string) => readonly string[]
  readonly asks: ProbeAsks
}

/** An address with what is told of it where one target is asked for. */
type AddressDetail = AddressView & {
  readonly slowStart: number
  readonly shedding: number
  /** Verdicts in a row that it takes to go down and to come up. */
  readonly fall: number
  readonly rise: number
  /** The last outcome that was a failure, be it up again or not; null: there was none since the start. */
  readonly lastFailure: OutcomeView | null
  readonly votes: readonly VoteView[]
}

/** GET /targets/NAME. */
export interface TargetReply extends Omit<TargetView, 'addresses'> {
  readonly at: string | null
  readonly zone: string
  readonly target: string
  readonly addresses: readonly AddressDetail[]
  readonly overrides: readonly OverrideRow[]
}

/** POST /targets/NAME/probe. */
export interface ProbeReply {
  readonly zone: string
  readonly target: string
  /** Those whose probe starts now, or is under way; what it finds comes by the stream. */
  readonly addresses: readonly string[]
}

const lookUp = (sources: TargetRouteSources, { name, parameters }: AdminRequest) => {
  const named = [
    ...sources.states(),
    ...sources.overrides.watch.states().map(({ member }) => member),
  ].map(({ zone, target }) => [`${zone} ${target}`, { zone, target }] as const)
  return findTarget([...new Map(named).values()], name, parameters.get('zone'))
}

/** 200 with the target; 404 `unknown-target` or `unknown-zone`, 409 `ambiguous-target`. */
export function targetReply(sources: TargetRouteSources, request: AdminRequest): Reply {
  const strange = strangeParameter(request.parameters, ['zone'])
  if (strange !== null) return strange
  const lookup = lookUp(sources, request)
  if (lookup.kind === 'refused') return lookup.reply
  const { zone, target } = lookup.target
  const { addresses, ...view } = targetView(sources, { zone, target })
  const states = sources.states().filter((one) => one.zone === zone && one.target === target)
  return compactJson({
    at: isoTime(sources.overrides.wallMs()),
    zone,
    target,
    ...view,
    addresses: addresses.map((one, i) => ({
      ...one,
      ...detailOf(states[i] as WatchedState, sources),
    })),
    overrides: overrideViews(sources.overrides).filter(
      (one) => one.zone === zone && one.target === target,
    ),
  } satisfies TargetReply)
}

const detailOf = (
  { slot, slowStart, shedding, fall, rise, lastFailure }: WatchedState,
  { votesOn }: TargetRouteSources,
): Omit<AddressDetail, keyof AddressView> => ({
  slowStart,
  shedding,
  fall,
  rise,
  lastFailure: lastFailure && outcomeView(lastFailure.outcome, lastFailure.atMs),
  votes: votesOn(slot).map(voteView),
})

/** How often a target can be asked to be probed. */
const askEveryMs = 5000

/** When each target was last asked to be probed, within the last seconds. */
export class ProbeAsks {
  readonly #monotonicMs: () => number
  readonly #askedMs = new Map<string, number>()

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs
  }

  /** Milliseconds until it may be asked again; 0: it may, and counts as asked. */
  take(key: string): number {
    const nowMs = this.#monotonicMs()
    for (const [known, askedMs] of this.#askedMs)
      if (nowMs - askedMs >= askEveryMs) this.#askedMs.delete(known)
    const waitMs = askEveryMs - (nowMs - (this.#askedMs.get(key) ?? -Infinity))
    if (waitMs > 0) return waitMs
    this.#askedMs.set(key, nowMs)
    return 0
  }
}

/** 202 with the addresses; 429 `too-soon`, 409 `not-probed-here`, or as `targetReply`. */
export function probeReply(sources: TargetRouteSources, request: AdminRequest): Reply {
  const strange = strangeParameter(request.parameters, ['zone'])
  if (strange !== null) return strange
  const lookup = lookUp(sources, request)
  if (lookup.kind === 'refused') return lookup.reply
  const { zone, target } = lookup.target
  const waitMs = sources.asks.take(`${zone} ${target}`)
  if (waitMs > 0) {
    const retryAfterSeconds = Math.ceil(waitMs / 1000)
    const message = `a target is probed on request every ${askEveryMs / 1000} s: ask again in ${retryAfterSeconds} s`
    return { ...refuse(429, 'too-soon', message), retryAfterSeconds }
  }
  const addresses = sources.probeNow(zone, target)
  if (addresses.length > 0)
    return compactJson({ zone, target, addresses } satisfies ProbeReply, 202)
  const message = `${target}.${zone} is not probed by this instance: ask one that votes on it (votes in /targets/${target})`
  return refuse(409, 'not-probed-here', message)
}
