// What the exchange asks of a store: batches of commands, one at a time, and a wait for hints. It never throws, and
// whatever it cannot do it says at once or within its timeouts; nothing is queued while the store is away.

export type Command = readonly [name: string, ...args: (string | number)[]]

export type Reply =
  | { readonly kind: 'value'; readonly value: unknown }
  /** `code`: first word of the store's error, such as WRONGTYPE, or of ours; never what was sent. */
  | { readonly kind: 'error'; readonly code: string }

export interface StoreLink {
  /** One reply a command; null: the store is away, or was silent. `isAtomic`: all or nothing, and nobody between. */
  run(commands: readonly Command[], isAtomic?: boolean): Promise<readonly Reply[] | null>
  /** The same over a connection of its own, for a command that waits. */
  wait(command: Command): Promise<Reply | null>
  isReady(): boolean
  /** Calls back each time that a connection stands anew. */
  onReady(call: () => void): void
  /** Why the last attempt failed; null: it did not. */
  lastTrouble(): string | null
  close(): void
}
