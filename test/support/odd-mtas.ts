// Listeners that are no good MTAs, each wrong in one way, in the test's own process.

import { type Server, type Socket, createServer } from 'node:net'

export interface OddMta {
  /** Connections accepted so far. */
  accepted(): number
  /** Octets that the other side took so far. */
  writtenOctets(): number
  close(): Promise<void>
}

/** Accepts and never says a word. */
export const mute = (): void => {}

/** Answers like another protocol, before it was asked. */
export const garbage = (socket: Socket): void =>
  void socket.end('HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n<h1>\0\x1b[31m</h1>')

/** Continuation lines of a banner without end, as fast as the other side reads. */
export const endlessLines = (socket: Socket): void =>
  flood(socket, Buffer.from('220-please hold the line\r\n'.repeat(2000)))

/** One line without end. */
export const endlessLine = (socket: Socket): void => {
  socket.write('220-')
  flood(socket, Buffer.alloc(64 * 1024, 'x'))
}

function flood(socket: Socket, chunk: Buffer): void {
  const write = (): void => {
    while (!socket.destroyed && socket.write(chunk));
  }
  socket.on('drain', write)
  write()
}

/** Listens on one address and port and treats each client as `behave` says. */
export async function startOddMta(
  address: string,
  port: number,
  behave: (socket: Socket) => void,
): Promise<OddMta> {
  const sockets = new Set<Socket>()
  let accepted = 0
  let closedOctets = 0
  const server: Server = createServer((socket) => {
    accepted++
    sockets.add(socket)
    // The probe hangs up when it has seen enough.
    socket.on('error', () => {})
    socket.on('close', () => {
      closedOctets += socket.bytesWritten
      sockets.delete(socket)
    })
    socket.resume()
    behave(socket)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: address, port, exclusive: true }, () => resolve())
  })
  return {
    accepted: () => accepted,
    writtenOctets: () =>
      [...sockets].reduce((sum, socket) => sum + socket.bytesWritten, closedOctets),
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** MTAs that greet, one an address. */
export const startGreeters = (addresses: readonly string[], port: number): Promise<OddMta[]> =>
  Promise.all(
    addresses.map((address) =>
      startOddMta(address, port, (socket) => void socket.write('220 mx ESMTP\r\n')),
    ),
  )
