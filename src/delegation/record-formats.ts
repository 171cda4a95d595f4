// Records for other zones as the tools that keep these read them: lines of a master file, octoDNS YAML, and Terraform.

import { bareName } from '../lib/bare-name.ts'
import type { ParentRecord, RecordSection } from './parent-records.ts'

export const recordFormats = ['text', 'bind', 'octodns', 'terraform'] as const
export type RecordFormat = (typeof recordFormats)[number]

export function formatRecords(sections: readonly RecordSection[], format: RecordFormat): string {
  switch (format) {
    case 'text':
      return sections.map(asText).join('\n')
    case 'bind':
      return sections.map(asMasterFile).join('\n')
    case 'octodns':
      return asOctodns(sections)
    case 'terraform':
      return asTerraform(sections)
    default:
      return format satisfies never
  }
}

const line = ({ owner, ttlSeconds, type, data }: ParentRecord): string =>
  `${owner} ${ttlSeconds} IN ${type} ${data}`

function asText({ zone, purpose, records, notes }: RecordSection): string {
  const head = `In ${zone === '' ? 'the root' : zone}, which ${purpose}:`
  const width = Math.max(0, ...records.map(({ owner }) => owner.length))
  const lines = records.map(
    ({ owner, type, data }) => `  ${owner.padEnd(width)}  ${type.padEnd(5)}  ${data}`,
  )
  return `${[head, ...lines, ...notes.map((note) => `  → ${note}`)].join('\n')}\n`
}

/** Every name is absolute, so that the lines are read alike under any $ORIGIN. */
const asMasterFile = ({ zone, purpose, records, notes }: RecordSection): string =>
  `${[
    `; in ${zone === '' ? 'the root' : zone}: ${purpose}`,
    ...records.map(line),
    ...notes.map((note) => `; ${note}`),
  ].join('\n')}\n`

interface RecordSet {
  readonly owner: string
  readonly type: string
  readonly ttlSeconds: number
  readonly data: readonly string[]
}

/** Sets of one owner and type, in the order of their first records. */
function setsOf(records: readonly ParentRecord[]): readonly RecordSet[] {
  const sets = Map.groupBy(records, ({ owner, type }) => `${owner.toLowerCase()} ${type}`)
  return [...sets.values()].flatMap((those) => {
    const [first] = those
    return first ? [{ ...first, data: those.map(({ data }) => data) }] : []
  })
}

/** A document for each zone, as `config/<zone>.yaml` has it (YamlProvider). Its loader wants every key in natural order. */
function asOctodns(sections: readonly RecordSection[]): string {
  const zones = Map.groupBy(sections, ({ zone }) => zone)
  return [...zones]
    .map(([zone, those]) => {
      const sets = setsOf(those.flatMap(({ records }) => records))
      const byName = Map.groupBy(sets, ({ owner }) => relativeTo(zone, owner))
      const notes = those.flatMap((section) => section.notes).map((note) => `# ${note}\n`)
      const entries = [...byName]
        .sort(([a], [b]) => compareNaturally(a, b))
        .map(([name, those]) => `${JSON.stringify(name)}:\n${those.map(octodnsRecord).join('')}`)
      return `# config/${zone}.yaml\n${notes.join('')}---\n${entries.length > 0 ? entries.join('') : '{}\n'}`
    })
    .join('')
}

function relativeTo(zone: string, owner: string): string {
  const bare = bareName(owner)
  if (zone === '') return bare
  return bare === zone ? '' : bare.slice(0, -zone.length - 1)
}

function octodnsRecord({ type, ttlSeconds, data }: RecordSet): string {
  // A CNAME has one.
  const values =
    type === 'CNAME'
      ? `    value: ${JSON.stringify(data[0] ?? '')}\n`
      : `    values:\n${data.map((one) => `      - ${octodnsValue(type, one)}\n`).join('')}`
  return `  - ttl: ${ttlSeconds}\n    type: ${type}\n${values}`
}

/** JSON is YAML. */
function octodnsValue(type: string, data: string): string {
  const [first = '', second = '', third = '', ...rest] = data.split(' ')
  if (type === 'MX') return JSON.stringify({ exchange: second, preference: Number(first) })
  if (type === 'DS')
    return JSON.stringify({
      algorithm: Number(second),
      digest: rest.join(''),
      digest_type: Number(third),
      key_tag: Number(first),
    })
  // octoDNS has texts without their quotes, and semicolons escaped.
  if (type === 'TXT') return JSON.stringify(unquoted(data).replaceAll(';', '\\;'))
  return JSON.stringify(data)
}

/** The strings of a TXT joined. */
const unquoted = (data: string): string => data.replaceAll('" "', '').replace(/^"|"$/g, '')

/** As Python's natsort: runs of digits by their value, all else by code points. */
function compareNaturally(a: string, b: string): number {
  const [left, right] = [a.split(/(\d+)/), b.split(/(\d+)/)]
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const [one = '', other = ''] = [left[i], right[i]]
    if (one === other) continue
    const order = i % 2 === 1 ? Number(one) - Number(other) : one < other ? -1 : 1
    if (order !== 0) return order
  }
  return left.length - right.length
}

/**
 * Terraform in its JSON syntax: a local value that a resource of any provider goes through with `for_each`. No provider's
 * resource has all of the types: that of RFC 2136 updates lacks DS.
 */
function asTerraform(sections: readonly RecordSection[]): string {
  const entries = sections.flatMap(({ zone, records }) =>
    setsOf(records).map(({ owner, type, ttlSeconds, data }) => {
      const value = { zone, name: owner, type, ttl: ttlSeconds, records: data.map(asTemplate) }
      return [`${owner.replace(/\.$/, '')} ${type}`, value] as const
    }),
  )
  const notes = sections.flatMap((section) => section.notes)
  return `${JSON.stringify({ '//': notes, locals: { mxsteer_records: Object.fromEntries(entries) } }, null, 2)}\n`
}

/** Strings of Terraform are templates. */
const asTemplate = (text: string): string => text.replaceAll('${', '$${').replaceAll('%{', '%%{')
