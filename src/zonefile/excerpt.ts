// The line of a file around a place, with a caret under it; and text that no terminal can be harmed by.

const excerptCharacters = 100

/** Two lines: the text around `offset`, cut where it is long, and the caret. */
export function excerptAt(text: string, offset: number): string {
  const at = Math.min(Math.max(0, offset), text.length)
  const start = at === 0 ? 0 : text.lastIndexOf('\n', at - 1) + 1
  const end = text.indexOf('\n', at)
  const line = maskSecrets(text.slice(start, end < 0 ? text.length : end).replace(/\r$/, ''))
  const column = Math.min(at - start, line.length)
  const from = Math.max(
    0,
    Math.min(column - excerptCharacters / 2, line.length - excerptCharacters),
  )
  const to = Math.min(line.length, from + excerptCharacters)
  const before = from > 0 ? '…' : ''
  const after = to < line.length ? '…' : ''
  const shown = `${before}${line.slice(from, to)}${after}`
  return `${blankOut(shown)}\n${' '.repeat(before.length + column - from)}^`
}

// Control, format (bidirectional overrides among them), line and paragraph separators, unpaired surrogates.
const harmful = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** One character for one, so that the caret stays under its column. */
const blankOut = (text: string): string => text.replaceAll('\t', ' ').replace(harmful, '\ufffd')

/** Text with everything escaped that a terminal would act on. */
export const printable = (text: string): string =>
  text.replace(harmful, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)

/** Hides secrets of cookies, and what URLs may carry: all of a store's URL, user and password of others. Keeps the length. */
export const maskSecrets = (text: string): string =>
  text
    .replace(/\b(rediss?|valkeys?|sentinels?|redis\+\w+):\S+/gi, stars)
    .replace(/\b[0-9a-f]{32}\b/gi, (secret) => '*'.repeat(secret.length))
    .replace(/:\/\/\S*@/g, (secret) => `://${'*'.repeat(secret.length - 4)}@`)

const stars = (url: string, scheme: string): string =>
  `${scheme}:${'*'.repeat(url.length - scheme.length - 1)}`
