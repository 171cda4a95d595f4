// The doctor's checks of the store: against a real redis-server, and on facts that one seldom reports.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

import { afterEach, describe, expect, it } from 'vitest'

import { loadSettings } from '../../src/settings/settings.ts'
import type { CheckResult } from '../../src/doctor/report.ts'
import { type StoreFacts, checkStoreFacts, checkState } from '../../src/doctor/store-checks.ts'
import { freePort } from '../support/free-ports.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { until } from '../support/wait.ts'

const started: RedisServer[] = []
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.kill()))
})

async function redisWith(...config: readonly string[]): Promise<RedisServer> {
  const isGuarded = config.some((line) => line.startsWith('user default off'))
  const redis = await startRedis({
    config: isGuarded ? [...config, 'user admin on >admin-password ~* &* +@all'] : config,
    ...(isGuarded ? { auth: ['admin', 'admin-password'] } : {}),
  })
  started.push(redis)
  return redis
}

async function examined(state: string, more: Record<string, string> = {}): Promise<CheckResult[]> {
  const given = { MXSTEER_STATE: state, MXSTEER_INSTANCE: 'ns1-fra', ...more }
  const loaded = await loadSettings({ flags: {}, env: given })
  if (loaded.kind === 'rejected') throw new Error(JSON.stringify(loaded.diagnostics))
  return [...(await checkState(loaded.settings, Math.random))]
}

const worst = (verdicts: readonly CheckResult[]): CheckResult =>
  verdicts.find(({ status }) => status === 'fail') ??
  verdicts.find(({ status }) => status === 'warn') ??
  (verdicts[0] as CheckResult)

const manual = readFileSync(new URL('../../docs/operations/redis.md', import.meta.url), 'utf8')

const documentedUser = (): string => {
  const hash = createHash('sha256').update('secret-one').digest('hex')
  const line = /^user ns1-fra .*$/m.exec(manual)?.[0] ?? ''
  return line.replace('#<sha256 of its password>', `#${hash}`)
}
const asDocumented = { MXSTEER_STATE_USERNAME: 'ns1-fra', MXSTEER_STATE_PASSWORD: 'secret-one' }

it('finds nothing wrong with the ACL of the docs, and leaves nothing behind', async () => {
  const redis = await redisWith('user default off', documentedUser())
  const verdicts = await examined(redis.url, asDocumented)
  expect(verdicts.map(({ status }) => status)).toEqual(['ok', 'ok', 'ok'])
  expect(verdicts[0]?.text).toMatch(/^(?:Redis|Valkey) \d+\.\d+\.\d+, \d+\.\d ms to it and back$/)
  expect(await redis.command('DBSIZE')).toBe(':0')
  expect(await redis.command('ACL', 'LOG')).toBe('*0')
})

it('names the missing rights, and where they are documented', async () => {
  const user = documentedUser().replace(' ~mxsteer:{default}:v1:ev', '').replace(' +incr', '')
  const redis = await redisWith('user default off', user)
  const found = worst(await examined(redis.url, asDocumented))
  expect(found).toMatchObject({ status: 'fail', advice: expect.stringContaining('redis.md') })
  expect(found.text).toBe(
    'not allowed: incr mxsteer:{default}:v1:ep:ns1-fra, xadd mxsteer:{default}:v1:ev',
  )
  expect(await redis.command('DBSIZE')).toBe(':0')
})

it('executes no command if it cannot open a transaction', async () => {
  const user = documentedUser().replace(' +multi', '')
  const redis = await redisWith('user default off', user)
  expect(worst(await examined(redis.url, asDocumented)).text).toBe('it does not let us use MULTI')
  expect(await redis.command('DBSIZE')).toBe(':0')
})

it.each([
  ['a wrong password', { MXSTEER_STATE_PASSWORD: 'another' }, /WRONGPASS$/, /state_password/],
  ['TLS that nobody speaks there', { isTls: 'yes' }, /^the store cannot be used: /, /\S/],
])('cannot use it with %s', async (_, { isTls, ...more }: Record<string, string>, why, advice) => {
  const redis = await redisWith('requirepass secret-one')
  const url = isTls ? redis.url.replace('redis:', 'rediss:') : redis.url
  const verdicts = await examined(url, { MXSTEER_STATE_PASSWORD: 'secret-one', ...more })
  expect(verdicts).toHaveLength(1)
  expect(verdicts[0]).toMatchObject({ status: 'fail' })
  expect(verdicts[0]?.text).toMatch(why)
  expect(verdicts[0]?.advice).toMatch(advice)
})

it('fails if nothing listens', async () => {
  const verdicts = await examined(`redis://127.0.0.1:${await freePort()}`)
  expect(verdicts).toMatchObject([
    { status: 'fail', text: expect.stringContaining('ECONNREFUSED') },
  ])
})

it('warns of a store that evicts, and refuses a replica', async () => {
  const redis = await redisWith('maxmemory 64mb', 'maxmemory-policy allkeys-lru')
  expect(worst(await examined(redis.url))).toMatchObject({
    status: 'warn',
    text: 'maxmemory-policy is allkeys-lru: heartbeats and votes may be thrown out',
  })
  const replica = await redisWith(`replicaof 127.0.0.1 ${redis.port}`)
  await until(
    async () => (await replica.command('INFO', 'replication')).includes('master_link_status:up'),
    { what: 'it follows', withinMs: 60_000, everyMs: 100 },
  )
  expect(worst(await examined(replica.url))).toMatchObject({
    status: 'fail',
    text: expect.stringContaining('it is a replica'),
  })
})

