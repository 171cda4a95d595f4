// The state file: a line that describes the rest, then one line of JSON per entry.
//
//   {"format":"mxsteer-state","version":1,"savedMs":…,"entries":N,"sha256":"…"}
//   {"verdict":{"key":…,"state":"up",…}}
//   {"override":{"id":…,…}}
//   {"availability":{"pool":…,"windows":[…]}}
//   {"serial":{"zone":…,"serial":…,"digest":…}}      of a signed zone also "gridSeconds":…
//   {"signed":{"zone":…,"isUnsigning":…,"keys":[{"dnskey":…,…}]}}
//   {"clock":{"knownMs":…}}
//   {"name":{"zone":…,"owner":…,"type":1,"ttl":60,"rdata":["192.0.2.1"],"keepSeconds":420,"hasLeft":false,"untilMs":0}}
//   {"event":{"id":12,"at":…,"event":"target.down",…}}
//   what was handed out and binds for a while: handed-entries.ts
//
// Count and hash cover all lines after the first. Entries are checked strictly: each field of its type and within bounds,
// none missing, none unknown. A file that breaks any rule is ignored as a whole, because part of a state is not a state.

import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { CurrentSet, DepartedSet, NameMemory, ZoneNames } from '../departed/name-memory.ts'
import { eventLimits, type EventRecord } from '../history/event-ring.ts'
import { type HandedOut, nothingHanded } from '../coherence/handed-out.ts'
import { type HandedItem, handedOf, itemsOf } from '../coherence/shared-handed.ts'
import { availabilityWindows, type SavedAvailability } from '../health/availability.ts'
import type { Override } from '../health/overrides.ts'
import { type SavedDamping, savedStates } from '../health/saved-damping.ts'
import type { ZoneSerial, ZoneSerials } from '../lib/zone-serials.ts'
import { handedSchemas, isHandedItem } from './handed-entries.ts'

/** A key of a signed zone. Times in milliseconds since 1970. */
export interface RememberedKey {
  /** DNSKEY rdata in base64. */
  readonly dnskey: string
  readonly publishMs: number | null
  readonly activateMs: number | null
  readonly inactiveMs: number | null
  readonly deleteMs: number | null
}

export interface SignedZone {
  /** Its file says that it is to become unsigned. */
  readonly isUnsigning: boolean
  readonly keys: readonly RememberedKey[]
}

/** By name of the zone, without the final dot and in lower case. */
export type SignedZones = ReadonlyMap<string, SignedZone>

/** Everything that outlives the process. */
export interface SavedState {
  /** Saved damping state by slot key of the endpoint. */
  readonly verdicts: ReadonlyMap<string, SavedDamping>
  readonly overrides: readonly Override[]
  /** By zone and pool, separated by a space. */
  readonly availability: ReadonlyMap<string, SavedAvailability>
  /** Those of zones that are no longer served included. */
  readonly serials: ZoneSerials
  readonly signed: SignedZones
  /** A time that has been, milliseconds since 1970; 0: none is kept. */
  readonly knownMs: number
  readonly names: NameMemory
  readonly handed: HandedOut
  /** The last events of the log, oldest first. */
  readonly events: readonly EventRecord[]
}

export const emptyState: SavedState = {
  verdicts: new Map(),
  overrides: [],
  availability: new Map(),
  serials: new Map(),
  signed: new Map(),
  knownMs: 0,
  names: new Map(),
  handed: nothingHanded,
  events: [],
}

export type DecodedState =
  /** `savedMs`: wall-clock time at which the file was written. */
  | { readonly kind: 'state'; readonly state: SavedState; readonly savedMs: number }
  | { readonly kind: 'bad'; readonly why: string }

/** Twice what 65,536 endpoints with long keys need. */
export const stateLimitOctets: number = 64 * 1024 * 1024

const version = 1

const format = 'mxsteer-state'

const text = (max: number): z.ZodString => z.string().max(max)

const time = z.number().min(0).max(Number.MAX_SAFE_INTEGER)

const count = z.number().min(0).max(1e9)

const dampingSchema = z.strictObject({
  key: text(8192),
  state: z.enum(savedStates),
  reason: text(200),
  sinceMs: time,
  seenMs: time,
  upSinceMs: time.nullable(),
  flaps: count,
  flickers: count,
  holdMs: z.number().min(0).max(86_400_000),
})

