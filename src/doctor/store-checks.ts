// Check `state`: the Redis store, reached with the settings of an instance over a connection of its
// own that changes nothing. Rights are tested in a transaction that is never executed: Redis checks
// the ACL of each command when it is queued.

import type { Command, Reply } from '../cluster/link/command.ts'
import { createRedisLink, type StoreLink } from '../cluster/link/redis-link.ts'
import { type StateKeys, stateKeys, stateTimes } from '../cluster/redis/schema.ts'
import { systemClock } from '../lib/clock.ts'
import { listed } from '../lib/listed.ts'
import type { Settings } from '../settings/settings.ts'
import { fail, ok, type CheckResult, warn } from './report.ts'
import { checkCluster } from './store-cluster.ts'

const reachWithinMs = 5000

const connectMs = 2000

const maxRetryMs = 500

const pollEveryMs = 20

const pings = 5

/** `random` spreads the delays between attempts to connect. */
export async function checkState(
  { state, instance }: Pick<Settings, 'state' | 'instance'>,
  random: () => number,
): Promise<readonly CheckResult[]> {
  if (state === 'memory') return [ok('state', 'memory: this instance shares nothing')]
  const { commandMs, blockMs } = stateTimes(state.heartbeatMs)
  const times = { connectMs, commandMs, blockMs, maxRetryMs }
  const keys = stateKeys(state.namespace)
  const client = { name: `${instance}-doctor`, key: keys.storeId }
  const link = createRedisLink(state.address, client, times, random)
  try {
    const why = await waitForStore(link)
    if (why !== null) return [storeUnusable(why)]
    const facts = await readStoreFacts(link, keys, instance)
    if (facts === null) return [storeUnusable(link.lastErrorCode() ?? 'AWAY')]
    const isClusterUrl = state.address.where.kind === 'cluster'
    const isCluster = readInfo(facts.info).get('cluster_enabled') === '1'
    const question = { isClusterUrl, isCluster, key: keys.storeId }
    return [...checkStoreFacts(facts), ...(await checkCluster(link, question))]
  } finally {
    link.close()
  }
}

/**
 * Resolves with null once the store replies, or with an error code: of Redis, of the connection, or
 * AWAY.
 */
async function waitForStore(link: StoreLink): Promise<string | null> {
  const untilMs = systemClock.monotonicMs() + reachWithinMs
  while (systemClock.monotonicMs() < untilMs) {
    const replies = link.isReady() ? await link.run([['ping']]) : null
    if (replies?.[0]?.kind === 'value' || replies?.[0]?.code === 'NOPERM') return null
    if (replies?.[0]?.kind === 'error') return replies[0].code
    await new Promise((resolve) => setTimeout(resolve, pollEveryMs))
  }
  return link.lastErrorCode() ?? 'AWAY'
}

const adviceByError: readonly (readonly [RegExp, string])[] = [
  [/^(WRONGPASS|NOAUTH)$/, 'mend state_username and state_password, or the user in Redis'],
  [/^MOVED$/, 'it is a node of a cluster that has not got our keys: use redis+cluster://'],
  [
    /^CLUSTERDOWN$/,
    'the cluster lacks a primary for some slots: CLUSTER INFO on any node, then its log',
  ],
  [/^(ECONNREFUSED|SENTINELS)$/, 'nothing listens there: is it started, and is the port right?'],
  [/^PROTOCOL$/, 'what answers there is no Redis, or a proxy before it is out of step'],
  [/^OVERSIZED$/, 'a key of the namespace is far too large: another program writes there'],
  [/ALTNAME/, 'the certificate has another name: set state_server_name'],
  [
    /CERT|ISSUER|SIGNATURE/,
    'its certificate is signed by no authority that this host trusts: set state_ca',
  ],
  [/SSL|TLS|EPROTO/, 'TLS is not agreed on: rediss://, state_certificate and state_key'],
  [/^(ENOTFOUND|EAI_AGAIN)$/, 'its name has no address'],
]

