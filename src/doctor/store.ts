// The store that instances share, looked at as an instance would: with the same settings, by a connection of its own that
// changes nothing. What it may do is asked for within a transaction that is never run: Redis looks at the rights of each
// command when it is queued.

import type { Settings } from '../settings/settings.ts'
import { systemClock } from '../lib/clock.ts'
import { createRedisLink } from '../cluster/redis/redis-link.ts'
import { type StateKeys, stateKeys } from '../cluster/redis/state-keys.ts'
import { stateTimes } from '../cluster/redis/state-settings.ts'
import type { Command, Reply, StoreLink } from '../cluster/redis/store-link.ts'
import { type Verdict, fail, ok } from './line.ts'
import { type StoreFacts, judgeStore } from './store-verdicts.ts'

const reachWithinMs = 5000
const connectMs = 2000
const longestRetryMs = 500
const lookEveryMs = 20
const rounds = 5

/** `random`: for the wait between attempts. */
export async function checkState(
  { state, instance }: Pick<Settings, 'state' | 'instance'>,
  random: () => number,
): Promise<readonly Verdict[]> {
  if (state === 'memory') return [ok('state', 'memory: this instance shares nothing')]
  const { commandMs, blockMs } = stateTimes(state.heartbeatMs)
  const times = { connectMs, commandMs, blockMs, longestRetryMs }
  const link = createRedisLink(state.address, `${instance}-doctor`, times, random)
  try {
    const why = await reach(link)
    if (why !== null) return [cannotReach(why)]
    const facts = await look(link, stateKeys(state.namespace), instance)
    return facts === null ? [cannotReach(link.lastTrouble() ?? 'AWAY')] : judgeStore(facts)
  } finally {
    link.close()
  }
}

/** Why not; null: it answers. */
async function reach(link: StoreLink): Promise<string | null> {
  const untilMs = systemClock.monotonicMs() + reachWithinMs
  while (systemClock.monotonicMs() < untilMs) {
    const replies = link.isReady() ? await link.run([['ping']]) : null
    if (replies?.[0]?.kind === 'value' || replies?.[0]?.code === 'NOPERM') return null
    if (replies?.[0]?.kind === 'error') return replies[0].code
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
  }
  return link.lastTrouble() ?? 'AWAY'
}

const advices: readonly (readonly [RegExp, string])[] = [
  [/^(WRONGPASS|NOAUTH)$/, 'mend state_username and state_password, or the user in Redis'],
  [/^(ECONNREFUSED|SENTINELS)$/, 'nothing listens there: is it started, and is the port right?'],
  [/ALTNAME/, 'the certificate has another name: set state_server_name'],
  [/CERT|ISSUER|SIGNATURE/, 'its certificate is signed by nobody we know: set state_ca'],
  [/SSL|TLS|EPROTO/, 'TLS is not agreed on: rediss://, state_certificate and state_key'],
  [/^(ENOTFOUND|EAI_AGAIN)$/, 'its name has no address'],
]

const cannotReach = (why: string): Verdict =>
  fail(
    'state',
    `the store cannot be used: ${why}`,
    advices.find(([pattern]) => pattern.test(why))?.[1] ?? 'see docs/operations/redis.md',
  )

async function look(
  link: StoreLink,
  keys: StateKeys,
  instance: string,
): Promise<StoreFacts | null> {
  const took: number[] = []
  for (let i = 0; i < rounds; i++) {
    const startMs = systemClock.monotonicMs()
    if ((await link.run([['ping']])) === null) return null
    took.push(systemClock.monotonicMs() - startMs)
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
    roundTripMs: took.sort((a, b) => a - b)[Math.floor(rounds / 2)] ?? 0,
    ...(await lacking(link, neededCommands(keys, instance))),
  }
}

/** Seconds and microseconds. */
function timeOf(reply: Reply | undefined): number | null {
  const [seconds, micros] = reply?.kind === 'value' ? (reply.value as unknown[]) : []
  const ms = Number(seconds) * 1000 + Number(micros) / 1000
  return Number.isFinite(ms) ? ms : null
}

/** Every command that an instance sends, on every kind of key. */
const neededCommands = (keys: StateKeys, instance: string): readonly Command[] => [
  ['get', keys.storeId],
  ['set', keys.storeId, '', 'NX'],
  ['incr', keys.epoch(instance)],
  ['set', keys.heartbeat(instance), ''],
  ['mget', keys.heartbeat('another')],
  ['sadd', keys.instances, instance],
  ['srandmember', keys.instances, 1],
  ['del', keys.votes(instance)],
  ['hset', keys.votes(instance), 'a', 'b'],
  ['pexpire', keys.votes(instance), 1],
  ['hmget', keys.votes('another'), 'a'],
  ['hset', keys.tallies(instance), 'a', 'b'],
  ['hmget', keys.tallies('another'), 'a'],
  ...[keys.overrides, keys.feedback].flatMap((key): readonly Command[] => [
    ['hset', key, 'a', 'b'],
    ['hdel', key, 'a'],
    ['hlen', key],
    ['hgetall', key],
  ]),
  ['xadd', keys.events, '*', 'a', 'b'],
  ['xread', 'COUNT', 1, 'STREAMS', keys.events, '$'],
  ['xrange', keys.events, '-', '+'],
  ['xrevrange', keys.events, '+', '-'],
]

/** The connection is closed with the transaction open, and so ends it. */
async function lacking(
  link: StoreLink,
  commands: readonly Command[],
): Promise<Pick<StoreFacts, 'lacks' | 'isTransactionRefused'>> {
  const opened = await open(link)
  // Without a transaction they would be run.
  if (opened?.kind !== 'value' || opened.value !== 'OK')
    return { lacks: [], isTransactionRefused: true }
  const lacks: string[] = []
  for (const command of commands) {
    const reply = await link.wait(command)
    // The connection is gone: a replica, say, is left at the first write.
    if (reply === null) break
    if (reply.kind === 'error' && reply.code === 'NOPERM')
      lacks.push(`${command[0]} ${keyOf(command)}`)
  }
  return { lacks, isTransactionRefused: false }
}

/** The connection for this may come after the other one. */
async function open(link: StoreLink): Promise<Reply | null> {
  const untilMs = systemClock.monotonicMs() + reachWithinMs
  for (;;) {
    const reply = await link.wait(['multi'])
    if (reply !== null || systemClock.monotonicMs() > untilMs) return reply
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
  }
}

const keyOf = (command: Command): string =>
  String(command.find((word) => String(word).startsWith('mxsteer:')) ?? '')
