// Seals of records in the store: a program without a secret of the fleet can neither make nor change one, nor move one to another
// place. A seal follows the value as it is stored:
//
//   VALUE~SEAL                  heartbeats, votes and epochs: the key names the writer, the value contains its epoch;
//                               serials of zones, which have no writer
//   VALUE~WRITER~EPOCH~SEAL     overrides, feedback and counts of probes
//   SEAL                        the first 22 characters, 132 bits, of the base64url form of the HMAC-SHA-256, under the
//                               secret, of `mxsteer-state-1`, key, field, writer, epoch and value, with a line feed after
//                               each but the last; the field is empty where the record is not part of a hash
//
// What is in a place of a record contains no line feed, so two different records never have the same text under the HMAC.
// Deleting a record needs no seal, and the seal of an old one stays good: what is done about that, store-seals.ts says.

import { Buffer } from 'node:buffer'
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'

/** Where a record is stored, and which boot of which instance wrote it. */
export interface RecordPlace {
  readonly key: string
  /** Field of the hash; empty for a key that is a string. */
  readonly field: string
  readonly writer: string
  readonly epoch: number
}

/** What of the store counts once there is a secret: everything, for a while, or only authentic records. */
export type SealMode = 'permit' | 'require'

/** The secrets of a fleet: the first one seals, all of them verify. */
export interface StateSecrets {
  readonly secrets: readonly [Uint8Array, ...Uint8Array[]]
  readonly mode: SealMode
}

/** A stored text, split; nothing is verified. */
export interface SplitRecord {
  readonly value: string
  /** null: the text carries no seal. */
  readonly seal: string | null
}

interface SplitSignedRecord extends SplitRecord {
  /** As the text has them; null and 0 without a seal. */
  readonly writer: string | null
  readonly epoch: number
}

/** Which secret verifies a seal: the one that this instance seals with, another one, or none. */
export type Verification = 'active' | 'other' | 'none'

/** What a seal adds to a value at most: separators, a name, an epoch of 15 digits, 22 characters. */
export const maxSealLength: number = 3 + 63 + 15 + 22

const domain = 'mxsteer-state-1'

const sealCharacters = 22

const sealPattern = /~([\w-]{22})$/

const signaturePattern = /~([\w.-]{1,63})~(\d{1,15})~([\w-]{22})$/

/** Seals with the first of the secrets, verifies with all of them. */
export class RecordSealer {
  readonly #active: KeyObject
  readonly #others: readonly KeyObject[]

  constructor([active, ...others]: readonly [Uint8Array, ...Uint8Array[]]) {
    this.#active = createSecretKey(active)
    this.#others = others.map((secret) => createSecretKey(secret))
  }

  /** `VALUE~SEAL`. */
  seal(place: RecordPlace, value: string): string {
    return `${value}~${sealOf(this.#active, textOf(place, value))}`
  }

  /** `VALUE~WRITER~EPOCH~SEAL`. */
  sign(place: RecordPlace, value: string): string {
    const seal = sealOf(this.#active, textOf(place, value))
    return `${value}~${place.writer}~${place.epoch}~${seal}`
  }

  verify(place: RecordPlace, value: string, seal: string): Verification {
    // A field comes from the store: with a line feed in it, it could pass a part of itself off as the next one.
    if (place.field.includes('\n') || value.includes('\n')) return 'none'
    const text = textOf(place, value)
    if (isEqual(seal, sealOf(this.#active, text))) return 'active'
    return this.#others.some((secret) => isEqual(seal, sealOf(secret, text))) ? 'other' : 'none'
  }
}

/** Splits `VALUE~SEAL`. */
export function splitSealed(text: string): SplitRecord {
  const match = sealPattern.exec(text)
  return match === null
    ? { value: text, seal: null }
    : { value: text.slice(0, match.index), seal: match[1] ?? null }
}

/** Splits `VALUE~WRITER~EPOCH~SEAL`. */
export function splitSigned(text: string): SplitSignedRecord {
  const match = signaturePattern.exec(text)
  if (match === null) return { value: text, seal: null, writer: null, epoch: 0 }
  const [, writer = '', epoch, seal = ''] = match
  return { value: text.slice(0, match.index), seal, writer, epoch: Number(epoch) }
}

const textOf = ({ key, field, writer, epoch }: RecordPlace, value: string): string =>
  `${domain}\n${key}\n${field}\n${writer}\n${epoch}\n${value}`

const sealOf = (secret: KeyObject, text: string): string =>
  createHmac('sha256', secret).update(text).digest('base64url').slice(0, sealCharacters)

function isEqual(seal: string, expected: string): boolean {
  const [given, wanted] = [Buffer.from(seal), Buffer.from(expected)]
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}
