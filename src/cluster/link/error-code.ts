// Of an error of ioredis or of a socket only its code is passed on: messages may contain what was sent, a password for
// instance.

export interface RawError {
  readonly code?: unknown
  readonly message?: string
  readonly previousErrors?: readonly Error[]
}

/** The code of an error in one upper-case word, `CLOSED` if it has none. Never contains what was sent. */
export function errorCode(error: unknown): string {
  const { code, message = '', previousErrors } = (error ?? {}) as RawError
  // An aborted transaction: the code of the command that was refused.
  if (message.startsWith('EXECABORT') && previousErrors?.[0]) return errorCode(previousErrors[0])
  if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,40}$/.test(code)) return code
  if (message === 'Command timed out' || message.startsWith('Socket timeout')) return 'TIMEOUT'
  if (message.startsWith('All sentinels are unreachable')) return 'SENTINELS'
  return /^[A-Z]{2,20}(?= |$)/.exec(message)?.[0] ?? 'CLOSED'
}
