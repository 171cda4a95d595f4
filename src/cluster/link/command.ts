// Commands to the store, and what it replies to them.

import type { HostPort } from './slot-owner.ts'

/** A command and its arguments. */
export type Command = readonly [name: string, ...args: (string | number)[]]

export type Reply =
  | { readonly kind: 'value'; readonly value: unknown }
  /**
   * `code` is the first word of an error reply, such as WRONGTYPE, or a code of `errorCode`. `askAt`: the node of a cluster
   * that takes our slot has to be asked.
   */
  | { readonly kind: 'error'; readonly code: string; readonly askAt?: HostPort }

/**
 * The hash in a reply to HGETALL, as alternating fields and values; empty if the reply is an error. ioredis returns a
 * list or an object, depending on the protocol version.
 */
export function hashOf(reply: Reply | undefined): readonly unknown[] {
  const value = reply?.kind === 'value' ? reply.value : []
  return Array.isArray(value) ? (value as unknown[]) : Object.entries(value ?? {}).flat()
}

/** One command for each key: while a cluster moves their slot, they can lie on two nodes. */
export const unlinkCommands = (keys: readonly string[]): readonly Command[] =>
  keys.map((key) => ['unlink', key])

/** The list in a reply; empty if the reply is an error or something else. */
export const listOf = (reply: Reply | undefined): readonly unknown[] =>
  reply?.kind === 'value' && Array.isArray(reply.value) ? (reply.value as unknown[]) : []
