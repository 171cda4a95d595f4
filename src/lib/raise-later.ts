// For what goes on after an error that is a bug: the error is not to be lost.

/**
 * Throws the error where no code catches it, once the caller has returned. In a server the guard of the process counts and
 * logs it (app/part-guard.ts); any other process ends.
 */
export function raiseLater(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}
