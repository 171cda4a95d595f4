// Serials of zones in the store: one hash, with the serial and the digest of the content for each zone that an instance
// serves. Instances with the same content so have the same serial, and one that starts goes on where the others are.
//
//   none stored                  the own one is written
//   own one greater              it is written: the greatest serial of a zone is the one that stands
//   stored one greater           of the same content: this instance is behind, and takes it; of another content: that is
//                                newer, or this instance's files are not yet
//   the same, of other content   two instances chose it at once: this one is behind, and takes the next one
//
// Nothing is ever written that is not greater than what was read, and what a race between two writers takes back is
// written again, so that all end with the greatest one. Of a hash that is too large only the zones that this instance serves
// are read; before it serves any, none. With a secret each record is sealed, under no writer: a serial is of
// the zone, not of an instance. To put an old one there again moves nothing, since only a greater one counts.

import { isAfter, type ZoneSerial, type ZoneSerials } from '../lib/zone-serials.ts'
import { maxPackedOctets, type StateKeys } from './redis/schema.ts'
import { splitSealed, type StateSecrets, type Verification } from './redis/sealed-record.ts'
import { zoneLimit, type ZoneRecord } from './zone-hash.ts'
import { ZoneHashPart, type ZoneHashOptions } from './zone-hash-part.ts'

interface RedisSerialsOptions extends ZoneHashOptions {
  readonly keys: Pick<StateKeys, 'serials'>
}

const recordPattern = /^(\d{1,10})\|([\w-]{16})$/
const maxSerial = 0xffff_ffff
export const formatSerial = ({ serial, digest }: ZoneSerial): string => `${serial}|${digest}`

/** null if the value is not a record of a serial. */
export function parseSerial(value: unknown): ZoneSerial | null {
  const fields = typeof value === 'string' ? recordPattern.exec(value) : null
  const serial = Number(fields?.[1])
  return fields && serial <= maxSerial ? { serial, digest: fields[2] ?? '' } : null
}

interface VerifiedText {
  readonly text: string
  readonly verification: Verification
}

/** Its news are serials of the store that this instance has to take: those of `read`. */
export class RedisSerials extends ZoneHashPart<ZoneSerials> {
  readonly #mode: StateSecrets['mode'] | null
  /** By zone: a text that has not changed since it was verified is not verified again. */
  #verified: ReadonlyMap<string, VerifiedText> = new Map()
  /** Whether records that carry another seal than ours, or none, are to be written anew: once after a start. */
  #isToSeal: boolean
  #stored: ZoneSerials = new Map()

  constructor(options: RedisSerialsOptions) {
    const kind = { key: options.keys.serials, maxRecordOctets: maxPackedOctets }
    super(options, kind, new Map())
    this.#mode = options.secrets?.mode ?? null
    this.#isToSeal = this.sealer !== null
  }

  /** Reads what the store has now. Resolves to what was read last if nothing can be read. */
  async read(): Promise<ZoneSerials> {
    await this.readStored()
    return this.#stored
  }

  /** As they were read last. */
  stored(): ZoneSerials {
    return this.#stored
  }

  protected override take(records: readonly ZoneRecord[]): void {
    const stored = new Map<string, ZoneSerial>()
    const verified = new Map<string, VerifiedText>()
    for (const { zone, text } of records) {
      const record = parseSerial(splitSealed(text).value)
      if (record === null) {
        this.rejected++
        continue
      }
      const verification = this.#verificationOf(zone, text)
      verified.set(zone, { text, verification })
      if (verification === 'none' && this.#mode === 'require') this.rejected++
      else stored.set(zone, record)
    }
    this.#verified = verified
    this.#stored = stored
  }

  #verificationOf(zone: string, text: string): Verification {
    const known = this.#verified.get(zone)
    return known?.text === text ? known.verification : this.verify(zone, splitSealed(text))
  }

  protected override async reconcile(isFenced: boolean): Promise<readonly string[] | null> {
    const { unwritten, behind } = compare(this.own, this.#stored, (zone) => this.#lacksSeal(zone))
    if (!isFenced && !(await this.#write(unwritten))) return null
    this.#isToSeal = false
    return behind
  }

  #write(unwritten: Comparison['unwritten']): Promise<boolean> {
    return this.writeRecords(
      unwritten.map(([zone, one]) => ({ zone, text: this.sealed(zone, formatSerial(one)) })),
    )
  }

  #lacksSeal(zone: string): boolean {
    return this.#isToSeal && this.#verified.get(zone)?.verification !== 'active'
  }
}

interface Comparison {
  readonly unwritten: readonly (readonly [string, ZoneSerial])[]
  /** A text of the serials that are to be taken; empty: none. */
  readonly behind: readonly string[]
}

function compare(
  own: ZoneSerials,
  stored: ZoneSerials,
  lacksSeal: (zone: string) => boolean,
): Comparison {
  const unwritten: (readonly [string, ZoneSerial])[] = []
  const behind: string[] = []
  for (const [zone, mine] of [...own].slice(0, zoneLimit)) {
    const theirs = stored.get(zone)
    if (!theirs || isAfter(mine.serial, theirs.serial)) unwritten.push([zone, mine])
    else if (isToBeTaken(mine, theirs)) behind.push(`${zone} ${formatSerial(theirs)}`)
    else if (isSame(mine, theirs) && lacksSeal(zone)) unwritten.push([zone, mine])
  }
  return { unwritten, behind }
}

const isSame = (mine: ZoneSerial, theirs: ZoneSerial): boolean =>
  mine.serial === theirs.serial && mine.digest === theirs.digest

const isToBeTaken = (mine: ZoneSerial, theirs: ZoneSerial): boolean =>
  mine.digest === theirs.digest
    ? isAfter(theirs.serial, mine.serial)
    : theirs.serial === mine.serial
