// What the facts about the store mean, line by line.

import { type Verdict, fail, ok, warn } from './line.ts'

export interface StoreFacts {
  /** The text of INFO; null: we may not ask. */
  readonly info: string | null
  /** How far its clock is ahead of ours; null: we may not ask. */
  readonly clockOffsetMs: number | null
  /** The median of some. */
  readonly roundTripMs: number
  /** Commands with keys that it does not let us use. */
  readonly lacks: readonly string[]
  readonly isTransactionRefused: boolean
}

const limits = { roundTripMs: 100, clockMs: 2000, replicaLagSeconds: 10 }
const shownRights = 4
const manual = 'docs/operations/redis.md'

export function judgeStore(facts: StoreFacts): readonly Verdict[] {
  const info = readInfo(facts.info)
  return [
    judgeReach(facts, info),
    judgeRights(facts),
    ...judgeClock(facts.clockOffsetMs),
    ...(facts.info === null ? [unread] : [judgeEviction(info), ...judgeWrites(info)]),
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

function judgeReach({ roundTripMs }: StoreFacts, info: Info): Verdict {
  const version = info.get('valkey_version') ?? info.get('redis_version') ?? ''
  const kind = info.has('valkey_version') ? 'Valkey' : 'Redis'
  const took = `${roundTripMs.toFixed(1)} ms to it and back`
  const what = version === '' ? took : `${kind} ${word(version)}, ${took}`
  if (info.get('role') === 'slave')
    return fail('state', `${what}: it is a replica`, 'name its primary, or the Sentinels')
  if (isOld(version))
    return fail('state', `${what}: too old`, `Redis 6.2 or later, or Valkey: ${manual}`)
  return roundTripMs > limits.roundTripMs
    ? warn('state', what, 'put a store nearer to the instances: others hear late of what changes')
    : ok('state', what)
}

function isOld(version: string): boolean {
  const [major = NaN, minor = NaN] = version === '' ? [] : version.split('.').map(Number)
  return major < 6 || (major === 6 && minor < 2)
}

function judgeRights({ lacks, isTransactionRefused }: StoreFacts): Verdict {
  const advice = `give the user the rights of the ACL in ${manual}`
  if (isTransactionRefused) return fail('state', 'it does not let us use MULTI', advice)
  if (lacks.length === 0) return ok('state', 'every command that an instance needs is allowed')
  const more = lacks.length - shownRights
  const shown = lacks.slice(0, shownRights).join(', ') + (more > 0 ? ` and ${more} more` : '')
  return fail('state', `not allowed: ${shown}`, advice)
}

function judgeClock(offsetMs: number | null): readonly Verdict[] {
  if (offsetMs === null || Math.abs(offsetMs) <= limits.clockMs) return []
  const seconds = Math.round(Math.abs(offsetMs) / 1000)
  const told = `its clock is ${seconds} s ${offsetMs > 0 ? 'ahead' : 'behind'}`
  return [warn('state', told, 'let both hosts take their time from NTP: overrides end by it')]
}

const unread: Verdict = warn(
  'state',
  'it does not let us use INFO: whether it evicts and writes is not known',
  `give the user +info, as the ACL in ${manual}`,
)

function judgeEviction(info: Info): Verdict {
  const policy = word(info.get('maxmemory_policy') ?? '')
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

function judgeWrites(info: Info): readonly Verdict[] {
  const troubles = [
    ...(info.get('aof_enabled') === '1' && info.get('aof_last_write_status') === 'err'
      ? ['its append-only file cannot be written']
      : []),
    ...(info.get('rdb_last_bgsave_status') === 'err' ? ['its last snapshot failed'] : []),
    ...(info.get('loading') === '1' ? ['it is still loading'] : []),
  ]
  return troubles.map((text) => warn('state', text, 'look at its log: it may refuse writes'))
}

/** What the store says of itself is shown, whatever it is. */
const word = (text: string): string => text.replace(/[^\w.-]/g, '').slice(0, 40)
