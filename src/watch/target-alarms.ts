// What an operator should know of a target beside its state: raised and lowered once each.
//
//   prober-blocked   by the votes of all sites (health/refusal.ts): it refuses us, and perhaps only us
//   tls              by our own last outcome, until it is well again; what says nothing of TLS leaves it

import type { LiveVote } from '../health/consensus.ts'
import { isProberBlocked, weighRefusal, wordsOf } from '../health/refusal.ts'
import type { AlarmKind } from '../health/verdict.ts'
import type { Outcome } from '../health/outcome.ts'
import type { WatchedAddress } from '../probe/smtp/profile.ts'

export interface AlarmChange {
  readonly alarm: AlarmKind
  readonly isRaised: boolean
  /** Of the outcome that raised it, or of the one that lowers it. */
  readonly reason: string
}

export interface TargetAlarm extends AlarmChange {
  readonly zone: string
  readonly target: string
  readonly address: string
}

const nothing: readonly AlarmChange[] = []

export class TargetAlarms {
  #raised: ReadonlyMap<AlarmKind, string> = new Map()

  raised(): readonly AlarmKind[] {
    return [...this.#raised.keys()]
  }

  inherit(before: TargetAlarms): void {
    this.#raised = before.#raised
  }

  /** Changes since the last time. A TLS alarm that changes its reason is raised again. */
  weigh(last: Outcome | null, votes: readonly LiveVote[]): readonly AlarmChange[] {
    const tls = last && this.#tlsReason(last)
    if (tls === null && this.#raised.size === 0 && votes.every(({ state }) => state !== 'D')) {
      return nothing
    }
    const next = new Map<AlarmKind, string>()
    // Who is probed elsewhere raises its alarms there.
    if (last !== null && isProberBlocked(weighRefusal(wordsOf(votes)))) {
      next.set('prober-blocked', this.#raised.get('prober-blocked') ?? last.reason)
    }
    if (tls !== null) next.set('tls', tls)
    const changes: AlarmChange[] = []
    for (const [alarm, reason] of next) {
      if (this.#raised.get(alarm) !== reason) changes.push({ alarm, isRaised: true, reason })
    }
    for (const alarm of this.#raised.keys()) {
      if (!next.has(alarm))
        changes.push({ alarm, isRaised: false, reason: last?.reason ?? 'unprobed' })
    }
    this.#raised = next
    return changes
  }

  #tlsReason({ kind, reason }: Outcome): string | null {
    if (kind === 'tls') return reason
    return kind === 'ok' || kind === 'slow' ? null : (this.#raised.get('tls') ?? null)
  }
}

/** One a watched address: several targets may share the endpoint. */
export const describeAlarms = (
  { addresses }: { readonly addresses: readonly WatchedAddress[] },
  changes: readonly AlarmChange[],
): readonly TargetAlarm[] =>
  changes.flatMap((change) =>
    addresses.map(({ zone, target, address }) => ({ zone, target, address, ...change })),
  )
