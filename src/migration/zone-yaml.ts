// A zone as the text of a zone file, in the order that a person would write: what the zone is, targets, probes, pools,
// steering, and the records, the apex first and then name by name.

import { type Name, type NameKey, keyOfName, nameToText } from '../wire/name.ts'
import { formatRdata } from '../wire/rdata/format.ts'
import { RRType, typeToText } from '../wire/rrtype.ts'
import type { MasterOwner, MasterSet, SoaSource } from '../zone/compile/zone-source.ts'
import type { PoolOffer } from './pool-offers.ts'
import { entryLines, type YamlMap, yamlMap, type YamlValue } from './yaml-text.ts'

export interface ZoneDraft {
  readonly apex: Name
  /** Seconds. */
  readonly ttl: number
  readonly soa: SoaSource
  readonly owners: readonly MasterOwner[]
  /** Where it comes from, for the first line. */
  readonly from: string
}

/** `offer`: what looks like a pool; null: nothing. It is written as steered, or as a comment that shows how to. */
export function zoneYaml(draft: ZoneDraft, offer: PoolOffer | null, isSteered: boolean): string {
  const steered = isSteered ? offer : null
  const parts = [
    [
      `# Imported from ${draft.from}. Every key, its default and its bounds: docs/zone-reference.md`,
    ],
    headLines(draft),
    ...(steered ? sectionsOf(steered) : offer ? [commentOf(draft, offer)] : []),
    entryLines('records', recordsOf(draft, steered), '', true),
  ]
  return `${parts.map((lines) => lines.join('\n')).join('\n\n')}\n`
}

function headLines({ apex, ttl, soa }: ZoneDraft): string[] {
  const { mname, rname, serial_after, refresh, retry, expire, minimum } = soa
  const times = Object.entries({ refresh, retry, expire, minimum }).flatMap(([key, seconds]) =>
    seconds === undefined ? [] : [[key, periodText(seconds)] as const],
  )
  const value = new Map<string, YamlValue>([
    ['mname', shortName(mname, apex)],
    ['rname', shortName(rname, apex)],
    ['serial_after', serial_after ?? 0],
    ...times,
  ])
  return [
    ...entryLines('zone', nameToText(apex).slice(0, -1)),
    ...entryLines('ttl', periodText(ttl)),
    ...entryLines('soa', value),
  ]
}

const unitSeconds = { w: 604_800, d: 86_400, h: 3600, m: 60 }

/** `2w`, `90m`; a number of seconds where no unit divides it. */
function periodText(seconds: number): string | number {
  if (seconds === 0) return 0
  for (const [unit, size] of Object.entries(unitSeconds))
    if (seconds % size === 0) return `${seconds / size}${unit}`
  return seconds
}

const sectionsOf = (offer: PoolOffer): string[][] =>
  [...offer.sections].map(([key, value]) => entryLines(key, value, '', true))

function commentOf(draft: ZoneDraft, offer: PoolOffer): string[] {
  const steered = new Map(
    draft.owners.flatMap(({ name }): [string, YamlValue][] => {
      const types = offer.records.get(keyOfName(name))
      return types ? [[ownerText(name, draft.apex), types]] : []
    }),
  )
  const lines = [
    'These records look like a pool of MTAs. To have them watched and steered, import with --steer, or write this, and take',
    'the A and AAAA of the targets and what is steered out of the records below:',
    '',
    ...sectionsOf(offer).flat(),
    ...entryLines('records', steered, '', true),
    ...offer.hints,
  ]
  return (steered.size > 0 ? lines : offer.hints).map((line) => (line === '' ? '#' : `# ${line}`))
}

