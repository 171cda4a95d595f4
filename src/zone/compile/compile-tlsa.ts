// `tlsa:` of a target → its TLSA records, at `_25._tcp.<target>` and at the port of every steered SRV that names it
// (RFC 7672 §2.2.1, RFC 7673 §3.1). Plain sets: what a certificate is does not change with health, and a sender that
// has the exchange in its cache asks for them while the target is down.

import { typeToText, RRType } from '../../wire/rrtype.ts'
import type { Policy } from '../../steer/policy.ts'
import type { Compilation } from './compilation.ts'
import { compileRRset } from './compile-rrset.ts'
import { readName } from './names.ts'
import type { DocumentPath } from './problem.ts'
import type { Name } from '../../wire/name.ts'
import type { RRset } from '../zone.ts'

export interface PlacedTlsa {
  readonly owner: Name
  readonly set: RRset
  readonly path: DocumentPath
  readonly places: readonly DocumentPath[]
}

const smtpPort = 25

export function compileTlsa(
  compilation: Compilation,
  policies: ReadonlyMap<string, Policy>,
): readonly PlacedTlsa[] {
  const ports = portsByTarget(compilation, policies)
  const placed: PlacedTlsa[] = []
  for (const [name, { tlsa }] of compilation.source.targets) {
    if (!tlsa) continue
    const path = ['targets', name, typeToText(RRType.TLSA).toLowerCase()]
    const data = tlsa.map((text, i) => ({ text, at: tlsa.length > 1 ? [i] : [] }))
    const compiled = compileRRset(compilation, path, RRType.TLSA, { kind: 'plain', data })
    for (const port of new Set([smtpPort, ...(ports.get(name) ?? [])])) {
      const owner = readName(`_${port}._tcp.${name}`, compilation.apex)
      if (owner.kind === 'name') placed.push({ owner: owner.name, path, ...compiled })
    }
  }
  return placed
}

function portsByTarget(
  { source }: Compilation,
  policies: ReadonlyMap<string, Policy>,
): ReadonlyMap<string, ReadonlySet<number>> {
  const ports = new Map<string, Set<number>>()
  const records = [...source.records.values()].flatMap((types) => [...types.values()])
  for (const record of records) {
    if (record.kind !== 'steered-srv') continue
    for (const name of targetsOf(policies.get(record.steer))) {
      ports.set(name, (ports.get(name) ?? new Set()).add(record.port))
    }
  }
  return ports
}

function targetsOf(policy: Policy | undefined): readonly string[] {
  if (!policy) return []
  const { rules, onAllDown } = policy
  const pools = rules.flatMap((rule) => rule.pools)
  if (onAllDown.kind === 'backup') pools.push(onAllDown.pool)
  return pools.flatMap((pool) => pool.members.map((member) => member.target.name))
}
