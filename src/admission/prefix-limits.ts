// How much of its limits an address uses, and each network around it: a ladder of prefixes, each with a GCRA.
//
//   IPv4   /32 ×1   /24 ×32   /20 ×256   /18 ×768
//   IPv6   /128 ×1  /64 ×2    /56 ×3     /48 ×4    /32 ×64
//
// An answer that all rungs allow is charged to all. One that some do not allow is charged to those alone, a tenth: so
// a flood on one address does not use up its network, and a debt grows beyond the burst only above ten times the limit.

export interface PrefixLimitOptions {
  /** Whole answers a second to one address in the long run, by the server as a whole. */
  readonly perSecond: number
  /** Whole answers at once to an address that was quiet; at least one for each worker. */
  readonly burst: number
  /** How many tables share the queries: each takes its part of the limits. */
  readonly workers: number
  readonly seed: HashSeed
  /** Places in the table. */
  readonly places: number
}

/** flood: the client's own limit, and more than ten times of it for a while. */
type LimitState = 'within' | 'limited' | 'flood'

interface PrefixLimits {
  /** Judges one answer more to the address, and charges it. */
  charge(address: Uint8Array, nowMs: number): LimitState
  /** Prefixes that were forgotten for want of room. */
  evictions(): number
  readonly octets: number
}

interface PrefixLevel {
  readonly prefixLength: number
  /** Limits of this prefix, in those of one address. */
  readonly multiple: number
  /** What one client holds: only here a flood is told from a full network. */
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

const limitedCost = 0.1

/** In bursts: where debts end, so that a flood is forgotten a burst's time after it. */
const maxDebt = 2

/** In bursts: half-way there it is a flood. */
const floodDebt = 1.5

/** Sums of floating-point milliseconds are not exact. */
const roundingMs = 1e-6

interface Meter {
  readonly seed: HashSeed
  readonly table: GcraTable
  /** What one answer costs an address. */
  readonly intervalMs: number
  readonly burstMs: number
  /** What the prefixes of the address at hand are called in the table, and what they owe, in milliseconds. */
  readonly tags: Uint32Array
  readonly debts: Float64Array
}

/** Loads with a table of their own, one a thread. */
export function createPrefixLimits(limits: PrefixLimitOptions): PrefixLimits {
  const { seed, workers, perSecond, burst, places } = limits
  const table = createGcraTable(places)
  const scale: Meter = {
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
      const ladder = address.length === 4 ? levelsV4 : levelsV6
      const load = assess(scale, ladder, address, nowMs)
      charge(scale, ladder, load, nowMs)
      return load
    },
  }
}

function assess(
  { seed, table, intervalMs, burstMs, tags, debts }: Meter,
  ladder: readonly PrefixLevel[],
  address: Uint8Array,
  nowMs: number,
): LimitState {
  let load: LimitState = 'within'
  for (let i = 0; i < ladder.length; i++) {
    const { prefixLength, multiple, isClient } = ladder[i] as PrefixLevel
    const tag = prefixHash(seed, address, prefixLength)
    const debt = table.debtMs(tag, nowMs)
    tags[i] = tag
    debts[i] = debt
    if (isClient && debt > floodDebt * burstMs) load = 'flood'
    else if (load === 'within' && isFull(debt + intervalMs / multiple, burstMs)) load = 'limited'
  }
  return load
}

function charge(
  { table, intervalMs, burstMs, tags, debts }: Meter,
  ladder: readonly PrefixLevel[],
  load: LimitState,
  nowMs: number,
): void {
  for (let i = 0; i < ladder.length; i++) {
    const costMs = intervalMs / (ladder[i] as PrefixLevel).multiple
    const tag = tags[i] as number
    const debt = debts[i] as number
    if (load === 'within') table.setDebt(tag, debt + costMs, nowMs)
    else if (isFull(debt + costMs, burstMs))
      table.setDebt(tag, Math.min(debt + limitedCost * costMs, maxDebt * burstMs), nowMs)
  }
}

const isFull = (debtMs: number, burstMs: number): boolean => debtMs > burstMs + roundingMs

// How far each prefix has run ahead of its rate: a table of fixed size, sets of four places, no chains.
//
// A place holds a tag (the prefix's hash) and the time at which the prefix owes nothing any more, GCRA's theoretical
// arrival time. A place whose time has come is free. When a set is full, who owes least makes room: strangers that
// come once never push out someone who is being limited, and what is forgotten errs on the side of answering.

const ways = 4

interface GcraTable {
  /** Milliseconds that a prefix owes; 0 for one that is not in the table. */
  debtMs(tag: number, nowMs: number): number
  /** Sets what a prefix owes. */
  setDebt(tag: number, owedMs: number, nowMs: number): void
  /** How many that still owed were pushed out. */
  evictions(): number
  /** All the memory there will ever be. */
  readonly octets: number
}

/** `places` is rounded up to a power of two. */
function createGcraTable(places: number): GcraTable {
  const count = 2 ** Math.ceil(Math.log2(Math.max(ways, places)))
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
    setDebt(tag, owedMs, nowMs) {
      const found = find(tag)
      clearAtMs[found < 0 ? makeRoom(tag, nowMs) : found] = nowMs + owedMs
    },
    evictions: () => evicted,
    octets: tags.byteLength + clearAtMs.byteLength,
  }
}

// A keyed 32-bit hash of an address prefix: HalfSipHash-1-3 (Aumasson), as kernels use it for tables that strangers
// fill. Who does not know the seed cannot choose prefixes that meet in one place of the table. Not for secrets.

/** 64 bits of chance, new for every process. */
export type HashSeed = readonly [number, number]

const finalRounds = 3

/** Hashes the first `prefixLength` bits of an address of 4 or 16 octets, its family and the length itself. */
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

/** The prefix's words, then one of family and length, then nothing. */
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
