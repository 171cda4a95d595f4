// Texts that others wrote (banners, reasons, names) as they may be shown.

import { printable } from '../../src/lib/printable.ts'

/** With control characters, and those that turn the direction of text, as escapes, so that a line reads as it is. */
export const shown = printable

/** `connect-refused` → connection refused: reasons as prose. */
export const reasonWords = (reason: string): string =>
  shown(knownReasons[reason] ?? reason.replaceAll('-', ' '))

const knownReasons: Readonly<Record<string, string>> = {
  'connect-refused': 'connection refused',
  'connect-timeout': 'no answer',
  'held-for-flapping': 'held for flapping',
}
