// Checks of this host: `clock`, `egress` (outgoing connections to port 25) and `geoip`.

import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'

import { type PlaceFiles, createPlaceKeeper } from '../geo/place-keeper.ts'
import { systemClock } from '../lib/clock.ts'
import type { Outcome } from '../health/outcome.ts'
import { type WatchedAddress, profileDefaults } from '../probe/smtp/profile.ts'
import { type ProbeRequest, probeAddress } from '../probe/smtp/smtp-probe.ts'
import { type CheckResult, fail, ok, skip, warn } from './report.ts'

/**
 * DNS cookies tolerate five minutes of difference (RFC 9018 §4.3); times in logs and overrides
 * suffer sooner.
 */
const clockLimits = { warnMs: 2000, failMs: 60_000 }
const peerTimeoutMs = 5000

/** `peers`: admin servers of other instances, the only hosts whose time is compared. */
export async function checkClock(peers: readonly string[]): Promise<readonly CheckResult[]> {
  if (peers.length === 0)
    return [skip('clock', 'nothing to compare with: give --peer ADDR:PORT, an admin server')]
  return Promise.all(peers.map(compareClock))
}

async function compareClock(peer: string): Promise<CheckResult> {
  const sentMs = systemClock.wallMs()
  try {
    const signal = AbortSignal.timeout(peerTimeoutMs)
    const reply = await fetch(`http://${peer}/livez`, { signal, redirect: 'error' })
    await reply.arrayBuffer()
    const theirMs = Date.parse(reply.headers.get('date') ?? '')
    if (Number.isNaN(theirMs))
      return warn('clock', `${peer} does not tell its time`, 'is it an admin server?')
    // The Date header has whole seconds, truncated.
    const middleMs = (sentMs + systemClock.wallMs()) / 2
    return clockResult(peer, theirMs + 500 - middleMs)
  } catch {
    return warn('clock', `${peer} does not answer`, 'is it the admin address of an instance?')
  }
}

export function clockResult(peer: string, offsetMs: number): CheckResult {
  const seconds = Math.round(Math.abs(offsetMs) / 1000)
  if (Math.abs(offsetMs) <= clockLimits.warnMs) return ok('clock', `as at ${peer}, to 2 s`)
  const text = `${peer} is ${seconds} s ${offsetMs > 0 ? 'ahead' : 'behind'}`
  const isFar = Math.abs(offsetMs) > clockLimits.failMs
  return (isFar ? fail : warn)('clock', text, 'let both hosts take their time from NTP')
}

export interface Egress {
  /** The host to connect to; null: some of the targets. */
  readonly host: string | null
  readonly port: number
}

const triedTargets = 5

export async function checkEgress(
  egress: Egress,
  watched: readonly WatchedAddress[],
): Promise<CheckResult> {
  const requests = egress.host === null ? sampleTargets(watched) : await requestFor(egress)
  if (requests === null)
    return fail('egress', `${egress.host} has no address`, 'give another host with --egress')
  if (requests.length === 0) return skip('egress', 'no target is probed: give --egress HOST')
  const outcomes = await Promise.all(requests.map((one) => probeAddress(one, systemClock)))
  return egressResult(outcomes.map((outcome, i) => ({ outcome, where: whereOf(requests[i]) })))
}

const whereOf = (request: ProbeRequest | undefined): string =>
  request ? `${request.address} port ${request.profile.port}` : ''

interface EgressAttempt {
  readonly outcome: Outcome
  readonly where: string
}

export function egressResult(attempts: readonly EgressAttempt[]): CheckResult {
  const reached = attempts.find(({ outcome: { kind } }) => kind !== 'dead' && kind !== 'self')
  if (reached) return ok('egress', `${reached.where} was reached`)
  const text = attempts.map(({ outcome, where }) => `${where}: ${outcome.reason}`).join(', ')
  if (attempts.some(({ outcome }) => outcome.reason === 'connect-refused'))
    return warn('egress', text, 'it refuses: is an MTA there, or does a firewall answer for it?')
  return fail(
    'egress',
    text,
    'many providers block port 25 outwards: ask yours, or probe from elsewhere; else all targets are down',
  )
}

/**
 * At most five targets, evenly spaced; the probe ends with the greeting, whatever the level of the
 * profile.
 */
function sampleTargets(watched: readonly WatchedAddress[]): readonly ProbeRequest[] {
  const requests = new Map<number, ProbeRequest>()
  const step = Math.max(1, Math.floor(watched.length / triedTargets))
  for (let i = 0; i < watched.length && requests.size < triedTargets; i += step) {
    const { slot, address, probeAddress: place = address, profile } = watched[i] as WatchedAddress
    requests.set(slot, { address: place, profile: { ...profile, level: 'banner' } })
  }
  return [...requests.values()]
}

async function requestFor({ host, port }: Egress): Promise<readonly ProbeRequest[] | null> {
  const profile = { ...profileDefaults, name: 'doctor', port, ehlo: 'localhost' }
  const level = 'banner' as const
  try {
    const address = isIP(host ?? '') ? (host ?? '') : (await lookup(host ?? '')).address
    return [{ address, profile: { ...profile, level } }]
  } catch {
    return null
  }
}

const dayMs = 86_400_000
const oldDays = 60

/** `isNeeded`: some rule has a condition on the location of clients. */
export async function checkGeoip(
  files: PlaceFiles,
  isNeeded: boolean,
): Promise<readonly CheckResult[]> {
  if (!isNeeded) return [skip('geoip', 'no rule asks where clients are')]
  const refused: CheckResult[] = []
  const keeper = createPlaceKeeper({
    files,
    folders: null,
    wallMs: () => systemClock.wallMs(),
    onEvent(event) {
      if (event.kind === 'refused')
        refused.push(fail('geoip', `${event.database}: ${event.why}`, 'put a whole database there'))
    },
  })
  await keeper.open()
  const found = keeper.states().flatMap(({ database, facts }) => {
    if (facts === null) return []
    const isShipped = database === 'country' && files.country === undefined
    const source = isShipped ? 'the one that comes with mxsteer' : facts.type
    const age = { buildSeconds: facts.buildSeconds, wallMs: systemClock.wallMs() }
    return [ageResult(`${database}: ${source}`, age, isShipped)]
  })
  await keeper.close()
  return [...refused, ...found]
}

interface DatabaseAge {
  /** When it was made, in seconds since 1970; null: unknown. */
  readonly buildSeconds: number | null
  /** Now. */
  readonly wallMs: number
}

/** `isShipped`: no file of the operator's. */
export function ageResult(
  what: string,
  { buildSeconds, wallMs }: DatabaseAge,
  isShipped = false,
): CheckResult {
  if (buildSeconds === null) return ok('geoip', `${what}, of unknown age`)
  const days = Math.floor((wallMs - buildSeconds * 1000) / dayMs)
  return days > oldDays
    ? warn(
        'geoip',
        `${what}, ${days} days old`,
        isShipped
          ? 'networks move, and this one is not made any more: fetch another (docs/operations.md, "Fresh databases")'
          : 'networks move: is what fetches a newer one still at work?',
      )
    : ok('geoip', `${what}, ${days} days old`)
}
