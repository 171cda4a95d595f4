// The order in which exchanges and policies of MTA-STS are replaced (RFC 8461 §8.3): a sender goes by a policy that it
// fetched for as long as its max_age, and delivers to none of the exchanges outside. It may look for a newer one before, by
// the id in the TXT record, and has to do so before it bounces (§5.1).

import { isAllowed } from '../zone/mta-sts/policy.ts'
import { type HandedExchange, type HandedPolicy, policyUntilMs, ttlUntilMs } from './handed-out.ts'

export type PolicyMistake =
  /** A policy that senders hold, in mode enforce, does not allow these exchanges. */
  | {
      readonly kind: 'excludes'
      readonly exchanges: readonly string[]
      readonly safeFromMs: number
      /** This change makes it so that nothing that senders can know of allows any exchange. */
      readonly isAll: boolean
    }
  /** The new policy leaves out exchanges that caches still name. */
  | { readonly kind: 'forgets'; readonly exchanges: readonly string[]; readonly safeFromMs: number }

interface PolicyChange {
  /** Policies of the domain that were handed out. */
  readonly before: readonly HandedPolicy[]
  /** Its exchanges that were handed out. */
  readonly exchangesBefore: readonly HandedExchange[]
  /** Where its mail goes now. */
  readonly exchanges: readonly string[]
  /** null: it has none any more. */
  readonly policy: Pick<HandedPolicy, 'id' | 'mode' | 'patterns'> | null
  /** TTL of the TXT record. */
  readonly ttlSeconds: number
}

export function judgePolicyChange(change: PolicyChange, nowMs: number): readonly PolicyMistake[] {
  return [...excluding(change, nowMs), ...forgetting(change, nowMs)]
}

function excluding(change: PolicyChange, nowMs: number): readonly PolicyMistake[] {
  const { before, exchangesBefore, exchanges, policy, ttlSeconds } = change
  const served = new Set(
    exchangesBefore.flatMap(({ name, lastMs }) => (lastMs === null ? [name] : [])),
  )
  const isChange = served.size > 0 && exchanges.some((name) => !served.has(name))
  const outside = new Set<string>()
  let safeFromMs = 0
  let isAll = false
  for (const held of before) {
    // What is wrong with the policy that is in the file is said there.
    if (held.mode !== 'enforce' || held.id === policy?.id) continue
    const untilMs = policyUntilMs(held, nowMs)
    const names = exchanges.filter((name) => !isAllowed(held.patterns, name))
    if (untilMs <= nowMs || names.length === 0) continue
    for (const name of names) outside.add(name)
    safeFromMs = Math.max(safeFromMs, untilMs)
    const isNewerKnown = before.some(
      (one) =>
        one.firstMs > held.firstMs &&
        one.lastMs === null &&
        // Other instances may have handed out the older one for longer.
        Math.max(one.firstMs, held.lastMs ?? 0) + ttlSeconds * 1000 <= nowMs &&
        (one.mode !== 'enforce' || exchanges.some((name) => isAllowed(one.patterns, name))),
    )
    isAll ||= isChange && names.length === exchanges.length && !isNewerKnown
  }
  return outside.size === 0
    ? []
    : [{ kind: 'excludes', exchanges: [...outside], safeFromMs, isAll }]
}

function forgetting(change: PolicyChange, nowMs: number): readonly PolicyMistake[] {
  const { exchangesBefore, exchanges, policy } = change
  if (policy?.mode !== 'enforce') return []
  const present = new Set(exchanges)
  const gone = exchangesBefore.filter(
    (one) =>
      !present.has(one.name) &&
      !isAllowed(policy.patterns, one.name) &&
      ttlUntilMs(one, nowMs) > nowMs,
  )
  if (gone.length === 0) return []
  const safeFromMs = Math.max(...gone.map((one) => ttlUntilMs(one, nowMs)))
  return [{ kind: 'forgets', exchanges: [...new Set(gone.map(({ name }) => name))], safeFromMs }]
}
