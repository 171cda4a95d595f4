// Which names of this server a request may use. A page that a browser was lured to can have its own
// name resolve to this server's address (DNS rebinding) and would then read what the server says; the
// Host header still has the name of the page. Address literals cannot be rebound.
//
//   any listener           address literals, `localhost`, the names of `admin_hosts`
//   a listener on others   names without a dot as well, such as those of containers: no page on the
//   than loopback          Internet has one

import { parseAddress } from '../../lib/ip.ts'

export interface HostRule {
  /** Names of the setting `admin_hosts`, in lower case and without a final dot. */
  readonly names: readonly string[]
  readonly isLoopback: boolean
}

/** `authority`: the value of a Host header, a name or address with or without a port. */
export function isAcceptedHost({ names, isLoopback }: HostRule, authority: string): boolean {
  const bracketed = /^\[([0-9a-f:.]{2,45})\](?::\d{1,5})?$/i.exec(authority)?.[1]
  if (bracketed !== undefined) return parseAddress(bracketed)?.family === 6
  const name = /^([\w.-]{1,254})(?::\d{1,5})?$/.exec(authority)?.[1]?.toLowerCase()
  if (name === undefined) return false
  const host = name.replace(/\.$/, '')
  if (host === 'localhost' || names.includes(host)) return true
  if (parseAddress(host)?.family === 4) return true
  return !isLoopback && /^[a-z][\w-]*$/.test(host)
}
