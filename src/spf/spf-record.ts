// Texts of SPF records (RFC 7208 §4.6.1, §12) to their terms. A text with a mistake anywhere is a permanent error to whoever
// evaluates it, so that it is read whole before anything of it counts.

import { type Network, parseAddress } from '../lib/ip.ts'
import { domainSpecFault, macroStringFault } from './macros.ts'

export type Qualifier = '+' | '-' | '~' | '?'

/** What makes a sender match. `domain`: as written, macros included; null: the domain whose record it is. */
export type Mechanism =
  | { readonly kind: 'all' }
  | { readonly kind: 'include' | 'exists'; readonly domain: string }
  | {
      readonly kind: 'a' | 'mx'
      readonly domain: string | null
      readonly prefix4: number
      readonly prefix6: number
    }
  | { readonly kind: 'ptr'; readonly domain: string | null }
  /** Bits of the octets after the prefix may be set; they mean nothing. */
  | { readonly kind: 'ip4' | 'ip6'; readonly network: Network }

export interface Directive {
  /** As written. */
  readonly text: string
  readonly qualifier: Qualifier
  readonly mechanism: Mechanism
}

export interface SpfRecord {
  readonly directives: readonly Directive[]
  /** Domain of `redirect=`; null: there is none. */
  readonly redirect: string | null
}

/** `bad`: `why` is for people, and names the term. */
export type ParsedSpf =
  | { readonly kind: 'record'; readonly record: SpfRecord }
  | { readonly kind: 'bad'; readonly why: string }

/** One term, for a record that is put together of terms. */
export type ParsedTerm =
  | { readonly kind: 'directive'; readonly directive: Directive }
  | { readonly kind: 'modifier'; readonly name: string; readonly value: string }
  | { readonly kind: 'bad'; readonly why: string }

/** Whether a TXT record, its strings joined, is an SPF record (RFC 7208 §4.5). */
export const isSpf = (text: string): boolean => /^v=spf1(?: |$)/i.test(text)

/** Parses a text for which `isSpf` holds, in time linear in its length. */
export function parseSpf(text: string): ParsedSpf {
  const directives: Directive[] = []
  const once = new Map<string, string>()
  for (const word of text.split(' ').slice(1)) {
    if (word === '') continue
    const term = parseTerm(word)
    if (term.kind === 'bad') return term
    if (term.kind === 'directive') directives.push(term.directive)
    else if (isKnownModifier(term.name)) {
      if (once.has(term.name)) return bad(word, `${term.name}= is given twice, expected it once`)
      once.set(term.name, term.value)
    }
  }
  return { kind: 'record', record: { directives, redirect: once.get('redirect') ?? null } }
}

const isKnownModifier = (name: string): boolean => name === 'redirect' || name === 'exp'

const termPattern = /^([-+~?]?)([a-z][a-z0-9_.-]*)(.*)$/is

/** Parses one term, without white space around it. */
export function parseTerm(word: string): ParsedTerm {
  const [, sign = '', name = '', rest = ''] = termPattern.exec(word) ?? []
  if (rest.startsWith('=')) return parseModifier(word, sign, name.toLowerCase(), rest.slice(1))
  const read = readers[name.toLowerCase()]
  if (read === undefined) return bad(word, unknownTerm(word, name, rest))
  const mechanism = read(rest)
  if (typeof mechanism === 'string') return bad(word, mechanism)
  const qualifier = sign === '' ? '+' : (sign as Qualifier)
  return { kind: 'directive', directive: { text: word, qualifier, mechanism } }
}

const shownCharacters = 60

const bad = (word: string, why: string): { kind: 'bad'; why: string } => {
  const shown = word.length > shownCharacters ? `${word.slice(0, shownCharacters)}…` : word
  return { kind: 'bad', why: `${JSON.stringify(shown)}: ${why}` }
}