const weightSchema = z.discriminatedUnion('unit', [
  z.strictObject({ unit: z.literal('factor'), value: z.number().min(0).max(100) }),
  z.strictObject({ unit: z.literal('absolute'), value: z.number().min(0).max(65_535) }),
  z.strictObject({ unit: z.literal('share'), value: z.number().min(0).max(0.99) }),
])

const overrideSchema = z.strictObject({
  id: text(64),
  zone: text(255),
  target: text(255),
  pool: text(255).nullable(),
  action: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.enum(['drain', 'disable', 'up']) }),
    z.strictObject({ kind: z.literal('weight'), weight: weightSchema }),
  ]),
  why: text(200),
  by: text(100),
  setMs: time,
  untilMs: time.nullable(),
})

const bucketCount = z.int().min(0).max(1e12)

/** [bucket number, successful handshakes, all handshakes] */
const bucketSchema = z
  .tuple([bucketCount, bucketCount, bucketCount])
  .refine(([, good, total]) => good <= total)

/** The buckets of each of `availabilityWindows`; also the record of counts in the store. */
export const availabilitySchema: z.ZodType<SavedAvailability> = z
  .array(z.array(bucketSchema))
  .length(availabilityWindows.length)
  .refine((windows) =>
    windows.every((buckets, i) => buckets.length <= (availabilityWindows[i]?.buckets ?? 0)),
  )

const keyTime = z.number().min(-8.64e15).max(8.64e15).nullable()

const signedSchema = z.strictObject({
  zone: text(1024),
  isUnsigning: z.boolean(),
  keys: z
    .array(
      z.strictObject({
        // DNSKEY rdata in base64.
        dnskey: z.string().regex(/^[A-Za-z0-9+/]{8,800}={0,2}$/),
        publishMs: keyTime,
        activateMs: keyTime,
        inactiveMs: keyTime,
        deleteMs: keyTime,
      }),
    )
    .max(64),
})

const nameSchema = z.strictObject({
  zone: text(1024),
  owner: text(1024),
  type: z.int().min(1).max(0xffff),
  ttl: z.int().min(0).max(0x7fff_ffff),
  rdata: z.array(text(200_000)).min(1).max(10_000),
  keepSeconds: z.int().min(0).max(0xffff_ffff),
  /** Or it was in the zone. */
  hasLeft: z.boolean(),
  untilMs: time,
})

/** JSON that another process wrote: every text within the limit of an event as a whole. */
const eventText = text(eventLimits.octets).regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]*$/u)
const eventSchema = z.strictObject({
  id: z.int().min(1).max(Number.MAX_SAFE_INTEGER),
  at: eventText,
  event: eventText,
  level: z.enum(['info', 'warn', 'error']),
  text: eventText,
  ...optionalTexts(
    ...([
      'zone',
      'pool',
      'target',
      'address',
      'from',
      'to',
      'reason',
      'by',
      'why',
      'until',
    ] as const),
    ...(['kind', 'overrideId', 'end', 'endedBy', 'atInstance'] as const),
  ),
  afterMs: time.optional(),
  count: count.optional(),
})

function optionalTexts<Key extends string>(
  ...keys: readonly Key[]
): Record<Key, z.ZodOptional<typeof eventText>> {
  return Object.fromEntries(keys.map((key) => [key, eventText.optional()])) as Record<
    Key,
    z.ZodOptional<typeof eventText>
  >
}

const entrySchema = z.union([
  z.strictObject({ verdict: dampingSchema }),
  z.strictObject({ override: overrideSchema }),
  z.strictObject({
    availability: z.strictObject({ pool: text(600), windows: availabilitySchema }),
  }),
  z.strictObject({
    serial: z.strictObject({
      zone: text(1024),
      serial: z.int().min(0).max(0xffff_ffff),
      digest: z.string().regex(/^[\w-]{16}$/),
      gridSeconds: z.int().min(1).max(0xffff_ffff).optional(),
    }),
  }),
  z.strictObject({ signed: signedSchema }),
  z.strictObject({ name: nameSchema }),
  z.strictObject({ clock: z.strictObject({ knownMs: time }) }),
  z.strictObject({ event: eventSchema }),
  ...handedSchemas,
])

type StateEntry = z.output<typeof entrySchema>

