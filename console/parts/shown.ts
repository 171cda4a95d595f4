// Texts that others wrote (banners, reasons, names) as they may be shown: control characters and those that turn the
// direction of text stand as escapes, so that a line reads as it is.

export const shown = (text: string): string =>
  text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (one) => {
    const code = one.codePointAt(0) ?? 0
    return code <= 0xff
      ? `\\x${code.toString(16).padStart(2, '0')}`
      : `\\u{${code.toString(16).padStart(4, '0')}}`
  })

/** `connect-refused` → connection refused: reasons as prose. */
export const reasonWords = (reason: string): string =>
  shown(knownReasons[reason] ?? reason.replaceAll('-', ' '))

const knownReasons: Readonly<Record<string, string>> = {
  'connect-refused': 'connection refused',
  'connect-timeout': 'no answer',
  'held-for-flapping': 'held for flapping',
}
