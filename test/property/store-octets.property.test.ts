// Random and mutated replies of a store, through the guard of the link and the parser of ioredis as the link uses it, over
// streams in memory: nothing is thrown at the top, and after each of them the client is of use.

import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'

import fc from 'fast-check'
import { AbstractConnector, Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { guardReplies, type LinkFault } from '../../src/cluster/link/reply-guard.ts'
import { bulk, createCommandReader } from '../support/fake-store.ts'
import { runs } from '../support/runs.ts'

/** What an honest store says to the commands of an instance. */
const honest: readonly string[] = [
  '+OK\r\n',
  '+QUEUED\r\n',
  ':1\r\n',
  ':-9007199254740993\r\n',
  '$-1\r\n',
  '$0\r\n\r\n',
  '*-1\r\n',
  '*0\r\n',
  '-WRONGTYPE Operation against a key holding the wrong kind of value\r\n',
  '-READONLY You can not write against a read only replica.\r\n',
  bulk('12|3456|ok|fra|pZ3_bW0bGv6q1x-d'),
  `*4\r\n${bulk('a')}${bulk('U|1|ok')}${bulk('b')}${bulk('D|1|connect-refused')}`,
  `*3\r\n$-1\r\n${bulk('D|12|mute')}$-1\r\n`,
  `*1\r\n*2\r\n${bulk('ev')}*1\r\n*2\r\n${bulk('1-1')}*4\r\n${['i', 'a', 't', '*'].map(bulk).join('')}`,
  `*2\r\n-ERR unknown command\r\n*1\r\n:1\r\n`,
]

/** Beginnings of what has a meaning in RESP3, and of what is none of either. */
const strange: readonly string[] = [
  '_\r\n',
  '>1\r\n_\r\n',
  '>3\r\n+message\r\n_\r\n_\r\n',
  '>3\r\n+unsubscribe\r\n_\r\n:0\r\n',
  '%1\r\n+a\r\n_\r\n',
  '~2\r\n_\r\n_\r\n',
  '|1\r\n+a\r\n+b\r\n',
  '#t\r\n',
  ',inf\r\n',
  '(123\r\n',
  '=6\r\ntxt:ab\r\n',
  '!3\r\nERR\r\n',
  '$-2\r\n',
  '*-2\r\n',
  '*99999999\r\n',
  '$99999999\r\n',
  '*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n',
  '\r\n',
  'HTTP/1.1 200 OK\r\n',
]

const mutation = fc.record({
  kind: fc.constantFrom('flip', 'drop', 'insert', 'repeat', 'cut', 'swap-type'),
  at: fc.nat(400),
  count: fc.nat(8),
  octet: fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('\r\n$*+-:_>%0123456789'))),
})
type Mutation = typeof mutation extends fc.Arbitrary<infer Value> ? Value : never

function mutate(octets: Buffer, { kind, at, count, octet }: Mutation): Buffer {
  const where = octets.length === 0 ? 0 : at % octets.length
  const [before, after] = [octets.subarray(0, where), octets.subarray(where)]
  switch (kind) {
    case 'flip':
      return Buffer.concat([before, Buffer.of(octet), after.subarray(1)])
    case 'drop':
      return Buffer.concat([before, after.subarray(count)])
    case 'insert':
      return Buffer.concat([before, Buffer.alloc(count, octet), after])
    case 'repeat':
      return Buffer.concat([before, after.subarray(0, count), after])
    case 'cut':
      return Buffer.from(before)
    default:
      return Buffer.concat([Buffer.of(octet), octets.subarray(1)])
  }
}

const sent = fc.record({
  replies: fc.oneof(
    { weight: 6, arbitrary: fc.array(fc.constantFrom(...honest), { maxLength: 5 }) },
    { weight: 3, arbitrary: fc.array(fc.constantFrom(...honest, ...strange), { maxLength: 5 }) },
    {
      weight: 1,
      arbitrary: fc
        .uint8Array({ maxLength: 40 })
        .map((octets) => [Buffer.from(octets).toString('latin1')]),
    },
  ),
  mutations: fc.array(mutation, { maxLength: 3 }),
  /** Octets of each piece in which it arrives. */
  piece: fc.constantFrom(1, 2, 3, 7, 1000),
  isTransaction: fc.boolean(),
})

class MemorySocket extends Duplex {
  readonly #answer: (words: readonly string[], socket: MemorySocket) => void
  readonly #read = createCommandReader()
  readonly connecting = false

  constructor(answer: (words: readonly string[], socket: MemorySocket) => void) {
    super({ read() {} })
    this.#answer = answer
  }

