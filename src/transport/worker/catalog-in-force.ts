// The catalog that a worker answers from, with the keys that sign it, and their change: when another one is published,
// and when time moves the serial of a signed zone (lib/signing-grid.ts). In either case it is another value as a whole, so
// that whatever was kept of the one before is known to be out of date. Steered sets stay the same objects when time goes by.
//
// Nothing tells a worker that a serial has moved: it sees the time with its next query. What it opens anew lies in shared
// memory, so that a turn costs some microseconds for each zone, every few hours.

import { keysInForce, type ZoneKeysData } from '../../dnssec/keys-in-force.ts'
import type { CatalogSigners, KeysOf } from '../../dnssec/zone-signer.ts'
import type { Clock } from '../../lib/clock.ts'
import { answeredSerial, nextTurn } from '../../lib/signing-grid.ts'
import { openCatalog, type PackedCatalog } from '../../zone/packed-catalog.ts'
import type { Catalog } from '../../zone/zone.ts'

export class CatalogInForce {
  readonly #clock: Pick<Clock, 'wallMs'>
  readonly #signers: Pick<CatalogSigners, 'use'>
  #packed: PackedCatalog
  #keysOf: KeysOf
  #catalog: Catalog
  /** When it was opened, and when a serial moves, milliseconds since the epoch. */
  #fromMs = 0
  #untilMs = Infinity

  /** `clock`: its wall clock is the time to sign by. */
  constructor(
    packed: PackedCatalog,
    keys: readonly ZoneKeysData[],
    clock: Pick<Clock, 'wallMs'>,
    signers: Pick<CatalogSigners, 'use'>,
  ) {
    this.#clock = clock
    this.#signers = signers
    this.#packed = packed
    this.#keysOf = keysInForce(keys)
    this.#catalog = this.#open()
  }

  /** Keys and catalog at once: no answer is signed by those of another. */
  publish(packed: PackedCatalog, keys: readonly ZoneKeysData[]): void {
    this.#packed = packed
    this.#keysOf = keysInForce(keys)
    this.#open()
  }

  /** Called once a query. */
  current(): Catalog {
    if (this.#untilMs !== Infinity) {
      const nowMs = this.#clock.wallMs()
      // A clock that was set back moves serials too: what counts is that all instances have the same.
      if (nowMs >= this.#untilMs || nowMs < this.#fromMs) this.#open()
    }
    return this.#catalog
  }

  #open(): Catalog {
    this.#fromMs = this.#clock.wallMs()
    const nowSeconds = Math.floor(this.#fromMs / 1000)
    const catalog = openCatalog(this.#packed, (zone) => answeredSerial(zone, nowSeconds))
    this.#untilMs = nextTurn(catalog.zones.values(), nowSeconds) * 1000
    this.#catalog = catalog
    this.#signers.use(catalog.zones.values(), this.#keysOf)
    return catalog
  }
}
