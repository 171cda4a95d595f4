// Keeps what was handed out of names, and what targets present, over loads: so that zones that are to be served can be
// judged by both. Time is an argument.

import type { Outcome } from '../health/outcome.ts'
import type { PresentedCertificate } from '../health/tls-report.ts'
import type { Diagnostic } from '../zonefile/diagnostic.ts'
import type { ZonePlaces } from './zone-places.ts'
import type { Admitted } from '../zonefile/zone-keeper.ts'
import { type Incoherence, judgeZones } from './guard.ts'
import { type HandedOut, handOut } from './handed-out.ts'
import { byZone, type HandedItem, learn, type SharedHanded } from './shared-handed.ts'
import type { ZoneMail } from './zone-mail.ts'

/** What an address presented when it was last looked at. */
export interface SeenCertificate extends PresentedCertificate {
  /** By the wall clock. */
  readonly seenMs: number
}

interface ProbedAddress {
  readonly zone: string
  readonly target: string
  readonly address: string
}

export class NameKeeper {
  #handed: HandedOut
  #zones: readonly ZoneMail[] = []
  #isServing = false
  /** By zone, target and address. */
  #seen = new Map<string, SeenCertificate>()

  /** `restored`: what an earlier process had handed out. */
  constructor(restored: HandedOut) {
    this.#handed = restored
  }

  /** The zones that are served. */
  zones(): readonly ZoneMail[] {
    return this.#zones
  }

  /** What still binds, now. */
  handed(nowMs: number): HandedOut {
    this.#handed = handOut(this.#handed, this.#zones, nowMs)
    return this.#handed
  }

  /** Takes what other instances have handed out of zones that are served here, or are to be. */
  learn(shared: SharedHanded, zones: readonly ZoneMail[]): void {
    const names = zones.map(({ zone }) => zone)
    this.#handed = learn(this.#handed, shared, names)
  }

  /** What other instances are to know, of each zone that is served. */
  toShare(nowMs: number): ReadonlyMap<string, readonly HandedItem[]> {
    const items = byZone(this.handed(nowMs))
    return new Map(this.#zones.map(({ zone }) => [zone, items.get(zone) ?? []]))
  }

  /** Takes what a probe saw of a certificate, if it did. */
  observe(probed: ProbedAddress, { tls }: Outcome, nowMs: number): void {
    if (tls?.presented === undefined) return
    this.#seen.set(seenKey(probed), { ...tls.presented, seenMs: nowMs })
  }

  /** null: no probe has seen it. */
  presentedAt(probed: ProbedAddress): SeenCertificate | null {
    return this.#seen.get(seenKey(probed)) ?? null
  }

  /**
   * Judges zones before they are served. The first ones are warned of at most: what is answered at a start is better than
   * nothing.
   */
  admit(zones: readonly ZoneMail[], places: ZonePlaces, nowMs: number): Admitted {
    const addresses = new Map(
      zones.flatMap(({ zone, targets }) =>
        targets.map((one) => [`${zone} ${one.name}`, one.addresses] as const),
      ),
    )
    const presentedOf = (zone: string, target: string): readonly PresentedCertificate[] =>
      (addresses.get(`${zone} ${target}`) ?? []).flatMap(
        (address) => this.presentedAt({ zone, target, address }) ?? [],
      )
    const found = judgeZones(this.#handed, zones, { presentedOf, nowMs })
    const diagnostics = found
      .map((one) => (this.#isServing ? one : { ...one, severity: 'warning' as const }))
      .map((one) => incoherenceAt(one, places))
    return diagnostics.some(({ severity }) => severity === 'error')
      ? { kind: 'rejected', diagnostics }
      : { kind: 'admitted', warnings: diagnostics, isChanged: false }
  }

  /** These zones are served from now on. */
  serve(zones: readonly ZoneMail[], nowMs: number): void {
    this.#isServing = true
    this.#zones = zones
    this.#handed = handOut(this.#handed, zones, nowMs)
    const known = new Set(zones.flatMap(addressKeys))
    for (const key of this.#seen.keys()) if (!known.has(key)) this.#seen.delete(key)
  }
}

const seenKey = ({ zone, target, address }: ProbedAddress): string => `${zone} ${target} ${address}`

const addressKeys = ({ zone, targets }: ZoneMail): readonly string[] =>
  targets.flatMap(({ name, addresses }) =>
    addresses.map((address) => seenKey({ zone, target: name, address })),
  )

/** In the file of the zone: at the records or policies that it is of, else where the zone is named. */
export function incoherenceAt(
  { severity, code, zone, target, message }: Incoherence,
  places: ZonePlaces,
): Diagnostic {
  const nowhere = { file: zone, line: 0, column: 0, path: '', excerpt: '' }
  const place = places.get(`${zone} ${target ?? 'mta_sts'}`) ?? places.get(zone) ?? nowhere
  return { severity, code, message, ...place }
}
