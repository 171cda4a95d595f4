// The limits of connections: TCP, TLS and proxied ones of a worker together. An argument, so that tests can lower them.
//
// A deadline is for the whole of what it bounds: octets that drip in renew none.

export interface StreamLimits {
  /** Above it the most idle one is closed. */
  readonly connections: number
  /** Of one client network (/32 or /64); above it this client's most idle one is closed. */
  readonly perClient: number
  /** From accept to the first whole query; over TLS this includes the handshake. */
  readonly firstQueryMs: number
  /** From the first octet of a message to its last. */
  readonly messageMs: number
  /** From the last answer on. */
  readonly idleMs: number
  /** As `idleMs`, while the server is about to stop: answers have told the client so (RFC 7828 §3.3.2). */
  readonly lameduckIdleMs: number
  /** From accept; a zone transfer may go beyond it, up to `transferMs`. */
  readonly lifetimeMs: number
  readonly transferMs: number
  /** A client with more answers than this unread is not read from. */
  readonly unreadOctets: number
  /** From a write to the moment it, or one before it, was taken by the kernel. */
  readonly writeMs: number
  /** Answered in one go; then other connections get their turn. */
  readonly queriesPerTurn: number
}

export const streamLimits: StreamLimits = {
  connections: 1024,
  perClient: 20,
  firstQueryMs: 3000,
  messageMs: 2000,
  idleMs: 10_000,
  lameduckIdleMs: 500,
  lifetimeMs: 120_000,
  transferMs: 600_000,
  unreadOctets: 65_536,
  writeMs: 5000,
  queriesPerTurn: 128,
}
