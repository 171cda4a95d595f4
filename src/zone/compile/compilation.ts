// The context that the stages of compiling a zone share.

import type { TargetAddress } from '../../steer/policy.ts'
import type { DocumentPath, Problems } from './problem.ts'
import type { MasterOwner, ZoneSource } from './zone-source.ts'
import type { Name, NameKey } from '../../wire/name.ts'

export interface Compilation {
  readonly input: CompileInput
  readonly source: ZoneSource
  readonly apex: Name
  readonly apexKey: NameKey
  readonly minTtl: number
  readonly problems: Problems
}

/**
 * The zone file with its serial, and indexes into shared memory, which are allocated for all zones
 * together.
 */
export interface CompileInput {
  readonly source: ZoneSource
  /** What is compiled of `source.master`, read once. Absent: all of it. */
  readonly masterRecords?: Iterable<readonly [NameKey, MasterOwner]>
  readonly serial: number
  /** Health slot of an address under a probe; null: none is left. */
  takeSlot(address: TargetAddress, target: string, probe: string): number | null
  /** Row of the health table for a member of a pool; null: none is left. */
  takeRow(pool: string, target: string): number | null
  /** Index of a target's counters; null: none is left. */
  takeTargetIndex(target: string): number | null
  /** Terms of SPF that may still be looked at in all zones together. Absent: as many as in one zone. */
  readonly spfTerms?: { left: number }
}

const lowTtlSeconds = 30

/** A week: the cap that RFC 8767 §4 suggests to resolvers. */
const highTtlSeconds = 604_800

/** Of a TTL that RFC 2181 §8 allows and few zones have. */
export function warnUnusualTtl(problems: Problems, path: DocumentPath, ttl: number): void {
  warnLowTtl(problems, path, ttl)
  if (ttl <= highTtlSeconds) return
  const message = `a TTL of ${ttl} s is long: most resolvers lower it, expected at most ${highTtlSeconds}`
  problems.warn('high-ttl', path, message)
}

const highSteeredTtlSeconds = 86_400

/** Of a TTL of steered records: for so long a target that is down stays in caches. */
export function warnHighSteeredTtl(problems: Problems, path: DocumentPath, ttl: number): void {
  if (ttl <= highSteeredTtlSeconds) return
  const message = `a TTL of ${ttl} s is long for steered records: a target that goes down stays in caches for as long. Expected at most ${highSteeredTtlSeconds}, or 60`
  problems.warn('high-ttl', path, message)
}

/** Below 30 s the query load rises steeply, and some resolvers raise the TTL anyway. */
export function warnLowTtl(problems: Problems, path: DocumentPath, ttl: number): void {
  if (ttl >= lowTtlSeconds) return
  problems.warn(
    'low-ttl',
    path,
    `a TTL of ${ttl} s is low: resolvers may raise it, expected ${lowTtlSeconds} or more`,
  )
}
