// What this instance reports to the others, and what their reports come to for a target that is taken out.

import type { OwnReports, TargetExposure, TargetExposures } from '../../cluster/cluster-votes.ts'
import type { OverrideControl } from '../../metrics/override-metrics.ts'
import type { Settings } from '../../settings/settings.ts'
import type { Workers } from '../../transport/worker/workers.ts'
import { fleetExposure } from '../../weights/fleet-exposure.ts'
import type { MemberWatch } from '../../weights/member-watch.ts'
import type { Catalog } from '../../zone/zone.ts'
import type { LoadedTarget } from '../../zonefile/load-zones.ts'
import type { ZoneKeeper } from '../../zonefile/zone-keeper.ts'
import type { ClusterLink } from '../cluster-link.ts'
import { version } from '../version.ts'

interface FleetInputs {
  readonly watch: MemberWatch
  readonly workers: Pick<Workers, 'counters'>
  readonly cluster: ClusterLink
  readonly zones: Pick<ZoneKeeper, 'current'>
  /** When this process began to count answers, on the wall clock. */
  readonly startedMs: number
  readonly wallMs: () => number
}

/** Of answers that this process gave. */
export const exposedUntilMs = ({ counters }: Pick<Workers, 'counters'>, target: number): number =>
  Math.max(0, ...counters.map(({ answerCounts }) => answerCounts.exposedUntilMs(target)))

export class Fleet {
  readonly #inputs: FleetInputs
  readonly #ttlMsOf: (zone: string) => number
  #targets: readonly LoadedTarget[] = []
  #indexes: ReadonlyMap<string, number> = new Map()

  constructor(inputs: FleetInputs) {
    this.#inputs = inputs
    this.#ttlMsOf = longestTtls(inputs.zones)
  }

  readonly exposure: OverrideControl['fleetExposure'] = () => {
    const { cluster } = this.#inputs
    const ids = this.#idsByTarget()
    const fleet = { instances: cluster.reporting(), isCutOff: cluster.votes.status().degraded }
    return ({ zone, target }) => {
      const key = `${zone} ${target}`
      const index = this.#indexOf(key)
      if (index === undefined) return null
      const overrides = ids.get(key) ?? []
      const ownUntilMs = this.#ownUntilMs(zone, index)
      return fleetExposure(fleet, { key, overrides, ownUntilMs, ttlMs: this.#ttlMsOf(zone) })
    }
  }

  /** By this instance, of the targets that overrides or feedback take out. */
  exposures(): TargetExposures {
    const ids = this.#idsByTarget()
    const exposures = new Map<string, TargetExposure>()
    for (const key of new Set([...ids.keys(), ...this.#outByFeedback()])) {
      const index = this.#indexOf(key)
      if (index === undefined) continue
      const [zone = ''] = key.split(' ')
      const untilMs = Math.ceil(this.#ownUntilMs(zone, index) / stepMs) * stepMs
      exposures.set(key, { untilMs, overrides: ids.get(key) ?? [] })
    }
    return exposures
  }

  #idsByTarget(): ReadonlyMap<string, readonly string[]> {
    const overrides = this.#inputs.watch.overrides()
    const byTarget = Map.groupBy(overrides, ({ zone, target }) => `${zone} ${target}`)
    return new Map([...byTarget].map(([key, all]) => [key, all.map(({ id }) => id)]))
  }

  /** The states of all members are looked at only where there is feedback. */
  #outByFeedback(): readonly string[] {
    const { cluster, watch } = this.#inputs
    if (cluster.feedback === null || cluster.feedback.list().length === 0) return []
    return watch
      .states()
      .filter(({ out }) => out === 'drained' || out === 'disabled')
      .map(({ member }) => `${member.zone} ${member.target}`)
  }

  #indexOf(key: string): number | undefined {
    const { targets } = this.#inputs.zones.current()
    if (targets !== this.#targets)
      this.#indexes = new Map(
        targets.map(({ zone, target }) => [`${zone} ${target.name}`, target.index]),
      )
    this.#targets = targets
    return this.#indexes.get(key)
  }

  /** With the answers that a process before this one may have given. */
  #ownUntilMs(zone: string, index: number): number {
    const { workers, startedMs, wallMs } = this.#inputs
    const beforeMs = startedMs + this.#ttlMsOf(zone)
    return Math.max(exposedUntilMs(workers, index), beforeMs > wallMs() ? beforeMs : 0)
  }
}

/** A target that is still answered has another exposure with each answer; this is how often it is reported anew. */
const stepMs = 5000

/** The longest TTL of the steered sets of each zone, milliseconds. */
function longestTtls(zones: Pick<ZoneKeeper, 'current'>): (zone: string) => number {
  let from: Catalog | null = null
  const known = new Map<string, number>()
  return (zone) => {
    const { catalog, zones: names } = zones.current()
    if (catalog !== from) known.clear()
    from = catalog
    const ttlMs =
      known.get(zone) ??
      longestTtlMs(
        catalog,
        names.findIndex((one) => one.name === zone),
      )
    known.set(zone, ttlMs)
    return ttlMs
  }
}

/** `place`: the catalog has zones in the order in which they were loaded. */
function longestTtlMs({ zones }: Catalog, place: number): number {
  const zone = [...zones.values()][place]
  let seconds = 0
  for (const { sets } of (zone?.steered ?? zone?.nodes)?.values() ?? [])
    for (const set of sets.values()) if (set.kind !== 'plain') seconds = Math.max(seconds, set.ttl)
  return seconds * 1000
}

interface ReportInputs {
  readonly settings: Pick<Settings, 'consoleUrl'>
  readonly zones: Pick<ZoneKeeper, 'current' | 'serials'>
  readonly fleet: Fleet
}

export function ownReports({ settings, zones, fleet }: ReportInputs): Omit<OwnReports, 'isShared'> {
  let serials: unknown = null
  let digests: ReadonlyMap<string, string> = new Map()
  return {
    version,
    consoleUrl: settings.consoleUrl,
    zones() {
      const current = zones.serials()
      if (current !== serials) {
        digests = new Map(
          zones.current().zones.flatMap(({ name }): (readonly [string, string])[] => {
            const serial = current.get(name.toLowerCase())
            return serial === undefined ? [] : [[name.toLowerCase(), serial.digest]]
          }),
        )
      }
      serials = current
      return digests
    },
    exposures: () => fleet.exposures(),
  }
}
