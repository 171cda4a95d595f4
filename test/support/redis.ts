// A real redis-server on a free port of loopback, with its files in a folder of its own, ended by the test that started it.
// Another program that is one, such as a valkey-server, is named by the variable TEST_REDIS_SERVER.

import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'

import { freePort } from './free-ports.ts'
import { type Launched, temporaryFolder, watchChild } from './server.ts'
import { until } from './wait.ts'

export interface RedisServer {
  readonly port: number
  readonly url: string
  readonly pid: () => number
  /** Commands as a person would type them; what it says, or its error. */
  command(...words: readonly string[]): Promise<string>
  signal(signal: NodeJS.Signals): void
  /** SIGKILL, and the end of it. */
  kill(): Promise<void>
  /** Starts it again on the same port, with nothing in it. */
  restart(): Promise<void>
}

export interface RedisOptions {
  readonly config?: readonly string[]
  /** Given to AUTH by `command`. */
  readonly auth?: readonly string[]
}

const program = process.env['TEST_REDIS_SERVER'] || 'redis-server'

/** A Sentinel of that file, which it writes to. */
export const startSentinelOf = (file: string): Launched =>
  watchChild(spawn(program, [file, '--sentinel'], { stdio: ['ignore', 'pipe', 'pipe'] }))

export async function startRedis({ config = [], auth }: RedisOptions = {}): Promise<RedisServer> {
  const folder = temporaryFolder()
  const port = await freePort()
  writeFileSync(
    join(folder, 'redis.conf'),
    [
      'bind 127.0.0.1',
      `port ${port}`,
      `dir ${folder}`,
      'save ""',
      'appendonly no',
      'daemonize no',
      ...config,
      '',
    ].join('\n'),
  )
  let child: Launched
  const start = async (): Promise<void> => {
    const args = [join(folder, 'redis.conf')]
    child = watchChild(spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] }))
    await until(() => child.stdout().includes('Ready to accept connections'), {
      what: `${program} on port ${port}: ${child.stdout()}`,
      withinMs: 60_000,
    })
  }
  await start()
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    pid: () => child.pid,
    command: (...words) => talkTo(port, auth ? [['auth', ...auth], words] : [words]),
    signal: (signal) => child.signal(signal),
    async kill() {
      child.signal('SIGKILL')
      await child.exited
    },
    restart: start,
  }
}

/** Sends all of them at once, AUTH first if there are two; the last reply, as it came. */
export const talkTo = (port: number, commands: readonly (readonly string[])[]): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = createConnection({ host: '127.0.0.1', port, timeout: 60_000 })
    let reply = ''
    socket.setEncoding('utf8').on('data', (text: string) => (reply += text))
    socket.on('timeout', () => socket.destroy(new Error(`redis says nothing: ${reply}`)))
    socket.on('error', reject)
    socket.on('close', () => resolve(withoutStart(reply, commands.length)))
    const all = [...commands, ['quit']]
    // QUIT ends it: a client that closes first gets only a part of a long reply.
    socket.write(
      all
        .map(
          (words) =>
            `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`,
        )
        .join(''),
    )
  })

/** Without the +OK of AUTH before it and of QUIT after it. */
const withoutStart = (reply: string, count: number): string =>
  (count > 1 ? reply.replace(/^\+OK\r\n/, '') : reply).replace(/\+OK\r\n$/, '').trimEnd()
