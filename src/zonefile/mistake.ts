// A mistake in a file that an operator wrote: where, what, what was expected. Always a value, never thrown.

export interface Mistake {
  readonly severity: 'error' | 'warning'
  /** Stable, kebab-case; the table is docs/errors.md. */
  readonly code: string
  readonly file: string
  /** From 1. */
  readonly line: number
  readonly column: number
  /** Where in the document, e.g. `pools.eu.targets.mx1`; empty for the document itself. */
  readonly path: string
  /** One sentence: what is wrong, and what was expected. */
  readonly message: string
  /** The line of the file, with a caret under the column. */
  readonly excerpt: string
}
