// The zones of this folder, each written once and rendered twice: as our YAML and as a master file (RFC 1035 §5).
//
// A line is `owner [TTL] TYPE rdata`; owner and rdata are in presentation form, names without a final dot below the
// zone, which the file is named after. Every zone gets the same SOA.

import { readFileSync, readdirSync } from 'node:fs'

export interface RecordLine {
  readonly owner: string
  readonly ttl: number | null
  readonly type: string
  readonly rdata: string
}

export interface ZoneText {
  /** With its final dot. */
  readonly apex: string
  readonly ttl: number
  readonly minimum: number
  readonly records: readonly RecordLine[]
}

const folder = new URL('zones/', import.meta.url)
/** Zones whose SOA says other than the rest. */
const minima: Readonly<Record<string, number>> = { 'zero.test.': 0, 'two.test.': 7200 }

export const readZones = (): ZoneText[] =>
  readdirSync(folder)
    .sort()
    .map((file) =>
      parseZone(file.replace(/zone$/, ''), readFileSync(new URL(file, folder), 'utf8')),
    )

export function parseZone(apex: string, text: string): ZoneText {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('; '))
  return { apex, ttl: 300, minimum: minima[apex] ?? 60, records: lines.map(parseLine) }
}

function parseLine(line: string): RecordLine {
  const [, owner, ttl, type, rdata] = /^(\S+)(?: (\d+))? ([A-Z][A-Z0-9]*) (.+)$/.exec(line) ?? []
  if (owner === undefined || type === undefined || rdata === undefined)
    throw new Error(`not a record: ${line}`)
  return { owner, ttl: ttl === undefined ? null : Number(ttl), type, rdata }
}

const timers = { serial: 7, refresh: 3600, retry: 600, expire: 604_800 }

export function toMaster({ apex, ttl, minimum, records }: ZoneText): string {
  const { serial, refresh, retry, expire } = timers
  return [
    `$ORIGIN ${apex}`,
    `$TTL ${ttl}`,
    `@ IN SOA ns.primary hostmaster ${serial} ${refresh} ${retry} ${expire} ${minimum}`,
    ...records.map((record) =>
      [record.owner, record.ttl ?? '', 'IN', record.type, record.rdata].join(' '),
    ),
    '',
  ].join('\n')
}

interface LongForm {
  readonly ttl?: number
  readonly data: string[]
}

/** JSON is YAML, so every text goes in as a JSON string. */
export function toYaml({ apex, ttl, minimum, records }: ZoneText): string {
  const owners = new Map<string, Map<string, LongForm>>()
  for (const record of records) {
    const types = owners.get(record.owner) ?? new Map<string, LongForm>()
    owners.set(record.owner, types)
    const set: LongForm = types.get(record.type) ?? { data: [] }
    types.set(record.type, record.ttl === null ? set : { ...set, ttl: record.ttl })
    set.data.push(record.rdata)
  }
  const soa = { mname: 'ns.primary', rname: 'hostmaster', ...timers, minimum }
  const asObjects = Object.fromEntries(
    [...owners].map(([owner, types]) => [owner, Object.fromEntries(types)]),
  )
  return JSON.stringify({ zone: apex, ttl, soa, records: asObjects }, null, 1)
}