const storeUnusable = (why: string): CheckResult =>
  fail(
    'state',
    `the store cannot be used: ${why}`,
    adviceByError.find(([pattern]) => pattern.test(why))?.[1] ?? 'see docs/operations/redis.md',
  )

async function readStoreFacts(
  link: StoreLink,
  keys: StateKeys,
  instance: string,
): Promise<StoreFacts | null> {
  const roundTripsMs: number[] = []
  for (let i = 0; i < pings; i++) {
    const startMs = systemClock.monotonicMs()
    if ((await link.run([['ping']])) === null) return null
    roundTripsMs.push(systemClock.monotonicMs() - startMs)
  }
  const sentMs = systemClock.wallMs()
  const replies = await link.run([['info'], ['time']])
  if (replies === null) return null
  const [info, time] = replies
  const middleMs = (sentMs + systemClock.wallMs()) / 2
  const storeMs = timeOf(time)
  return {
    info: info?.kind === 'value' ? String(info.value) : null,
    clockOffsetMs: storeMs === null ? null : storeMs - middleMs,
    roundTripMs: roundTripsMs.sort((a, b) => a - b)[Math.floor(pings / 2)] ?? 0,
    waitRefusal: await findWaitRefusal(link, keys),
    ...(await findMissingRights(link, neededCommands(keys, instance))),
  }
}

/** The reply to TIME, seconds and microseconds, in ms since the epoch; null: it is none. */
function timeOf(reply: Reply | undefined): number | null {
  const [seconds, micros] = reply?.kind === 'value' ? (reply.value as unknown[]) : []
  const ms = Number(seconds) * 1000 + Number(micros) / 1000
  return Number.isFinite(ms) ? ms : null
}

/** Those that every instance writes. */
const hashesOfAll = ({
  overrides,
  feedback,
  serials,
  names,
  handed,
}: StateKeys): readonly string[] => [overrides, feedback, serials, names, handed]

/** Every command that an instance sends, once for each kind of key. */
const neededCommands = (keys: StateKeys, instance: string): readonly Command[] => [
  ['getrange', keys.storeId, 0, 1],
  ['set', keys.storeId, '', 'NX'],
  ['incr', keys.epoch(instance)],
  ['set', keys.heartbeat(instance), ''],
  ['getrange', keys.heartbeat('another'), 0, 1],
  ['strlen', keys.heartbeat('another')],
  ['exists', keys.heartbeat('another')],
  ['sadd', keys.instances, instance],
  ['srem', keys.instances, instance],
  ['scard', keys.instances],
  ['memory', 'usage', keys.instances],
  ['smembers', keys.instances],
  ['unlink', keys.votes(instance)],
  ['hset', keys.votes(instance), 'a', 'b'],
  ['pexpire', keys.votes(instance), 1],
  ['memory', 'usage', keys.votes('another')],
  ['hstrlen', keys.votes('another'), 'a'],
  ['hmget', keys.votes('another'), 'a'],
  ['hset', keys.tallies(instance), 'a', 'b'],
  ['hmget', keys.tallies('another'), 'a'],
  ['zadd', keys.tallyNames, 1, instance],
  ['zcard', keys.tallyNames],
  ['zrevrange', keys.tallyNames, 0, 1],
  ['zremrangebyscore', keys.tallyNames, '-inf', 1],
  ['zremrangebyrank', keys.tallyNames, 0, 1],
  ['time'],
  ...hashesOfAll(keys).flatMap((key): readonly Command[] => [
    ['hset', key, 'a', 'b'],
    ['hdel', key, 'a'],
    ['hlen', key],
    ['hgetall', key],
  ]),
  ['xadd', keys.events, '*', 'a', 'b'],
  ['xlen', keys.events],
  ['xread', 'COUNT', 1, 'STREAMS', keys.events, '$'],
  ['xrange', keys.events, '-', '+'],
  ['xrevrange', keys.events, '+', '-'],
]

