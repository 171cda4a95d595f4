// What an operator should mend, out of what was seen of one address. Pure. Findings warn; none takes anything out.

import type { Greeting } from './greeting.ts'
import type { Listing } from './listing.ts'
import { type WatchedIdentity, shownList } from './profile.ts'
import type { Reverse } from './reverse.ts'

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

export interface Seen {
  /** null: not yet, or not asked for; so is `reverse`. */
  readonly greeting: Greeting | null
  readonly reverse: Reverse | null
  /** By list. */
  readonly listings: ReadonlyMap<string, Listing>
}

export function findingsOf(watched: WatchedIdentity, seen: Seen): readonly Finding[] {
  return [...greetingFindings(watched, seen), ...reverseFindings(seen), ...listFindings(seen)]
}

function greetingFindings(
  { profile, exchange }: WatchedIdentity,
  { greeting }: Seen,
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

function reverseFindings({ reverse }: Seen): readonly Finding[] {
  if (reverse?.kind === 'missing')
    return [finding('ptr-missing', 'it has no PTR record: many receivers refuse mail from it')]
  if (reverse?.kind !== 'unconfirmed') return []
  const names = reverse.names.join(', ')
  return [finding('ptr-unconfirmed', `its PTR says ${names}, which does not lead back to it`)]
}

const listFindings = ({ listings }: Seen): readonly Finding[] =>
  [...listings]
    .filter(([, { isBelieved }]) => isBelieved)
    .map(([list, { codes }]) => ({
      kind: 'listed',
      list: shownList(list),
      message: `it is listed by ${shownList(list)}: ${codes.join(', ')}`,
    }))

const finding = (kind: FindingKind, message: string): Finding => ({ kind, list: null, message })

/** The same finding, whatever else it says by now. */
export const findingKey = ({ kind, list }: Finding): string => `${kind} ${list ?? ''}`
