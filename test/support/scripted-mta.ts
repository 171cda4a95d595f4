// An MTA that does what a script says, and nothing else: one listener on loopback, the same script for
// every connection. What either side sent is recorded in order, a chunk a line.

import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type SecureContextOptions, TLSSocket, createSecureContext } from 'node:tls'

export type Step =
  | { readonly send: string | Uint8Array }
  | { readonly waitMs: number }
  /** Waits until the client has sent a line that begins so. */
  | { readonly expect: string }
  /** One octet at a time. */
  | { readonly drip: string; readonly everyMs: number }
  /** The same again and again, as fast as the client reads. */
  | { readonly endless: string }
  /** TLS from here on, as the server. */
  | 'secure'
  | 'reset'
  | 'end'

export interface Exchanged {
  readonly from: 'client' | 'server'
  readonly text: string
}

export interface ScriptedMta {
  readonly port: number
  readonly exchanged: readonly Exchanged[]
  /** How each connection ended for the MTA: `end` is the client's FIN, `reset` our own, else the errno. */
  readonly closings: readonly string[]
  close(): Promise<void>
}

export async function startScriptedMta(
  script: readonly Step[],
  tls: SecureContextOptions = {},
): Promise<ScriptedMta> {
  const exchanged: Exchanged[] = []
  const closings: string[] = []
  const sockets = new Set<Socket>()
  const server: Server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    let received = ''
    const listen = (from: Socket): void => {
      from.setEncoding('latin1')
      from.on('data', (chunk) => {
        received += chunk
        exchanged.push({ from: 'client', text: String(chunk) })
      })
    }
    listen(socket)
    socket.once('end', () => {
      closings.push('end')
      socket.end()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => closings.push(error.code ?? 'error'))
    socket.once('close', () => {
      if (!socket.readableEnded && !socket.errored) closings.push('reset')
      sockets.delete(socket)
    })
    void play(socket, script, {
      said: (text) => exchanged.push({ from: 'server', text }),
      received: () => received,
      secure: () => startTls(socket, tls, listen),
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    exchanged,
    closings,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

interface Ears {
  said(text: string): void
  received(): string
  secure(): Socket
}

function startTls(
  socket: Socket,
  options: SecureContextOptions,
  listen: (from: Socket) => void,
): Socket {
  socket.removeAllListeners('data')
  const secured = new TLSSocket(socket, {
    isServer: true,
    secureContext: createSecureContext(options),
  })
  // A client that does not like what it sees hangs up.
  secured.on('error', () => {})
  secured.once('end', () => secured.end())
  listen(secured)
  return secured
}

async function play(connection: Socket, script: readonly Step[], ears: Ears): Promise<void> {
  let socket = connection
  for (const step of script) {
    if (socket.destroyed) return
    if (step === 'secure') socket = ears.secure()
    else if (step === 'reset') socket.resetAndDestroy()
    else if (step === 'end') socket.end()
    else if ('send' in step) {
      ears.said(
        typeof step.send === 'string' ? step.send : Buffer.from(step.send).toString('latin1'),
      )
      socket.write(typeof step.send === 'string' ? Buffer.from(step.send, 'latin1') : step.send)
    } else if ('waitMs' in step) await sleep(step.waitMs)
    else if ('expect' in step) await until(socket, () => ears.received().includes(step.expect))
    else if ('drip' in step) await drip(socket, step.drip, step.everyMs)
    else await pour(socket, Buffer.from(step.endless, 'latin1'))
  }
}

async function until(socket: Socket, isTrue: () => boolean): Promise<void> {
  while (!socket.destroyed && !isTrue()) await sleep(1)
}

async function drip(socket: Socket, text: string, everyMs: number): Promise<void> {
  for (const octet of Buffer.from(text, 'latin1')) {
    if (socket.destroyed || socket.writableEnded) return
    socket.write(Buffer.of(octet))
    await sleep(everyMs)
  }
}

async function pour(socket: Socket, what: Buffer): Promise<void> {
  while (!socket.destroyed && !socket.writableEnded) {
    if (socket.write(what)) await sleep(0)
    else await Promise.race([once(socket, 'drain'), once(socket, 'close')]).catch(() => {})
  }
}
