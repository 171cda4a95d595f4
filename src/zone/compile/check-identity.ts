// Checks of `identity:` that take more than one value: nothing is accepted and then ignored.

import type { Compilation } from './compilation.ts'
import type { DocumentPath } from './problem.ts'
import type { PoolSource } from './zone-source.ts'

const listLimit = 8

export function checkIdentity({ source, problems }: Compilation): void {
  for (const [name, pool] of source.pools) {
    for (const [steps, message] of conflictsOf(pool, source.probes)) {
      problems.refuse('identity-conflict', ['pools', name, 'identity', ...steps], message)
    }
  }
}

type Conflict = readonly [steps: DocumentPath, message: string]

function conflictsOf(
  { identity, probe }: PoolSource,
  probes: Compilation['source']['probes'],
): readonly Conflict[] {
  if (!identity) return []
  const { greeting, ptr, dnsbl } = identity
  const level = probe === undefined ? undefined : probes.get(probe)?.level
  const rows: readonly (readonly [isWrong: boolean, ...Conflict])[] = [
    [greeting === false && !ptr && !dnsbl, [], 'it asks for nothing'],
    [
      greeting === true && (probe === undefined || level === 'connect'),
      ['greeting'],
      'greetings are read by probes, expected a probe of level banner or more for this pool',
    ],
    ...listConflicts(dnsbl),
  ]
  return rows.filter(([isWrong]) => isWrong).map(([, steps, message]) => [steps, message])
}

function listConflicts(
  dnsbl: NonNullable<PoolSource['identity']>['dnsbl'],
): readonly (readonly [isWrong: boolean, ...Conflict])[] {
  const { lists = [], agree = 1 } = dnsbl ?? {}
  const count = lists.length
  return [
    [
      count > listLimit,
      ['dnsbl', 'lists'],
      `${count} lists, expected at most ${listLimit}: each is asked about every address`,
    ],
    [new Set(lists).size < count, ['dnsbl', 'lists'], 'a list is named twice'],
    [
      count > 0 && agree > count,
      ['dnsbl', 'agree'],
      `${agree} lists cannot agree where there ${count === 1 ? 'is 1' : `are ${count}`}`,
    ],
  ]
}
