// Alerts of one endpoint: what an operator should know beside its state, raised and ended once each.
//
//   prober-blocked   by the votes of all sites (health/refusal.ts): the target refuses probes, perhaps only probes
//   prober-blind     no probe of this instance says anything of the target for long: each is `self`. Isolation, of the
//                    host or of an address family, has an event of its own for all targets together, and raises none
//   tls              by the last outcome of this instance, until TLS is good again; an outcome without TLS changes nothing

import type { DampingPolicy } from '../health/damping.ts'
import type { LiveVote } from '../health/consensus.ts'
import type { Outcome } from '../health/outcome.ts'
import { classifyRefusal, isProberBlocked, isRefusal, siteReports } from '../health/refusal.ts'
import type { AlertKind } from '../health/verdict.ts'
import type { WatchedAddress } from '../probe/smtp/profile.ts'

/** An alert that begins (`isRaised`), or is over. */
export interface AlertChange {
  readonly alert: AlertKind
  readonly isRaised: boolean
  /** Reason of the outcome that raised it, or of the one that ended it. */
  readonly reason: string
}

export interface TargetAlert extends AlertChange {
  readonly zone: string
  readonly target: string
  readonly address: string
}

interface AlertInput {
  /** The last outcome of this instance; null while other instances probe the endpoint, which raise its alerts. */
  readonly last: Outcome | null
  readonly votes: readonly LiveVote[]
  /** Whether the probes of this instance have said nothing for long (`isLongBlind`). */
  readonly isBlind: boolean
}

/** Reasons of outcomes that one fault of this host explains for all targets, or for those of a family. */
export const isolationReasons: ReadonlySet<string> = new Set([
  'isolated',
  'isolated-ipv4',
  'isolated-ipv6',
])

const blindAfterMs = 300_000
const blindAfterIntervals = 15

/**
 * Whether probes without a verdict are many and old enough to be reported: `fall` in a row, so that this instance has no
 * vote, for five minutes, or for fifteen intervals where these are shorter.
 */
export const isLongBlind = (
  unknowns: number,
  blindMs: number,
  { fall, intervalMs }: Pick<DampingPolicy, 'fall' | 'intervalMs'>,
): boolean =>
  unknowns >= fall && blindMs >= Math.min(blindAfterMs, blindAfterIntervals * intervalMs)

const noChanges: readonly AlertChange[] = []

export class TargetAlerts {
  /** Reason by alert. */
  #raised: ReadonlyMap<AlertKind, string> = new Map()

  raised(): readonly AlertKind[] {
    return [...this.#raised.keys()]
  }

  isRaised(alert: AlertKind): boolean {
    return this.#raised.has(alert)
  }

  inherit(before: TargetAlerts): void {
    this.#raised = before.#raised
  }

  /** Returns the changes since the last call. A TLS alert whose reason changes is raised again. */
  update(input: AlertInput): readonly AlertChange[] {
    const { last, votes, isBlind } = input
    const tls = last && this.#tlsReason(last)
    const isQuiet = tls === null && !isBlind && this.#raised.size === 0
    if (isQuiet && !votes.some(isRefusal)) return noChanges
    const next = new Map<AlertKind, string>()
    if (last !== null && isProberBlocked(classifyRefusal(siteReports(votes))))
      next.set('prober-blocked', this.#raised.get('prober-blocked') ?? last.reason)
    const blind = isBlind && last ? this.#blindReason(last) : null
    if (blind !== null) next.set('prober-blind', blind)
    if (tls !== null) next.set('tls', tls)
    const changes = this.#changesTo(next, last?.reason ?? 'unprobed')
    this.#raised = next
    return changes
  }

  #changesTo(next: ReadonlyMap<AlertKind, string>, reasonOfEnd: string): readonly AlertChange[] {
    const changes: AlertChange[] = []
    for (const [alert, reason] of next)
      if (this.#raised.get(alert) !== reason) changes.push({ alert, isRaised: true, reason })
    for (const alert of this.#raised.keys())
      if (!next.has(alert)) changes.push({ alert, isRaised: false, reason: reasonOfEnd })
    return changes
  }

  /** The first reason stays while the alert lasts: those of a busy host alternate. */
  #blindReason({ reason }: Outcome): string | null {
    return this.#raised.get('prober-blind') ?? (isolationReasons.has(reason) ? null : reason)
  }

  #tlsReason({ kind, reason }: Outcome): string | null {
    if (kind === 'tls') return reason
    return kind === 'ok' || kind === 'slow' ? null : (this.#raised.get('tls') ?? null)
  }
}

/** Returns each change once for each address of the endpoint: several targets may share it. */
export const describeAlerts = (
  { addresses }: { readonly addresses: readonly WatchedAddress[] },
  changes: readonly AlertChange[],
): readonly TargetAlert[] =>
  changes.flatMap((change) =>
    addresses.map(({ zone, target, address }) => ({ zone, target, address, ...change })),
  )
