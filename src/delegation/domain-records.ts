// What the zone of a mail domain has to publish so that its mail goes through a zone of this server: MX, the SPF include, and
// aliases for names that are looked up below the domain and answered here.

import { isSpf } from '../spf/spf-record.ts'
import {
  isAtOrBelow,
  keyOfName,
  type Name,
  nameToBareText,
  nameToText,
  parseName,
} from '../wire/name.ts'
import { RRType } from '../wire/rrtype.ts'
import { stringsOf } from '../zone/compile/texts/txt-strings.ts'
import type { DomainPolicy } from '../zone/mta-sts/compile-mta-sts.ts'
import { policyTxt } from '../zone/mta-sts/policy.ts'
import type { Zone, ZoneNode } from '../zone/zone.ts'
import type { ParentRecord, RecordSection } from './parent-records.ts'

export interface DomainInput {
  readonly zone: Zone
  /** The mail domain. */
  readonly domain: Name
  /** Exchanges that the MX is to have, in their order; empty: those that the zone has for it. */
  readonly exchanges: readonly Name[]
  readonly ttlSeconds: number
  /** Policies of MTA-STS that the zone has. */
  readonly policies: readonly DomainPolicy[]
}

export type DomainRecords =
  | { readonly kind: 'section'; readonly section: RecordSection }
  /** The MX cannot be told; `why` is a sentence. */
  | { readonly kind: 'open'; readonly why: string }

export function recordsOfDomain(input: DomainInput): DomainRecords {
  const { zone, domain } = input
  if (isAtOrBelow(keyOfName(domain), zone.apexKey)) return withinZone(input)
  const exchanges = chooseExchanges(input)
  if (exchanges.kind === 'open') return exchanges
  const spf = spfOwnersOf(zone)
  const policy = input.policies.find((one) => one.domain === nameToBareText(domain))
  return {
    kind: 'section',
    section: {
      zone: nameToBareText(domain),
      purpose: `leads the mail of ${nameToBareText(domain)} to ${nameToBareText(zone.apex)}`,
      records: [
        ...exchanges.names.map((name, i) =>
          recordOf(input, '', 'MX', `${10 * (i + 1)} ${nameToText(name)}`),
        ),
        ...spf.slice(0, 1).map((include) => recordOf(input, '', 'TXT', spfText(include))),
        ...(policy ? [recordOf(input, '_mta-sts.', 'TXT', `"${policyTxt(policy.id)}"`)] : []),
        ...aliasesOf(zone, domain)
          .filter(({ prefix }) => policy === undefined || prefix !== '_mta-sts')
          .map(({ prefix, to }) => recordOf(input, `${prefix}.`, 'CNAME', to)),
      ],
      notes: [
        'These MX take the place of those there are: any other one gets mail too.',
        ...notesOnPolicy(domain, policy),
        ...notesOnSpf(domain, spf),
      ],
    },
  }
}

/** A record below the domain; `prefix`: labels with a dot behind each, or nothing. */
const recordOf = (
  { domain, ttlSeconds }: DomainInput,
  prefix: string,
  type: string,
  data: string,
): ParentRecord => ({ owner: `${prefix}${nameToText(domain)}`, type, ttlSeconds, data })

function withinZone({ zone, domain }: DomainInput): DomainRecords {
  const name = nameToBareText(domain)
  const hasMx = zone.nodes.get(keyOfName(domain))?.sets.has(RRType.MX) === true
  const apex = nameToBareText(zone.apex)
  const why = hasMx
    ? `${name} is in the zone ${apex}: its MX is answered here, and nothing else is to be published for it.`
    : `${name} is in the zone ${apex}, and has no MX there: give it "MX: { steer: … }".`
  return hasMx
    ? {
        kind: 'section',
        section: { zone: apex, purpose: `leads the mail of ${name}`, records: [], notes: [why] },
      }
    : { kind: 'open', why }
}

type Chosen =
  | { readonly kind: 'names'; readonly names: readonly Name[] }
  | { readonly kind: 'open'; readonly why: string }

function chooseExchanges({ zone, domain, exchanges }: DomainInput): Chosen {
  const without = exchanges.find((name) => !hasAddress(zone.nodes.get(keyOfName(name))))
  if (without !== undefined)
    return { kind: 'open', why: `${nameToBareText(without)} has no address in this zone.` }
  if (exchanges.length > 0) return { kind: 'names', names: exchanges }
  const groups = exchangeGroups(zone)
  const [first, ...others] = groups
  if (first === undefined) {
    const why = `${nameToBareText(zone.apex)} has no names that an MX of ${nameToBareText(domain)} can list: an MX cannot name another MX. Give it "slots: { steer: …, names: [in1, in2, in3] }", or a name with "address: { steer: … }".`
    return { kind: 'open', why }
  }
  if (others.length === 0) return { kind: 'names', names: first }
  const shown = groups.map((names) => names.map(nameToBareText).join(',')).join(' or ')
  return { kind: 'open', why: `Which exchanges? Give --mx ${shown}.` }
}

