// Warnings for what is defined and never used: most often a slip in a name somewhere else.

import type { Compilation } from './compilation.ts'

export function checkUsage({ source, problems }: Compilation): void {
  const members = [...source.pools.values()].flatMap((pool) => pool.members)
  const records = [...source.records.values()].flatMap((types) => [...types.values()])
  const used = {
    targets: new Set(members.map((member) => member.target)),
    probes: new Set([...source.pools.values()].map((pool) => pool.probe)),
    pools: new Set([
      ...[...source.steering.values()].flat().flatMap((rule) => rule.pools),
      ...(source.onAllDown.kind === 'backup' ? [source.onAllDown.pool] : []),
    ]),
    policies: new Set(records.map((record) => (record.kind === 'plain' ? null : record.steer))),
    ownWeights: new Set(members.filter((m) => m.weight === null).map((member) => member.target)),
  }
  for (const [name, { weight }] of source.targets) {
    if (!used.targets.has(name)) {
      problems.warn('unused-target', ['targets', name], `target ${name} is in no pool`, 'key')
    } else if (weight !== undefined && !used.ownWeights.has(name)) {
      const message = `the weight is never used: every pool gives target ${name} one of its own`
      problems.warn('unused-weight', ['targets', name, 'weight'], message, 'key')
    }
  }
  for (const name of source.probes.keys()) {
    if (!used.probes.has(name))
      problems.warn('unused-probe', ['probes', name], `probe ${name} is used by no pool`, 'key')
  }
  for (const name of source.pools.keys()) {
    if (!used.pools.has(name))
      problems.warn('unused-pool', ['pools', name], `pool ${name} is used by no steering`, 'key')
  }
  for (const name of source.steering.keys()) {
    if (!used.policies.has(name)) {
      problems.warn(
        'unused-policy',
        ['steering', name],
        `steering ${name} is used by no record`,
        'key',
      )
    }
  }
}
