// Compiles `steering:`: policies with their rules in order, the catch-all last.

import { hashText } from '../../lib/hash.ts'
import { parseNetwork, type Network } from '../../lib/ip.ts'
import type { Conditions, OnAllDown, Policy, Pool, Rule } from '../../steer/policy.ts'
import type { Compilation } from './compilation.ts'
import { suggestName } from '../../lib/suggest-name.ts'
import type { DocumentPath, Problems } from './problem.ts'
import type { ConditionsSource, RuleSource } from './zone-source.ts'

/** Policies by name. Unknown pools are reported and left out. */
export function compileSteering(
  compilation: Compilation,
  pools: ReadonlyMap<string, Pool>,
): ReadonlyMap<string, Policy> {
  const { source, problems } = compilation
  const policies = new Map<string, Policy>()
  const onAllDown = compileOnAllDown(compilation, pools)
  for (const [name, rules] of source.steering) {
    checkCatchAll(problems, ['steering', name], rules)
    const compiled = rules.map((rule, i): Rule => {
      const path = ['steering', name, i]
      return {
        when: rule.when ? compileConditions(problems, [...path, 'when'], rule.when) : null,
        pools: findPools(problems, [...path, 'pools'], rule.pools, pools),
      }
    })
    policies.set(name, { name, hash: hashText(name), rules: compiled, onAllDown })
  }
  return policies
}

function compileOnAllDown(
  { source: { onAllDown }, problems }: Compilation,
  pools: ReadonlyMap<string, Pool>,
): OnAllDown {
  if (onAllDown.kind !== 'backup') return onAllDown
  const pool = findPool(problems, ['on_all_down', 'backup'], onAllDown.pool, pools)
  return pool ? { kind: 'backup', pool } : { kind: 'all' }
}

/** `path`: of the list of networks. Bad ones are reported and left out. */
export function compileNetworks(
  problems: Problems,
  path: DocumentPath,
  texts: readonly string[],
): readonly Network[] {
  const networks: Network[] = []
  for (const [i, text] of texts.entries()) {
    const parsed = parseNetwork(text)
    if (parsed.kind === 'bad') problems.refuse('bad-network', [...path, i], parsed.why)
    else networks.push({ octets: parsed.octets, prefixLength: parsed.prefixLength })
  }
  return networks
}

function checkCatchAll(problems: Problems, path: DocumentPath, rules: readonly RuleSource[]): void {
  const first = rules.findIndex((rule) => rule.when === undefined)
  if (first < 0) {
    problems.refuse(
      'no-catch-all',
      path,
      'the last rule must be one without `when`, for all other clients, such as - { pools: [eu, us] }',
      'key',
    )
    return
  }
  for (let i = first + 1; i < rules.length; i++) {
    problems.refuse(
      'unreachable-rule',
      [...path, i],
      `rule ${first + 1} has no \`when\` and takes every client before this one: expected it last`,
    )
  }
}

function compileConditions(
  problems: Problems,
  path: DocumentPath,
  source: ConditionsSource,
): Conditions {
  const { network, continent, country, asn } = source
  if (!network && !continent && !country && !asn) {
    const message =
      'a condition without any test, expected network, continent, country or asn; leave `when` out for all clients'
    problems.refuse('empty-condition', path, message, 'key')
  }
  return {
    networks: network ? compileNetworks(problems, [...path, 'network'], network) : null,
    continents: continent ?? null,
    countries: country ?? null,
    asns: asn ?? null,
  }
}

function findPool(
  problems: Problems,
  path: DocumentPath,
  name: string,
  pools: ReadonlyMap<string, Pool>,
): Pool | null {
  const pool = pools.get(name)
  if (pool) return pool
  const hint = suggestName('pool', pools.keys(), name)
  problems.refuse('unknown-pool', path, `unknown pool ${JSON.stringify(name)}, ${hint}`)
  return null
}

function findPools(
  problems: Problems,
  path: DocumentPath,
  names: readonly string[],
  pools: ReadonlyMap<string, Pool>,
): readonly Pool[] {
  const poolsOfRule: Pool[] = []
  for (const [i, name] of names.entries()) {
    const pool = findPool(problems, [...path, i], name, pools)
    if (!pool) continue
    if (poolsOfRule.includes(pool)) {
      problems.refuse(
        'duplicate-pool',
        [...path, i],
        `pool ${name} is in the rule twice, expected it once`,
      )
    } else {
      poolsOfRule.push(pool)
    }
  }
  return poolsOfRule
}
