// The path from the qname to the name that the answer is from: one step for each name, with the
// kind of the lookup.

import type { PlanEntry } from '../answer/plan.ts'
import type { SelectedSet, TargetAddresses } from '../steer/policy.ts'
import { keyOfName, nameToText, type Name } from '../wire/name.ts'
import { RRType, typeToText } from '../wire/rrtype.ts'
import { lookup, type Lookup } from '../zone/lookup.ts'
import type { Rdata } from '../wire/rdata/rdata.ts'
import type { Catalog, Zone } from '../zone/zone.ts'
import type { Question } from './question.ts'

export interface Step {
  readonly name: string
  /** null: the name is in none of the zones served. */
  readonly zone: string | null
  readonly found:
    | 'plain'
    | 'steered'
    | 'target'
    | 'alias'
    | 'dname'
    | 'delegation'
    | 'nodata'
    | 'nxdomain'
    | 'refused'
  /** The wildcard that the name is expanded from; null: none. */
  readonly wildcard: string | null
  /**
   * The target of an alias, the owner of a delegation, or the type that ANY was answered with;
   * otherwise null.
   */
  readonly detail: string | null
}

export interface SteeredFound {
  readonly owner: Name
  readonly zone: Zone
  readonly set: SelectedSet | TargetAddresses
}

interface LookupPath {
  readonly steps: readonly Step[]
  readonly found: SteeredFound | null
}

/** `entries` is the plan of the answer; its CNAME records are the aliases that were followed. */
export function lookupSteps(
  catalog: Catalog,
  question: Question,
  entries: readonly PlanEntry[],
): LookupPath {
  const steps: Step[] = []
  let name = question.name
  let last: Lookup = lookup(catalog, keyOfName(name), question.type)
  steps.push(stepOf(last, name, entries))
  for (const entry of entries) {
    const isAlias = entry.type === RRType.CNAME && question.type !== RRType.CNAME
    if (entry.section !== 'answer' || !isAlias || question.type === RRType.ANY) continue
    name = (entry.rdata[0] as Rdata).octets
    last = lookup(catalog, keyOfName(name), question.type)
    steps.push(stepOf(last, name, entries))
  }
  return { steps, found: steeredOf(last, name, entries) }
}

function steeredOf(last: Lookup, name: Name, entries: readonly PlanEntry[]): SteeredFound | null {
  if (last.kind !== 'found' && last.kind !== 'any') return null
  const set = last.kind === 'found' ? last.set : last.node.sets.get(answeredType(entries))
  return set && set.kind !== 'plain' ? { owner: name, zone: last.zone, set } : null
}

/** The type that ANY was answered with (RFC 8482); 0: none. */
const answeredType = (entries: readonly PlanEntry[]): number =>
  entries.find(({ section }) => section === 'answer')?.type ?? 0

function stepOf(result: Lookup, name: Name, entries: readonly PlanEntry[]): Step {
  const named = { name: nameToText(name), zone: result.kind === 'refused' ? null : zoneOf(result) }
  switch (result.kind) {
    case 'found': {
      const { kind } = result.set
      const what = kind === 'plain' ? 'plain' : kind === 'target-address' ? 'target' : 'steered'
      return { ...named, found: what, wildcard: wildcardOf(result.node.owner, name), detail: null }
    }
    case 'any': {
      const wildcard = wildcardOf(result.node.owner, name)
      return { ...named, found: 'plain', wildcard, detail: typeToText(answeredType(entries)) }
    }
    case 'alias': {
      const detail = nameToText((result.cname.rdata[0] as Rdata).octets)
      return { ...named, found: 'alias', wildcard: wildcardAbove(result.zone, name), detail }
    }
    case 'dname': {
      const to = nameToText((result.dname.rdata[0] as Rdata).octets)
      const detail = `${nameToText(result.node.owner)} → ${to}`
      return { ...named, found: 'dname', wildcard: null, detail }
    }
    case 'delegation':
      return {
        ...named,
        found: 'delegation',
        wildcard: null,
        detail: nameToText(result.cut.owner),
      }
    case 'nodata':
      return { ...named, found: 'nodata', wildcard: wildcardAbove(result.zone, name), detail: null }
    case 'nxdomain':
    case 'refused':
      return { ...named, found: result.kind, wildcard: null, detail: null }
    default:
      return result satisfies never
  }
}

const zoneOf = ({ zone }: { readonly zone: Zone }): string => nameToText(zone.apex)

const wildcardOf = (owner: Name, name: Name): string | null =>
  keyOfName(owner) === keyOfName(name) ? null : nameToText(owner)

/**
 * The wildcard of a name without a node of its own: at the closest ancestor with a node (RFC 4592
 * §3.3.1).
 */
function wildcardAbove({ nodes }: Zone, name: Name): string | null {
  if (nodes.has(keyOfName(name))) return null
  for (let at = 0; (name[at] as number) > 0;) {
    at += 1 + (name[at] as number)
    const above = name.subarray(at)
    if (nodes.has(keyOfName(above))) return `*.${nameToText(above)}`
  }
  return null
}
