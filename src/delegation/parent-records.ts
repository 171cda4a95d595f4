// What a parent zone has to publish so that resolvers find a zone: NS, addresses of name servers within the zone (glue,
// RFC 9471), and DS where it is signed.

import { specialPurposeOf } from '../lib/special-address.ts'
import type { Target } from '../steer/policy.ts'
import { isAtOrBelow, keyOfName, type Name, nameToBareText, nameToText } from '../wire/name.ts'
import { formatRdata } from '../wire/rdata/format.ts'
import { RRType, typeToText } from '../wire/rrtype.ts'
import { membersOf } from '../zone/policy-members.ts'
import type { Zone, ZoneNode } from '../zone/zone.ts'

/** A record for a zone that is not served here. */
export interface ParentRecord {
  /** In presentation form, with its final dot. */
  readonly owner: string
  /** As in a master file: `NS`. */
  readonly type: string
  readonly ttlSeconds: number
  /** Rdata in presentation form; names in it are absolute. */
  readonly data: string
}

/** Records that belong into one zone, for one purpose. */
export interface RecordSection {
  /** The zone that they belong into, without final dot. */
  readonly zone: string
  readonly purpose: string
  readonly records: readonly ParentRecord[]
  /** What else is to be seen to, in sentences. */
  readonly notes: readonly string[]
}

export interface DelegationInput {
  readonly zone: Zone
  /** The zone above, without final dot; null: the name above. */
  readonly parent: string | null
  /** DS rdata in presentation form; null: the keys are not known here. */
  readonly ds: readonly string[] | null
  readonly ttlSeconds: number
}

/** `ds` is left out where the zone is not signed, or on its way back. */
export function delegationOf({ zone, parent, ds, ttlSeconds }: DelegationInput): RecordSection {
  const owner = nameToText(zone.apex)
  const above = parent ?? nameToBareText(zone.apex).split('.').slice(1).join('.')
  const names = nameServersOf(zone)
  const record = (of: string, type: string, data: string): ParentRecord => ({
    owner: of,
    type,
    ttlSeconds,
    data,
  })
  const within = names.filter((name) => isAtOrBelow(keyOfName(name), zone.apexKey))
  const glue = within.flatMap((name) =>
    addressesAt(zone.nodes.get(keyOfName(name))).map(({ type, octets }) => ({
      octets,
      record: record(nameToText(name), typeToText(type), formatRdata(type, octets)),
    })),
  )
  const isSigned = zone.signing !== null && !zone.signing.isUnsigning
  return {
    zone: above,
    purpose: `leads resolvers to ${nameToBareText(zone.apex)}`,
    records: [
      ...names.map((name) => record(owner, 'NS', nameToText(name))),
      ...glue.map((one) => one.record),
      ...(isSigned ? (ds ?? []).map((data) => record(owner, 'DS', data)) : []),
    ],
    notes: [
      ...notesOnServers(zone, names, above),
      ...glue.flatMap(({ octets, record: { owner: at, data } }) => {
        const what = specialPurposeOf(octets)
        return what === null ? [] : [`${data} of ${at} is ${what}: not reachable from everywhere.`]
      }),
      ...notesOnDs(zone, ds),
    ],
  }
}

function nameServersOf({ nodes, apexKey }: Zone): readonly Name[] {
  const set = nodes.get(apexKey)?.sets.get(RRType.NS)
  return set?.kind === 'plain' ? set.rdata.map(({ octets }) => octets) : []
}

interface NodeAddress {
  readonly type: number
  readonly octets: Uint8Array
}

/** Of steered sets those of every target: a parent has fixed ones. */
export function addressesAt(node: ZoneNode | undefined): readonly NodeAddress[] {
  return [RRType.A, RRType.AAAA].flatMap((type) => {
    const set = node?.sets.get(type)
    if (set === undefined) return []
    if (set.kind === 'plain') return set.rdata.map(({ octets }) => ({ type, octets }))
    const targets =
      set.kind === 'target-address'
        ? [set.target]
        : membersOf(set.policy).map(({ target }) => target)
    return addressesOfTargets(targets, type)
  })
}

const addressesOfTargets = (targets: readonly Target[], type: number): readonly NodeAddress[] =>
  [...new Set(targets)].flatMap(({ addresses }) =>
    addresses
      .filter(({ family }) => (family === 4) === (type === RRType.A))
      .map(({ rdata }) => ({ type, octets: rdata.octets })),
  )

function notesOnServers(zone: Zone, names: readonly Name[], above: string): readonly string[] {
  const inParent = names
    .map(nameToBareText)
    .filter((name) => above !== '' && name.endsWith(`.${above}`))
    .filter((name) => !name.endsWith(`.${nameToBareText(zone.apex)}`))
  const alone =
    names.length === 1
      ? ['One name server alone: a second one elsewhere is expected (RFC 2182).']
      : []
  return [
    ...inParent.map(
      (name) => `${name} is a name of ${above}: see that it has its addresses there.`,
    ),
    ...alone,
  ]
}

function notesOnDs({ signing }: Zone, ds: readonly string[] | null): readonly string[] {
  if (signing === null)
    return [
      'The zone is not signed: a DS in the parent would make it fail for resolvers that validate.',
    ]
  if (signing.isUnsigning) return ['The zone is on its way to be unsigned: have the DS taken away.']
  if (ds === null)
    return ['The zone is signed: its DS are missing here, since no folder of keys was read.']
  if (ds.length === 0) return ['The zone is signed, and has no key that a DS can name.']
  return ['Add the DS once the name servers answer with signatures, and NS first.']
}
