// Asks for what a case of `mxsteer test` is about, by the engine of `simulate`, and compares with what it expects.

import { createDryRun, type DryRunContext } from '../explain/dry-run.ts'
import type { Subnet } from '../explain/question.ts'
import { type GroupView, simulate } from '../explain/simulate.ts'
import type { Random } from '../lib/clock.ts'
import type { CaseExpectations, CaseQuestion } from './case-schema.ts'

/** Enough for shares that are right to about one percentage point. */
const wantedAnswers = 20_000

/** Clients whose TTL is looked at: it goes by what the answer was decided by, not by the draw. */
const maxTtlClients = 100

interface CaseRun {
  readonly world: DryRunContext
  readonly ask: CaseQuestion
  readonly expect: CaseExpectations
  readonly clients: readonly Subnet[]
  readonly random: Random
}

/** Sentences on what is not as expected; empty: the case passes. */
export function runCase({ world, ask, expect, clients, random }: CaseRun): readonly string[] {
  const rounds = Math.ceil(wantedAnswers / clients.length)
  const question = { name: ask.name, type: ask.type }
  const simulated = simulate({ world, question, clients, rounds, by: 'rule', random })
  if (simulated.kind === 'not-steered') {
    const { name = ask.text, found = 'nothing' } = simulated.steps.at(-1) ?? {}
    return [`no steering answers ${ask.text}: ${name} is found as ${found}`]
  }
  const { all } = simulated.simulation
  return [
    ...wrongShares(all, expect),
    ...wrongTargets(all, expect),
    ...(expect.neverEmpty && all.empty > 0
      ? [`${percent(all.empty / all.answers)} of the answers have no record, expected none`]
      : []),
    ...wrongTtls({ world, ask, expect, clients, random }),
  ]
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`

function wrongShares(all: GroupView, { shares, tolerance }: CaseExpectations): string[] {
  return [...shares].flatMap(([target, expected]) => {
    const found = all.targets.find((one) => one.target === target)
    const share = found?.expected ?? found?.drawn ?? 0
    if (Math.abs(share - expected) <= tolerance + 1e-9) return []
    return [
      `${target} has ${percent(share)} of the first places, expected ${percent(expected)} ± ${percent(tolerance)}`,
    ]
  })
}

function wrongTargets(all: GroupView, { first, never }: CaseExpectations): string[] {
  return all.targets.flatMap(({ target, drawn, included }) => [
    ...(first !== null && drawn > 0 && !first.includes(target)
      ? [`${target} has ${percent(drawn)} of the first places, expected ${first.join(', ')} alone`]
      : []),
    ...(never.includes(target) && included > 0
      ? [`${target} is in ${percent(included)} of the answers, expected never`]
      : []),
  ])
}

function wrongTtls({ world, ask, expect, clients, random }: CaseRun): string[] {
  const { ttlMin, ttlMax } = expect
  if (ttlMin === null && ttlMax === null) return []
  const run = createDryRun(world, random)
  const ttls = clients.slice(0, maxTtlClients).flatMap(({ octets, prefixLength }) => {
    const isAddress = prefixLength === octets.length * 8
    const subnet = isAddress ? null : { octets, prefixLength }
    const { entries } = run({ name: ask.name, type: ask.type, peer: octets, subnet })
    return entries.filter(({ section }) => section === 'answer').map(({ ttl }) => ttl)
  })
  const [least, most] = [Math.min(...ttls), Math.max(...ttls)]
  return [
    ...(ttlMin !== null && least < ttlMin ? [`a TTL of ${least}, expected ${ttlMin} or more`] : []),
    ...(ttlMax !== null && most > ttlMax ? [`a TTL of ${most}, expected ${ttlMax} or less`] : []),
  ]
}