/** By owner, in order. */
function recordsOf({ apex, ttl, owners }: ZoneDraft, steered: PoolOffer | null): YamlMap {
  const records = new Map<string, YamlValue>()
  const sorted = owners
    .map((owner) => ({ owner, order: orderOf(owner.name) }))
    .sort((a, b) => compareOrders(a.order, b.order))
  for (const { owner } of sorted) {
    const key = keyOfName(owner.name)
    const replaced = steered?.records.get(key)
    const sets = owner.sets.filter(({ type }) => !isReplaced(steered, key, type))
    const plain = sets
      .toSorted((a, b) => rankOf(a.type) - rankOf(b.type))
      .map((set) => [typeToText(set.type), setValue(set, apex, ttl)] as const)
    const types = new Map<string, YamlValue>([...plain, ...(replaced ?? [])])
    if (types.size > 0) records.set(ownerText(owner.name, apex), types)
  }
  return records
}

const isReplaced = (steered: PoolOffer | null, key: NameKey, type: number): boolean =>
  steered?.replaced.get(key)?.includes(type) ?? false

/** What a reader looks for first; all others follow by number. */
const firstTypes: readonly number[] = [
  RRType.NS,
  RRType.DS,
  RRType.CNAME,
  RRType.DNAME,
  RRType.A,
  RRType.AAAA,
  RRType.MX,
  RRType.TXT,
]

function rankOf(type: number): number {
  const at = firstTypes.indexOf(type)
  return at < 0 ? firstTypes.length + type : at
}

/** Labels from the last to the first, so that what is below a name follows it. */
const orderOf = (name: Name): readonly string[] => keyLabels(name).toReversed()

function keyLabels(name: Name): string[] {
  const key = keyOfName(name)
  const labels: string[] = []
  for (let at = 0; key.charCodeAt(at) > 0; at += 1 + key.charCodeAt(at))
    labels.push(key.slice(at + 1, at + 1 + key.charCodeAt(at)))
  return labels
}

/** `mx2` comes before `mx10`. */
const { compare: compareLabels } = new Intl.Collator('en', { numeric: true })

function compareOrders(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const [one, other] = [a[i] as string, b[i] as string]
    const order = compareLabels(one, other)
    if (order !== 0) return order
    if (one !== other) return one < other ? -1 : 1
  }
  return a.length - b.length
}

function setValue({ type, ttl, rdata }: MasterSet, apex: Name, zoneTtl: number): YamlValue {
  const texts = rdata.map(({ octets }) => shortData(type, formatRdata(type, octets), apex))
  const [only = '', ...others] = texts
  const data = others.length === 0 ? only : texts
  return ttl === zoneTtl ? data : yamlMap({ ttl: periodText(ttl), data })
}

/** The owner below the apex, `@` for itself. A key of YAML may not be `__proto__`. */
const ownerText = (name: Name, apex: Name): string =>
  shortName(nameToText(name), apex).replace(/^__proto__$/, '\\095_proto__')

/** A name without the zone's, where it ends in that; `@` for the zone itself. */
function shortName(text: string, apex: Name): string {
  const zone = nameToText(apex)
  if (text.toLowerCase() === zone.toLowerCase()) return '@'
  const tail = text.slice(-zone.length - 1)
  const rest = text.slice(0, -zone.length - 1)
  // A dot that belongs to a label is escaped.
  const isBelow = tail === `.${zone}` && !/(?:^|[^\\])(?:\\\\)*\\$/.test(rest)
  return isBelow && rest !== '' ? rest : text
}

/** Types whose data ends in a name that a person writes as one of the zone. */
const namesLast: readonly number[] = [
  RRType.NS,
  RRType.CNAME,
  RRType.PTR,
  RRType.DNAME,
  RRType.MX,
  RRType.AFSDB,
  RRType.KX,
  RRType.SRV,
]

function shortData(type: number, text: string, apex: Name): string {
  if (!namesLast.includes(type) || text.startsWith('\\#')) return text
  const at = text.lastIndexOf(' ') + 1
  const name = text.slice(at)
  // The letters of `@` would be those of the zone.
  const isApex = name.toLowerCase() === nameToText(apex).toLowerCase()
  if (isApex && name !== nameToText(apex)) return text
  return text.slice(0, at) + shortName(name, apex)
}
