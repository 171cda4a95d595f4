// Who serves the same: instances by the hash of a zone, and what differs between them.

import type { Overview, PeerRow, TargetRow } from '../../store/rows.ts'

/** An instance as the table shows it, this one or another. */
export interface InstanceRow {
  readonly instance: string
  readonly site: string
  readonly state: string
  readonly isSelf: boolean
  readonly silentSeconds: number | null
  /** null: it is older than to say so. */
  readonly version: string | null
  readonly consoleUrl: string | null
  readonly zones: Readonly<Record<string, string>> | null
}

/** This one first, the others by name. */
export function instanceRows({ self, peers, zones }: Overview): readonly InstanceRow[] {
  const own: InstanceRow = {
    instance: self.instance,
    site: self.site,
    state: self.ready ? 'ready' : 'not ready',
    isSelf: true,
    silentSeconds: null,
    version: self.version,
    consoleUrl: null,
    zones: Object.fromEntries(
      zones.flatMap(({ zone, hash }) => (hash === null ? [] : [[zone, hash] as const])),
    ),
  }
  return [own, ...peers.map(peerRow).sort((a, b) => (a.instance < b.instance ? -1 : 1))]
}

const peerRow = ({
  instance,
  site,
  state,
  silentSeconds,
  version,
  consoleUrl,
  zones,
}: PeerRow): InstanceRow => ({
  instance,
  site,
  state,
  isSelf: false,
  silentSeconds,
  version,
  // What another instance says is no address to follow unless it is one of the web.
  consoleUrl: consoleUrl !== null && /^https?:\/\//i.test(consoleUrl) ? consoleUrl : null,
  zones,
})

export interface ZoneGroups {
  readonly zone: string
  /** Instances that serve the same content; more than one group: they differ. `hash` null: they do not serve it. */
  readonly groups: readonly {
    readonly hash: string | null
    readonly instances: readonly string[]
  }[]
}

/** Zones that not all instances serve alike; those that do not say what they serve are left out. */
export function differingZones(rows: readonly InstanceRow[]): readonly ZoneGroups[] {
  const telling = rows.filter(({ zones }) => zones !== null)
  const names = [...new Set(telling.flatMap(({ zones }) => Object.keys(zones ?? {})))].sort()
  return names
    .map((zone) => ({
      zone,
      groups: [...Map.groupBy(telling, ({ zones }) => zones?.[zone] ?? null)].map(([hash, of]) => ({
        hash,
        instances: of.map(({ instance }) => instance),
      })),
    }))
    .filter(({ groups }) => groups.length > 1)
}

/** More than one version among those that say theirs. */
export const versionsOf = (rows: readonly InstanceRow[]): readonly string[] => [
  ...new Set(rows.flatMap(({ version }) => (version === null ? [] : [version]))),
]

/** Targets of which some instances say up, others down. */
export const disputed = (targets: readonly TargetRow[]): readonly TargetRow[] =>
  targets.filter(({ votes }) => votes.up > 0 && votes.down > 0)
