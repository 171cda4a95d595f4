// The target that an operator means: `mx3`, or `mx3.smtp.example.com` where several zones have an mx3.

import { suggestName } from '../lib/suggest-name.ts'
import type { Reply } from './reply.ts'
import { refuse } from './write-request.ts'

export interface NamedTarget {
  readonly zone: string
  readonly target: string
}

export type FoundTarget<Target extends NamedTarget> =
  | { readonly kind: 'found'; readonly found: Target }
  | { readonly kind: 'refused'; readonly reply: Reply }

export function findTarget<Target extends NamedTarget>(
  targets: readonly Target[],
  name: string,
  zone: string | null,
): FoundTarget<Target> {
  const wanted = canonical(name)
  const inZone = zone === null ? targets : targets.filter((one) => one.zone === canonical(zone))
  const matching = inZone.filter((one) => isCalled(one, wanted))
  const [found, second] = matching
  if (found && !second) return { kind: 'found', found }
  if (found) {
    const names = matching.slice(0, 5).map(qualified).join(', ')
    const message = `several zones have it: ${names}; give the zone, or the whole name`
    return { kind: 'refused', reply: refuse(409, 'ambiguous-target', message) }
  }
  const zones = new Set(targets.map((one) => one.zone))
  if (zone !== null && !zones.has(canonical(zone))) {
    const message = `unknown zone ${JSON.stringify(zone)}, ${suggestName('zone', zones, zone)}`
    return { kind: 'refused', reply: refuse(404, 'unknown-zone', message) }
  }
  const names = new Set(inZone.map(wanted.includes('.') ? qualified : (one) => one.target))
  const message = `unknown target ${JSON.stringify(name)}, ${suggestName('target', names, wanted)}`
  return { kind: 'refused', reply: refuse(404, 'unknown-target', message) }
}

export const isCalled = (one: NamedTarget, name: string): boolean =>
  one.target.toLowerCase() === name || qualified(one).toLowerCase() === name

export const canonical = (name: string): string => name.toLowerCase().replace(/\.$/, '')

const qualified = ({ zone, target }: NamedTarget): string => `${target}.${zone}`
