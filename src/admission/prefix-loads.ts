// How much of its limits an address uses, and each network around it: a ladder of prefixes, each with a GCRA.
//
//   IPv4   /32 ×1   /24 ×32   /20 ×256   /18 ×768
//   IPv6   /128 ×1  /64 ×2    /56 ×3     /48 ×4    /32 ×64
//
// An answer that all rungs allow is charged to all. One that some do not allow is charged to those alone, a tenth: so
// a flood on one address does not use up its network, and a debt grows beyond the burst only above ten times the limit.

import { type DebtTable, createDebtTable } from './debt-table.ts'
import { type HashSeed, prefixHash } from './prefix-hash.ts'

export interface Limits {
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
export type Load = 'within' | 'limited' | 'flood'

export interface PrefixLoads {
  /** Judges one answer more to the address, and charges it. */
  add(address: Uint8Array, nowMs: number): Load
  /** Prefixes that were forgotten for want of room. */
  evictions(): number
  readonly octets: number
}

interface Rung {
  readonly prefixLength: number
  /** Limits of this prefix, in those of one address. */
  readonly multiple: number
  /** What one client holds: only here a flood is told from a full network. */
  readonly isClient: boolean
}

const rung = (prefixLength: number, multiple: number, isClient = false): Rung => ({
  prefixLength,
  multiple,
  isClient,
})
const ladderV4 = [rung(32, 1, true), rung(24, 32), rung(20, 256), rung(18, 768)]
const ladderV6 = [rung(128, 1, true), rung(64, 2, true), rung(56, 3), rung(48, 4), rung(32, 64)]

const limitedCost = 0.1
/** In bursts: where debts end, so that a flood is forgotten a burst's time after it. */
const maxDebt = 2
/** In bursts: half-way there it is a flood. */
const floodDebt = 1.5
/** Sums of floating-point milliseconds are not exact. */
const roundingMs = 1e-6

interface Scale {
  readonly seed: HashSeed
  readonly table: DebtTable
  /** What one answer costs an address. */
  readonly intervalMs: number
  readonly burstMs: number
  /** What the prefixes of the address at hand are called in the table, and what they owe, in milliseconds. */
  readonly tags: Uint32Array
  readonly debts: Float64Array
}

/** Loads with a table of their own, one a thread. */
export function createPrefixLoads(limits: Limits): PrefixLoads {
  const { seed, workers, perSecond, burst, places } = limits
  const table = createDebtTable(places)
  const scale: Scale = {
    seed,
    table,
    intervalMs: (1000 * workers) / perSecond,
    burstMs: (1000 * burst) / perSecond,
    tags: new Uint32Array(ladderV6.length),
    debts: new Float64Array(ladderV6.length),
  }
  return {
    octets: table.octets,
    evictions: () => table.evictions(),
    add(address, nowMs) {
      const ladder = address.length === 4 ? ladderV4 : ladderV6
      const load = weigh(scale, ladder, address, nowMs)
      charge(scale, ladder, load, nowMs)
      return load
    },
  }
}

function weigh(
  { seed, table, intervalMs, burstMs, tags, debts }: Scale,
  ladder: readonly Rung[],
  address: Uint8Array,
  nowMs: number,
): Load {
  let load: Load = 'within'
  for (let i = 0; i < ladder.length; i++) {
    const { prefixLength, multiple, isClient } = ladder[i] as Rung
    const tag = prefixHash(seed, address, prefixLength)
    const debt = table.owed(tag, nowMs)
    tags[i] = tag
    debts[i] = debt
    if (isClient && debt > floodDebt * burstMs) load = 'flood'
    else if (load === 'within' && isFull(debt + intervalMs / multiple, burstMs)) load = 'limited'
  }
  return load
}

function charge(
  { table, intervalMs, burstMs, tags, debts }: Scale,
  ladder: readonly Rung[],
  load: Load,
  nowMs: number,
): void {
  for (let i = 0; i < ladder.length; i++) {
    const costMs = intervalMs / (ladder[i] as Rung).multiple
    const tag = tags[i] as number
    const debt = debts[i] as number
    if (load === 'within') table.owe(tag, debt + costMs, nowMs)
    else if (isFull(debt + costMs, burstMs))
      table.owe(tag, Math.min(debt + limitedCost * costMs, maxDebt * burstMs), nowMs)
  }
}

const isFull = (debtMs: number, burstMs: number): boolean => debtMs > burstMs + roundingMs
