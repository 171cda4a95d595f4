// Octets of a file → text: UTF-8 without control characters, so that nothing of it can upset a terminal.

import type { Fault } from './syntax.ts'

export type DecodedText =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'bad'; readonly text: string; readonly fault: Fault }

// Tab, line feed and carriage return are the only ones that a text file needs.
// oxlint-disable-next-line no-control-regex -- these are what is looked for
const controlCharacter = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/

export function decodeText(octets: Uint8Array): DecodedText {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(octets)
  const difference = firstDifference(octets, new TextEncoder().encode(text))
  if (difference !== null) {
    const offset = new TextDecoder('utf-8', { ignoreBOM: true }).decode(
      octets.subarray(0, difference),
    ).length
    const octet = (octets[difference] ?? 0).toString(16).padStart(2, '0')
    const message = `the octet 0x${octet} is not UTF-8, expected UTF-8 text`
    return { kind: 'bad', text, fault: { code: 'not-utf8', offset, path: [], message } }
  }
  const control = controlCharacter.exec(text)
  if (control) {
    const code = control[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')
    const message = `the control character U+${code} is not allowed; in quotes it can be written as an escape`
    return {
      kind: 'bad',
      text,
      fault: { code: 'control-character', offset: control.index, path: [], message },
    }
  }
  return { kind: 'text', text: text.replace(/^\ufeff/, '') }
}

/** Index of the first octet that did not survive decoding, at the start of its character. */
function firstDifference(octets: Uint8Array, again: Uint8Array): number | null {
  const end = Math.max(octets.length, again.length)
  for (let i = 0; i < end; i++) {
    if (octets[i] === again[i]) continue
    let start = i
    // The replacement character may share leading octets with what it replaced.
    while (start > 0 && ((again[start] ?? 0) & 0xc0) === 0x80) start--
    return start
  }
  return null
}
