// What the stages of compiling a zone share.

import type { TargetAddress } from '../../steer/policy.ts'
import type { DocumentPath, Problems } from './problem.ts'
import type { ZoneSource } from './zone-source.ts'
import type { Name, NameKey } from '../../wire/name.ts'

/** What all stages share. */
export interface Compilation {
  readonly input: CompileInput
  readonly source: ZoneSource
  readonly apex: Name
  readonly apexKey: NameKey
  readonly minTtl: number
  readonly problems: Problems
}

/** What the zone is given from outside: it alone decides neither its serial nor its places in shared memory. */
export interface CompileInput {
  readonly source: ZoneSource
  readonly serial: number
  /** null: none is left. */
  slotOf(address: TargetAddress, target: string, probe: string): number | null
  /** Row of the health table for a member; null: none is left. */
  rowOf(pool: string, target: string): number | null
  targetIndexOf(target: string): number | null
}

const lowTtlSeconds = 30

/** Below half a minute resolvers ask so often that the zone pays, and some clamp it anyway. */
export function warnLowTtl(problems: Problems, path: DocumentPath, ttl: number): void {
  if (ttl >= lowTtlSeconds) return
  problems.warn(
    'low-ttl',
    path,
    `a TTL of ${ttl} s is low: resolvers may raise it, expected ${lowTtlSeconds} or more`,
  )
}