export function encodeState(
  { verdicts, overrides, availability, serials, signed, knownMs, names, ...rest }: SavedState,
  savedMs: number,
): string {
  const entries: readonly StateEntry[] = [
    ...[...verdicts].map(([key, verdict]) => ({ verdict: { key, ...verdict } })),
    ...overrides.map((override) => ({ override })),
    ...[...availability].map(([pool, windows]) => ({ availability: { pool, windows } })),
    ...[...serials].map(([zone, { serial, digest, gridSeconds }]) => ({
      serial: { zone, serial, digest, gridSeconds },
    })),
    ...[...signed].map(([zone, one]) => ({ signed: { ...one, zone, keys: [...one.keys] } })),
    ...[...names].flatMap(namesOfZone),
    ...(knownMs > 0 ? [{ clock: { knownMs } }] : []),
    ...itemsOf(rest.handed),
    ...rest.events.map((event) => ({ event })),
  ]
  const body = entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')
  const head = { format, version, savedMs, entries: entries.length, sha256: digest(body) }
  return `${JSON.stringify(head)}\n${body}`
}

const namesOfZone = ([zone, { current, departed }]: readonly [string, ZoneNames]): StateEntry[] => [
  ...current.map(({ ledUntilMs, ...set }) => ({
    name: { zone, ...set, rdata: [...set.rdata], hasLeft: false, untilMs: ledUntilMs },
  })),
  ...departed.map((set) => ({ name: { zone, ...set, rdata: [...set.rdata], hasLeft: true } })),
]

export function decodeState(content: string): DecodedState {
  const end = content.indexOf('\n')
  const head = end < 0 ? null : headOf(content.slice(0, end))
  if (head === null || head['format'] !== format) return bad('it is no state file')
  if (head['version'] !== version)
    return bad(`version ${String(head['version'])} is not ${version}`)
  const body = content.slice(end + 1)
  if (head['sha256'] !== digest(body)) return bad('it is cut short or damaged: the hash differs')
  const lines = body.split('\n')
  if (lines.pop() !== '' || lines.length !== head['entries']) return bad('the count differs')
  const { savedMs } = head
  if (typeof savedMs !== 'number' || !Number.isFinite(savedMs)) return bad('it has no time')
  return decodeEntries(lines, savedMs)
}

function decodeEntries(lines: readonly string[], savedMs: number): DecodedState {
  const verdicts = new Map<string, SavedDamping>()
  const overrides: Override[] = []
  const availability = new Map<string, SavedAvailability>()
  const serials = new Map<string, ZoneSerial>()
  const signed = new Map<string, SignedZone>()
  const names = new Map<string, NamesBeingRead>()
  const handed: HandedItem[] = []
  const events: EventRecord[] = []
  let knownMs = 0
  for (const [i, line] of lines.entries()) {
    const entry = entrySchema.safeParse(parseJson(line)).data
    if (entry === undefined) return bad(`line ${i + 2} is not what version ${version} says`)
    if ('verdict' in entry) {
      const { key, ...verdict } = entry.verdict
      verdicts.set(key, verdict)
    } else if ('override' in entry) overrides.push(entry.override)
    else if ('serial' in entry) {
      const { zone, ...serial } = entry.serial
      serials.set(zone, serial)
    } else if ('signed' in entry) {
      const { zone, ...one } = entry.signed
      signed.set(zone, one)
    } else if ('event' in entry) events.push(entry.event as EventRecord)
    else if ('name' in entry) addName(names, entry.name)
    else if ('clock' in entry) knownMs = entry.clock.knownMs
    else if ('availability' in entry)
      availability.set(entry.availability.pool, entry.availability.windows)
    else if (isHandedItem(entry)) handed.push(entry)
  }
  const found = { verdicts, overrides, availability, serials, signed, knownMs, names, events }
  return { kind: 'state', state: { ...found, handed: handedOf(handed) }, savedMs }
}

interface NamesBeingRead {
  readonly current: CurrentSet[]
  readonly departed: DepartedSet[]
}

function addName(
  names: Map<string, NamesBeingRead>,
  { zone, hasLeft, untilMs, ...set }: z.output<typeof nameSchema>,
): void {
  const ofZone = names.get(zone) ?? { current: [], departed: [] }
  names.set(zone, ofZone)
  if (hasLeft) ofZone.departed.push({ ...set, untilMs })
  else ofZone.current.push({ ...set, ledUntilMs: untilMs })
}

const bad = (why: string): DecodedState => ({ kind: 'bad', why })

const digest = (content: string): string => createHash('sha256').update(content).digest('hex')

const headSchema = z.record(z.string(), z.unknown())

/** The fields of the first line, not checked further: each has a message of its own. */
const headOf = (line: string): Readonly<Record<string, unknown>> | null =>
  headSchema.safeParse(parseJson(line)).data ?? null

/** undefined if the line is not JSON. */
function parseJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