/** A cluster of one node, which has these slots. */
async function clusterWith(slots: string, ...config: readonly string[]): Promise<RedisServer> {
  const redis = await redisWith(
    'cluster-enabled yes',
    `cluster-port ${await freePort()}`,
    ...config,
  )
  expect(await redis.command('CLUSTER', 'ADDSLOTSRANGE', ...slots.split('-'))).toBe('+OK')
  return redis
}

const allSlots = '0-16383'
const stateOf = (redis: RedisServer): Promise<true> =>
  until(async () => (await redis.command('CLUSTER', 'INFO')).includes('cluster_state:ok'), {
    what: 'the cluster is in order',
    withinMs: 60_000,
  })

describe('of a cluster', () => {
  const asCluster = (redis: RedisServer): string => redis.url.replace('redis:', 'redis+cluster:')

  it('says where the keys are, to a user with the rights of the docs', async () => {
    const rights = /^\+cluster\|slots .*$/m.exec(manual)?.[0] ?? ''
    const user = `${documentedUser()} ${rights}`
    const redis = await clusterWith(allSlots, user, 'cluster-announce-ip 127.0.0.1')
    await stateOf(redis)
    const verdicts = await examined(asCluster(redis), asDocumented)
    expect(verdicts.filter(({ status }) => status === 'fail')).toEqual([])
    expect(verdicts.map(({ text }) => text)).toContain(
      `our keys are in slot 5718, at 127.0.0.1:${redis.port}, which has no replica: with it the store is lost`,
    )
  })

  it('warns of a user that may not ask for the nodes', async () => {
    const redis = await clusterWith(allSlots, documentedUser())
    await stateOf(redis)
    expect(worst(await examined(asCluster(redis), asDocumented))).toMatchObject({
      status: 'warn',
      text: expect.stringContaining('it does not let us use CLUSTER'),
    })
  })

  it('warns of redis:// at a node that has the keys for now', async () => {
    const redis = await clusterWith(allSlots)
    await stateOf(redis)
    expect(worst(await examined(redis.url))).toMatchObject({
      status: 'warn',
      text: 'it is a node of a cluster, and our keys are there only for now',
      advice: expect.stringContaining('redis+cluster://'),
    })
  })

  it('fails of a cluster without our slot, by either URL', async () => {
    const redis = await clusterWith('0-100')
    expect(worst(await examined(redis.url)).text).toBe(
      'it is a node of a cluster, and our keys are nowhere (CLUSTERDOWN)',
    )
    expect(await examined(asCluster(redis))).toMatchObject([
      { status: 'fail', text: 'the store cannot be used: CLUSTERDOWN' },
    ])
  })

  it('warns of redis+cluster:// at what is none', async () => {
    const redis = await redisWith()
    expect(worst(await examined(asCluster(redis))).text).toContain('it is no node of a cluster')
  })
})

const facts: StoreFacts = {
  info: 'redis_version:7.0.15\r\nrole:master\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n',
  clockOffsetMs: 0,
  roundTripMs: 1,
  waitRefusal: null,
  missingRights: [],
  isTransactionRefused: false,
}
const infoWith = (line: string): Partial<StoreFacts> => ({ info: `${facts.info ?? ''}${line}\r\n` })

it.each<[string, Partial<StoreFacts>, string, string]>([
  ['all well', {}, 'ok', 'Redis 7.0.15, 1.0 ms to it and back'],
  ['a Valkey', infoWith('valkey_version:8.0.1'), 'ok', 'Valkey 8.0.1, 1.0 ms to it and back'],
  ['far away', { roundTripMs: 101 }, 'warn', 'Redis 7.0.15, 101.0 ms to it and back'],
  [
    'too old',
    infoWith('redis_version:6.0.16'),
    'fail',
    'Redis 6.0.16, 1.0 ms to it and back: too old',
  ],
  [
    'reads that may not wait',
    { waitRefusal: 'ERR' },
    'warn',
    'it lets no read wait for news (ERR): instances ask for them again and again, and learn later of what changes',
  ],
  ['a clock ahead', { clockOffsetMs: 61_000 }, 'warn', 'its clock is 61 s ahead'],
  ['a clock behind', { clockOffsetMs: -3000 }, 'warn', 'its clock is 3 s behind'],
  ['no TIME', { clockOffsetMs: null }, 'ok', 'Redis 7.0.15, 1.0 ms to it and back'],
  [
    'no INFO',
    { info: null },
    'warn',
    'it does not let us use INFO: whether it evicts and writes is not known',
  ],
  ['a failed snapshot', infoWith('rdb_last_bgsave_status:err'), 'warn', 'its last snapshot failed'],
  ['full', infoWith('maxmemory:100\r\nused_memory:95'), 'warn', 'its memory is nearly full'],
  [
    'a hostile version',
    infoWith('redis_version:7\u001b[31m.1'),
    'ok',
    'Redis 731m.1, 1.0 ms to it and back',
  ],
])('%s', (_, change, status, text) => {
  expect(worst(checkStoreFacts({ ...facts, ...change }))).toMatchObject({ status, text })
})
