// What was handed out to the world and binds it for a while: policies of MTA-STS for their max_age, sets of TLSA and names of
// exchanges for their TTL. A new value at each load; what binds nobody any more is left out.

import { answeredExchanges, type ZoneMail } from './zone-mail.ts'

/** Something that is, or was, handed out. Times in milliseconds since 1970. */
interface Handed {
  readonly zone: string
  readonly firstMs: number
  /** null: it still is. */
  readonly lastMs: number | null
}

export interface HandedPolicy extends Handed {
  readonly domain: string
  readonly id: string
  readonly mode: 'enforce' | 'testing' | 'none'
  readonly maxAgeSeconds: number
  readonly patterns: readonly string[]
}

/** A set of TLSA at the name of a target. */
export interface HandedTlsa extends Handed {
  readonly target: string
  readonly ttlSeconds: number
  /** By `tlsaText`, sorted. */
  readonly records: readonly string[]
}

/** An exchange of a domain that has a policy, or of the zone. */
export interface HandedExchange extends Handed {
  /** Empty: of any steered MX of the zone. */
  readonly domain: string
  readonly name: string
  readonly ttlSeconds: number
}

export interface HandedOut {
  readonly policies: readonly HandedPolicy[]
  readonly tlsa: readonly HandedTlsa[]
  readonly exchanges: readonly HandedExchange[]
}

export const nothingHanded: HandedOut = { policies: [], tlsa: [], exchanges: [] }

/** What was handed out by what it is of, for those who look at all zones. */
export interface HandedGroups {
  /** By zone and target, separated by a space. */
  readonly tlsa: ReadonlyMap<string, readonly HandedTlsa[]>
  /** By zone. */
  readonly policies: ReadonlyMap<string, readonly HandedPolicy[]>
}

export const groupHanded = ({ tlsa, policies }: HandedOut): HandedGroups => ({
  tlsa: Map.groupBy(tlsa, ({ zone, target }) => `${zone} ${target}`),
  policies: Map.groupBy(policies, ({ zone }) => zone),
})

/** Of one domain, of one target, and of each kind in all: the latest ones. */
export const handedLimits = { perDomain: 16, perTarget: 8, inAll: 32_768 }

/** Until when a cache may hold what is handed out up to `nowMs` at least. */
const boundUntil = ({ lastMs }: Handed, seconds: number, nowMs: number): number =>
  (lastMs ?? nowMs) + seconds * 1000

export const policyUntilMs = (one: HandedPolicy, nowMs: number): number =>
  boundUntil(one, one.maxAgeSeconds, nowMs)

export const ttlUntilMs = (one: HandedTlsa | HandedExchange, nowMs: number): number =>
  boundUntil(one, one.ttlSeconds, nowMs)

/** What tells policies of a zone apart in every respect but times; the same of TLSA and of exchanges. */
export const policyKey = ({ domain, id }: HandedPolicy): string => `${domain} ${id}`
export const tlsaKey = ({ target, ttlSeconds, records }: HandedTlsa): string =>
  `${target} ${ttlSeconds} ${records.join()}`
export const exchangeKey = ({ domain, name, ttlSeconds }: HandedExchange): string =>
  `${domain} ${name} ${ttlSeconds}`

/** What is handed out once these zones are served, and what still binds of before. */
export function handOut(before: HandedOut, zones: readonly ZoneMail[], nowMs: number): HandedOut {
  const isPolicyBinding = (one: HandedPolicy): boolean => policyUntilMs(one, nowMs) > nowMs
  const isTtlBinding = (one: HandedTlsa | HandedExchange): boolean => ttlUntilMs(one, nowMs) > nowMs
  return {
    policies: merge(before.policies, policiesOf(zones, nowMs), {
      nowMs,
      keyOf: policyKey,
      groupOf: ({ zone, domain }) => `${zone} ${domain}`,
      perGroup: handedLimits.perDomain,
      isBinding: isPolicyBinding,
    }),
    tlsa: merge(before.tlsa, tlsaOf(zones, nowMs), {
      nowMs,
      keyOf: tlsaKey,
      groupOf: ({ zone, target }) => `${zone} ${target}`,
      perGroup: handedLimits.perTarget,
      isBinding: isTtlBinding,
    }),
    exchanges: merge(before.exchanges, exchangesOf(zones, nowMs), {
      nowMs,
      keyOf: exchangeKey,
      groupOf: ({ zone, domain }) => `${zone} ${domain}`,
      perGroup: handedLimits.inAll,
      isBinding: isTtlBinding,
    }),
  }
}

