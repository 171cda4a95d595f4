// All checks of `mxsteer doctor`, in the order of the report.

import type { Settings } from '../settings/settings.ts'
import type { ZonesLoaded } from '../zonefile/run-load.ts'
import { systemClock } from '../lib/clock.ts'
import { needsPlaces } from '../geo/needs-places.ts'
import type { ServerEndpoint } from '../resolver/response.ts'
import {
  createConcurrencyLimit,
  createStubResolver,
  type StubResolver,
} from '../resolver/stub-resolver.ts'
import { nameToBareText } from '../wire/name.ts'
import { checkCertificates } from './certificate-check.ts'
import { checkDelegation } from './delegation.ts'
import { checkDomainMx, type DomainAsked } from './domain/domain-mx.ts'
import { checkDomainMtaSts } from './domain/domain-mta-sts.ts'
import { checkDomainSpf } from './domain/domain-spf.ts'
import { type ReportLine, type CheckResult, fail, ok, skip, warn } from './report.ts'
import { checkNameServers, findServers } from './name-servers.ts'
import { type OwnZone, readOwnZone } from './own-zone.ts'
import type { DnsAccess } from '../trust/parent.ts'
import { queryParent } from './parent.ts'
import { checkDnssec } from './signed-zone.ts'
import { checkState } from './store-checks.ts'
import { type Egress, checkClock, checkEgress, checkGeoip } from './host-checks.ts'

export interface DoctorInput {
  readonly settings: Settings
  readonly loaded: ZonesLoaded
  /** Messages of the warnings of settings and zone files. */
  readonly warnings: readonly string[]
  /** For lookups outside the own zones; null: none is set, and zones are not checked. */
  readonly resolver: ServerEndpoint | null
  /** The port of name servers: 53 except in tests. */
  readonly port: number
  /** The only zone to check, without final dot; null: all. */
  readonly zone: string | null
  /** A mail domain whose MX is to lead here; null: none is looked at. */
  readonly domain: DomainAsked | null
  /** Where its policy of MTA-STS is hosted. */
  readonly policyPort: number
  readonly egress: Egress
  /** ADDR:PORT of the admin servers of other instances, to compare clocks with. */
  readonly peers: readonly string[]
  readonly random: () => number
}

const timeoutMs = 3000

export async function examine(input: DoctorInput): Promise<readonly ReportLine[]> {
  const { settings, loaded, peers, egress } = input
  const isLoaded = loaded.kind === 'loaded'
  const [zones, certificates, clock, state, reached, places] = await Promise.all([
    checkZones(input),
    checkServed(input),
    checkClock(peers),
    checkState(settings, input.random),
    checkEgress(egress, isLoaded ? loaded.watched : []),
    checkGeoip(settings.geoip, isLoaded && needsPlaces(loaded.catalog)),
  ])
  const here = [...clock, ...state, reached, ...places]
  return [
    ...checkConfig(input).map(withoutZone),
    ...zones,
    ...certificates,
    ...here.map(withoutZone),
  ]
}

const withoutZone = (result: CheckResult): ReportLine => ({ ...result, zone: null })

type Loaded = Extract<ZonesLoaded, { kind: 'loaded' }>

function checkConfig({ settings, loaded, warnings }: DoctorInput): readonly CheckResult[] {
  if (loaded.kind === 'rejected') {
    const count = loaded.diagnostics.filter(({ severity }) => severity === 'error').length
    const text = `${settings.zones}: ${count} ${count === 1 ? 'mistake' : 'mistakes'}`
    return [fail('config', text, `mxsteer check ${settings.zones} names them`)]
  }
  const lacksResolver = settings.resolver === null && loaded.identities.some(needsResolver)
  const problems = [
    ...warnings.map((text) => warn('config', text, 'see docs/errors.md')),
    ...(lacksResolver
      ? [warn('config', 'pools ask for PTR or DNS lists', 'name a resolver: the setting resolver')]
      : []),
  ]
  const count = loaded.zones.length
  const well = `${settings.zones}: ${count} ${count === 1 ? 'zone' : 'zones'}, no warnings`
  return problems.length > 0 ? problems : [ok('config', well)]
}

const needsResolver = ({ profile }: Loaded['identities'][number]): boolean =>
  profile.ptr || profile.lists.length > 0

async function checkZones(input: DoctorInput): Promise<readonly ReportLine[]> {
  const { loaded, resolver, port, zone: wanted } = input
  if (loaded.kind === 'rejected') return []
  if (resolver === null)
    return [withoutZone(skip('delegation', 'no resolver: give one with --resolver ADDR:PORT'))]
  const access = {
    resolver: createStubResolver({ server: resolver, clock: systemClock, timeoutMs }),
    port,
    timeoutMs,
  }
  const lines: ReportLine[] = []
  for (const zone of loaded.catalog.zones.values()) {
    const own = readOwnZone(zone)
    if (wanted === null || own.name === wanted) lines.push(...(await checkZone(own, access)))
  }
  if (input.domain !== null)
    lines.push(...(await checkDomain(input.domain, loaded, access.resolver, input.policyPort)))
  return lines
}

const probesAtOnce = 32

/** Certificates of the targets of each zone, which no name server is asked for. */
async function checkServed(input: DoctorInput): Promise<readonly ReportLine[]> {
  const { loaded, settings, zone: wanted } = input
  if (loaded.kind === 'rejected') return []
  const limit = createConcurrencyLimit(probesAtOnce, Infinity)
  const lines = await Promise.all(
    Array.from(loaded.catalog.zones.values(), async ({ apex, signing }) => {
      const name = nameToBareText(apex)
      if (wanted !== null && wanted !== name) return []
      const own = loaded.watched.filter(({ zone }) => zone === name)
      const found = await checkCertificates(own, settings.probing.source, signing !== null, limit)
      return found.map((result) => ({ ...result, zone: name }))
    }),
  )
  return lines.flat()
}

async function checkDomain(
  asked: DomainAsked,
  { catalog, targets, mail }: Loaded,
  resolver: StubResolver,
  policyPort: number,
): Promise<readonly ReportLine[]> {
  const { domain } = asked
  const mx = await checkDomainMx(asked, catalog, resolver)
  const spf = await checkDomainSpf({ domain, zones: mx.zones, targets }, resolver)
  const policies = mail.flatMap((zone) => zone.policies)
  const expected = policies.find((one) => one.domain === domain)
  const policy = { domain, exchanges: mx.exchanges, expected }
  const mtaSts = await checkDomainMtaSts(policy, resolver, policyPort)
  return [...mx.results, ...spf, ...mtaSts].map((result) => ({ ...result, zone: domain }))
}

async function checkZone(own: OwnZone, access: DnsAccess): Promise<readonly ReportLine[]> {
  const referral = await queryParent(own.name, access)
  const servers = await findServers(own, referral, access)
  const [answering, chain] = await Promise.all([
    checkNameServers(own, servers, access),
    checkDnssec(own, referral, servers.found, access),
  ])
  const results = [...checkDelegation(own, referral), ...answering, ...chain]
  return results.map((result) => ({ ...result, zone: own.name }))
}
