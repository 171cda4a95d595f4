// What a zone file says of its zone, in the few words that the overview has room for.

import { counted, span } from '../../parts/figures.ts'
import { placeWords } from '../../parts/place-words.ts'
import { shown } from '../../parts/shown.ts'
import type { ZoneView } from '../../store/rows.ts'

export interface PoolUse {
  /** `first for continent EU`, `spare`. */
  readonly leads: string
}

export interface ZoneNotes {
  /** `MX at @ · TTL 1 min, at least 5 s`. */
  readonly steered: string
  /** `no mistakes`, `2 warnings`. */
  readonly warnings: string
  readonly uses: ReadonlyMap<string, PoolUse>
}

const mostNames = 3

export function zoneNotes(view: ZoneView): ZoneNotes {
  const { steered, pools, warnings } = view
  return {
    steered: [steeredText(view), ttlText(steered)].filter(Boolean).join(' · '),
    warnings: warnings.length === 0 ? 'no mistakes' : counted(warnings.length, 'warning'),
    uses: new Map(
      pools.map(({ name }) => [name, { leads: leadsText(name, view, steered.length) }]),
    ),
  }
}

function steeredText({ zone, steered }: ZoneView): string {
  const names = steered
    .slice(0, mostNames)
    .map(({ name, type }) => `${type} at ${shown(shortName(name, zone))}`)
  const more = steered.length - mostNames
  return [...names, ...(more > 0 ? [`${more} more`] : [])].join(', ')
}

/** As a zone file has it: below the zone, `@` for its apex. */
function shortName(name: string, zone: string): string {
  if (name === zone) return '@'
  return name.endsWith(`.${zone}`) ? name.slice(0, -zone.length - 1) : name
}

function ttlText(steered: ZoneView['steered']): string {
  const [first] = steered
  if (first === undefined) return ''
  return `TTL ${span(first.ttl)}, at least ${span(first.minTtl)}`
}

/** For whom a pool is the first of a rule. */
function leadsText(pool: string, { policies }: ZoneView, steered: number): string {
  const leads = policies.flatMap(({ rules }) =>
    rules
      .filter(({ pools }) => pools[0] === pool)
      .map(({ when }) =>
        when === null ? (rules.length === 1 ? 'everyone' : 'everyone else') : placeWords(when),
      ),
  )
  if (leads.length > 0) return `first for ${[...new Set(leads)].slice(0, mostNames).join(', ')}`
  return steered > 0 &&
    policies.some(({ rules }) => rules.some(({ pools }) => pools.includes(pool)))
    ? 'when others are short'
    : ''
}
