// What an operator should mend, out of what was seen of one address. Pure. Findings warn; none takes anything out.

import type { DialogueLine } from '../health/outcome.ts'
import { parseAddress } from '../lib/ip.ts'
import { reverseName, type StubResolver } from '../resolver/stub-resolver.ts'
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
  /** Of `listed`: the list as it may be shown; else null. */
  readonly list: string | null
  readonly message: string
}

export interface Observations {
  /** null: not yet, or not asked for; so is `reverse`. */
  readonly greeting: Greeting | null
  readonly reverse: Reverse | null
  /** By list. */
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

/** The same finding, whatever else it says by now. */
export const findingKey = ({ kind, list }: Finding): string => `${kind} ${list ?? ''}`

// The names that an MTA gives itself: after 220 in its banner, after 250 in its reply to EHLO. They come out of the
// dialogues of its probes, so that nobody has to be asked again. Pure.

/** Lower case, without final dot; null: not said, or not asked for. */
export interface Greeting {
  readonly banner: string | null
  readonly ehlo: string | null
}

/** null: it did not come as far as a greeting. */
export function greetingOf(dialogue: readonly DialogueLine[]): Greeting | null {
  const firstWord = dialogue.findIndex(({ from }) => from === '>')
  const before = firstWord < 0 ? dialogue : dialogue.slice(0, firstWord)
  const banner = before.find(({ from, text }) => from === '<' && /^220( |$)/.test(text))
  if (!banner) return null
  // The last one: what is said under TLS counts.
  const asked = dialogue.findLastIndex(
    ({ from, text }) => from === '>' && /^(EHLO|HELO) /.test(text),
  )
  const reply = asked < 0 ? undefined : dialogue.slice(asked).find(({ from }) => from === '<')
  return {
    banner: nameIn(banner),
    ehlo: reply && /^250[ -]/.test(reply.text) ? nameIn(reply) : null,
  }
}

const nameIn = ({ text }: DialogueLine): string | null => {
  const word = text.slice(4).trim().split(/\s/, 1)[0] ?? ''
  return word === '' ? null : word.toLowerCase().replace(/\.$/, '').slice(0, 255)
}

// What a pool's `identity:` asks for, and of whom.

export interface ReputationProfile {
  /** Whether banner and EHLO name the exchange. */
  readonly greeting: boolean
  /** Whether the address has a PTR that leads back to it. */
  readonly ptr: boolean
  /** DNS lists, lower case, without final dot. */
  readonly lists: readonly string[]
  readonly intervalMs: number
  /** How long a listing must stand before it is believed. */
  readonly holdMs: number
  /** Lists that must have an address before its weight moves. */
  readonly agree: number
  /** What the weight of a listed target is multiplied by; 1: nothing moves. */
  readonly listedShare: number
}

/** One address of a member of a pool that asks. */
export interface CheckedAddress {
  /** Without final dot. */
  readonly zone: string
  readonly pool: string
  readonly target: string
  /** `<target>.<zone>`. */
  readonly exchange: string
  /** As it is served, in canonical form. */
  readonly address: string
  /** Of the member, as configured. */
  readonly weight: number
  readonly profile: ReputationProfile
}

export const checkedAddressKey = ({ zone, pool, target, address }: CheckedAddress): string =>
  `${zone} ${pool} ${target} ${address}`

/** A list's name for logs and metrics: some lists are asked under a name that holds the subscriber's key. */
export const redactedList = (list: string): string =>
  list
    .split('.')
    .map((label) => (/^(?=.*\d)(?=.*[a-z])[a-z0-9]{20,}$/.test(label) ? '***' : label))
    .join('.')

// Reverse mapping of an address: whether it has PTR records, and whether the names they give lead back to it
// (forward-confirmed). Receivers ask this of who sends to them; it says nothing of who receives.

export type Reverse =
  /** The names that lead back. */
  | { readonly kind: 'confirmed'; readonly names: readonly string[] }
  | { readonly kind: 'unconfirmed'; readonly names: readonly string[] }
  | { readonly kind: 'missing' }
  | { readonly kind: 'unknown'; readonly why: string }

/** An address with more names than this is taken by the first. */
const nameLimit = 8

export async function checkReverse(resolver: StubResolver, address: string): Promise<Reverse> {
  const parsed = parseAddress(address)
  if (!parsed) return { kind: 'unknown', why: 'no-address' }
  const found = await resolver.resolve({ name: reverseName(parsed), type: 'PTR' })
  if (found.kind === 'failed') return { kind: 'unknown', why: found.why }
  if (found.kind === 'none') return { kind: 'missing' }
  const names = found.records.slice(0, nameLimit).map(({ data }) => data)
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
