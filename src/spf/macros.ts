// Macros in the domains of SPF terms (RFC 7208 §7), and the domains that a term may name (§7.1).

import type { Address } from '../lib/ip.ts'

/** What macros stand for. */
export interface MacroValues {
  /** null: an address that nobody has. */
  readonly address: Address | null
  /** The domain whose record is read. */
  readonly domain: string
  /** MAIL FROM, with its local part. */
  readonly sender: string
  readonly helo: string
}

const macro = /%(?:\{([a-z])(\d*)(r?)([-.+,/_=]*)\}|([%_-]))/gi

/** Letters outside `exp=`. */
const letters = 'slodiphv'

const topLabel = /^(?:[a-z0-9]*[a-z][a-z0-9]*|[a-z0-9]+-[a-z0-9-]*[a-z0-9])$/i

/** What is wrong with a text that macros may stand in, or null. */
export function macroStringFault(text: string): string | null {
  if (/[^\x21-\x7e]/.test(text)) return 'expected printable ASCII'
  for (const [whole, letter, count] of text.matchAll(macro)) {
    if (letter !== undefined && !`${letters}crt`.includes(letter.toLowerCase()))
      return `${whole} is no macro, expected a letter of ${letters}`
    if (count !== undefined && count !== '' && Number(count) === 0)
      return `${whole} keeps no label, expected a number above 0`
  }
  return text.replace(macro, '').includes('%')
    ? 'expected a macro such as %{i} after "%", or "%%" for it'
    : null
}

/** What is wrong with the domain of a term, or null. */
export function domainSpecFault(text: string): string | null {
  const why = macroStringFault(text)
  if (why !== null) return why
  for (const [whole, letter = ''] of text.matchAll(macro))
    if ('crt'.includes(letter.toLowerCase()) && letter !== '')
      return `${whole} counts in exp= alone`
  if (/%\{[^}]*\}$/.test(text)) return null
  const labels = text.replace(/\.$/, '').split('.')
  const last = labels.at(-1) ?? ''
  return labels.length > 1 && topLabel.test(last)
    ? null
    : 'expected a domain of several labels, such as _spf.example.com'
}

export const hasMacro = (text: string): boolean => text.includes('%')

const maxDomainCharacters = 253

/** The domain of a term, in lower case and without its final dot; labels that are too many are cut off at the left (§7.3). */
export function expandDomain(text: string, values: MacroValues): string {
  const expanded = text.replace(macro, (...match: readonly string[]) => {
    const [, letter, count, reverse, delimiters = '', escape = ''] = match
    if (letter === undefined) return escapes[escape] ?? ''
    const value = valueOf(letter.toLowerCase(), values)
    return transform(value, { count: Number(count), isReversed: reverse !== '', delimiters })
  })
  let domain = expanded.replace(/\.$/, '').toLowerCase()
  while (domain.length > maxDomainCharacters && domain.includes('.'))
    domain = domain.slice(domain.indexOf('.') + 1)
  return domain
}

const escapes: Readonly<Record<string, string>> = { '%': '%', _: ' ', '-': '%20' }

interface Transform {
  /** 0: all. */
  readonly count: number
  readonly isReversed: boolean
  readonly delimiters: string
}

function transform(value: string, { count, isReversed, delimiters }: Transform): string {
  const at = delimiters === '' ? '.' : delimiters
  let parts: readonly string[] = ['']
  let part = ''
  const found: string[] = []
  for (const character of value) {
    if (!at.includes(character)) part += character
    else {
      found.push(part)
      part = ''
    }
  }
  parts = [...found, part]
  if (isReversed) parts = parts.toReversed()
  return (count > 0 ? parts.slice(-count) : parts).join('.')
}

function valueOf(letter: string, { address, domain, sender, helo }: MacroValues): string {
  const at = sender.lastIndexOf('@')
  switch (letter) {
    case 's':
      return sender
    case 'l':
      return sender.slice(0, at)
    case 'o':
      return sender.slice(at + 1)
    case 'd':
      return domain
    case 'i':
      return address === null ? '0.0.0.0' : dotted(address)
    case 'v':
      return address?.family === 6 ? 'ip6' : 'in-addr'
    case 'h':
      return helo
    // `p` costs look-ups and should not be used (§7.2): as where no name is validated.
    default:
      return 'unknown'
  }
}

const dotted = ({ family, octets }: Address): string =>
  family === 4
    ? octets.join('.')
    : [...octets]
        .flatMap((octet) => [(octet >> 4).toString(16), (octet & 15).toString(16)])
        .join('.')
