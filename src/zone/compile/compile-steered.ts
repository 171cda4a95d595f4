// Compiles steered sets: MX, SRV, `address:`, and the addresses of targets.

import type {
  Policy,
  Pool,
  SteeredAddresses,
  SteeredMx,
  SteeredSrv,
  TargetAddresses,
} from '../../steer/policy.ts'
import { RRType } from '../../wire/rrtype.ts'
import { type Compilation, warnHighSteeredTtl, warnLowTtl } from './compilation.ts'
import { compileNetworks } from './compile-steering.ts'
import type { TargetDraft } from './compile-targets.ts'
import { suggestName } from '../../lib/suggest-name.ts'
import { type DocumentPath, createProblems } from './problem.ts'
import { answersByFamily } from './exchange-addresses.ts'
import type { SteeredAddressSource, SteeredMxSource, SteeredSrvSource } from './zone-source.ts'

type Policies = ReadonlyMap<string, Policy>

export const families: readonly { readonly family: 4 | 6; readonly type: number }[] = [
  { family: 4, type: RRType.A },
  { family: 6, type: RRType.AAAA },
]

/** null: its steering is unknown. */
export function compileSteeredMx(
  compilation: Compilation,
  path: DocumentPath,
  source: SteeredMxSource,
  policies: Policies,
): SteeredMx | null {
  const policy = findPolicy(compilation, path, source.steer, policies)
  const bounds = readTtl(compilation, path, source.ttl)
  if (!policy) return null
  const { mode, ladder, sticky } = source
  // checkAcross reports the problems of these networks, once.
  const internal = compileNetworks(createProblems(), ['internal'], compilation.source.internal)
  return { kind: 'steered-mx', type: RRType.MX, policy, ...bounds, mode, ladder, sticky, internal }
}

/** null: its steering is unknown. */
export function compileSteeredSrv(
  compilation: Compilation,
  path: DocumentPath,
  source: SteeredSrvSource,
  policies: Policies,
): SteeredSrv | null {
  const policy = findPolicy(compilation, path, source.steer, policies)
  const bounds = readTtl(compilation, path, source.ttl)
  if (!policy) return null
  const { port, answers } = source
  return { kind: 'steered-srv', type: RRType.SRV, policy, ...bounds, port, answers }
}

/**
 * A set for each family that any target of the policy has. Without a set NODATA follows from the
 * zone, not from health.
 */
export function compileSteeredAddresses(
  compilation: Compilation,
  path: DocumentPath,
  source: SteeredAddressSource,
  policies: Policies,
): readonly SteeredAddresses[] {
  const policy = findPolicy(compilation, path, source.steer, policies)
  const bounds = readTtl(compilation, path, source.ttl)
  if (!policy) return []
  const { answers, sticky } = source
  warnMissingFamily(compilation, path, policy)
  return families
    .filter(({ family }) => hasFamily(policy, family))
    .map(({ type }) => ({ kind: 'steered-address', type, policy, ...bounds, answers, sticky }))
}

/**
 * The A and AAAA sets at a target's own name. `exchangeLimit`: addresses of an answer, see
 * exchange-addresses.ts.
 */
export function targetAddressSets(
  { source, minTtl }: Compilation,
  { target, memberships }: TargetDraft,
  exchangeLimit: number,
): readonly TargetAddresses[] {
  const limit = source.targets.get(target.name)?.answers ?? exchangeLimit
  const answers = answersByFamily(target, limit)
  return families
    .filter(({ family }) => target.addresses.some((address) => address.family === family))
    .map(({ type, family }) => ({
      kind: 'target-address',
      type,
      ttl: source.ttl,
      minTtl,
      target,
      answers: answers[family],
      memberships: memberships.map(({ member }) => member),
    }))
}

/** Warns of rules that would answer NODATA, which caches apply to all clients (RFC 7871 §7.4). */
export function warnMissingFamily(
  { problems }: Compilation,
  path: DocumentPath,
  policy: Policy,
): void {
  const { rules, onAllDown } = policy
  const backup = onAllDown.kind === 'backup' ? [onAllDown.pool] : []
  for (const { family } of families) {
    const missing = rules.findIndex(({ pools }) => !haveFamily([...pools, ...backup], family))
    if (missing < 0 || !hasFamily(policy, family)) continue
    const message = `rule ${missing + 1} of steering ${policy.name} has no target with an IPv${family} address, and others have: its clients get those of the catch-all, or of any rule`
    problems.warn('missing-family', [...path, 'steer'], message)
  }
}

export const hasFamily = (policy: Policy, family: 4 | 6): boolean =>
  policy.rules.some(({ pools }) => haveFamily(pools, family))

const haveFamily = (pools: readonly Pool[], family: 4 | 6): boolean =>
  pools.some((pool) =>
    pool.members.some(({ target }) =>
      target.addresses.some((address) => address.family === family),
    ),
  )

export function findPolicy(
  { problems }: Compilation,
  path: DocumentPath,
  name: string,
  policies: Policies,
): Policy | null {
  const policy = policies.get(name)
  if (policy) return policy
  const message = `unknown steering ${JSON.stringify(name)}, ${suggestName('steering', policies.keys(), name)}`
  problems.refuse('unknown-policy', [...path, 'steer'], message)
  return null
}

/** `recordTtl`: the TTL of the record set itself; absent: that of the zone applies. */
export function readTtl(
  { source, minTtl, problems }: Compilation,
  path: DocumentPath,
  recordTtl: number | undefined,
): { ttl: number; minTtl: number } {
  const ttl = recordTtl ?? source.ttl
  if (recordTtl !== undefined && recordTtl < minTtl) {
    problems.refuse(
      'min-ttl-above-ttl',
      [...path, 'ttl'],
      `ttl is ${recordTtl}, expected at least min_ttl, ${minTtl}`,
    )
  }
  if (recordTtl !== undefined) {
    warnLowTtl(problems, [...path, 'ttl'], recordTtl)
    warnHighSteeredTtl(problems, [...path, 'ttl'], recordTtl)
  }
  return { ttl, minTtl }
}