  override _write(octets: Buffer, _: string, done: () => void): void {
    for (const words of this.#read(octets)) this.#answer(words, this)
    done()
  }

  /** The store closes too. */
  override _final(done: () => void): void {
    this.push(null)
    done()
  }

  setNoDelay(): void {}
  setKeepAlive(): void {}
  setTimeout(): void {}
}

interface MemoryStore {
  readonly client: Redis
  readonly faults: Record<LinkFault, number>
  /** Sent in place of all replies to the batch whose last command is `echo`; pieces of so many octets. */
  script: { octets: Buffer; piece: number } | null
  /** Ends the connection, as a store does that hangs up. */
  hangUp(): void
  isUsable(): boolean
  closed: number
}

function openMemoryStore(): MemoryStore {
  const faults = { malformed: 0, unasked: 0, oversized: 0, exception: 0 }
  let socket: MemorySocket | null = null
  const answer = ([name]: readonly string[], to: MemorySocket): void => {
    if (name === 'ping') return void to.push('+PONG\r\n')
    if (name === 'client') return void to.push('+OK\r\n')
    if (name === 'info') return void to.push(bulk('loading:0\r\nrole:master'))
    const { script } = store
    if (name !== 'echo' && name !== 'exec') return
    if (script === null || (name === 'echo' && script === sentScript)) return
    sentScript = script
    for (let at = 0; at < script.octets.length; at += script.piece)
      to.push(script.octets.subarray(at, at + script.piece))
  }
  let sentScript: MemoryStore['script'] = null
  class Connector extends AbstractConnector {
    constructor() {
      super(1000)
    }
    async connect(): Promise<Socket> {
      this.connecting = true
      socket = new MemorySocket(answer)
      this.stream = socket as unknown as Socket
      guardReplies(this.stream, (fault) => faults[fault]++)
      return this.stream
    }
  }
  const client = new Redis({
    Connector,
    connectionName: 'mxsteer-test',
    protocol: 2,
    replyMapping: 'legacy',
    enableOfflineQueue: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 1,
    disableClientInfo: true,
    retryStrategy: () => 0,
    commandTimeout: 250,
    reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 1 : false),
  })
  const store: MemoryStore = {
    client,
    faults,
    script: null,
    hangUp: () => void socket?.destroy(),
    isUsable: () => client.status === 'ready' && socket?.writable === true,
    closed: 0,
  }
  client.on('error', () => {})
  client.on('close', () => store.closed++)
  return store
}

const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

/** Sends it to a client that is of use, and sees to it that the client is of use again. */
async function confront(
  store: MemoryStore,
  {
    replies,
    mutations,
    piece,
    isTransaction,
  }: typeof sent extends fc.Arbitrary<infer V> ? V : never,
): Promise<void> {
  const { client } = store
  await becomeUsable(store)
  const octets = mutations.reduce(mutate, Buffer.from(replies.join(''), 'latin1'))
  store.script = { octets, piece }
  const commands = [
    ['get', 'x'],
    ['hgetall', 'x'],
    ['echo', 'x'],
  ] as [string, string][]
  const batch = isTransaction ? client.multi(commands) : client.pipeline(commands)
  let isSettled = false
  void batch.exec().then(
    () => (isSettled = true),
    () => (isSettled = true),
  )
  const { closed } = store
  await nextTurn()
  if (store.closed > closed) return
  // Too few replies: the link waits for them until a timeout. A transaction may fail before all of them are there.
  if (!isSettled || isTransaction) store.hangUp()
  await nextTurn()
}

/** As the link of an instance does: what is not replied to in time ends the connection. */
async function becomeUsable(store: MemoryStore): Promise<void> {
  for (let attempts = 0; attempts < 100; attempts++) {
    while (!store.isUsable()) await nextTurn()
    const reply = await store.client.ping().catch(() => null)
    if (reply === 'PONG') return
    store.client.disconnect(true)
    await nextTurn()
  }
  throw new Error('of no use after 100 connections')
}

const uncaught: unknown[] = []
const collect = (error: unknown): void => void uncaught.push(error)
beforeAll(() => void process.on('uncaughtException', collect).on('unhandledRejection', collect))
afterAll(() => void process.off('uncaughtException', collect).off('unhandledRejection', collect))

const lanes = 20

test('100,000 replies: nothing is thrown at the top, and the client is of use afterwards', async () => {
  const stores = Array.from({ length: lanes }, openMemoryStore)
  const before = process.cpuUsage()
  await Promise.all(
    stores.map((store) =>
      fc.assert(
        fc.asyncProperty(sent, async (what) => {
          await confront(store, what)
          expect(uncaught).toEqual([])
        }),
        { numRuns: runs(100_000 / lanes) },
      ),
    ),
  )
  const faults = stores.map((store) => store.faults)
  const sum = (kind: LinkFault): number => faults.reduce((total, one) => total + one[kind], 0)
  const { user, system } = process.cpuUsage(before)
  console.info(
    `store replies: ${((user + system) / 1e6).toFixed(1)} s of CPU; malformed ${sum('malformed')}, ` +
      `unasked ${sum('unasked')}, oversized ${sum('oversized')}, exception ${sum('exception')}`,
  )
  for (const kind of ['malformed', 'unasked', 'oversized'] as const)
    expect(sum(kind)).toBeGreaterThan(0)
  expect(sum('exception')).toBe(0)
  for (const { client } of stores) client.disconnect()
}, 600_000)