function parseModifier(word: string, sign: string, name: string, value: string): ParsedTerm {
  if (sign !== '') return bad(word, 'a modifier has no qualifier before it')
  const why = isKnownModifier(name) ? domainSpecFault(value) : macroStringFault(value)
  return why === null ? { kind: 'modifier', name, value } : bad(word, why)
}

const mechanismNames = 'all, a, mx, ip4, ip6, include, exists or ptr'

function unknownTerm(word: string, name: string, rest: string): string {
  const isPair = rest.startsWith(':') && ['redirect', 'exp'].includes(name.toLowerCase())
  if (isPair) return `expected ${name}= in place of ${name}:`
  const address = parseAddress(word.split('/', 1).join())
  if (address) return `an address alone is no term, expected ip${address.family}:${word}`
  return `this is no term of SPF, expected ${mechanismNames}`
}

/** By name of the mechanism: reads what follows it. A text: what is wrong. */
const readers: Readonly<Record<string, (rest: string) => Mechanism | string>> = {
  all: (rest) => (rest === '' ? { kind: 'all' } : 'nothing follows all'),
  include: (rest) => readRequired('include', rest),
  exists: (rest) => readRequired('exists', rest),
  a: (rest) => readHosts('a', rest),
  mx: (rest) => readHosts('mx', rest),
  ptr: (rest) => {
    if (rest === '') return { kind: 'ptr', domain: null }
    return rest.startsWith(':') ? withDomain(rest.slice(1), 'ptr') : expectedDomain
  },
  ip4: (rest) => readNetwork(4, rest),
  ip6: (rest) => readNetwork(6, rest),
}

const expectedDomain = 'expected ":" and a domain'

function readRequired(kind: 'include' | 'exists', rest: string): Mechanism | string {
  return rest.startsWith(':') ? withDomain(rest.slice(1), kind) : expectedDomain
}

const withDomain = (domain: string, kind: 'include' | 'exists' | 'ptr'): Mechanism | string =>
  domainSpecFault(domain) ?? { kind, domain }

const prefixes = /^(.*?)(?:\/(\d+))?(?:\/\/(\d+))?$/s

function readHosts(kind: 'a' | 'mx', rest: string): Mechanism | string {
  const [, before = '', text4, text6] = prefixes.exec(rest) ?? []
  const prefix4 = readPrefix(text4, 32)
  const prefix6 = readPrefix(text6, 128)
  if (prefix4 === null || prefix6 === null)
    return 'expected a prefix length up to /32 for IPv4 and up to //128 for IPv6'
  if (before === '') return { kind, domain: null, prefix4, prefix6 }
  if (!before.startsWith(':')) return `${expectedDomain}, or nothing`
  const domain = before.slice(1)
  return domainSpecFault(domain) ?? { kind, domain, prefix4, prefix6 }
}

/** The prefix length: all bits where there is none; null: it is no number, or too large. */
function readPrefix(text: string | undefined, bits: number): number | null {
  if (text === undefined) return bits
  return /^(?:0|[1-9]\d{0,2})$/.test(text) && Number(text) <= bits ? Number(text) : null
}

function readNetwork(family: 4 | 6, rest: string): Mechanism | string {
  const [addressText = '', prefixText, ...more] = rest.slice(1).split('/', 3)
  const address = rest.startsWith(':') && more.length === 0 ? parseAddress(addressText) : null
  const prefixLength = readPrefix(prefixText, family === 4 ? 32 : 128)
  if (address?.family !== family || prefixLength === null) {
    if (address && address.family !== family)
      return `this is an address of IPv${address.family}, expected ip${address.family}:`
    return family === 4
      ? 'expected ip4: with an address or a network, such as ip4:192.0.2.0/24'
      : 'expected ip6: with an address or a network, such as ip6:2001:db8::/32'
  }
  const kind = family === 4 ? 'ip4' : 'ip6'
  return { kind, network: { octets: address.octets, prefixLength } }
}
