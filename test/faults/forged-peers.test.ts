// Somebody who can write to the store makes up two instances at two sites that vote every target down. Without a secret
// the targets leave: that is what the ACL of the store is for. With one nothing moves, and the operator is told.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { freePort } from '../support/free-ports.ts'
import { mailZone } from '../support/mail-zone.ts'
import { type OddMta, startGreeters } from '../support/odd-mtas.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { pause, until } from '../support/wait.ts'

const addresses = ['127.0.5.11', '127.0.5.12']
const secret = 'a-secret-that-no-log-line-shows-0001'
const prefix = 'mxsteer:{default}:v1:'
const forgedPeers = ['evil1', 'evil2']

let mtas: readonly OddMta[]
let zone: string
beforeAll(async () => {
  const port = await freePort(addresses)
  mtas = await startGreeters(addresses, port)
  zone = mailZone({
    targets: {
      mx1: { address: '127.0.5.11', weight: 1 },
      mx2: { address: '127.0.5.12', weight: 1 },
    },
    port,
    probe: { level: 'banner' },
  })
})
afterAll(async () => {
  await Promise.all(mtas.map((one) => one.close()))
})

const serve = (redis: RedisServer, settings: readonly string[]): Promise<RunningServer> =>
  startServer({
    zones: { 'smtp.yaml': zone },
    settings: [
      `state: ${redis.url}`,
      // A process that waits for its turn on a busy machine is not to be cut off for it.
      'state_heartbeat: 1s',
      'instance: i1',
      'site: s1',
      'workers: 1',
      'lameduck: 0',
      ...settings,
    ].join('\n'),
  })

/** Writes heartbeats and votes of the made-up instances over and over, until `stop`. */
function forge(redis: RedisServer): { readonly rounds: () => number; stop(): Promise<void> } {
  const state = { rounds: 0, isStopped: false }
  const work = (async () => {
    while (!state.isStopped) {
      const listed = (await redis.command('HKEYS', `${prefix}v:i1`)).split('\r\n')
      const endpoints = listed.filter((one) => /^[\w-]{16}$/.test(one))
      const sequence = ++state.rounds
      for (const name of forgedPeers) {
        const beat = `1|${sequence}|ok|${name}-site`
        await redis.command('SET', `${prefix}hb:${name}`, beat, 'PX', '20000')
        await redis.command('SADD', `${prefix}inst`, name)
        for (const endpoint of endpoints)
          await redis.command('HSET', `${prefix}v:${name}`, endpoint, 'D|1|connect-refused')
        await redis.command('XADD', `${prefix}ev`, '*', 'i', name, 't', '*')
      }
      await pause(50)
    }
  })()
  return {
    rounds: () => state.rounds,
    async stop() {
      state.isStopped = true
      await work
    },
  }
}

const isUp = async (server: RunningServer): Promise<boolean> =>
  (await server.targets()).every(({ state }) => state === 'up')

let redis: RedisServer
let server: RunningServer
let forger: ReturnType<typeof forge> | null = null
beforeEach(async () => {
  redis = await startRedis()
})
afterEach(async () => {
  await forger?.stop()
  forger = null
  await server.stop()
  await redis.kill()
})

async function start(settings: readonly string[]): Promise<void> {
  server = await serve(redis, settings)
  await until(() => isUp(server), { what: 'both targets up', withinMs: 60_000 })
}

test('without a secret two forged peers at two sites put every target down', async () => {
  await start([])
  forger = forge(redis)
  await until(async () => (await server.targets()).every(({ state }) => state === 'down'), {
    what: 'both targets down',
    withinMs: 60_000,
  })
  const downs = 'mxsteer_target_transitions_total{to="down"}'
  expect(await server.metric(downs)).toBeGreaterThanOrEqual(2)
})

describe('with a secret', () => {
  beforeEach(() => start([`state_secret: "${secret}"`]))

  test('nothing moves, and the operator is told', async () => {
    const downs = async (): Promise<number> =>
      (await server.metric('mxsteer_target_transitions_total{to="down"}')) ?? 0
    const counted = 'mxsteer_state_unauthentic_total{record="heartbeat",why="unsealed"}'
    forger = forge(redis)
    // As many reads as it takes the server without a secret, several times over.
    await until(async () => ((await server.metric(counted)) ?? 0) >= 100, {
      what: 'forged heartbeats are counted',
      withinMs: 60_000,
    })
    expect(forger.rounds()).toBeGreaterThan(10)
    expect((await server.targets()).filter(({ state }) => state === 'down')).toEqual([])
    expect(await downs()).toBe(0)
    expect(await server.metric('mxsteer_instances')).toBe(1)
    expect(await server.metric('mxsteer_state_unauthentic_peers')).toBe(2)
    const told = server.logs().filter(({ event }) => event === 'state.unauthentic')
    expect(new Set(told.map(({ peer }) => peer))).toEqual(new Set(forgedPeers))
    expect(told).toHaveLength(2)
    expect(told[0]).toMatchObject({ record: 'heartbeat', why: 'unsealed', ignored: true })
    const problem = await until(
      async () => {
        const { problems } = JSON.parse((await server.http('/status')).body) as {
          readonly problems: readonly { readonly kind: string; readonly text: string }[]
        }
        return problems.find(({ kind }) => kind === 'records-unauthentic') ?? null
      },
      { what: 'the problem', withinMs: 60_000 },
    )
    expect(problem.text).toMatch(/evil1.*evil2|evil2.*evil1/)
    await forger.stop()
    await redis.command('DEL', ...forgedPeers.map((name) => `${prefix}hb:${name}`))
    const over = await Promise.all(
      forgedPeers.map((name) =>
        server.waitForLog(
          ({ event, peer }) => event === 'state.authentic' && peer === name,
          120_000,
        ),
      ),
    )
    expect(over).toHaveLength(2)
  })

  test('the secret is in no log line, metric or page, nor in the store', async () => {
    const pages = await Promise.all(
      ['/status', '/metrics', '/targets', '/overrides'].map((path) => server.http(path)),
    )
    const keys = (await redis.command('KEYS', '*'))
      .split('\r\n')
      .filter((one) => one.includes(':v1:'))
    const stored = await Promise.all(keys.map((key) => redis.command('DUMP', key)))
    const texts = [server.stdout(), server.stderr(), ...pages.map(({ body }) => body), ...stored]
    for (const text of texts) expect(text).not.toContain(secret)
  })
})
