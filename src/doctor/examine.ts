// Everything that the doctor looks at, in the order in which it is told.

import type { Settings } from '../settings/settings.ts'
import type { ZonesLoaded } from '../zonefile/load-zones.ts'
import { systemClock } from '../lib/clock.ts'
import { needsPlaces } from '../geo/needs-places.ts'
import type { ServerEndpoint } from '../resolver/response.ts'
import { createStubResolver } from '../resolver/stub-resolver.ts'
import { checkDelegation } from './delegation.ts'
import { type ReportLine, type CheckResult, fail, ok, skip, warn } from './report.ts'
import { checkNameServers } from './name-servers.ts'
import { type OwnZone, readOwnZone } from './own-zone.ts'
import { type DnsAccess, queryParent } from './parent.ts'
import { checkState } from './store-checks.ts'
import { type Egress, checkClock, checkEgress, checkGeoip } from './host-checks.ts'

export interface DoctorInput {
  readonly settings: Settings
  readonly loaded: ZonesLoaded
  /** In words, of settings and zone files alike. */
  readonly warnings: readonly string[]
  /** null: there is none. */
  readonly resolver: ServerEndpoint | null
  /** Where name servers listen. */
  readonly port: number
  /** Without final dot; null: every zone. */
  readonly zone: string | null
  readonly egress: Egress
  readonly peers: readonly string[]
  readonly random: () => number
}

const timeoutMs = 3000

export async function examine(given: DoctorInput): Promise<readonly ReportLine[]> {
  const { settings, loaded, peers, egress } = given
  const isLoaded = loaded.kind === 'loaded'
  const [zones, clock, state, reached, places] = await Promise.all([
    checkZones(given),
    checkClock(peers),
    checkState(settings, given.random),
    checkEgress(egress, isLoaded ? loaded.watched : []),
    checkGeoip(settings.geoip, isLoaded && needsPlaces(catalogOf(loaded))),
  ])
  const here = [...clock, ...state, reached, ...places]
  return [...checkConfig(given).map(withoutZone), ...zones, ...here.map(withoutZone)]
}

const withoutZone = (verdict: CheckResult): ReportLine => ({ ...verdict, zone: null })

type Loaded = Extract<ZonesLoaded, { kind: 'loaded' }>

const catalogOf = ({ catalogZones }: Loaded) => ({ zones: catalogZones, generation: 0 })

function checkConfig({ settings, loaded, warnings }: DoctorInput): readonly CheckResult[] {
  if (loaded.kind === 'rejected') {
    const count = loaded.diagnostics.filter(({ severity }) => severity === 'error').length
    const told = `${settings.zones}: ${count} ${count === 1 ? 'mistake' : 'mistakes'}`
    return [fail('config', told, `mxsteer check ${settings.zones} names them`)]
  }
  const isBlind = settings.resolver === null && loaded.identities.some(needsResolver)
  const troubles = [
    ...warnings.map((text) => warn('config', text, 'see docs/errors.md')),
    ...(isBlind
      ? [warn('config', 'pools ask for PTR or DNS lists', 'name a resolver: the setting resolver')]
      : []),
  ]
  const count = loaded.catalogZones.size
  const well = `${settings.zones}: ${count} ${count === 1 ? 'zone' : 'zones'}, no warnings`
  return troubles.length > 0 ? troubles : [ok('config', well)]
}

const needsResolver = ({ profile }: Loaded['identities'][number]): boolean =>
  profile.ptr || profile.lists.length > 0

async function checkZones(given: DoctorInput): Promise<readonly ReportLine[]> {
  const { loaded, resolver, port, zone: wanted } = given
  if (loaded.kind === 'rejected') return []
  if (resolver === null)
    return [withoutZone(skip('delegation', 'no resolver: give one with --resolver ADDR:PORT'))]
  const asking = {
    resolver: createStubResolver({ server: resolver, clock: systemClock, timeoutMs }),
    port,
    timeoutMs,
  }
  const lines: ReportLine[] = []
  for (const zone of loaded.catalogZones.values()) {
    const own = readOwnZone(zone)
    if (wanted === null || own.name === wanted) lines.push(...(await checkZone(own, asking)))
  }
  return lines
}

async function checkZone(own: OwnZone, asking: DnsAccess): Promise<readonly ReportLine[]> {
  const referral = await queryParent(own.name, asking)
  const verdicts = [
    ...checkDelegation(own, referral),
    ...(await checkNameServers(own, referral, asking)),
  ]
  return verdicts.map((verdict) => ({ ...verdict, zone: own.name }))
}