/**
 * The code with which a read that waits is refused; null: it is not, or reads are not allowed at all. Another program may
 * close the connection on one.
 */
async function findWaitRefusal(link: StoreLink, { events }: StateKeys): Promise<string | null> {
  if (!(await hasSecondConnection(link))) return link.lastBlockingErrorCode() ?? 'AWAY'
  const waiting = await link.runBlocking(['xread', 'BLOCK', 1, 'STREAMS', events, '$'])
  if (waiting?.kind === 'value') return null
  const plain = await link.run([['xread', 'STREAMS', events, '$']])
  if (plain?.[0]?.kind !== 'value') return null
  return waiting === null ? (link.lastBlockingErrorCode() ?? 'CLOSED') : waiting.code
}

/** The caller closes the connection with the transaction open, which discards it. */
async function findMissingRights(
  link: StoreLink,
  commands: readonly Command[],
): Promise<Pick<StoreFacts, 'missingRights' | 'isTransactionRefused'>> {
  const opened = (await hasSecondConnection(link)) ? await link.runBlocking(['multi']) : null
  // Outside a transaction the commands would be executed.
  if (opened?.kind !== 'value' || opened.value !== 'OK')
    return { missingRights: [], isTransactionRefused: true }
  const missingRights: string[] = []
  for (const command of commands) {
    const reply = await link.runBlocking(command)
    // The connection was closed; the link leaves a replica at the first write, for example.
    if (reply === null) break
    if (reply.kind === 'error' && reply.code === 'NOPERM')
      missingRights.push(`${command[0]} ${keyOf(command)}`)
  }
  return { missingRights, isTransactionRefused: false }
}

/** Waits for the second connection of the link, which can be established after the first, or anew after one was closed. */
async function hasSecondConnection(link: StoreLink): Promise<boolean> {
  const untilMs = systemClock.monotonicMs() + reachWithinMs
  while (systemClock.monotonicMs() < untilMs) {
    if ((await link.runBlocking(['ping'])) !== null) return true
    await new Promise((resolve) => setTimeout(resolve, pollEveryMs))
  }
  return false
}

const keyOf = (command: Command): string =>
  String(command.find((word) => String(word).startsWith('mxsteer:')) ?? '')

// From facts about the store to results.

export interface StoreFacts {
  /** The reply to INFO; null: the ACL denies it. */
  readonly info: string | null
  /** How far the store's clock is ahead of this host's; null: the ACL denies TIME. */
  readonly clockOffsetMs: number | null
  /** The median of several PINGs. */
  readonly roundTripMs: number
  /** The code with which reads that wait for news are refused; null: they are not. */
  readonly waitRefusal: string | null
  /** Commands with their keys that the ACL denies. */
  readonly missingRights: readonly string[]
  readonly isTransactionRefused: boolean
}

const limits = { roundTripMs: 100, clockMs: 2000, replicaLagSeconds: 10 }

const shownRights = 4

const redisManual = 'docs/operations/redis.md'

export function checkStoreFacts(facts: StoreFacts): readonly CheckResult[] {
  const info = readInfo(facts.info)
  return [
    checkServer(facts, info),
    checkRights(facts),
    ...checkWaiting(facts),
    ...checkStoreClock(facts.clockOffsetMs),
    ...(facts.info === null ? [infoDenied] : [checkEviction(info), ...checkWrites(info)]),
  ]
}

type Info = ReadonlyMap<string, string>

const readInfo = (text: string | null): Info =>
  new Map(
    (text ?? '').split(/\r?\n/).flatMap((line) => {
      const at = line.indexOf(':')
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1)] as const] : []
    }),
  )

