// Hosts that can be cut off: a process of its own with listeners, polite MTAs each. Stopped (SIGSTOP) and with its queues
// of new connections full, nothing of it answers any more, not even to connect; as if the way there were cut.

import { spawn } from 'node:child_process'
import { type Socket, connect } from 'node:net'

import { stopChild, watchChild } from './server.ts'
import { isListening, until } from './wait.ts'

export interface FreezableHost {
  freeze(): Promise<void>
  thaw(): void
  close(): Promise<void>
}

/** The kernel takes one connection more than this. */
const backlog = 1

const program = `
  const { createServer } = require('node:net')
  const [port, ...addresses] = process.argv.slice(1)
  for (const address of addresses) {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.write('220 mx ESMTP\\r\\n')
      socket.on('data', (line) => {
        if (String(line).startsWith('QUIT')) socket.end('221 bye\\r\\n')
        else socket.write('250 mx\\r\\n')
      })
    })
    server.listen({ host: address, port: Number(port), backlog: ${backlog} })
  }
`

export async function startFreezableHost(
  addresses: readonly string[],
  port: number,
): Promise<FreezableHost> {
  const args = ['-e', program, String(port), ...addresses]
  const child = watchChild(spawn(process.execPath, args, { stdio: 'ignore' }))
  let waiting: Socket[] = []
  for (const address of addresses)
    await until(() => isListening(address, port), { what: address, withinMs: 60_000 })
  return {
    async freeze() {
      child.signal('SIGSTOP')
      for (const address of addresses) waiting.push(...(await fillQueue(address, port)))
    },
    thaw() {
      child.signal('SIGCONT')
      for (const socket of waiting) socket.destroy()
      waiting = []
    },
    async close() {
      for (const socket of waiting) socket.destroy()
      child.signal('SIGCONT')
      await stopChild(child, 5000)
    },
  }
}

/** Connects until a connection is no longer taken. */
async function fillQueue(address: string, port: number): Promise<Socket[]> {
  const sockets: Socket[] = []
  for (;;) {
    const socket = connect({ host: address, port })
    socket.on('error', () => {})
    sockets.push(socket)
    if (!(await connects(socket))) return sockets
  }
}

const connects = (socket: Socket): Promise<boolean> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), 500)
    socket.once('connect', () => {
      clearTimeout(timer)
      resolve(true)
    })
  })
