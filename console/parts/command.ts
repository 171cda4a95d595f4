// Commands that are to be copied into a terminal. Names in them may come from a link that somebody sent, and a zone may be
// called `$(id).example.com`: each stands as one word of a shell, which no shell and no terminal takes for anything else.

import { printable } from '../../src/lib/printable.ts'

interface Command {
  /** `mxsteer explain`, as it is. */
  readonly verb: string
  /** What is no flag. */
  readonly words: readonly string[]
  /** Without the hyphens. */
  readonly flags?: readonly (readonly [flag: string, value: string])[]
}

/** A word that begins with a hyphen would be taken for a flag: then flags come first, and `--` ends them. */
export function commandLine({ verb, words, flags = [] }: Command): string {
  const options = flags.flatMap(([flag, value]) =>
    value.startsWith('-') ? [`--${flag}=${value}`] : [`--${flag}`, value],
  )
  const all = words.some((word) => word.startsWith('-'))
    ? [...options, '--', ...words]
    : [...words, ...options]
  return [verb, ...all.map(shellWord)].join(' ')
}

/** `curl -s ADDRESS`, of a path of the API. */
export const curlCommand = (path: string): string =>
  `curl -s ${shellWord(String(new URL(`../${path}`, document.baseURI)))}`

/** As a shell reads it back as one word, in characters that all show. */
export function shellWord(text: string): string {
  // `=ls` is a path in zsh.
  if (/^[\w@%+:,./-][\w@%+=:,./-]*$/.test(text)) return text
  // A terminal obeys what `printable` escapes also while a command is pasted.
  return printable(text) === text ? `'${text.replaceAll("'", "'\\''")}'` : printedWord(text)
}

/** By printf, the one way to such characters that every shell has; it takes three octal digits for an octet. */
const printedWord = (text: string): string => {
  const octets = [...new TextEncoder().encode(text)]
  const format = octets.map((octet) =>
    isPlain(octet) ? String.fromCharCode(octet) : `\\${octet.toString(8).padStart(3, '0')}`,
  )
  return `"$(printf '${format.join('')}')"`
}

/** Neither `'`, which ends the word, nor `%` and `\`, which are printf's own. */
const isPlain = (octet: number): boolean =>
  octet >= 0x20 && octet < 0x7f && octet !== 0x27 && octet !== 0x25 && octet !== 0x5c
