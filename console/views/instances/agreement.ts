// Who serves the same: instances by the hash of a zone, and what differs between them.

import { webUrl } from '../../../src/lib/web-url.ts'
import type { Overview, PeerRow, TargetRow } from '../../store/rows.ts'

/** An instance as the table shows it, this one or another. */
export interface InstanceRow {
  readonly instance: string
  readonly site: string
  readonly state: string
  readonly isSelf: boolean
  readonly silentSeconds: number | null
  /** null: it is older than to report it. */
  readonly version: string | null
  readonly consoleUrl: string | null
  /** Of the zones that it serves otherwise than this one the digests, null: it does not serve it. null: it does not report them. */
  readonly zones: Readonly<Record<string, string | null>> | null
  /** How many these are: not all of many are told by name. */
  readonly differing: number
  /** Zones that it serves and has no room to report. */
  readonly unknown: number
}

/** This one first, the others by name. */
export function instanceRows({ self, peers }: Overview): readonly InstanceRow[] {
  const own: InstanceRow = {
    instance: self.instance,
    site: self.site,
    state: self.ready ? 'ready' : 'not ready',
    isSelf: true,
    silentSeconds: null,
    version: self.version,
    consoleUrl: null,
    zones: {},
    differing: 0,
    unknown: 0,
  }
  return [own, ...peers.map(peerRow).sort((a, b) => (a.instance < b.instance ? -1 : 1))]
}

const peerRow = ({ consoleUrl, zonesDiffering, zonesUnknown, ...peer }: PeerRow): InstanceRow => ({
  instance: peer.instance,
  site: peer.site,
  state: peer.state,
  isSelf: false,
  silentSeconds: peer.silentSeconds,
  version: peer.version,
  // What another instance reports is no address to follow unless it is one of the web.
  consoleUrl: consoleUrl !== null && webUrl(consoleUrl) !== null ? consoleUrl : null,
  zones: peer.zones,
  differing: zonesDiffering ?? 0,
  unknown: zonesUnknown ?? 0,
})

export interface ZoneGroups {
  readonly zone: string
  /** Instances that serve the same content, the one of this instance first. `hash` null: they do not serve it. */
  readonly groups: readonly {
    readonly hash: string | null
    readonly instances: readonly string[]
  }[]
}

/** Zones that not all instances serve alike, by name. Instances of which it is not known are in no group. */
export function differingZones({ zones, ...of }: Overview): readonly ZoneGroups[] {
  const rows = instanceRows({ zones, ...of })
  const own = new Map(zones.map(({ zone, hash }) => [zone.toLowerCase(), hash]))
  const names = [...new Set(rows.flatMap((row) => Object.keys(row.zones ?? {})))].sort()
  return names.map((zone) => {
    const telling = rows.flatMap((row) => {
      const hash = hashAt(row, zone, own.get(zone) ?? null)
      return hash === undefined ? [] : [{ hash, instance: row.instance }]
    })
    const groups = [...Map.groupBy(telling, ({ hash }) => hash)]
    return {
      zone,
      groups: groups.map(([hash, all]) => ({
        hash,
        instances: all.map(({ instance }) => instance),
      })),
    }
  })
}

/** undefined: it is not known. What is not told to differ is as here, if all that differ are told. */
function hashAt(
  { zones, differing, unknown }: InstanceRow,
  zone: string,
  own: string | null,
): string | null | undefined {
  if (zones === null) return undefined
  if (Object.hasOwn(zones, zone)) return zones[zone]
  const isAllTold = unknown === 0 && Object.keys(zones).length === differing
  return isAllTold ? own : undefined
}

/** Other instances that serve a zone of this one otherwise, and those of which it is not known. */
export function elsewhere(
  of: Overview,
  zone: string,
): { readonly other: readonly string[]; readonly notKnown: readonly string[] } {
  const key = zone.toLowerCase()
  const own = of.zones.find((one) => one.zone.toLowerCase() === key)?.hash ?? null
  const peers = instanceRows(of).filter(({ isSelf }) => !isSelf)
  const namesWhere = (isMeant: (hash: string | null | undefined) => boolean): readonly string[] =>
    peers.filter((row) => isMeant(hashAt(row, key, own))).map(({ instance }) => instance)
  return {
    other: namesWhere((hash) => hash !== undefined && hash !== own),
    notKnown: namesWhere((hash) => hash === undefined),
  }
}

/** More than one version among those that say theirs. */
export const versionsOf = (rows: readonly InstanceRow[]): readonly string[] => [
  ...new Set(rows.flatMap(({ version }) => (version === null ? [] : [version]))),
]

/** Targets of which some instances say up, others down. */
export const disputed = (targets: readonly TargetRow[]): readonly TargetRow[] =>
  targets.filter(({ votes }) => votes.up > 0 && votes.down > 0)
