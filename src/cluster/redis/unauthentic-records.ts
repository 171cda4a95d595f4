// Records of the store that are not authentic: counted one by one, and of whose name they are reported once, until none
// of that name has been read for long enough. Any program that can write to the store can make up names, so few are reported.

/** Kinds of sealed records. */
const sealedKinds = ['heartbeat', 'vote', 'override', 'feedback', 'tally', 'report'] as const
export type SealedKind = (typeof sealedKinds)[number]

/**
 * Why a record is not authentic. `unsealed`: it carries no seal. `unverified`: none of the secrets verifies its seal.
 * `replayed`: its seal is good, but it is older than what was read before.
 */
const unauthenticReasons = ['unsealed', 'unverified', 'replayed'] as const
export type UnauthenticReason = (typeof unauthenticReasons)[number]

/** A record that is not authentic. */
export interface UnauthenticRecord {
  /** The instance whose name it carries; null if it carries none. */
  readonly peer: string | null
  readonly record: SealedKind
  readonly why: UnauthenticReason
}

export interface UnauthenticCount extends Omit<UnauthenticRecord, 'peer'> {
  readonly count: number
}

/** The first record of a name that is not authentic; and that there have been none for a while. */
export type SealEvent =
  | ({ readonly kind: 'unauthentic'; readonly isIgnored: boolean } & UnauthenticRecord)
  | { readonly kind: 'authentic'; readonly peer: string | null }

interface Reported extends UnauthenticRecord {
  readonly lastMs: number
}

interface UnauthenticOptions {
  /** Whether such records are ignored; otherwise they are used all the same. */
  readonly isIgnored: boolean
  /** For how long none of a name must have been read until it is reported that this is over. */
  readonly quietMs: number
  readonly onEvent: (event: SealEvent) => void
}

/** Names reported at once, at most; more are counted only. */
const reportedLimit = 16

export class UnauthenticRecords {
  readonly #options: UnauthenticOptions
  readonly #counts = new Map<string, number>()
  readonly #reported = new Map<string | null, Reported>()

  constructor(options: UnauthenticOptions) {
    this.#options = options
  }

  /** Counts a record, and reports its name unless that has been done. */
  add(found: UnauthenticRecord, nowMs: number): void {
    this.count(found)
    const before = this.#reported.get(found.peer)
    if (before === undefined && this.#reported.size >= reportedLimit) return
    this.#reported.set(found.peer, { ...(before ?? found), lastMs: nowMs })
    if (before !== undefined) return
    const { isIgnored, onEvent } = this.#options
    onEvent({ kind: 'unauthentic', ...found, isIgnored })
  }

  /** Counts a record without reporting its name. */
  count({ record, why }: UnauthenticRecord): void {
    const key = `${record} ${why}`
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
  }

  /** Reports the names of which no record that is not authentic has been read for long enough. */
  endQuiet(nowMs: number): void {
    for (const [peer, { lastMs }] of this.#reported) {
      if (nowMs - lastMs < this.#options.quietMs) continue
      this.#reported.delete(peer)
      this.#options.onEvent({ kind: 'authentic', peer })
    }
  }

  /** How many were read, by kind and reason, those that none were read of included. */
  counts(): readonly UnauthenticCount[] {
    return sealedKinds.flatMap((record) =>
      unauthenticReasons.map((why) => ({
        record,
        why,
        count: this.#counts.get(`${record} ${why}`) ?? 0,
      })),
    )
  }

  /** The names reported and not over, with the first record that was found of each. */
  reported(): readonly UnauthenticRecord[] {
    return [...this.#reported.values()].map(({ peer, record, why }) => ({ peer, record, why }))
  }
}
