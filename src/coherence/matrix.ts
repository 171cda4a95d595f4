// One matrix, target × name: what the world knows each target by, and whether it agrees with what the target shows. What was
// not seen is unknown, never wrong. Pure: the facts are arguments.
//
//   facet         is compared
//   certificate   its names, with the exchange and the steered names that the target is behind
//   tlsa          the certificate, with the records at the exchange and with those that caches may hold
//   mta-sts       the exchange, with the policies of domains: the present ones and those that senders may hold
//   greeting      the name of the banner and of the reply to EHLO, with the exchange
//   ptr           the names that lead back to the address, with the exchange
//   spf           whether a `spf:` of the zone lists the addresses; texts by hand are judged where the zone is compiled
//
//   agrees        everyone who compares these gets mail through
//   differs       some who compare them may distrust it
//   excludes      who goes by it does not deliver
//   unknown       nobody looked yet, or it cannot be seen from here
//   none          there is nothing to compare

import type { PresentedCertificate } from '../health/tls-report.ts'
import { listed } from '../lib/listed.ts'
import { isAllowed } from '../zone/mta-sts/policy.ts'
import { timeText } from './guard.ts'
import {
  groupHanded,
  type HandedGroups,
  type HandedOut,
  type HandedPolicy,
  type HandedTlsa,
  policyUntilMs,
  ttlUntilMs,
} from './handed-out.ts'
import type { SeenCertificate } from './name-keeper.ts'
import { matchTlsa } from './tlsa-order.ts'
import type { TargetMail, ZoneMail } from './zone-mail.ts'

export const facets = ['certificate', 'tlsa', 'mta-sts', 'greeting', 'ptr', 'spf'] as const
export type Facet = (typeof facets)[number]

export type Agreement = 'agrees' | 'differs' | 'excludes' | 'unknown' | 'none'

export interface Cell {
  readonly facet: Facet
  readonly state: Agreement
  readonly text: string
}

/** A target, and the names around it. */
export interface TargetRow {
  readonly zone: string
  readonly target: string
  readonly exchange: string
  /** Owners of steered MX and of steered addresses that lead to it; of many the first ones. */
  readonly reachedBy: readonly string[]
  /** One of each facet, in their order. */
  readonly cells: readonly Cell[]
}

/** What is known of one address of a target; null: it was not seen. */
export interface AddressFacts {
  readonly presented: SeenCertificate | null
  /** The names of banner and reply to EHLO. */
  readonly greeting: readonly string[] | null
  /** Names of its PTR that lead back to it; empty: none does. */
  readonly ptr: readonly string[] | null
}

export interface MatrixFacts {
  readonly handed: HandedOut
  readonly factsOf: (zone: string, target: string, address: string) => AddressFacts
  readonly nowMs: number
}

const namesShown = 3

/** The rows of all targets of zones, zone by zone. */
export function matrixOf(zones: readonly ZoneMail[], facts: MatrixFacts): readonly TargetRow[] {
  const handed = groupHanded(facts.handed)
  return zones.flatMap((mail) => matrixOfZone(mail, facts, handed))
}

function matrixOfZone(
  mail: ZoneMail,
  facts: MatrixFacts,
  handed: HandedGroups,
): readonly TargetRow[] {
  const { zone, targets, steerings } = mail
  const policies = mail.policies.map((policy) => ({ policy, names: new Set(policy.exchanges) }))
  const held = handed.policies.get(zone) ?? []
  const reached = new Map<string, Set<string>>()
  const relays = new Map<string, Set<string>>()
  for (const steering of steerings)
    for (const target of steering.targets) {
      addAll(reached, target, [...steering.mx.names, ...steering.relays.names])
      addAll(relays, target, steering.relays.names)
    }
  return targets.map((target) => {
    const seen = target.addresses.map((address) => facts.factsOf(zone, target.name, address))
    const naming = policies.flatMap(({ policy, names }) =>
      names.has(target.exchange) ? [policy] : [],
    )
    const tlsa = handed.tlsa.get(`${zone} ${target.name}`) ?? []
    const input = { mail, target, seen, facts, naming, held, handed: tlsa }
    return {
      zone,
      target: target.name,
      exchange: target.exchange,
      reachedBy: [...(reached.get(target.name) ?? [])],
      cells: [
        certificateCell(input, [...(relays.get(target.name) ?? [])]),
        tlsaCell(input),
        mtaStsCell(input),
        greetingCell(input),
        ptrCell(input),
        spfCell(input),
      ],
    }
  })
}

function addAll(map: Map<string, Set<string>>, key: string, values: readonly string[]): void {
  const set = map.get(key) ?? new Set()
  for (const value of values) set.add(value)
  map.set(key, set)
}

interface Input {
  readonly mail: ZoneMail
  readonly target: TargetMail
  /** Of each address. */
  readonly seen: readonly AddressFacts[]
  readonly facts: MatrixFacts
  /** The policies of domains whose mail it takes. */
  readonly naming: ZoneMail['policies']
  /** The policies of the zone, and its own TLSA sets, that were handed out. */
  readonly held: readonly HandedPolicy[]
  readonly handed: readonly HandedTlsa[]
}

const presentedOf = ({ seen }: Input): readonly SeenCertificate[] =>
  seen.flatMap(({ presented }) => presented ?? [])

/** Whether a certificate names a host: `*.` stands for one label (RFC 9525 §6.3). */
const certifies = ({ names }: PresentedCertificate, host: string): boolean => isAllowed(names, host)