function checkServer({ roundTripMs }: StoreFacts, info: Info): CheckResult {
  const version = info.get('valkey_version') ?? info.get('redis_version') ?? ''
  const kind = info.has('valkey_version') ? 'Valkey' : 'Redis'
  const took = `${roundTripMs.toFixed(1)} ms to it and back`
  const what = version === '' ? took : `${kind} ${printableWord(version)}, ${took}`
  if (info.get('role') === 'slave')
    return fail('state', `${what}: it is a replica`, 'name its primary, or the Sentinels')
  if (isOld(version))
    return fail('state', `${what}: too old`, `Redis 6.2 or later, or Valkey: ${redisManual}`)
  return roundTripMs > limits.roundTripMs
    ? warn(
        'state',
        what,
        'put a store nearer to the instances: instances learn late of what changes',
      )
    : ok('state', what)
}

function isOld(version: string): boolean {
  const [major = NaN, minor = NaN] = version === '' ? [] : version.split('.').map(Number)
  return major < 6 || (major === 6 && minor < 2)
}

function checkRights({ missingRights, isTransactionRefused }: StoreFacts): CheckResult {
  const advice = `give the user the rights of the ACL in ${redisManual}`
  if (isTransactionRefused) return fail('state', 'it does not let us use MULTI', advice)
  if (missingRights.length === 0)
    return ok('state', 'every command that an instance needs is allowed')
  return fail('state', `not allowed: ${listed(missingRights, shownRights)}`, advice)
}

const checkWaiting = ({ waitRefusal }: StoreFacts): readonly CheckResult[] =>
  waitRefusal === null
    ? []
    : [
        warn(
          'state',
          `it lets no read wait for news (${waitRefusal}): instances ask for them again and again, and learn later of what changes`,
          `let XREAD BLOCK through, in what is before the store too: ${redisManual}`,
        ),
      ]

function checkStoreClock(offsetMs: number | null): readonly CheckResult[] {
  if (offsetMs === null || Math.abs(offsetMs) <= limits.clockMs) return []
  const seconds = Math.round(Math.abs(offsetMs) / 1000)
  const text = `its clock is ${seconds} s ${offsetMs > 0 ? 'ahead' : 'behind'}`
  return [warn('state', text, 'let both hosts take their time from NTP: overrides end by it')]
}

const infoDenied: CheckResult = warn(
  'state',
  'it does not let us use INFO: whether it evicts and writes is not known',
  `give the user +info, as the ACL in ${redisManual}`,
)

function checkEviction(info: Info): CheckResult {
  const policy = printableWord(info.get('maxmemory_policy') ?? '')
  const isBounded = Number(info.get('maxmemory') ?? 0) > 0
  if (policy !== '' && policy !== 'noeviction' && isBounded)
    return warn(
      'state',
      `maxmemory-policy is ${policy}: heartbeats and votes may be thrown out`,
      'set maxmemory-policy noeviction',
    )
  const used = Number(info.get('used_memory') ?? 0)
  const isFull = isBounded && used > 0.9 * Number(info.get('maxmemory'))
  if (isFull)
    return warn('state', 'its memory is nearly full', 'raise maxmemory: it refuses writes')
  const isKept = info.get('aof_enabled') === '1'
  return ok(
    'state',
    isKept
      ? 'it evicts nothing, and keeps overrides over a restart of its own'
      : 'it evicts nothing; overrides survive its restart while an instance runs',
  )
}

function checkWrites(info: Info): readonly CheckResult[] {
  const problems = [
    ...(info.get('aof_enabled') === '1' && info.get('aof_last_write_status') === 'err'
      ? ['its append-only file cannot be written']
      : []),
    ...(info.get('rdb_last_bgsave_status') === 'err' ? ['its last snapshot failed'] : []),
    ...(info.get('loading') === '1' ? ['it is still loading'] : []),
  ]
  return problems.map((text) => warn('state', text, 'look at its log: it may refuse writes'))
}

/** Text of the store, reduced to what is safe to print. */
const printableWord = (text: string): string => text.replace(/[^\w.-]/g, '').slice(0, 40)
