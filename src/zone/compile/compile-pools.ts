// Compiles `pools:`: members with their weights and the health slots of their addresses. Checks
// `probes:` and `identity:`.

import { suggestName } from '../../lib/suggest-name.ts'
import type { Member, Pool } from '../../steer/policy.ts'
import { checkProbes } from './check/check-probes.ts'
import type { Compilation } from './compilation.ts'
import { sortedByName, type TargetDraft } from './compile-targets.ts'
import type { DocumentPath } from './problem.ts'
import type { MemberSource, PoolSource } from './zone-source.ts'

/** An answer may list all members with their addresses, and has to fit into a message. */
const maxMembers = 32

/** The health slot of addresses that are not probed: always up. */
const unwatchedSlot = 0

export function compilePools(
  compilation: Compilation,
  targets: ReadonlyMap<string, TargetDraft>,
): ReadonlyMap<string, Pool> {
  checkProbes(compilation)
  checkIdentity(compilation)
  const pools = new Map<string, Pool>()
  for (const [name, source] of sortedByName(compilation.source.pools)) {
    const members = compileMembers(compilation, name, targets)
    checkPool(compilation, name, members)
    const { panic, minHealthy, spill } = source
    const isSpread = source.spread && haveDifferentRisks(members)
    pools.set(name, { name, members, panic, minHealthy, spill, isSpread })
  }
  return pools
}

/** Whether the members name regions or racks, and not all the same ones. */
function haveDifferentRisks(members: readonly Member[]): boolean {
  const targets = members.map((member) => member.target)
  const [first] = targets
  return (
    targets.some(({ region, rack }) => region !== null || rack !== null) &&
    targets.some(({ region, rack }) => region !== first?.region || rack !== first.rack)
  )
}

function compileMembers(
  compilation: Compilation,
  pool: string,
  targets: ReadonlyMap<string, TargetDraft>,
): readonly Member[] {
  const { source, problems } = compilation
  const { members, probe } = source.pools.get(pool) as PoolSource
  const compiled = new Map<string, Member>()
  for (const member of [...members].sort((a, b) => (a.target < b.target ? -1 : 1))) {
    const path = ['pools', pool, 'targets', member.step]
    const at = member.step === member.target ? 'key' : 'value'
    const draft = targets.get(member.target)
    if (!source.targets.has(member.target)) {
      const message = `unknown target ${JSON.stringify(member.target)}, ${suggestName('target', source.targets.keys(), member.target)}`
      problems.refuse('unknown-target', path, message, at)
    } else if (compiled.has(member.target)) {
      problems.refuse(
        'duplicate-member',
        path,
        `target ${member.target} is in the pool twice, expected it once, with a greater weight`,
        at,
      )
    } else if (draft) {
      const compiledMember = compileMember(compilation, draft, { pool, member, probe })
      compiled.set(member.target, compiledMember)
      draft.memberships.push({ pool, member: compiledMember })
    }
  }
  return [...compiled.values()]
}

function compileMember(
  { source, input, problems }: Compilation,
  { target }: TargetDraft,
  { pool, member, probe }: { pool: string; member: MemberSource; probe: string | undefined },
): Member {
  const weight = member.weight ?? source.targets.get(member.target)?.weight ?? 1
  const slots = target.addresses.map((address) => {
    if (probe === undefined || !source.probes.has(probe)) return unwatchedSlot
    const slot = input.takeSlot(address, target.name, probe)
    if (slot === null) {
      const message = `no health slot is left for ${address.text}: too many probed addresses`
      problems.refuse('too-many-addresses', ['targets', target.name], message, 'key')
    }
    return slot ?? unwatchedSlot
  })
  const row = input.takeRow(pool, target.name)
  if (row === null) {
    const message = `no place is left for ${target.name} in pool ${pool}: too many members`
    problems.refuse('too-many-members', ['targets', target.name], message, 'key')
  }
  return { target, weight, slots, row: row ?? 0 }
}

function checkPool(
  { source, problems }: Compilation,
  name: string,
  members: readonly Member[],
): void {
  const path = ['pools', name, 'targets']
  const count = source.pools.get(name)?.members.length ?? 0
  if (count === 0)
    problems.refuse('empty-pool', path, 'a pool needs at least one target, such as [mx1]', 'key')
  if (count > maxMembers) {
    problems.refuse(
      'too-many-members',
      path,
      `${count} targets, expected at most ${maxMembers}`,
      'key',
    )
  }
  // With unknown targets, which are reported already, the weights of the others prove nothing.
  if (count > 0 && members.length === count && members.every((member) => member.weight === 0)) {
    problems.refuse('empty-pool', path, 'every weight is 0, expected at least one above', 'key')
  }
}

/** Each list is queried about every address of the pool. */
const maxLists = 8

/**
 * Checks of `identity:` that need more than one value. A key that would have no effect is refused.
 */
function checkIdentity({ source, problems }: Compilation): void {
  for (const [name, pool] of source.pools) {
    for (const [steps, message] of conflictsOf(pool, source.probes)) {
      problems.refuse('identity-conflict', ['pools', name, 'identity', ...steps], message)
    }
  }
}

/** A path below `identity`, and what is wrong there. */
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
      count > maxLists,
      ['dnsbl', 'lists'],
      `${count} lists, expected at most ${maxLists}: each is asked about every address`,
    ],
    [new Set(lists).size < count, ['dnsbl', 'lists'], 'a list is named twice, expected it once'],
    [
      count > 0 && agree > count,
      ['dnsbl', 'agree'],
      `${agree} lists cannot agree where there ${count === 1 ? 'is 1' : `are ${count}`}`,
    ],
  ]
}
