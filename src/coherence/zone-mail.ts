// What a zone tells the world of its mail, as plain data: by which names its targets are reached, their TLSA records and the
// policies of MTA-STS. Taken from a zone where it is compiled.

import type { DomainPolicy } from '../zone/mta-sts/compile-mta-sts.ts'
import type { Policy, Target } from '../steer/policy.ts'
import { keyOfName, nameToBareText } from '../wire/name.ts'
import { parseRdata } from '../wire/rdata/parse.ts'
import type { Rdata } from '../wire/rdata/rdata.ts'
import { RRType } from '../wire/rrtype.ts'
import { smtpTlsaKey } from '../zone/compile/check/check-tlsa.ts'
import type { ZoneSource } from '../zone/compile/zone-source.ts'
import { membersOf } from '../zone/policy-members.ts'
import type { Zone } from '../zone/zone.ts'

export interface ZoneMail {
  /** In lower case without final dot, as all names here. */
  readonly zone: string
  /** TLSA counts in signed zones alone. */
  readonly isSigned: boolean
  /** TTL of steered MX and of the TXT records of policies: the longest that there is. */
  readonly ttlSeconds: number
  readonly targets: readonly TargetMail[]
  readonly steerings: readonly SteeringMail[]
  readonly policies: readonly DomainPolicy[]
  /** Until then changes are warned of that would be refused, milliseconds since 1970; null: nothing is said. */
  readonly forcedUntilMs: number | null
}

export interface TargetMail {
  readonly name: string
  readonly exchange: string
  readonly addresses: readonly string[]
  /** The records at `_25._tcp.<exchange>` by `tlsaText`. */
  readonly tlsa: readonly string[]
  /** Those among them of the certificate that comes next. */
  readonly next: readonly string[]
  readonly tlsaTtlSeconds: number
  /** Whether a `spf:` of the zone lists its addresses. */
  readonly isInSpf: boolean
}

/** A steering that records of the zone name. */
export interface SteeringMail {
  readonly name: string
  /** Owners of MX, and of steered addresses and slots; of many the first ones. */
  readonly mx: SomeNames
  readonly relays: SomeNames
  /** Names of the targets that it can answer. */
  readonly targets: readonly string[]
}

interface SomeNames {
  readonly names: readonly string[]
  readonly count: number
}

interface CompiledMail {
  readonly source: ZoneSource
  readonly zone: Zone
  readonly targets: readonly Target[]
  readonly policies: readonly DomainPolicy[]
}

export function zoneMailOf({ source, zone, targets, policies }: CompiledMail): ZoneMail {
  const inSpf = targetsInSpf(source)
  return {
    zone: nameToBareText(zone.apex),
    isSigned: zone.signing !== null,
    ttlSeconds: longestTtl(source),
    targets: targets.map((target) => targetMail(source, zone, { target, inSpf })),
    steerings: steeringsOf(zone),
    policies,
    forcedUntilMs: source.forceNamesUntilMs ?? null,
  }
}

function longestTtl({ ttl, records }: ZoneSource): number {
  let longest = ttl
  for (const types of records.values())
    for (const record of types.values())
      if (record.kind === 'steered-mx') longest = Math.max(longest, record.ttl ?? 0)
  return longest
}

/** Names of the targets in pools that a `spf:` names. */
function targetsInSpf({ records, pools }: ZoneSource): ReadonlySet<string> {
  const all = [...records.values()].flatMap((types) => [...types.values()])
  const named = all.flatMap((record) => (record.kind === 'spf' ? record.pools : []))
  const members = [...new Set(named)].flatMap((pool) => pools.get(pool)?.members ?? [])
  return new Set(members.map(({ target }) => target))
}

function targetMail(
  source: ZoneSource,
  zone: Zone,
  { target, inSpf }: { readonly target: Target; readonly inSpf: ReadonlySet<string> },
): TargetMail {
  const set = zone.nodes.get(smtpTlsaKey(keyOfName(target.owner)))?.sets.get(RRType.TLSA)
  const rdata = set?.kind === 'plain' ? set.rdata : []
  const next = (source.targets.get(target.name)?.tlsaNext ?? []).flatMap((text) => {
    const parsed = parseRdata(RRType.TLSA, text, zone.apex)
    return parsed.kind === 'rdata' ? [tlsaText(parsed.rdata)] : []
  })
  return {
    name: target.name,
    exchange: nameToBareText(target.owner),
    addresses: target.addresses.map(({ text }) => text),
    tlsa: rdata.map(tlsaText).sort(),
    next,
    tlsaTtlSeconds: set?.kind === 'plain' ? set.ttl : source.ttl,
    isInSpf: inSpf.has(target.name),
  }
}

/** Digits of SHA-512. Of a certificate as a whole the last ones are enough to tell it from others. */
const shownDigits = 128

/** A TLSA record in presentation form, in lower case; longer data is cut to its end. */
export function tlsaText({ octets }: Rdata): string {
  const [usage = 0, selector = 0, matchingType = 0] = octets
  const hex = Buffer.from(octets.subarray(3)).toString('hex')
  const data = hex.length > shownDigits ? `…${hex.slice(-shownDigits)}` : hex
  return `${usage} ${selector} ${matchingType} ${data}`
}

interface SteeringDraft {
  readonly policy: Policy
  readonly mx: string[]
  readonly relays: string[]
  mxCount: number
  relayCount: number
}

const namesKept = 16

function steeringsOf({ nodes }: Zone): readonly SteeringMail[] {
  const drafts = new Map<string, SteeringDraft>()
  const open = (policy: Policy): SteeringDraft => {
    const draft = drafts.get(policy.name) ?? {
      policy,
      mx: [],
      relays: [],
      mxCount: 0,
      relayCount: 0,
    }
    drafts.set(policy.name, draft)
    return draft
  }
  for (const { owner, sets } of nodes.values()) {
    const mx = sets.get(RRType.MX)
    if (mx?.kind === 'steered-mx') {
      const draft = open(mx.policy)
      if (draft.mxCount++ < namesKept) draft.mx.push(nameToBareText(owner))
    }
    const address = sets.get(RRType.A) ?? sets.get(RRType.AAAA)
    if (address?.kind === 'steered-address' || address?.kind === 'exchange-slot') {
      const draft = open(address.policy)
      if (draft.relayCount++ < namesKept) draft.relays.push(nameToBareText(owner))
    }
  }
  return [...drafts.values()].map(({ policy, mx, relays, mxCount, relayCount }) => ({
    name: policy.name,
    mx: { names: mx, count: mxCount },
    relays: { names: relays, count: relayCount },
    targets: answeredTargets(policy),
  }))
}

const answeredTargets = (policy: Policy): readonly string[] => {
  const answered = membersOf(policy).filter(({ weight }) => weight > 0)
  return [...new Set(answered.map(({ target }) => target.name))]
}

/** The exchanges that any steering can answer. */
export function answeredExchanges({ targets, steerings }: ZoneMail): readonly string[] {
  const answered = new Set(steerings.flatMap((one) => one.targets))
  return targets.flatMap(({ name, exchange }) => (answered.has(name) ? [exchange] : []))
}