interface Merging<T> {
  readonly nowMs: number
  /** Equal for what is the same of a zone in every respect but times. */
  readonly keyOf: (one: T) => string
  readonly groupOf: (one: T) => string
  readonly perGroup: number
  readonly isBinding: (one: T) => boolean
}

/**
 * What was handed out and is so no more ends now. What is handed out again begins anew, beside what it was before: caches
 * may have taken what came between.
 */
function merge<T extends Handed>(
  before: readonly T[],
  present: readonly T[],
  { nowMs, keyOf: keyInZone, groupOf, perGroup, isBinding }: Merging<T>,
): readonly T[] {
  const keyOf = (one: T): string => `${one.zone} ${keyInZone(one)}`
  const open = new Map(
    before.filter(({ lastMs }) => lastMs === null).map((one) => [keyOf(one), one]),
  )
  // Where others hand it out already, caches may have it since then.
  const elsewhere = new Map(
    before
      .filter(({ lastMs }) => lastMs !== null && lastMs >= nowMs)
      .map((one) => [keyOf(one), one.firstMs]),
  )
  const isPresent = new Set(present.map(keyOf))
  const ended = before
    .map((one) =>
      one.lastMs === null && !isPresent.has(keyOf(one)) ? { ...one, lastMs: nowMs } : one,
    )
    .filter(({ lastMs }) => lastMs !== null)
    .filter(isBinding)
    .sort((a, b) => (a.lastMs ?? 0) - (b.lastMs ?? 0))
  const begun = present.map(
    (one) => open.get(keyOf(one)) ?? { ...one, firstMs: elsewhere.get(keyOf(one)) ?? one.firstMs },
  )
  const kept = [...ended, ...begun]
  const groups = Map.groupBy(kept, groupOf).values()
  return [...groups].flatMap((group) => group.slice(-perGroup)).slice(-handedLimits.inAll)
}

const policiesOf = (zones: readonly ZoneMail[], firstMs: number): HandedPolicy[] =>
  zones.flatMap(({ zone, policies }) =>
    policies.map(({ domain, id, mode, maxAgeSeconds, patterns }) => ({
      zone,
      domain,
      id,
      mode,
      maxAgeSeconds,
      patterns,
      firstMs,
      lastMs: null,
    })),
  )

const tlsaOf = (zones: readonly ZoneMail[], firstMs: number): HandedTlsa[] =>
  zones
    .filter(({ isSigned }) => isSigned)
    .flatMap(({ zone, targets }) =>
      targets
        .filter(({ tlsa }) => tlsa.length > 0)
        .map(({ name, tlsa, tlsaTtlSeconds }) => ({
          zone,
          target: name,
          ttlSeconds: tlsaTtlSeconds,
          records: tlsa,
          firstMs,
          lastMs: null,
        })),
    )

const exchangesOf = (zones: readonly ZoneMail[], firstMs: number): HandedExchange[] =>
  zones.flatMap((mail) => {
    const { zone, ttlSeconds, policies } = mail
    const ofZone = { domain: '', exchanges: answeredExchanges(mail) }
    return [ofZone, ...policies].flatMap(({ domain, exchanges }) =>
      exchanges.map((name) => ({ zone, domain, name, ttlSeconds, firstMs, lastMs: null })),
    )
  })
