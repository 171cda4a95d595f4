// The substitution expression of NAPTR (RFC 3403 §4.1, RFC 3402 §3.2): delimiter, regular expression, delimiter,
// replacement, delimiter, flags. It is empty if the Replacement field is used instead.

import type { StringCheck } from './string-field.ts'

const backslash = 0x5c
const isDigit = (octet: number): boolean => octet >= 0x30 && octet <= 0x39

/** What is wrong with a substitution expression, or null. */
export const checkSubstitution: StringCheck = (octets) => {
  if (octets.length === 0) return null
  const delimiter = octets[0] as number
  if (delimiter === backslash || delimiter === 0x69 || delimiter === 0 || isDigit(delimiter))
    return 'starts with a digit, "i" or "\\", expected a delimiter such as "!"'
  const parts = splitParts(octets.subarray(1), delimiter)
  if (parts.length !== 3) return 'expected delimiter, expression, delimiter, replacement, delimiter'
  const [expression = [], replacement = [], flags = []] = parts
  if (flags.some((flag) => flag !== 0x69)) return 'has a flag other than "i" at its end'
  const groups = countGroups(expression)
  if (groups === null) return 'has parentheses that do not match'
  return highestReference(replacement) > groups ? 'refers back to a group that is not there' : null
}

/** The parts between delimiters; a backslash escapes the octet that follows it. */
function splitParts(octets: Uint8Array, delimiter: number): number[][] {
  const parts: number[][] = [[]]
  for (let i = 0; i < octets.length; i++) {
    const octet = octets[i] as number
    if (octet === delimiter) parts.push([])
    else parts.at(-1)?.push(octet)
    if (octet === backslash && i + 1 < octets.length) parts.at(-1)?.push(octets[++i] as number)
  }
  return parts
}

/** The number of groups of a regular expression; null: its parentheses do not match. */
function countGroups(expression: readonly number[]): number | null {
  let [open, groups] = [0, 0]
  for (let i = 0; i < expression.length; i++) {
    const octet = expression[i] as number
    if (octet === backslash) i++
    else if (octet === 0x5b) i = bracketEnd(expression, i)
    else if (octet === 0x28) [open, groups] = [open + 1, groups + 1]
    else if (octet === 0x29 && --open < 0) return null
  }
  return open === 0 ? groups : null
}

/** The index of the `]` that closes a bracket expression; a `]` that comes first in it stands for itself (POSIX). */
function bracketEnd(expression: readonly number[], start: number): number {
  const first = expression[start + 1] === 0x5e ? start + 2 : start + 1
  const end = expression.indexOf(0x5d, first + 1)
  return end < 0 ? expression.length : end
}

/** The highest group that a replacement refers to. */
function highestReference(replacement: readonly number[]): number {
  let highest = 0
  for (let i = 0; i < replacement.length - 1; i++) {
    if (replacement[i] !== backslash) continue
    const next = replacement[++i] as number
    if (isDigit(next)) highest = Math.max(highest, next - 0x30)
  }
  return highest
}
