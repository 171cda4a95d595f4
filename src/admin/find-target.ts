// Targets by the name that an operator gives: `mx3`, or `mx3.smtp.example.com` where several zones
// have an mx3.

import { bareName } from '../lib/bare-name.ts'
import { suggestName } from '../lib/suggest-name.ts'
import { type Reply, refuse } from './reply.ts'

interface NamedTarget {
  readonly zone: string
  readonly target: string
}

type TargetLookup<Target extends NamedTarget> =
  | { readonly kind: 'found'; readonly target: Target }
  /** 404 unknown-zone or unknown-target, 409 ambiguous-target. */
  | { readonly kind: 'refused'; readonly reply: Reply }

/** `zone` null: the target of that name in any zone. */
export function findTarget<Target extends NamedTarget>(
  targets: readonly Target[],
  name: string,
  zone: string | null,
): TargetLookup<Target> {
  const wanted = bareName(name)
  const inZone = zone === null ? targets : targets.filter((one) => one.zone === bareName(zone))
  const matching = inZone.filter((one) => isCalled(one, wanted))
  const [target, second] = matching
  if (target && !second) return { kind: 'found', target }
  if (target) {
    const names = matching.slice(0, 5).map(qualifiedName).join(', ')
    const message = `several zones have it: ${names}; give the zone, or the whole name`
    return { kind: 'refused', reply: refuse(409, 'ambiguous-target', message) }
  }
  const zones = new Set(targets.map((one) => one.zone))
  if (zone !== null && !zones.has(bareName(zone))) {
    const message = `unknown zone ${JSON.stringify(zone)}, ${suggestName('zone', zones, zone)}`
    return { kind: 'refused', reply: refuse(404, 'unknown-zone', message) }
  }
  const names = new Set(inZone.map(wanted.includes('.') ? qualifiedName : (one) => one.target))
  const message = `unknown target ${JSON.stringify(name)}, ${suggestName('target', names, wanted)}`
  return { kind: 'refused', reply: refuse(404, 'unknown-target', message) }
}

/** `names`: canonical, of targets alone or with their zones. */
export const isCalledOne = (one: NamedTarget, names: ReadonlySet<string>): boolean =>
  names.has(one.target.toLowerCase()) || names.has(qualifiedName(one).toLowerCase())

/** `name`: canonical, of the target alone or with its zone. */
export const isCalled = (one: NamedTarget, name: string): boolean =>
  one.target.toLowerCase() === name || qualifiedName(one).toLowerCase() === name

const qualifiedName = ({ zone, target }: NamedTarget): string => `${target}.${zone}`
