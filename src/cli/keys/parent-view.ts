// What the name servers of the parent have of a zone's DS, against the keys that there are: whether a change has reached all of them,
// and a line for each.

import { dsRdata } from '../../dnssec/dnskey.ts'
import type { PublicZoneKey, ZoneKey } from '../../dnssec/key-file.ts'
import { isEntryPoint } from '../../dnssec/key-set.ts'
import type { DnsAccess } from '../../trust/parent.ts'
import {
  type AnsweringParent,
  hasAnswered,
  type ParentDs,
  type ParentServer,
  queryParentDs,
} from '../../trust/parent-ds.ts'
import type { Name } from '../../wire/name.ts'
import { formatRdata } from '../../wire/rdata/format.ts'
import { RRType } from '../../wire/rrtype.ts'

/** `access`: a text says why there is none. */
export async function askParent(zone: Name, access: DnsAccess | string): Promise<ParentDs> {
  if (typeof access === 'string') return { kind: 'unknown', why: access }
  return queryParentDs(zone, access)
}

/** As in a master file, such as `45796 13 2 8F1C…`. */
const dsTexts = ({ ds }: AnsweringParent): readonly string[] =>
  [...new Set(ds.map((rdata) => formatRdata(RRType.DS, rdata)))].sort()

/** What is in the way of asking a name server. */
const silence = ({ address, why }: Extract<ParentServer, { kind: 'silent' }>): string =>
  address === null ? why : `${address}: ${why}`

/** Whether a DS record names the key, by any digest: the tags of a zone's keys differ. */
const names = (record: string, { tag, algorithm }: PublicZoneKey): boolean =>
  record.startsWith(`${tag} ${algorithm} `)

/** Whether it does by a digest that resolvers take, and the digest is right. */
const isDsOf = (record: string, { zone, dnskey }: PublicZoneKey): boolean =>
  ([2, 4] as const).some(
    (digest) => formatRdata(RRType.DS, dsRdata(zone, dnskey, digest)) === record,
  )

export type DsProgress =
  /** Every name server has each DS that is wanted, and none of the others. */
  | { readonly kind: 'changed' }
  /** A sentence for each name server that does not. */
  | { readonly kind: 'waits'; readonly why: readonly string[] }

export function dsProgress(
  parent: ParentDs,
  wanted: readonly ZoneKey[],
  unwanted: readonly ZoneKey[],
): DsProgress {
  if (parent.kind === 'unknown') return { kind: 'waits', why: [parent.why] }
  const why = parent.servers.flatMap((server) => {
    if (server.kind === 'silent') return [`${server.name}: ${silence(server)}`]
    const where = `${server.name} (${server.address})`
    const records = dsTexts(server)
    const missing = wanted.filter((key) => !records.some((record) => isDsOf(record, key)))
    const standing = unwanted.filter((key) => records.some((record) => names(record, key)))
    return [
      ...missing.map(({ tag }) => `${where} has no DS of ${tag}`),
      ...standing.map(({ tag }) => `${where} still has the DS of ${tag}`),
    ]
  })
  return why.length === 0 ? { kind: 'changed' } : { kind: 'waits', why }
}

/** Whether any name server has a DS of one of the keys; null: not all of them could be asked. */
export function hasAnyDs(parent: ParentDs, keys: readonly ZoneKey[]): boolean | null {
  if (parent.kind === 'unknown') return null
  const records = parent.servers.filter(hasAnswered).flatMap(dsTexts)
  if (records.some((record) => keys.some((key) => names(record, key)))) return true
  return parent.servers.some(({ kind }) => kind === 'silent') ? null : false
}

/** The longest TTL of any DS that a name server has; null: none has a DS, as far as they could be asked. */
export function longestDsTtl(parent: ParentDs): number | null {
  if (parent.kind === 'unknown') return null
  const ttls = parent.servers.flatMap((server) =>
    server.kind === 'answered' && server.ds.length > 0 ? [server.ttlSeconds] : [],
  )
  return ttls.length === 0 ? null : Math.max(...ttls)
}

/** For JSON: `ds` null where the name server could not be asked, which `why` tells. */
export interface ParentReport {
  readonly parent: string | null
  readonly why: string | null
  readonly servers: readonly {
    readonly name: string
    readonly address: string | null
    readonly ds: readonly string[] | null
    readonly why: string | null
  }[]
}

export function parentReport(parent: ParentDs): ParentReport {
  if (parent.kind === 'unknown') return { parent: null, why: parent.why, servers: [] }
  const servers = parent.servers.map((server) =>
    server.kind === 'silent'
      ? { name: server.name, address: null, ds: null, why: silence(server) }
      : { name: server.name, address: server.address, ds: dsTexts(server), why: null },
  )
  return { parent: parent.parent, why: null, servers }
}

/** A line for each name server; DS by tag and algorithm, those of keys that are not ours marked so. */
export function parentLines(
  { parent, why, servers }: ParentReport,
  keys: readonly PublicZoneKey[],
): readonly string[] {
  if (parent === null) return [`the parent could not be asked: ${why}`]
  const known = keys.filter(isEntryPoint)
  const textOf = (record: string): string => {
    const [tag = '', algorithm = ''] = record.split(' ')
    const key = known.find((one) => names(record, one))
    const note = key === undefined ? ' (of no key here)' : isDsOf(record, key) ? '' : ' (not ours)'
    return `${tag} of algorithm ${algorithm}${note}`
  }
  return servers.map(({ name, address, ds, why: failure }) =>
    ds === null
      ? `${name} of ${parent}: not known: ${failure}`
      : `${name} (${address}) of ${parent}: ${ds.length === 0 ? 'no DS' : `DS ${ds.map(textOf).join(', ')}`}`,
  )
}