function certificateCell(input: Input, relays: readonly string[]): Cell {
  const facet = 'certificate'
  const { exchange } = input.target
  const seen = presentedOf(input)
  if (seen.length === 0) {
    const text = 'no probe at level tls has seen a certificate'
    return { facet, state: 'unknown', text }
  }
  const names = listed([...new Set(seen.flatMap((one) => one.names))], namesShown)
  const lacking = [exchange, ...relays].filter((host) => !seen.every((one) => certifies(one, host)))
  if (lacking.length === 0) return { facet, state: 'agrees', text: names }
  const isDemanded = input.naming.some(({ mode }) => mode === 'enforce')
  const text = `it is for ${names === '' ? 'no name' : names}, not for ${listed(lacking, namesShown)}`
  // By MTA-STS it has to be for the name that the MX says (RFC 8461 §4.2); other senders accept any.
  return { facet, state: isDemanded && lacking.includes(exchange) ? 'excludes' : 'differs', text }
}

function tlsaCell(input: Input): Cell {
  const facet = 'tlsa'
  const { mail, target, handed, facts } = input
  if (target.tlsa.length === 0) return { facet, state: 'none', text: 'no TLSA' }
  if (!mail.isSigned)
    return { facet, state: 'none', text: 'the zone is not signed: TLSA counts for nobody' }
  const seen = presentedOf(input)
  if (seen.length === 0)
    return { facet, state: 'unknown', text: 'no probe at level tls has seen a certificate' }
  const matches = seen.map((one) => matchTlsa(target.tlsa, one))
  if (matches.includes('mismatch'))
    return { facet, state: 'excludes', text: 'the certificate matches none of its records' }
  const apart = handed.filter(
    (one) =>
      one.lastMs !== null &&
      ttlUntilMs(one, facts.nowMs) > facts.nowMs &&
      seen.some((certificate) => matchTlsa(one.records, certificate) === 'mismatch'),
  )
  if (apart.length > 0) {
    const until = timeText(Math.max(...apart.map((one) => ttlUntilMs(one, facts.nowMs))))
    const text = `the certificate was replaced before every cache had a record of it: until ${until} some may hold none`
    return { facet, state: 'excludes', text }
  }
  if (matches.includes('unknown'))
    return { facet, state: 'unknown', text: 'records of matching type 0 are not compared' }
  const isNext =
    target.next.length > 0 && seen.every((one) => matchTlsa(target.next, one) === 'match')
  const which = isNext ? 'next' : 'its records'
  return { facet, state: 'agrees', text: `the certificate matches ${which}` }
}

function mtaStsCell(input: Input): Cell {
  const facet = 'mta-sts'
  const { target, facts, naming: present } = input
  const { exchange } = target
  const outside = present.filter((one) => one.mode !== 'none' && !isAllowed(one.patterns, exchange))
  const enforced = outside.find(({ mode }) => mode === 'enforce')
  if (enforced !== undefined)
    return { facet, state: 'excludes', text: `the policy of ${enforced.domain} does not allow it` }
  const domains = new Set(present.map(({ domain }) => domain))
  const held = input.held.filter(
    (one) =>
      domains.has(one.domain) &&
      one.mode === 'enforce' &&
      policyUntilMs(one, facts.nowMs) > facts.nowMs &&
      !isAllowed(one.patterns, exchange),
  )
  if (held.length > 0) {
    const until = timeText(Math.max(...held.map((one) => policyUntilMs(one, facts.nowMs))))
    const text = `until ${until} senders may hold a policy of ${held[0]?.domain} that does not allow it`
    return { facet, state: 'excludes', text }
  }
  const [tested] = outside
  if (tested !== undefined)
    return { facet, state: 'differs', text: `the policy of ${tested.domain} does not allow it` }
  const named = listed([...domains], namesShown)
  return named === ''
    ? { facet, state: 'none', text: 'no policy' }
    : { facet, state: 'agrees', text: `allowed by the policy of ${named}` }
}

function greetingCell({ seen, target: { exchange } }: Input): Cell {
  const facet = 'greeting'
  const names = [...new Set(seen.flatMap(({ greeting }) => greeting ?? []))]
  if (names.length === 0) return { facet, state: 'unknown', text: 'no probe has read a greeting' }
  const others = names.filter((name) => name !== exchange)
  return others.length === 0
    ? { facet, state: 'agrees', text: exchange }
    : { facet, state: 'differs', text: `it calls itself ${listed(others, namesShown)}` }
}

function ptrCell({ seen, target: { exchange } }: Input): Cell {
  const facet = 'ptr'
  const known = seen.flatMap(({ ptr }) => (ptr === null ? [] : [ptr]))
  if (known.length === 0) {
    const text = 'not asked: it takes identity: of a pool, and the setting resolver'
    return { facet, state: 'unknown', text }
  }
  if (known.some((names) => names.length === 0))
    return { facet, state: 'differs', text: 'an address has no PTR that leads back to it' }
  const names = [...new Set(known.flat())]
  return names.includes(exchange)
    ? { facet, state: 'agrees', text: exchange }
    : { facet, state: 'differs', text: `its addresses are ${listed(names, namesShown)}` }
}

function spfCell({ target }: Input): Cell {
  const facet = 'spf'
  return target.isInSpf
    ? { facet, state: 'agrees', text: 'spf: of a pool lists every address' }
    : {
        facet,
        state: 'none',
        text: 'no spf: names a pool of it; texts by hand are judged by check',
      }
}
