// An SPF record of many addresses (RFC 7208), split into records that each fit into a plain answer and that together stay
// within the look-ups that an evaluation has. The same addresses always come out the same, in whatever order they came in.

import { formatAddress, type Network, networkContains } from '../lib/ip.ts'
import { maxLookups } from './check-host.ts'
import type { Directive } from './spf-record.ts'

interface SpfParts {
  /** 4 or 16 octets each. */
  readonly addresses: readonly Uint8Array[]
  /** Further terms, which stand behind the addresses. */
  readonly also: readonly Directive[]
  /** Modifiers, as written. */
  readonly modifiers: readonly string[]
  readonly all: string
  /** The owner, without final dot. */
  readonly owner: string
  /** Octets of other TXT records at the owner, which are in the same answers. */
  readonly otherOctets: number
}

/** `bad`: the terms do not fit; `why` is for people. */
type SpfLayout =
  | {
      readonly kind: 'texts'
      readonly text: string
      /** Records of names below the owner. */
      readonly includes: readonly { readonly label: string; readonly text: string }[]
    }
  | { readonly kind: 'bad'; readonly why: string }

/** Name and texts of all records of a name are to stay below it, to fit into 512 octets (RFC 7208 §3.4). */
const answerOctetsLimit = 450

const version = 'v=spf1'

export function layOutSpf(parts: SpfParts): SpfLayout {
  const { also, modifiers, all, owner, otherOctets } = parts
  const given = also.map(({ text }) => text)
  const terms = networkTerms(parts)
  const givenLookups = also.filter(costsLookup).length
  if (givenLookups > maxLookups)
    return bad(
      `the other terms take ${givenLookups} look-ups, expected at most ${maxLookups} (RFC 7208 §4.6.4)`,
    )
  const whole = [version, ...terms, ...given, all, ...modifiers].join(' ')
  if (fits(owner, whole, otherOctets)) return { kind: 'texts', text: whole, includes: [] }
  const moved = also.filter(isMovable).map(({ text }) => text)
  const rest = also.filter((directive) => !isMovable(directive))
  const includes = pack([...terms, ...moved], owner)
  if (includes === null) return bad(`${owner} is too long a name for names of includes below it`)
  const named = includes.map(({ label }) => `include:${label}.${owner}`)
  const text = [version, ...named, ...rest.map((one) => one.text), all, ...modifiers].join(' ')
  const lookups = named.length + givenLookups
  if (lookups > maxLookups) return bad(tooManyLookups(terms.length, named.length, lookups))
  if (!fits(owner, text, 0))
    return bad(
      `the other terms have ${text.length} octets, expected fewer than ${answerOctetsLimit}, the name included`,
    )
  return { kind: 'texts', text, includes }
}

/** What only adds addresses may stand in an include as well; every other term stays where it decides. */
const isMovable = ({ qualifier, mechanism: { kind } }: Directive): boolean =>
  qualifier === '+' && (kind === 'ip4' || kind === 'ip6')

const bad = (why: string): SpfLayout => ({ kind: 'bad', why })

const tooManyLookups = (addresses: number, includes: number, lookups: number): string =>
  `${addresses} addresses and networks take ${includes} includes, which makes ${lookups} look-ups of the ${maxLookups} that there may be (RFC 7208 §4.6.4), expected networks that hold several of them in also, such as ip4:192.0.2.0/24`

/** Whether evaluating the term counts as a look-up (RFC 7208 §4.6.4). */
const costsLookup = ({ mechanism: { kind } }: Directive): boolean =>
  kind !== 'all' && kind !== 'ip4' && kind !== 'ip6'

const fits = (name: string, text: string, otherOctets: number): boolean =>
  name.length + text.length + otherOctets < answerOctetsLimit

/** Fills one record after the other. null: the name leaves no room. */
function pack(
  terms: readonly string[],
  owner: string,
): readonly { label: string; text: string }[] | null {
  const packed: { label: string; text: string }[] = []
  let text = version
  const close = (): void => void packed.push({ label: `_spf${packed.length + 1}`, text })
  for (const term of terms) {
    const name = `_spf${packed.length + 1}.${owner}`
    if (name.length > 253) return null
    if (!fits(name, `${text} ${term}`, 0)) {
      if (text === version) return null
      close()
      text = version
    }
    text += ` ${term}`
  }
  close()
  return packed
}

/** The addresses as terms in order, two halves of a network as one, without those that a further term allows anyway. */
function networkTerms({ addresses, also }: SpfParts): readonly string[] {
  const allowed = also.flatMap(({ qualifier, mechanism }) =>
    qualifier === '+' && 'network' in mechanism ? [mechanism.network] : [],
  )
  const kept = addresses.filter(
    (octets) => !allowed.some((network) => networkContains(network, octets)),
  )
  return aggregate(kept).map(({ octets, prefixLength }) => {
    const bits = octets.length * 8
    const prefix = prefixLength === bits ? '' : `/${prefixLength}`
    return `ip${octets.length === 4 ? 4 : 6}:${formatAddress(octets)}${prefix}`
  })
}

/** The fewest networks that hold these addresses and no other, IPv4 first, in order. */
function aggregate(addresses: readonly Uint8Array[]): readonly Network[] {
  const sorted = new Map(addresses.map((octets) => [keyOf(octets), octets]))
  const stack: Network[] = []
  for (const key of [...sorted.keys()].sort()) {
    const octets = sorted.get(key) as Uint8Array
    let network: Network = { octets, prefixLength: octets.length * 8 }
    for (;;) {
      const before = stack.at(-1)
      if (!before || !isLowerHalf(before, network)) break
      stack.pop()
      network = { octets: before.octets, prefixLength: before.prefixLength - 1 }
    }
    stack.push(network)
  }
  return stack
}

const keyOf = (octets: Uint8Array): string =>
  `${octets.length === 4 ? 4 : 6} ${Buffer.from(octets).toString('hex')}`

/** Whether two networks are the lower and the upper half of one. */
function isLowerHalf(lower: Network, upper: Network): boolean {
  const { prefixLength } = lower
  if (prefixLength !== upper.prefixLength || prefixLength === 0) return false
  if (lower.octets.length !== upper.octets.length) return false
  const at = (prefixLength - 1) >> 3
  const bit = 0x80 >> ((prefixLength - 1) & 7)
  return lower.octets.every(
    (octet, i) => (upper.octets[i] ?? 0) === (i === at ? octet | bit : octet),
  )
    ? ((lower.octets[at] ?? 0) & bit) === 0
    : false
}
