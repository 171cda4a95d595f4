// The way from the name that was asked for to the one that is answered from: one step a name, found how.

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
  /** null: none of ours holds the name. */
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
  /** The wildcard that stands for the name; null: it is there itself, or nothing is. */
  readonly wildcard: string | null
  /** Of what was found: where an alias leads, where authority passes to, which type of ANY. */
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

/** `entries`: of the plan that was made of the question; the aliases in it are those that were followed. */
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

/** Which of ANY was answered (RFC 8482). */
const answeredType = (entries: readonly PlanEntry[]): number =>
  entries.find(({ section }) => section === 'answer')?.type ?? 0

function stepOf(found: Lookup, name: Name, entries: readonly PlanEntry[]): Step {
  const named = { name: nameToText(name), zone: found.kind === 'refused' ? null : zoneOf(found) }
  switch (found.kind) {
    case 'found': {
      const { kind } = found.set
      const what = kind === 'plain' ? 'plain' : kind === 'target-address' ? 'target' : 'steered'
      return { ...named, found: what, wildcard: wildcardOf(found.node.owner, name), detail: null }
    }
    case 'any': {
      const wildcard = wildcardOf(found.node.owner, name)
      return { ...named, found: 'plain', wildcard, detail: typeToText(answeredType(entries)) }
    }
    case 'alias': {
      const detail = nameToText((found.cname.rdata[0] as Rdata).octets)
      return { ...named, found: 'alias', wildcard: wildcardAbove(found.zone, name), detail }
    }
    case 'dname': {
      const to = nameToText((found.dname.rdata[0] as Rdata).octets)
      const detail = `${nameToText(found.node.owner)} → ${to}`
      return { ...named, found: 'dname', wildcard: null, detail }
    }
    case 'delegation':
      return {
        ...named,
        found: 'delegation',
        wildcard: null,
        detail: nameToText(found.cut.owner),
      }
    case 'nodata':
      return { ...named, found: 'nodata', wildcard: wildcardAbove(found.zone, name), detail: null }
    case 'nxdomain':
    case 'refused':
      return { ...named, found: found.kind, wildcard: null, detail: null }
    default:
      return found satisfies never
  }
}

const zoneOf = ({ zone }: { readonly zone: Zone }): string => nameToText(zone.apex)

const wildcardOf = (owner: Name, name: Name): string | null =>
  keyOfName(owner) === keyOfName(name) ? null : nameToText(owner)

/** Of a name that is found and has no node of its own: the one beside its closest ancestor that has. */
function wildcardAbove({ nodes }: Zone, name: Name): string | null {
  if (nodes.has(keyOfName(name))) return null
  for (let at = 0; (name[at] as number) > 0;) {
    at += 1 + (name[at] as number)
    const above = name.subarray(at)
    if (nodes.has(keyOfName(above))) return `*.${nameToText(above)}`
  }
  return null
}
