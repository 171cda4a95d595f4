// The signers of all zones in one answering thread: which keys sign what, when keys change their state, and when what is
// kept signed has to be signed anew.

import type { SetToSign, Signers, ZoneSigner } from '../answer/context.ts'
import type { Clock } from '../lib/clock.ts'
import { keyOfName, type Name, type NameKey } from '../wire/name.ts'
import type { Rdata } from '../wire/rdata/rdata.ts'
import type { RRset, Zone, ZoneSigning } from '../zone/zone.ts'
import { apexRdatas } from './dnskey.ts'
import type { GivenSet } from './offline/response.ts'
import { type SignatureCounters, SignatureStore } from './signature-store.ts'
import type { SigningKey } from './signing-key.ts'
import { transferValidityAt, type Validity, validityAt } from './validity.ts'

/** What the keys bring to the apex, and who signs it. */
export type ApexKeys =
  | {
      readonly kind: 'here'
      /** DNSKEY rdata to publish. */
      readonly published: readonly Uint8Array[]
      /** DNSKEY rdata of the keys that the parent is to name. */
      readonly synced: readonly Uint8Array[]
      /** Keys that sign DNSKEY, CDS and CDNSKEY. */
      readonly keySigners: readonly SigningKey[]
    }
  /** DNSKEY, CDS and CDNSKEY as a key has signed them that is kept offline. */
  | {
      readonly kind: 'offline'
      readonly sets: readonly GivenSet[]
      /** The signatures are not valid now. */
      readonly hasLapsed: boolean
    }

/** The keys of a zone by what they do now. */
export interface KeysInForce {
  readonly apex: ApexKeys
  /** Keys that sign everything else. */
  readonly dataSigners: readonly SigningKey[]
  /** When this changes next, milliseconds since the epoch; Infinity: never. */
  readonly untilMs: number
}

/** The keys of a zone at a time, milliseconds since the epoch; null: it has none. */
export type KeysOf = (apexKey: NameKey, nowMs: number) => KeysInForce | null

/** Answers that were kept are signed anew at least so often: a small part of any validity. */
const maxKeptMs = 3_600_000

interface SignersOptions {
  /** Whether the time can be right (signing-clock.ts). */
  readonly isTimeKnown?: () => boolean
  /** A monotonic clock that goes on while a batch of queries is answered. */
  readonly stopwatchMs?: () => number
}

export class CatalogSigners implements Signers {
  readonly #clock: Clock
  readonly #store: SignatureStore
  readonly #takeToken: () => boolean
  readonly #isTimeKnown: () => boolean
  #keysOf: KeysOf
  #isAnySigned = false
  #signers = new Map<Zone, ZoneSigner | null>()
  #generation = 1
  /** When the generation began, and when it ends, milliseconds since the epoch. */
  #fromMs = 0
  #untilMs = 0

  /** `clock`: its wall clock is the time to sign by. */
  constructor(
    clock: Clock,
    counters?: SignatureCounters,
    { isTimeKnown = alwaysTrue, stopwatchMs = () => clock.monotonicMs() }: SignersOptions = {},
  ) {
    this.#clock = clock
    this.#isTimeKnown = isTimeKnown
    this.#store = new SignatureStore(counters, stopwatchMs)
    this.#takeToken = createBudget(clock)
    this.#keysOf = () => null
  }

  /** Puts keys and zones in force. */
  use(zones: Iterable<Zone>, keysOf: KeysOf): void {
    this.#keysOf = keysOf
    this.#isAnySigned = false
    for (const { signing } of zones) if (signing !== null) this.#isAnySigned = true
    this.#begin(this.#clock.wallMs())
  }

  isAnySigned(): boolean {
    return this.#isAnySigned
  }

