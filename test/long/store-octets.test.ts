// A store that sends what nobody asked for, or what is no reply: the connection is cut, counted and opened again, and
// nothing of it reaches the top of the process.

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'

import { createRedisLink, type StoreLink } from '../../src/cluster/link/redis-link.ts'
import { createAuthority } from '../support/certificates.ts'
import { bulk, type FakeStore, startFakeStore } from '../support/fake-store.ts'
import { until } from '../support/wait.ts'
import { badReplies, unaskedReplies } from '../support/hostile-replies.ts'

/** Where each connection would be sent millions of octets, one such reply is enough for all. */
const shortReplies = badReplies.filter(({ octets }) => octets.length < 1_000_000)

const address = {
  username: null,
  password: null,
  database: 0,
  tls: null,
  sentinelUsername: null,
  sentinelPassword: null,
}
const client = { name: 'test', key: 'mxsteer:{test}:v1:id' }
const times = { connectMs: 2000, commandMs: 2000, blockMs: 200, maxRetryMs: 200 }

const uncaught: unknown[] = []
const collect = (error: unknown): void => void uncaught.push(error)
beforeAll(() => void process.on('uncaughtException', collect).on('unhandledRejection', collect))
afterAll(() => void process.off('uncaughtException', collect).off('unhandledRejection', collect))

const ended: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ended.splice(0).toReversed()) await end()
  if (uncaught.length > 0) throw new AggregateError(uncaught.splice(0), 'thrown at the top')
})

function openLink(link: Partial<Parameters<typeof createRedisLink>[0]>, port: number): StoreLink {
  const where = { kind: 'one' as const, host: '127.0.0.1', port }
  const opened = createRedisLink({ ...address, where, ...link }, client, times, Math.random)
  ended.push(() => opened.close())
  return opened
}

async function startStore(options: Parameters<typeof startFakeStore>[0] = {}): Promise<FakeStore> {
  const store = await startFakeStore(options)
  ended.push(() => store.stop())
  return store
}

const faultsOf = (link: StoreLink): number =>
  Object.values(link.faults()).reduce((sum, count) => sum + count, 0)

const answers = (link: StoreLink): Promise<unknown> =>
  until(async () => (await link.run([['ping']]))?.[0]?.kind === 'value', {
    what: 'the link answers again',
    withinMs: 60_000,
  })

const isFaulty = (link: StoreLink, more = 0): Promise<unknown> =>
  until(() => faultsOf(link) > more, { what: 'the fault is counted', withinMs: 60_000 })

const hasReason = (link: StoreLink, code: string): Promise<unknown> =>
  until(() => link.lastErrorCode() === code, { what: `the reason ${code}`, withinMs: 60_000 })

test.each([...unaskedReplies, ...badReplies])(
  '$what with nothing asked: $code, and the link opens again',
  async ({ octets, code }) => {
    const store = await startStore()
    const link = openLink({}, store.port)
    await answers(link)
    store.sendToAll(octets)
    await isFaulty(link)
    // The blocking connection has something asked most of the time, the other one has not.
    expect([code, 'PROTOCOL']).toContain(link.lastErrorCode() ?? code)
    await answers(link)
    expect(link.lastErrorCode()).toBe(null)
  },
)

test.each(badReplies)('$what as a reply in a batch: $code', async ({ octets, code }) => {
  const store = await startStore()
  const link = openLink({}, store.port)
  await answers(link)
  let pings = 0
  store.misanswer(([name]) => (name === 'ping' && ++pings === 2 ? octets : null))
  // Again where it took so long to read them that the batch was given up before.
  const hasTheReason = async (): Promise<boolean> => {
    pings = 0
    expect(await link.run([['ping'], ['ping'], ['ping']])).toBe(null)
    return link.lastErrorCode() === code
  }
  await until(hasTheReason, { what: `the reason ${code}`, withinMs: 60_000 })
  store.misanswer(null)
  await answers(link)
})

test.each(unaskedReplies.slice(0, 5))('$what after the replies to a batch', async ({ octets }) => {
  const store = await startStore()
  const link = openLink({}, store.port)
  await answers(link)
  store.misanswer(([name], send) => {
    if (name === 'last') setImmediate(() => send(octets))
    return null
  })
  await link.run([['ping'], ['hlen', 'last']])
  await link.run([['ping'], ['get', 'x']])
  store.misanswer(([name], send) => {
    if (name === 'get') setImmediate(() => send(octets))
    return null
  })
  await link.run([['ping'], ['get', 'x']])
  expect(await isFaulty(link)).toBe(true)
  store.misanswer(null)
  await answers(link)
})

test.each([...unaskedReplies.slice(0, 2), ...shortReplies])(
  '$what in the handshake: $code',
  async ({ octets, code }) => {
    const store = await startStore()
    // Null strings and arrays come beside the reply, so that they are none.
    const isBeside = unaskedReplies.some((one) => one.octets === octets)
    store.misanswer(([name], send) => {
      if (name !== 'info') return null
      if (isBeside) setImmediate(() => send(octets))
      return isBeside ? null : octets
    })
    const link = openLink({}, store.port)
    await isFaulty(link, 2)
    if (!isBeside) await hasReason(link, code)
    store.misanswer(null)
    expect(await answers(link)).toBe(true)
  },
)

