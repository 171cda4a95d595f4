// Compiles `slots:`: the A and AAAA sets of names that answer the rungs of one ladder (steer/select/select-slot.ts).

import { listed } from '../../lib/listed.ts'
import type { ExchangeSlot, Policy, TargetAddresses } from '../../steer/policy.ts'
import { keyOfName, type Name } from '../../wire/name.ts'
import { membersOf } from '../policy-members.ts'
import type { Compilation } from './compilation.ts'
import {
  families,
  findPolicy,
  hasFamily,
  readTtl,
  targetAddressSets,
  warnMissingFamily,
} from './compile-steered.ts'
import { compileNetworks } from './compile-steering.ts'
import type { TargetDraft } from './compile-targets.ts'
import { isHostName, readName } from './names.ts'
import { addSet, isOwnerOfZone, openOwner, type OwnerName, type Owners } from './owners.ts'
import { createProblems, type DocumentPath } from './problem.ts'
import type { SlotsSource } from './zone-source.ts'

const epochTtls = 10

interface SlotInputs {
  readonly targets: ReadonlyMap<string, TargetDraft>
  readonly policies: ReadonlyMap<string, Policy>
  /** Addresses of an answer, by target name (exchange-addresses.ts). */
  readonly limits: ReadonlyMap<string, number>
}

/** Adds the sets of all slots. To be called when all records of the zone file are there. */
export function compileSlots(compilation: Compilation, owners: Owners, inputs: SlotInputs): void {
  const pathOfName = new Map<string, DocumentPath>()
  const setsOf = createTargetSets(compilation, inputs)
  for (const source of compilation.source.slots) {
    const { path } = source
    const policy = findPolicy(compilation, path, source.steer, inputs.policies)
    const slotNames = source.names.flatMap((text, i) => {
      const namePath = [...path, 'names', i]
      const owner = readSlotName(compilation, namePath, text)
      return owner === null ? [] : [{ owner, namePath }]
    })
    const names = slotNames.map(({ owner }) => owner.name)
    const shared = sharedBy(compilation, source, names)
    if (policy === null) continue
    warnMissingFamily(compilation, path, policy)
    warnShared(compilation, source, policy)
    const sets = families
      .filter(({ family }) => hasFamily(policy, family))
      .map(({ type }) => ({ type, ofTargets: setsOf(policy, { ...shared, type }) }))
    for (const [rung, { owner, namePath }] of slotNames.entries()) {
      const other = pathOfName.get(owner.key)
      if (other !== undefined) {
        const message = `the same name as ${other.join('.')}, expected each name once`
        compilation.problems.refuse('duplicate-owner', namePath, message)
        continue
      }
      pathOfName.set(owner.key, namePath)
      const draft = openOwner(owners, owner.name, namePath, owner.key)
      for (const { type, ofTargets } of sets) {
        const set: ExchangeSlot = { ...shared, type, policy, rung, ofTargets }
        addSet(compilation, draft, { set, place: namePath, rdataPaths: [] })
      }
    }
  }
}

type SharedFields = Omit<ExchangeSlot, 'type' | 'policy' | 'rung' | 'ofTargets'>

/** What all names have in common. */
function sharedBy(
  compilation: Compilation,
  source: SlotsSource,
  names: readonly Name[],
): SharedFields {
  const bounds = readTtl(compilation, source.path, source.ttl)
  const { epoch = epochTtls * bounds.ttl } = source
  if (epoch < bounds.ttl) {
    const message = `epoch is ${epoch}, expected at least ttl, ${bounds.ttl}`
    compilation.problems.refuse('epoch-below-ttl', [...source.path, 'epoch'], message)
  }
  // checkAcross reports the problems of these networks, once.
  const internal = compileNetworks(createProblems(), ['internal'], compilation.source.internal)
  return {
    kind: 'exchange-slot',
    ...bounds,
    mode: 'ladder',
    names,
    ladder: names.length,
    epochSeconds: epoch,
    internal,
    sticky: true,
  }
}

/** null: it cannot be the exchange of an MX in this zone, which is reported. */
function readSlotName(
  compilation: Compilation,
  path: DocumentPath,
  text: string,
): OwnerName | null {
  const parsed = readName(text, compilation.apex)
  if (parsed.kind === 'bad' || !isHostName(text)) {
    const why = parsed.kind === 'bad' ? parsed.why : 'expected a host name, such as in1'
    compilation.problems.refuse('bad-name', path, `bad name of an exchange: ${why}`)
    return null
  }
  const owner = { name: parsed.name, key: keyOfName(parsed.name) }
  return isOwnerOfZone(compilation, path, owner) ? owner : null
}

type TargetSets = ReadonlyMap<number, TargetAddresses>

type SetsOf = (policy: Policy, of: Pick<ExchangeSlot, 'type' | 'ttl' | 'minTtl'>) => TargetSets

/**
 * The sets of one type, of the targets that a policy can select, with the TTL of the slots: made once for all names that
 * have the same.
 */
function createTargetSets(compilation: Compilation, inputs: SlotInputs): SetsOf {
  const known = new Map<Policy, Map<string, TargetSets>>()
  return (policy, { type, ttl, minTtl }) => {
    const ofPolicy = known.get(policy) ?? new Map<string, TargetSets>()
    const key = `${type} ${ttl} ${minTtl}`
    const sets = ofPolicy.get(key) ?? targetSets(compilation, inputs, policy, { type, ttl, minTtl })
    known.set(policy, ofPolicy.set(key, sets))
    return sets
  }
}

function targetSets(
  compilation: Compilation,
  { targets, limits }: SlotInputs,
  policy: Policy,
  { type, ttl, minTtl }: Pick<ExchangeSlot, 'type' | 'ttl' | 'minTtl'>,
): TargetSets {
  const sets = new Map<number, TargetAddresses>()
  for (const { target } of membersOf(policy)) {
    const draft = targets.get(target.name)
    if (draft === undefined || sets.has(target.index)) continue
    const limit = limits.get(target.name) ?? Infinity
    const set = targetAddressSets(compilation, draft, limit).find((one) => one.type === type)
    if (set !== undefined) sets.set(target.index, { ...set, ttl, minTtl })
  }
  return sets
}

const namesShown = 3

/** Warns of rules whose targets are fewer than the names. */
function warnShared(
  { problems }: Compilation,
  { path, names }: SlotsSource,
  { name, rules }: Policy,
): void {
  for (const [i, { pools }] of rules.entries()) {
    const members = pools.flatMap((pool) => pool.members.filter(({ weight }) => weight > 0))
    const targets = new Set(members.map(({ target }) => target.name))
    if (targets.size >= names.length || targets.size === 0) continue
    const where = targets.size === 1 ? 'one target' : `${targets.size} targets`
    const message = `rule ${i + 1} of steering ${name} has ${where} (${listed([...targets], namesShown)}) for ${names.length} names: some share a target, and are no redundancy for each other`
    problems.warn('slots-share', [...path, 'names'], message)
  }
}