  generation(): number {
    if (!this.#isAnySigned) return this.#generation
    const nowMs = this.#clock.wallMs()
    // A clock that was set back ends it too.
    if (nowMs >= this.#untilMs || nowMs < this.#fromMs) this.#begin(nowMs)
    return this.#generation
  }

  isTimeKnown(): boolean {
    return this.#isTimeKnown()
  }

  of(zone: Zone): ZoneSigner | null {
    let signer = this.#signers.get(zone)
    if (signer === undefined) this.#signers.set(zone, (signer = this.#signerOf(zone)))
    return signer
  }

  forTransfer(zone: Zone): ZoneSigner | null {
    if (!this.#isTimeKnown()) return null
    const nowMs = this.#clock.wallMs()
    const keys = zone.signing && this.#keysOf(zone.apexKey, nowMs)
    if (keys === null || zone.signing === null) return null
    // A secondary is better off with what it has.
    if (hasLapsed(keys)) return null
    const validity = transferValidityAt(zone.signing.validitySeconds, Math.floor(nowMs / 1000))
    return new KeyedSigner(zone.apex, apexSetsOf(zone.apex, zone.signing, keys), keys, {
      store: this.#store,
      validityOf: () => validity,
      takeToken: this.#takeToken,
    })
  }

  #begin(nowMs: number): void {
    this.#generation++
    this.#signers = new Map()
    this.#fromMs = nowMs
    this.#untilMs = nowMs + maxKeptMs
    this.#store.begin(nowMs)
  }

  #signerOf(zone: Zone): ZoneSigner | null {
    const keys = zone.signing && this.#keysOf(zone.apexKey, this.#clock.wallMs())
    if (keys === null || zone.signing === null) return null
    this.#untilMs = Math.min(this.#untilMs, keys.untilMs)
    const { validitySeconds } = zone.signing
    const clock = this.#clock
    return new KeyedSigner(zone.apex, apexSetsOf(zone.apex, zone.signing, keys), keys, {
      store: this.#store,
      validityOf(owner, type) {
        const nowSeconds = Math.floor(clock.wallMs() / 1000)
        return validityAt(keyOfName(owner), type, validitySeconds, nowSeconds)
      },
      takeToken: this.#takeToken,
    })
  }
}

interface Signing {
  readonly store: SignatureStore
  readonly validityOf: (owner: Name, type: number) => Validity
  readonly takeToken: () => boolean
}

/** Signatures that may be made for queries over UDP, whose sources may be forged: a second, and at once. */
const perSecond = 2000
const burst = 4000

/** A bucket of tokens, one for each signature: full at first. */
function createBudget(clock: Pick<Clock, 'monotonicMs'>): () => boolean {
  let tokens = burst
  let filledMs = clock.monotonicMs()
  return () => {
    const nowMs = clock.monotonicMs()
    tokens = Math.min(burst, tokens + ((nowMs - filledMs) / 1000) * perSecond)
    filledMs = nowMs
    if (tokens < 1) return false
    tokens--
    return true
  }
}

class KeyedSigner implements ZoneSigner {
  readonly apexSets: ReadonlyMap<number, RRset>
  readonly #apex: Name
  readonly #keys: KeysInForce
  readonly #signing: Signing

  constructor(
    apex: Name,
    apexSets: ReadonlyMap<number, RRset>,
    keys: KeysInForce,
    signing: Signing,
  ) {
    this.apexSets = apexSets
    this.#apex = apex
    this.#keys = keys
    this.#signing = signing
  }

  hasLapsed(type: number): boolean {
    const { apex, dataSigners } = this.#keys
    return this.apexSets.has(type)
      ? apex.kind === 'offline' && apex.hasLapsed
      : dataSigners.length === 0
  }

  sign(set: SetToSign, isBounded: boolean): readonly Rdata[] | null {
    const { owner, type } = set
    const { apex, dataSigners } = this.#keys
    const isOfApex = this.apexSets.has(type)
    if (isOfApex && apex.kind === 'offline') return givenSignatures(apex.sets, type)
    const { store, validityOf, takeToken } = this.#signing
    const validity = validityOf(owner, type)
    const mayMake = isBounded ? takeToken : alwaysTrue
    const signing = { signer: this.#apex, validity, mayMake }
    const signatures: Rdata[] = []
    for (const key of isOfApex && apex.kind === 'here' ? apex.keySigners : dataSigners) {
      const rrsig = store.sign(key, set, signing)
      if (rrsig === null) return null
      signatures.push(rrsig)
    }
    return signatures
  }
}

const hasLapsed = ({ apex, dataSigners }: KeysInForce): boolean =>
  dataSigners.length === 0 || (apex.kind === 'offline' && apex.hasLapsed)

const uncompressed = (octets: Uint8Array): Rdata => ({ octets, compressible: [] })

const givenSignatures = (sets: readonly GivenSet[], type: number): readonly Rdata[] =>
  sets.find((set) => set.type === type)?.signatures.map(uncompressed) ?? []

/** What the keys bring to the apex: DNSKEY, and what tells the parent which DS to have, if it is to be told. */
function apexSetsOf(
  apex: Name,
  signing: ZoneSigning,
  { apex: keys }: KeysInForce,
): ReadonlyMap<number, RRset> {
  const sets = keys.kind === 'offline' ? keys.sets : madeSets(apex, signing, keys)
  return new Map(
    sets.map(({ type, ttlSeconds, rdatas }) => [
      type,
      { kind: 'plain', type, ttl: ttlSeconds, rdata: rdatas.map(uncompressed) },
    ]),
  )
}

const madeSets = (
  apex: Name,
  { dnskeyTtl, isUnsigning, foreignKeys }: ZoneSigning,
  keys: Extract<ApexKeys, { kind: 'here' }>,
): readonly Omit<GivenSet, 'signatures'>[] =>
  apexRdatas(apex, keys, foreignKeys, isUnsigning).map((set) => ({ ...set, ttlSeconds: dnskeyTtl }))

const alwaysTrue = (): boolean => true
