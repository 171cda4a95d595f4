// Rate limits of an address and of the networks around it: prefixes of several lengths, each limited by the generic
// cell rate algorithm (GCRA) to a multiple of the limit of one address.
//
//   IPv4   /32 ×1   /24 ×32   /20 ×256   /18 ×768
//   IPv6   /128 ×1  /64 ×2    /56 ×3     /48 ×4    /32 ×64
//
// An answer that all levels allow is charged to all of them. An answer that some levels do not allow is charged to
// these levels alone, at a tenth: so a flood on one address does not use up the limit of its network, and a debt
// exceeds the burst only at more than ten times the limit.

export interface PrefixLimitOptions {
  /** Whole answers a second to one address in the long run, from all workers together. */
  readonly perSecond: number
  /** Whole answers in a row to an address that had none lately; at least one for each worker. */
  readonly burst: number
  /** How many tables share the queries: each applies this fraction of the limits. */
  readonly workers: number
  readonly seed: HashSeed
  /** Prefixes that the table holds; rounded up to a power of two. */
  readonly capacity: number
}

/**
 * limited: a level is over its limit. flood: the client itself has asked for more than ten times its limit for a while.
 */
type LimitState = 'within' | 'limited' | 'flood'

interface PrefixLimits {
  /** Charges one answer to an address of 4 or 16 octets and tells whether it is within the limits. */
  charge(address: Uint8Array, nowMs: number): LimitState
  /** Prefixes in debt that the full table has forgotten so far. */
  evictions(): number
  /** The memory of the table, which never grows. */
  readonly octets: number
}

interface PrefixLevel {
  readonly prefixLength: number
  /** The limit of this prefix, as a multiple of the limit of one address. */
  readonly multiple: number
  /** Whether one client holds the whole prefix. Only at these levels can `flood` be told from a busy network. */
  readonly isClient: boolean
}

const level = (prefixLength: number, multiple: number, isClient = false): PrefixLevel => ({
  prefixLength,
  multiple,
  isClient,
})

const levelsV4 = [level(32, 1, true), level(24, 32), level(20, 256), level(18, 768)]

const levelsV6 = [
  level(128, 1, true),
  level(64, 2, true),
  level(56, 3),
  level(48, 4),
  level(32, 64),
]

/** The part of the cost that a level over its limit is charged. */
const limitedCost = 0.1

/** The largest debt, in bursts: after a flood it takes the time of one burst until the limit applies as before. */
const maxDebt = 2

/** The debt in bursts, half-way to the largest one, above which a client's queries are a flood. */
const floodDebt = 1.5

/** The tolerance for sums of floating-point milliseconds. */
const roundingMs = 1e-6

interface Meter {
  readonly seed: HashSeed
  readonly table: GcraTable
  /** The debt of one address for one answer. */
  readonly intervalMs: number
  /** The debt up to which an address is within its limit. */
  readonly burstMs: number
  /** For the address being charged, by level: the hash of its prefix, and the prefix's debt in milliseconds. */
  readonly tags: Uint32Array
  readonly debts: Float64Array
}

/** Limits with a table of their own; each thread has its own. */
export function createPrefixLimits(options: PrefixLimitOptions): PrefixLimits {
  const { seed, workers, perSecond, burst, capacity } = options
  const table = createGcraTable(capacity)
  const meter: Meter = {
    seed,
    table,
    intervalMs: (1000 * workers) / perSecond,
    burstMs: (1000 * burst) / perSecond,
    tags: new Uint32Array(levelsV6.length),
    debts: new Float64Array(levelsV6.length),
  }
  return {
    octets: table.octets,
    evictions: () => table.evictions(),
    charge(address, nowMs) {
      const levels = address.length === 4 ? levelsV4 : levelsV6
      const state = assess(meter, levels, address, nowMs)
      charge(meter, levels, state, nowMs)
      return state
    },
  }
}

/** Looks up the prefixes of the address: fills `tags` and `debts`. */
function assess(
  { seed, table, intervalMs, burstMs, tags, debts }: Meter,
  ladder: readonly PrefixLevel[],
  address: Uint8Array,
  nowMs: number,
): LimitState {
  let state: LimitState = 'within'
  for (let i = 0; i < ladder.length; i++) {
    const { prefixLength, multiple, isClient } = ladder[i] as PrefixLevel
    const tag = prefixHash(seed, address, prefixLength)
    const debt = table.debtMs(tag, nowMs)
    tags[i] = tag
    debts[i] = debt
    if (isClient && debt > floodDebt * burstMs) state = 'flood'
    else if (state === 'within' && isFull(debt + intervalMs / multiple, burstMs)) state = 'limited'
  }
  return state
}