test.each(badReplies)('$what on the blocking connection', async ({ octets }) => {
  const store = await startStore()
  const link = openLink({}, store.port)
  await answers(link)
  store.misanswer(([name]) => (name === 'xread' ? octets : null))
  const read = (): Promise<unknown> => link.runBlocking(['xread', 'BLOCK', 1, 'STREAMS', 'x', '0'])
  await until(async () => (await read()) ?? faultsOf(link) > 0, {
    what: 'the fault is counted',
    withinMs: 60_000,
  })
  // The other connection does not suffer.
  expect((await link.run([['ping']]))?.[0]?.kind).toBe('value')
  store.misanswer(null)
  await until(async () => (await read()) !== null, { what: 'it reads again', withinMs: 60_000 })
})

test('over TLS', async () => {
  const authority = createAuthority()
  const store = await startStore({ tls: authority.sign(['store.example.test']) })
  const link = openLink(
    { tls: { ca: authority.cert, servername: 'store.example.test' } },
    store.port,
  )
  await answers(link)
  for (const { octets } of [...unaskedReplies, ...shortReplies]) {
    const before = faultsOf(link)
    store.sendToAll(octets)
    await isFaulty(link, before)
    expect(await answers(link)).toBe(true)
  }
})

const sentinelReplies: readonly (readonly [what: string, octets: string])[] = [
  ...shortReplies.map(({ what, octets }) => [what, octets] as const),
  ['no such primary', '*-1\r\n'],
  ['no list', '+OK\r\n'],
  ['an address without an end', '*1\r\n$9\r\n127.0.0.1\r\n'],
  ['nulls', '*2\r\n$-1\r\n$-1\r\n'],
  ['a port that there is not', `*2\r\n${bulk('127.0.0.1')}${bulk('99999')}`],
  ['a port that is a name', `*2\r\n${bulk('127.0.0.1')}${bulk('smtp')}`],
  ['lists in place of texts', '*2\r\n*0\r\n*0\r\n'],
  ['numbers in place of texts', '*2\r\n:1\r\n:1\r\n'],
  ['a name that cannot be', `*2\r\n${bulk('\u0000.')}${bulk('6379')}`],
]

test.each(sentinelReplies)('a Sentinel that says %s', async (_, octets) => {
  const store = await startStore()
  const sentinel = await startStore({ primaryPort: store.port })
  sentinel.misanswer((words) => (words[1] === 'get-master-addr-by-name' ? octets : null))
  const sentinels = [{ host: '127.0.0.1', port: sentinel.port }]
  const where = { kind: 'sentinel' as const, sentinels, name: 'mail' }
  const link = openLink({ where }, store.port)
  const asked = sentinel.commandCount()
  await until(() => sentinel.commandCount() > asked + 8, {
    what: 'it is asked again and again',
    withinMs: 60_000,
  })
  expect(link.isReady()).toBe(false)
  sentinel.misanswer(null)
  await answers(link)
})

test.each([
  ['null', '$-1\r\n'],
  ['a null array', '*-1\r\n'],
  ['a list', '*0\r\n'],
  ['another role', bulk('role:slave\r\nloading:0\r\n')],
  ['an error', '-ERR unknown command\r\n'],
])('a primary named by a Sentinel whose INFO is %s', async (_, octets) => {
  const store = await startStore()
  const sentinel = await startStore({ primaryPort: store.port })
  store.misanswer(([name]) => (name === 'info' ? octets : null))
  const sentinels = [{ host: '127.0.0.1', port: sentinel.port }]
  const link = openLink({ where: { kind: 'sentinel', sentinels, name: 'mail' } }, store.port)
  const accepted = store.connectionCount()
  await until(() => store.connectionCount() > accepted + 3 || link.isReady(), {
    what: 'it is tried again',
    withinMs: 60_000,
  })
  store.misanswer(null)
  expect(await answers(link)).toBe(true)
})

test('a store that garbles every connection is asked less and less often', async () => {
  const store = await startStore()
  store.misanswer(([name]) => (name === 'ping' ? '_\r\n' : null))
  const where = { kind: 'one' as const, host: '127.0.0.1', port: store.port }
  const patient = { ...times, maxRetryMs: 400 }
  const link = createRedisLink({ ...address, where }, client, patient, () => 0.999)
  ended.push(() => link.close())
  const startedMs = performance.now()
  while (faultsOf(link) < 6) {
    await link.run([['ping']])
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  // 100 + 200 + 400 + 400 + 400 ms: a slower machine takes longer.
  expect(performance.now() - startedMs).toBeGreaterThan(1400)
  store.misanswer(null)
  await answers(link)
})
