// Text that is safe to print. Names of DNS records, greetings of MTAs, keys of the store and lines of files come from
// others: a terminal would obey what they hold.

// Control and format characters (bidirectional overrides are among these), line separators, unpaired surrogates.
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** Text in which every character that a terminal would interpret is escaped, as `\u{1b}`. */
export const printable = (text: string): string =>
  text.replace(unprintable, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)

/** JSON in which the same characters are escaped in the way of JSON; it means what it meant. Line feeds between values stay. */
export const printableJson = (json: string): string =>
  json.replace(/[^\P{C}\n]|\p{Zl}|\p{Zp}/gu, (character) =>
    character.split('').map(escapeUnit).join(''),
  )

/** A unit of UTF-16 in the way of JSON. */
const escapeUnit = (unit: string): string =>
  `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`

/** Replaces character by character, so that what stands below a column stays there. */
export const blankOut = (text: string): string =>
  text.replaceAll('\t', ' ').replace(unprintable, '\ufffd')
