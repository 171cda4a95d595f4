// The text of a bundle without any character beyond ASCII, and its source map for that: V8 keeps two octets for each character
// of a text that has one beyond Latin 1, in each thread that runs it.

const beyond = /[^\0-\x7f]/g

const escapedLength = 6

/** Throws where an escape would mean something else: behind a backslash. */
export function asAscii(code: string): string {
  if (/\\[^\0-\x7f]/.test(code)) throw new Error('a backslash before a character beyond ASCII')
  return code.replaceAll(beyond, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** `mappings` (ECMA-426) of `code` as those of `asAscii(code)`: what is behind an escape lies further to the right. */
export function mappingsAsAscii(mappings: string, code: string): string {
  const lines = code.split('\n')
  return mappings
    .split(';')
    .map((line, i) => {
      const ats = [...(lines[i] ?? '').matchAll(beyond)].map(({ index }) => index)
      return ats.length === 0 ? line : shifted(line, ats)
    })
    .join(';')
}

/** `ats`: columns of what is escaped, in order. */
function shifted(line: string, ats: readonly number[]): string {
  let column = 0
  let passed = 0
  return line
    .split(',')
    .map((segment) => {
      const { value, rest } = readNumber(segment)
      column += value
      const before = passed
      while (passed < ats.length && (ats[passed] as number) < column) passed++
      return writeNumber(value + (passed - before) * (escapedLength - 1)) + rest
    })
    .join(',')
}

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** A column is never to the left of the one before, so that its sign, the lowest bit, is not set. */
function readNumber(segment: string): { readonly value: number; readonly rest: string } {
  let value = 0
  for (let at = 0; at < segment.length; at++) {
    const digit = digits.indexOf(segment[at] as string)
    value += (digit & 31) * 2 ** (5 * at)
    if (digit < 32) return { value: value / 2, rest: segment.slice(at + 1) }
  }
  return { value: 0, rest: '' }
}

function writeNumber(value: number): string {
  let left = value * 2
  let text = ''
  do {
    const digit = left % 32
    left = Math.floor(left / 32)
    text += digits[digit + (left > 0 ? 32 : 0)] as string
  } while (left > 0)
  return text
}
