// Whether the parent of each signed zone names a key by which resolvers get to its answers. It is looked at each quarter of
// an hour, and each minute where it does not; answers do not depend on it.

import { matchDs, readDelegationSigner } from '../dnssec/chain-of-trust.ts'
import type { Clock, Random } from '../lib/clock.ts'
import type { Name } from '../wire/name.ts'
import { type AnsweringParent, hasAnswered, type ParentDs } from './parent-ds.ts'

/** A zone that is signed here. */
export interface AnchoredZone {
  /** Without final dot. */
  readonly zone: string
  readonly apex: Name
  /** DNSKEY rdata of the keys that sign DNSKEY now: another list once they are others. */
  readonly entryPoints: readonly Uint8Array[]
}

/** `none`: no name server of the parent has a DS, so that resolvers take the zone as unsigned. */
export type DsStanding =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'none' }
  | { readonly kind: 'matches' }
  | DsMismatch

/** Resolvers refuse every answer that got their DS there. */
export interface DsMismatch {
  readonly kind: 'mismatch'
  readonly parent: string
  /** Name servers of the parent, as `name (address)`, whose DS lead to no key of the zone. */
  readonly servers: readonly string[]
  /** Of those DS: tag, algorithm and digest type, such as `45796 13 2`. */
  readonly ds: readonly string[]
}

/** Each DS of a name server is compared; `unknown`: none could be asked. */
export function judgeDs(
  parent: ParentDs,
  { apex, entryPoints }: Pick<AnchoredZone, 'apex' | 'entryPoints'>,
): DsStanding {
  const answered = parent.kind === 'asked' ? parent.servers.filter(hasAnswered) : []
  if (parent.kind === 'unknown' || answered.length === 0) return { kind: 'unknown' }
  const anchored = answered.filter(({ ds }) => ds.length > 0)
  if (anchored.length === 0) return { kind: 'none' }
  const wrong = anchored.filter(({ ds }) => !ds.some((one) => mayLead(one, apex, entryPoints)))
  if (wrong.length === 0) return { kind: 'matches' }
  return {
    kind: 'mismatch',
    parent: parent.parent,
    servers: wrong.map(({ name, address }) => `${name} (${address})`),
    ds: [...new Set(wrong.flatMap(dsTexts))].sort().slice(0, maxShown),
  }
}

const maxShown = 8

/** Of a digest that is not known here it cannot be said. */
function mayLead(rdata: Uint8Array, apex: Name, dnskeys: readonly Uint8Array[]): boolean {
  const ds = readDelegationSigner(rdata)
  const match = ds && matchDs(apex, ds, dnskeys)
  return match?.kind === 'key' || match?.kind === 'unknown-digest'
}

const dsTexts = ({ ds }: AnsweringParent): readonly string[] =>
  ds.flatMap((rdata) => {
    const one = readDelegationSigner(rdata)
    return one === null ? [] : [`${one.tag} ${one.algorithm} ${one.digestType}`]
  })

/** What was found of a zone at last. */
export type AnchoredStanding = DsStanding & { readonly zone: string }

export interface DsWatchOptions {
  /** Asks the parent; null: no resolver is set, and nothing is asked. */
  readonly ask: ((apex: Name) => Promise<ParentDs>) | null
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly random: Random
  /** Called when a mismatch begins, when it is of other servers or DS, and when it is over. */
  readonly onChange: (standing: AnchoredStanding) => void
}

interface Watched {
  readonly zone: AnchoredZone
  standing: DsStanding
  dueMs: number
  isAsking: boolean
}

/** How long after an answer the next question follows, ± a tenth. */
const intervalMs: Readonly<Record<DsStanding['kind'], number>> = {
  unknown: 300_000,
  none: 900_000,
  matches: 900_000,
  mismatch: 60_000,
}

const maxAsking = 4

export class DsWatch {
  readonly #options: DsWatchOptions
  #watched = new Map<string, Watched>()
  #asking = 0

  constructor(options: DsWatchOptions) {
    this.#options = options
  }

  /** To be called often, with the zones that are signed now: asks of those that are due, some at a time. */
  look(zones: readonly AnchoredZone[]): void {
    const { ask, clock } = this.#options
    if (ask === null) return
    this.#take(zones)
    const nowMs = clock.monotonicMs()
    for (const one of this.#watched.values()) {
      if (this.#asking >= maxAsking) return
      if (!one.isAsking && one.dueMs <= nowMs) void this.#ask(one, ask)
    }
  }

  /** Of zones of which something is known. */
  standings(): readonly AnchoredStanding[] {
    return [...this.#watched.values()]
      .filter(({ standing }) => standing.kind !== 'unknown')
      .map(({ zone: { zone }, standing }) => ({ zone, ...standing }))
  }

  mismatches(): readonly (DsMismatch & { readonly zone: string })[] {
    return this.standings().filter((one) => one.kind === 'mismatch')
  }

  /** What is known of a zone stays known until it is asked again, at once if its keys have changed. */
  #take(zones: readonly AnchoredZone[]): void {
    const before = this.#watched
    this.#watched = new Map(
      zones.map((zone) => {
        const known = before.get(zone.zone)
        if (known?.zone.entryPoints === zone.entryPoints) return [zone.zone, known]
        const standing = known?.standing ?? { kind: 'unknown' }
        return [zone.zone, { zone, standing, dueMs: -Infinity, isAsking: false }]
      }),
    )
  }

  async #ask(one: Watched, ask: (apex: Name) => Promise<ParentDs>): Promise<void> {
    const { clock, random, onChange } = this.#options
    this.#asking++
    one.isAsking = true
    try {
      const standing = judgeDs(await ask(one.zone.apex), one.zone)
      // A parent that cannot be asked has not changed for that.
      if (this.#watched.get(one.zone.zone) !== one) return
      const before = one.standing
      if (standing.kind !== 'unknown') one.standing = standing
      if (isNews(before, one.standing)) onChange({ zone: one.zone.zone, ...one.standing })
      one.dueMs = clock.monotonicMs() + intervalMs[standing.kind] * (0.9 + random() / 5)
    } finally {
      this.#asking--
      one.isAsking = false
    }
  }
}

function isNews(before: DsStanding, now: DsStanding): boolean {
  if (before.kind !== 'mismatch' && now.kind !== 'mismatch') return false
  return JSON.stringify(before) !== JSON.stringify(now)
}
