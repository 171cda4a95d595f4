// Agents: what lines mean, and what comes over real sockets, whole or not.

import { type Server, type Socket, createServer } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'

import {
  queryAgent,
  parseAgentReply,
  agentReplyLifetimeMs,
  createAgentWatch,
} from '../../src/weights/agent-watch.ts'
import { createFeedbackRegistry } from '../../src/weights/feedback-registry.ts'
import { Standing } from '../../src/health/table.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createVirtualTime, seededRandom } from '../support/virtual-time.ts'

const silent = { share: null, mode: null, isDown: null, reason: '' }

describe('a line', () => {
  test.each([
    ['75%\n', { share: 0.75 }],
    ['up 75%\r\n', { share: 0.75, isDown: false }],
    ['READY,UP,100%', { share: 1, mode: 'ready', isDown: false }],
    ['ready\t50% maxconn:30\nand more', { share: 0.5, mode: 'ready' }],
    ['drain', { mode: 'drain' }],
    ['maint 20%', { mode: 'maint', share: 0.2 }],
    ['down#disk full, really\n', { isDown: true, reason: 'disk full, really' }],
    ['stopped', { isDown: true }],
    ['fail # no 75% here', { isDown: true, reason: 'no 75% here' }],
    ['250%', { share: 1 }],
    ['0%', { share: 0 }],
    ['drain maxconn:10 whatever', { mode: 'drain' }],
    ['down#\u0007bell', { isDown: true, reason: 'bell' }],
  ])('%j', (line, said) => {
    expect(parseAgentReply(line)).toEqual({ ...silent, ...said })
  })

  test.each(['', '\n75%', 'maxconn:30', '-5%', '7.5%', '#down', 'HTTP/1.1 400 Bad Request'])(
    '%j says nothing',
    (line) => {
      expect(parseAgentReply(line)).toBe(null)
    },
  )

  test('is read no further than its limit', () => {
    expect(parseAgentReply(`${' '.repeat(1024)}down`)).toBe(null)
    expect(parseAgentReply(`down#${'x'.repeat(500)}`)?.reason).toHaveLength(100)
  })
})

const servers: Server[] = []
afterEach(() => servers.splice(0).forEach((server) => server.close()))

function agentThat(does: (socket: Socket) => void): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      does(socket)
    })
    servers.push(server)
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
  })
}

const ask = async (does: (socket: Socket) => void, send = ''): Promise<string | null> =>
  queryAgent(
    { address: '127.0.0.1', port: await agentThat(does), intervalMs: 1000, send },
    new AbortController().signal,
  )

describe('over a socket', () => {
  test('a line that comes in pieces, one that ends with the connection, one after what we send', async () => {
    const pieces = await ask((socket) => {
      socket.write('75')
      setTimeout(() => socket.write('%\r\nignored'), 50)
    })
    expect(pieces?.startsWith('75%\r\n')).toBe(true)
    expect(await ask((socket) => socket.end('drain'))).toBe('drain')
    const echo = await ask(
      (socket) => socket.on('data', (said) => socket.end(`up#${String(said)}`)),
      'hello',
    )
    expect(echo).toBe('up#hello')
  })

  test('silence, hanging up and refusing are no answer', async () => {
    expect(await ask(() => {})).toBe(null)
    expect(await ask((socket) => socket.destroy())).toBe(null)
    expect(await ask((socket) => socket.end())).toBe(null)
  })

  test('an agent that sends without end is cut off at the limit', async () => {
    const answer = await ask((socket) => socket.write('x'.repeat(200_000)))
    expect(answer?.length).toBeGreaterThanOrEqual(1024)
    expect(answer?.length).toBeLessThanOrEqual(1024 + 65_536)
  })
})

test('the watch tells what agents say, and forgets an agent that falls silent', async () => {
  const time = createVirtualTime()
  const effects: string[] = []
  const book = createFeedbackRegistry(time.clock, time.timer, ({ target }, { factor, standing }) =>
    effects.push(`${target} ${factor} ${standing}`),
  )
  let says: string | null = 'up 50%'
  const profile = { address: '192.0.2.1', port: 1, intervalMs: 5000, send: '' }
  const agents = createAgentWatch({
    clock: time.clock,
    timer: time.timer,
    random: seededRandom(1),
    registry: book,
    query: () => Promise.resolve(says),
  })
  const run = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 100) {
      time.advance(100)
      for (let i = 0; i < 8; i++) await Promise.resolve()
    }
  }
  agents.update([{ zone: 'z', target: 'a', agent: profile }])
  await run(20_000)
  expect(book.effectOf({ zone: 'z', target: 'a' })).toEqual({ factor: 0.5, standing: 0 })
  says = 'maint'
  await run(7000)
  says = 'garbage'
  await run(7000)
  says = null
  await run(7000)
  expect(book.effectOf({ zone: 'z', target: 'a' }).standing).toBe(Standing.disabled)
  await run(agentReplyLifetimeMs(profile))
  expect(effects).toEqual(['a 0.5 0', 'a 0.5 2', 'a 1 0'])
  expect(agents.counts().heard).toBeGreaterThanOrEqual(4)
  expect(agents.counts().garbage).toBeGreaterThanOrEqual(1)
  expect(agents.counts().silent).toBeGreaterThanOrEqual(5)
  await agents.stop()
})

test('an agent that is taken away is forgotten at once; others words are not its own to undo', () => {
  const book = createFeedbackRegistry(systemClock)
  const of = { zone: 'z', target: 'a' }
  const agents = createAgentWatch({ clock: systemClock, random: Math.random, registry: book })
  const agent = { address: '127.0.0.1', port: 9, intervalMs: 3_600_000, send: '' }
  agents.update([{ ...of, agent }])
  book.report(of, 'agent', { kind: 'share', share: 0.5 }, 60_000)
  book.report(of, 'load-token', { kind: 'share', share: 0.5 }, 60_000)
  expect(book.effectOf(of).factor).toBe(0.25)
  agents.update([])
  expect(book.effectOf(of).factor).toBe(0.5)
  expect(book.withdraw(of, 'admin')).toBe(false)
  book.retain([])
  expect(book.effectOf(of).factor).toBe(1)
  book.stop()
  void agents.stop()
})