/** Charges the prefixes of the address last assessed. */
function charge(
  { table, intervalMs, burstMs, tags, debts }: Meter,
  ladder: readonly PrefixLevel[],
  state: LimitState,
  nowMs: number,
): void {
  for (let i = 0; i < ladder.length; i++) {
    const costMs = intervalMs / (ladder[i] as PrefixLevel).multiple
    const tag = tags[i] as number
    const debt = debts[i] as number
    if (state === 'within') table.setDebt(tag, debt + costMs, nowMs)
    else if (isFull(debt + costMs, burstMs))
      table.setDebt(tag, Math.min(debt + limitedCost * costMs, maxDebt * burstMs), nowMs)
  }
}

const isFull = (debtMs: number, burstMs: number): boolean => debtMs > burstMs + roundingMs

/** Entries of a set in which a prefix is looked for. */
const ways = 4

/**
 * How far each prefix is ahead of its rate: a table of fixed size with sets of four entries.
 *
 * An entry holds a tag (the prefix's hash) and the time at which the prefix is out of debt, GCRA's theoretical arrival
 * time; after that time the entry is free. In a full set the entry with the least debt is replaced: addresses that ask
 * once never displace one that is being limited, and a prefix that was forgotten is answered rather than limited.
 */
interface GcraTable {
  /** The debt of a prefix in milliseconds; 0 for a prefix that is not in the table. */
  debtMs(tag: number, nowMs: number): number
  /** Sets the debt of a prefix. */
  setDebt(tag: number, debtMs: number, nowMs: number): void
  /** Entries replaced while they were still in debt. */
  evictions(): number
  /** The memory of the table, which never grows. */
  readonly octets: number
}

/** `capacity` is rounded up to a power of two. */
function createGcraTable(capacity: number): GcraTable {
  const count = 2 ** Math.ceil(Math.log2(Math.max(ways, capacity)))
  const sets = count / ways
  const tags = new Uint32Array(count)
  const clearAtMs = new Float64Array(count)
  let evicted = 0

  const find = (tag: number): number => {
    const from = (tag & (sets - 1)) * ways
    for (let at = from; at < from + ways; at++) if (tags[at] === tag) return at
    return -1
  }
  const makeRoom = (tag: number, nowMs: number): number => {
    const from = (tag & (sets - 1)) * ways
    let least = from
    for (let at = from + 1; at < from + ways; at++)
      if ((clearAtMs[at] as number) < (clearAtMs[least] as number)) least = at
    if ((clearAtMs[least] as number) > nowMs) evicted++
    tags[least] = tag
    return least
  }
  return {
    debtMs(tag, nowMs) {
      const at = find(tag)
      return at < 0 ? 0 : Math.max(0, (clearAtMs[at] as number) - nowMs)
    },
    setDebt(tag, debtMs, nowMs) {
      const found = find(tag)
      clearAtMs[found < 0 ? makeRoom(tag, nowMs) : found] = nowMs + debtMs
    },
    evictions: () => evicted,
    octets: tags.byteLength + clearAtMs.byteLength,
  }
}

/**
 * 64 random bits, new for every process: without them nobody can choose prefixes that fall into one set of the table.
 */
export type HashSeed = readonly [number, number]

const finalRounds = 3

/**
 * A keyed 32-bit hash of the first `prefixLength` bits of an address (4 or 16 octets), of its family and of the length:
 * HalfSipHash-1-3 (Aumasson), as the Linux kernel uses it for tables that clients fill. Not for secrets: unlike
 * SipHash-2-4 (siphash.ts) it is cheap enough for five prefixes a query.
 */
export function prefixHash(seed: HashSeed, address: Uint8Array, prefixLength: number): number {
  const words = (prefixLength + 31) >> 5
  let v0 = seed[0] | 0
  let v1 = seed[1] | 0
  let v2 = seed[0] ^ 0x6c796765
  let v3 = seed[1] ^ 0x74656462
  for (let i = 0; i <= words + finalRounds; i++) {
    const word = wordAt(address, prefixLength, i, words)
    if (i === words + 1) v2 ^= 0xff
    v3 ^= word
    v0 = (v0 + v1) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 + v3) | 0
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
    v2 = (v2 + v1) | 0
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
    v2 = (v2 << 16) | (v2 >>> 16)
    v0 ^= word
  }
  return (v1 ^ v3) >>> 0
}

/** Word `i` of the hash's input: the prefix in words of 32 bits, then one word of family and length, then 0. */
function wordAt(address: Uint8Array, prefixLength: number, i: number, words: number): number {
  if (i > words) return 0
  if (i === words) return (address.length << 24) | prefixLength
  const at = 4 * i
  const word =
    ((address[at] as number) << 24) |
    ((address[at + 1] as number) << 16) |
    ((address[at + 2] as number) << 8) |
    (address[at + 3] as number)
  const beyond = 32 * (i + 1) - prefixLength
  return beyond > 0 ? word & (-1 << beyond) : word
}
