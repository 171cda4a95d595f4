// A store of a test's own: it reads commands as Redis does, answers them well, and sends whatever octets it is told to.

import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'

import { freePort } from './free-ports.ts'

/** Words of a command, the first in lower case. */
export type CommandWords = readonly string[]

/** Octets to send in place of a good reply; null: the good one. `send` is for what comes beside it. */
export type Misanswer = (
  words: CommandWords,
  send: (octets: string | Uint8Array) => void,
) => string | Uint8Array | null

export interface FakeStore {
  readonly port: number
  /** Commands received so far. */
  commandCount(): number
  /** Connections accepted so far, and those that are open. */
  connectionCount(): number
  openCount(): number
  /** From now on; null: everything is answered well. */
  misanswer(how: Misanswer | null): void
  /** Sends octets to every open connection with nothing asked. */
  sendToAll(octets: string | Uint8Array): void
  stop(): Promise<void>
}

export interface FakeStoreOptions {
  /** PEM texts: over TLS. */
  readonly tls?: { readonly cert: string; readonly key: string }
  /** What `get-master-addr-by-name` says, where it stands for a Sentinel. */
  readonly primaryPort?: number
}

export async function startFakeStore(options: FakeStoreOptions = {}): Promise<FakeStore> {
  const { tls } = options
  let misanswer: Misanswer | null = null
  let commands = 0
  let accepted = 0
  const open = new Set<Socket>()
  const serve = (socket: Socket): void => {
    accepted++
    open.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => open.delete(socket))
    const send = (octets: string | Uint8Array): void => {
      if (!socket.destroyed) socket.write(octets)
    }
    const read = createCommandReader()
    socket.on('data', (octets: Buffer) => {
      for (const words of read(octets)) {
        commands++
        const good = goodReply(words, options)
        const sent = misanswer?.(words, send) ?? good
        // A blocking command is answered late, so that the connection does not spin.
        if (words[0] === 'xread' && sent === good) setTimeout(() => send(sent), 50)
        else send(sent)
      }
    })
  }
  const port = await freePort()
  const server: Server = tls ? createTlsServer(tls, serve) : createServer(serve)
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    port,
    commandCount: () => commands,
    connectionCount: () => accepted,
    openCount: () => open.size,
    misanswer: (how) => void (misanswer = how),
    sendToAll(octets) {
      for (const socket of open) socket.write(octets)
    },
    stop() {
      for (const socket of open) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

/** Returns the commands that are whole with each chunk. Sizes are taken as true: the client is ours. */
export function createCommandReader(): (octets: Uint8Array) => readonly CommandWords[] {
  let rest = Buffer.alloc(0)
  return (octets) => {
    rest = Buffer.concat([rest, octets])
    const commands: CommandWords[] = []
    for (let read = readCommand(rest); read !== null; read = readCommand(rest)) {
      commands.push(read.words)
      rest = rest.subarray(read.octets)
    }
    return commands
  }
}

function readCommand(octets: Buffer): { words: CommandWords; octets: number } | null {
  let at = 0
  const line = (): string | null => {
    const end = octets.indexOf('\r\n', at)
    if (end < 0) return null
    const text = octets.toString('latin1', at + 1, end)
    at = end + 2
    return text
  }
  const count = line()
  if (count === null) return null
  const words: string[] = []
  for (let i = 0; i < Number(count); i++) {
    const length = line()
    if (length === null || octets.length < at + Number(length) + 2) return null
    words.push(octets.toString('utf8', at, at + Number(length)))
    at += Number(length) + 2
  }
  return { words: [words[0]?.toLowerCase() ?? '', ...words.slice(1)], octets: at }
}

export const bulk = (text: string): string => `$${Buffer.byteLength(text)}\r\n${text}\r\n`

const info = bulk('# Server\r\nredis_version:7.0.0\r\nloading:0\r\nrole:master\r\n')

function goodReply([name = '', ...args]: CommandWords, { primaryPort }: FakeStoreOptions): string {
  switch (name) {
    case 'info':
      return info
    case 'ping':
      return '+PONG\r\n'
    case 'get':
    case 'set':
      return args.includes('GET') || name === 'get' ? '$-1\r\n' : '+OK\r\n'
    case 'mget':
      return `*${args.length}\r\n${'$-1\r\n'.repeat(args.length)}`
    case 'hmget':
      return `*${args.length - 1}\r\n${'$-1\r\n'.repeat(args.length - 1)}`
    case 'xread':
      return '*-1\r\n'
    case 'srandmember':
    case 'xrange':
    case 'xrevrange':
    case 'hgetall':
      return '*0\r\n'
    case 'xadd':
      return bulk('1-1')
    case 'sentinel':
      return args[0] === 'get-master-addr-by-name'
        ? `*2\r\n${bulk('127.0.0.1')}${bulk(String(primaryPort))}`
        : '*0\r\n'
    case 'incr':
    case 'hlen':
    case 'hset':
    case 'hdel':
    case 'del':
    case 'sadd':
    case 'pexpire':
      return ':1\r\n'
    default:
      return '+OK\r\n'
  }
}
