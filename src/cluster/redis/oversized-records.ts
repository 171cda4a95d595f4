// Records of the store that are larger than a valid one can be: they are not read, counted each time that they are met,
// and reported once. One that has not been met for a while, because it was removed or replaced, is reported again when
// it comes back. Keys and fields that are noted here are names that this instance made up or has checked.

import type { Clock } from '../../lib/clock.ts'
import type { StateTimes } from './schema.ts'

/** A record that is too large to be read. */
export interface OversizedRecord {
  readonly key: string
  /** Field of the hash; null if the whole key is meant. */
  readonly field: string | null
  readonly octets: number
}

interface OversizedOptions {
  /** Monotonic milliseconds. */
  readonly nowMs: () => number
  /** After this long without being met, a record is forgotten. */
  readonly forgetMs: number
  readonly onRecord: (record: OversizedRecord) => void
}

/** Records are met again within a full read of votes; after four without it they are forgotten. */
export const createOversizedRecords = (
  clock: Clock,
  { snapshotMs }: Pick<StateTimes, 'snapshotMs'>,
  onRecord: (record: OversizedRecord) => void,
): OversizedRecords =>
  new OversizedRecords({
    nowMs: () => clock.monotonicMs(),
    forgetMs: 4 * snapshotMs,
    onRecord,
  })

/** So many records are remembered; what comes on top is counted and not reported. */
const reportLimit = 64

export class OversizedRecords {
  /** How often an oversized record was met. */
  count = 0
  readonly #options: OversizedOptions
  /** Key and field of each record reported → when it was last met. */
  readonly #metAtMs = new Map<string, number>()

  constructor(options: OversizedOptions) {
    this.#options = options
  }

  note(record: OversizedRecord): void {
    this.count++
    const nowMs = this.#options.nowMs()
    this.#forget(nowMs)
    const name = `${record.key} ${record.field ?? ''}`
    const isReported = this.#metAtMs.has(name)
    if (!isReported && this.#metAtMs.size >= reportLimit) return
    this.#metAtMs.set(name, nowMs)
    if (!isReported) this.#options.onRecord(record)
  }

  #forget(nowMs: number): void {
    for (const [name, metAtMs] of this.#metAtMs)
      if (nowMs - metAtMs > this.#options.forgetMs) this.#metAtMs.delete(name)
  }
}
