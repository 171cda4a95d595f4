// Judges zones that are to be served by what was handed out before. Refused is what makes mail fail for sure; what may, or
// where the zone file says that it is meant, is warned of.

import type { PresentedCertificate } from '../health/tls-report.ts'
import { isoTime } from '../lib/clock.ts'
import { listed } from '../lib/listed.ts'
import type { HandedExchange, HandedOut, HandedTlsa } from './handed-out.ts'
import { judgePolicyChange, type PolicyMistake } from './policy-order.ts'
import { judgeTlsaChange, type TlsaMistake } from './tlsa-order.ts'
import { answeredExchanges, type TargetMail, type ZoneMail } from './zone-mail.ts'

/** What a target presents at each of its addresses, as far as it was seen. */
export type PresentedOf = (zone: string, target: string) => readonly PresentedCertificate[]

export interface Incoherence {
  readonly severity: 'error' | 'warning'
  readonly code: 'mta-sts-cached' | 'tlsa-order' | 'tlsa-in-use' | 'ptr-differs'
  readonly zone: string
  /** The target that it is of; null: the policy of a domain. */
  readonly target: string | null
  readonly message: string
}

const namesShown = 3

/** Incoherences of each zone that is to be served, with what caches may hold at `nowMs`. */
export function judgeZones(
  handed: HandedOut,
  zones: readonly ZoneMail[],
  { presentedOf, nowMs }: { readonly presentedOf: PresentedOf; readonly nowMs: number },
): readonly Incoherence[] {
  const policies = Map.groupBy(handed.policies, ({ zone }) => zone)
  const exchanges = Map.groupBy(handed.exchanges, ({ zone }) => zone)
  const tlsa = Map.groupBy(handed.tlsa, ({ zone, target }) => `${zone} ${target}`)
  return zones.flatMap((mail) => {
    const before = {
      policies: policies.get(mail.zone) ?? [],
      exchanges: exchanges.get(mail.zone) ?? [],
    }
    const found = [
      ...policyIncoherences(mail, before, nowMs),
      ...tlsaIncoherences(mail, tlsa, { presentedOf, nowMs }),
    ]
    const isForced = (mail.forcedUntilMs ?? 0) > nowMs
    return isForced ? found.map((one) => ({ ...one, severity: 'warning' as const })) : found
  })
}

/** A time as texts of this guard have it, rounded up to the minute. */
export const timeText = (ms: number): string =>
  `${(isoTime(Math.ceil(ms / 60_000) * 60_000) ?? 'never').slice(0, 16).replace('T', ' ')} UTC`

function policyIncoherences(
  mail: ZoneMail,
  before: Pick<HandedOut, 'policies' | 'exchanges'>,
  nowMs: number,
): readonly Incoherence[] {
  const { zone, policies, ttlSeconds } = mail
  const domains = new Set([...policies, ...before.policies].map(({ domain }) => domain))
  return [...domains].flatMap((domain) => {
    const policy = policies.find((one) => one.domain === domain) ?? null
    const change = {
      before: before.policies.filter((one) => one.domain === domain),
      exchangesBefore: exchangesOf(before.exchanges, domain),
      exchanges: policy?.exchanges ?? answeredExchanges(mail),
      policy,
      ttlSeconds,
    }
    return judgePolicyChange(change, nowMs).map((mistake) => ({
      severity: mistake.kind === 'excludes' && mistake.isAll ? ('error' as const) : 'warning',
      code: 'mta-sts-cached' as const,
      zone,
      target: null,
      message: policyText(domain, mistake),
    }))
  })
}

/** Its own, and those that left the zone; of a domain that has no policy, all of the zone. */
function exchangesOf(
  exchanges: readonly HandedExchange[],
  domain: string,
): readonly HandedExchange[] {
  const own = exchanges.filter((one) => one.domain === domain)
  const hasPolicy = own.some(({ lastMs }) => lastMs === null)
  const others = exchanges.filter(
    ({ domain: of, lastMs }) => of === '' && !(hasPolicy && lastMs === null),
  )
  return [...own, ...others]
}

function policyText(domain: string, mistake: PolicyMistake): string {
  const names = listed(mistake.exchanges, namesShown)
  const safe = timeText(mistake.safeFromMs)
  switch (mistake.kind) {
    case 'excludes':
      return `senders may hold a policy of ${domain} that does not allow ${names}, and do not deliver there: safe from ${safe} on; publish a policy that allows old and new exchanges, and use the new ones when it is known`
    case 'forgets':
      return `caches of MX may still name ${names}, which the policy of ${domain} does not allow any more: safe from ${safe} on, expected it in mx: until then`
    default:
      return mistake satisfies never
  }
}

function tlsaIncoherences(
  mail: ZoneMail,
  handed: ReadonlyMap<string, readonly HandedTlsa[]>,
  { presentedOf, nowMs }: { readonly presentedOf: PresentedOf; readonly nowMs: number },
): readonly Incoherence[] {
  if (!mail.isSigned) return []
  const mistakes = new Map<string, TlsaMistake>()
  for (const { name, tlsa } of mail.targets) {
    const before = handed.get(`${mail.zone} ${name}`) ?? []
    const change = { before, records: tlsa, presented: presentedOf(mail.zone, name) }
    const mistake = judgeTlsaChange(change, nowMs)
    if (mistake !== null) mistakes.set(name, mistake)
  }
  const isHopeless = mail.steerings.some(
    ({ targets }) => targets.length > 0 && targets.every((name) => isSure(mistakes.get(name))),
  )
  return mail.targets.flatMap((target) => {
    const mistake = mistakes.get(target.name)
    if (mistake === undefined) return []
    return {
      severity: isHopeless ? 'error' : 'warning',
      code: mistake.kind === 'order' ? 'tlsa-order' : 'tlsa-in-use',
      zone: mail.zone,
      target: target.name,
      message: tlsaMistakeText(target, mistake),
    } as const
  })
}

/** Whether no sender that uses DANE delivers any more, and some did before. */
const isSure = (mistake: TlsaMistake | undefined): boolean =>
  mistake?.kind === 'order' || (mistake?.kind === 'excludes-certificate' && mistake.didMatch)

function tlsaMistakeText({ name }: TargetMail, mistake: TlsaMistake): string {
  switch (mistake.kind) {
    case 'excludes-certificate': {
      const keep = mistake.didMatch ? 'keep those of before until it presents another one, ' : ''
      return `${name} presents a certificate that these records do not match, and senders that use DANE do not deliver to it: ${keep}see \`mxsteer tlsa ${name}\``
    }
    case 'order': {
      const safe = timeText(mistake.safeFromMs)
      const first = mistake.isPublishedAlready
        ? `expected the records before beside these until then`
        : `expected both, as current and next, and the old ones out after that`
      return `caches may hold records of ${name} that have none of these: no certificate matches both. Safe from ${safe} on; ${first}`
    }
    default:
      return mistake satisfies never
  }
}