const hasAddress = (node: ZoneNode | undefined): boolean =>
  node !== undefined && (node.sets.has(RRType.A) || node.sets.has(RRType.AAAA))

/** Names that an MX elsewhere can list: the slots of each ladder; where there are none, steered address names, each alone. */
export function exchangeGroups(zone: Zone): readonly (readonly Name[])[] {
  const slots: (readonly Name[])[] = []
  const relays: (readonly Name[])[] = []
  for (const { owner, sets } of zone.nodes.values()) {
    const set = sets.get(RRType.A) ?? sets.get(RRType.AAAA)
    if (set?.kind === 'exchange-slot' && set.rung === 0) slots.push(set.names)
    if (set?.kind === 'steered-address' && owner[1] !== asterisk) relays.push([owner])
  }
  return slots.length > 0 ? slots : relays
}

const asterisk = 0x2a

/** Owners of SPF records that a domain elsewhere can include, the likeliest first: `_spf`, then the apex. */
export function spfOwnersOf(zone: Zone): readonly Name[] {
  const found = [...zone.nodes.values()]
    .filter(({ sets }) => {
      const set = sets.get(RRType.TXT)
      return set?.kind === 'plain' && set.rdata.some((rdata) => isSpf(stringsOf(rdata).join('')))
    })
    .map(({ owner }) => owner)
  // `_spf1.<owner>` is included by its owner.
  const whole = found.filter((owner) => !/^_spf\d+\./i.test(nameToText(owner)))
  const rank = (owner: Name): number => {
    if (/^_spf\./i.test(nameToText(owner))) return 0
    return keyOfName(owner) === zone.apexKey ? 1 : 2
  }
  return whole.sort((a, b) => rank(a) - rank(b))
}

function notesOnPolicy(domain: Name, policy: DomainPolicy | undefined): readonly string[] {
  const name = nameToBareText(domain)
  const order = `Where ${name} has an MTA-STS policy, it has to allow these exchanges for its max_age before the MX change: senders keep the one before.`
  if (policy === undefined) return [order]
  return [
    `Host what "mxsteer mta-sts ${name}" prints before the TXT record at _mta-sts tells of it.`,
    order,
  ]
}

/** Neutral to others: who they are is not known here. */
const spfText = (include: Name): string => `"v=spf1 include:${nameToBareText(include)} ?all"`

function notesOnSpf(domain: Name, owners: readonly Name[]): readonly string[] {
  const [first, ...others] = owners
  const name = nameToBareText(domain)
  if (first === undefined) return [`The zone has no SPF record that ${name} could include.`]
  const include = `include:${nameToBareText(first)}`
  return [
    `Where ${name} has an SPF record already, put ${include} into that one, before its "all": two records are an error (RFC 7208 §3.2).`,
    'End the SPF record in -all once it names every host that sends for the domain.',
    ...others.map((other) => `${nameToBareText(other)} is an SPF record of the zone too.`),
  ]
}

/**
 * Prefixes of names that are looked up below a domain. Where the zone has records at `<prefix>.<domain>.<zone>`, the domain
 * needs an alias there. `shared`: `<prefix>.<zone>` does too, for all domains (RFC 8461 §8.2).
 */
const prefixes: readonly { readonly prefix: string; readonly shared: boolean }[] = [
  { prefix: '_mta-sts', shared: true },
  { prefix: 'mta-sts', shared: true },
  { prefix: '_smtp._tls', shared: true },
  { prefix: '_acme-challenge', shared: false },
  { prefix: '_acme-challenge.mta-sts', shared: false },
  { prefix: '_25._tcp', shared: false },
]

function aliasesOf(
  zone: Zone,
  domain: Name,
): readonly { readonly prefix: string; readonly to: string }[] {
  const [own, apex] = [nameToText(domain), nameToText(zone.apex)]
  return prefixes.flatMap(({ prefix, shared }) => {
    const candidates = [`${prefix}.${own}${apex}`, ...(shared ? [`${prefix}.${apex}`] : [])]
    const to = candidates.find((name) => hasRecords(zone, name))
    return to === undefined ? [] : [{ prefix, to }]
  })
}

function hasRecords(zone: Zone, text: string): boolean {
  const parsed = parseName(text)
  if (parsed.kind === 'bad') return false
  return (zone.nodes.get(keyOfName(parsed.name))?.sets.size ?? 0) > 0
}
