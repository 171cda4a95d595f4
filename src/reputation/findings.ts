// Findings about one address that its operator should correct. Pure. Findings warn; none takes a member out.

import type { DialogueLine } from '../health/outcome.ts'
import { bareName } from '../lib/bare-name.ts'
import { parseAddress, reverseName } from '../lib/ip.ts'
import type { StubResolver } from '../resolver/stub-resolver.ts'
import type { Listing } from './listing.ts'

export const findingKinds = [
  'banner-name',
  'ehlo-name',
  'ptr-missing',
  'ptr-unconfirmed',
  'listed',
] as const

export type FindingKind = (typeof findingKinds)[number]

export interface Finding {
  readonly kind: FindingKind
  /** The redacted list of a finding `listed`; else null. */
  readonly list: string | null
  readonly message: string
}

/** What was observed of one address. A null was not checked yet, or is not to be checked. */
export interface Observations {
  readonly greeting: Greeting | null
  readonly reverse: Reverse | null
  /** Listings by name of the DNS list. */
  readonly listings: ReadonlyMap<string, Listing>
}

export function findingsOf(watched: CheckedAddress, seen: Observations): readonly Finding[] {
  return [...greetingFindings(watched, seen), ...reverseFindings(seen), ...listFindings(seen)]
}

function greetingFindings(
  { profile, exchange }: CheckedAddress,
  { greeting }: Observations,
): readonly Finding[] {
  if (!profile.greeting || greeting === null) return []
  const { banner, ehlo } = greeting
  const findings: Finding[] = []
  if (banner !== null && banner !== exchange)
    findings.push(finding('banner-name', `it greets as ${banner}, not as ${exchange}`))
  if (ehlo !== null && ehlo !== exchange)
    findings.push(finding('ehlo-name', `it answers EHLO as ${ehlo}, not as ${exchange}`))
  return findings
}

function reverseFindings({ reverse }: Observations): readonly Finding[] {
  if (reverse?.kind === 'missing')
    return [finding('ptr-missing', 'it has no PTR record: many receivers refuse mail from it')]
  if (reverse?.kind !== 'unconfirmed') return []
  const names = reverse.names.join(', ')
  return [finding('ptr-unconfirmed', `its PTR says ${names}, which does not lead back to it`)]
}

const listFindings = ({ listings }: Observations): readonly Finding[] =>
  [...listings]
    .filter(([, { isBelieved }]) => isBelieved)
    .map(([list, { codes }]) => ({
      kind: 'listed',
      list: redactedList(list),
      message: `it is listed by ${redactedList(list)}: ${codes.join(', ')}`,
    }))

const finding = (kind: FindingKind, message: string): Finding => ({ kind, list: null, message })

/** Key by which findings of one address are compared over time; their messages may differ. */
export const findingKey = ({ kind, list }: Finding): string => `${kind} ${list ?? ''}`

/**
 * The names that an MTA gives itself: after 220 in its banner, after 250 in its EHLO reply. In lower case, without final
 * dot; null if there was none.
 */
export interface Greeting {
  readonly banner: string | null
  readonly ehlo: string | null
}

/** Reads the names from the dialogue of a probe. Returns null if it has no 220 banner. */
export function greetingOf(dialogue: readonly DialogueLine[]): Greeting | null {
  const firstWord = dialogue.findIndex(({ from }) => from === '>')
  const before = firstWord < 0 ? dialogue : dialogue.slice(0, firstWord)
  const banner = before.find(({ from, text }) => from === '<' && /^220( |$)/.test(text))
  if (!banner) return null
  // The last EHLO: the one under TLS counts.
  const ehlo = dialogue.findLastIndex(
    ({ from, text }) => from === '>' && /^(EHLO|HELO) /.test(text),
  )
  const reply = ehlo < 0 ? undefined : dialogue.slice(ehlo).find(({ from }) => from === '<')
  return {
    banner: nameIn(banner),
    ehlo: reply && /^250[ -]/.test(reply.text) ? nameIn(reply) : null,
  }
}

const nameIn = ({ text }: DialogueLine): string | null => {
  const word = text.slice(4).trim().split(/\s/, 1)[0] ?? ''
  return word === '' ? null : bareName(word).slice(0, 255)
}

/** `identity:` of a pool in a zone file: what is checked of its members' addresses. */
export interface ReputationProfile {
  /** Whether banner and EHLO have to name the exchange. */
  readonly greeting: boolean
  /** Whether the address has to have a forward-confirmed PTR. */
  readonly ptr: boolean
  /** DNS lists to query, in lower case, without final dot. */
  readonly lists: readonly string[]
  readonly intervalMs: number
  /** How long a listing must stand before it is believed. */
  readonly holdMs: number
  /** Number of lists that must list an address before its weight changes. */
  readonly agree: number
  /** Share of its weight that a listed target keeps; 1 changes nothing. */
  readonly listedShare: number
}

/** One address of a member of a pool with `identity:`. */
export interface CheckedAddress {
  /** Name of the zone, without the final dot. */
  readonly zone: string
  readonly pool: string
  readonly target: string
  /** Exchange host of the target, `<target>.<zone>`. */
  readonly exchange: string
  /** As it is served, in canonical form. */
  readonly address: string
  /** The configured weight of the member. */
  readonly weight: number
  readonly profile: ReputationProfile
}

export const checkedAddressKey = ({ zone, pool, target, address }: CheckedAddress): string =>
  `${zone} ${pool} ${target} ${address}`

/** Name of a list for logs and metrics: the subscriber's key, which some lists have in their name, is replaced. */
export const redactedList = (list: string): string =>
  list
    .split('.')
    .map((label) => (/^(?=.*\d)(?=.*[a-z])[a-z0-9]{20,}$/.test(label) ? '***' : label))
    .join('.')

/**
 * Reverse mapping of an address: whether it has PTR records, and whether their names resolve to it (forward-confirmed).
 * Receivers check this of senders; it says nothing about receiving.
 */
export type Reverse =
  /** The names that resolve to the address. */
  | { readonly kind: 'confirmed'; readonly names: readonly string[] }
  | { readonly kind: 'unconfirmed'; readonly names: readonly string[] }
  | { readonly kind: 'missing' }
  | { readonly kind: 'unknown'; readonly why: string }

/** Names that are checked of an address at most. */
const nameLimit = 8

export async function checkReverse(resolver: StubResolver, address: string): Promise<Reverse> {
  const parsed = parseAddress(address)
  if (!parsed) return { kind: 'unknown', why: 'no-address' }
  const answer = await resolver.resolve({ name: reverseName(parsed), type: 'PTR' })
  if (answer.kind === 'failed') return { kind: 'unknown', why: answer.why }
  if (answer.kind === 'none') return { kind: 'missing' }
  const names = answer.records.slice(0, nameLimit).map(({ data }) => data)
  const type = parsed.family === 4 ? 'A' : 'AAAA'
  const forwards = await Promise.all(names.map((name) => resolver.resolve({ name, type })))
  const leadsBack = (i: number): boolean => {
    const forward = forwards[i]
    return forward?.kind === 'found' && forward.records.some(({ data }) => data === address)
  }
  const confirmed = names.filter((_, i) => leadsBack(i))
  if (confirmed.length > 0) return { kind: 'confirmed', names: confirmed }
  const failure = forwards.find(({ kind }) => kind === 'failed')
  return failure?.kind === 'failed'
    ? { kind: 'unknown', why: failure.why }
    : { kind: 'unconfirmed', names }
}
