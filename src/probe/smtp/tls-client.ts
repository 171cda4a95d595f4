// TLS over the socket of a probe. It takes what it is offered and judges afterwards (tls-judgement.ts): any
// certificate, and versions back to 1.0, so that what is wrong can be named. No session is resumed.

import type { Socket } from 'node:net'
import { isIP } from 'node:net'
import { type TLSSocket, connect } from 'node:tls'

export function startTls(
  socket: Socket,
  serverName: string | null,
  ca: readonly string[] | undefined,
): TLSSocket {
  return connect({
    socket,
    ...(serverName !== null && isIP(serverName) === 0 && { servername: serverName }),
    ...(ca && { ca: [...ca] }),
    rejectUnauthorized: false,
    // The name is judged apart from the chain.
    checkServerIdentity: () => undefined,
    minVersion: 'TLSv1',
    ciphers: 'DEFAULT@SECLEVEL=0',
  })
}

/** A peer that hangs up in the handshake is told of as a reset without a system call behind it. */
export const isHangUp = (error: NodeJS.ErrnoException): boolean =>
  error.code === 'ECONNRESET' && error.syscall === undefined

/** Whether an error of a TLS socket is of TLS, and not of the network below. */
export const isOfTls = (error: NodeJS.ErrnoException): boolean =>
  error.code === undefined || /^(ERR_SSL|ERR_TLS|EPROTO)/.test(error.code)
