// How far each prefix has run ahead of its rate: a table of fixed size, sets of four places, no chains.
//
// A place holds a tag (the prefix's hash) and the time at which the prefix owes nothing any more, GCRA's theoretical
// arrival time. A place whose time has come is free. When a set is full, who owes least makes room: strangers that
// come once never push out someone who is being limited, and what is forgotten errs on the side of answering.

const ways = 4

export interface DebtTable {
  /** Milliseconds that a prefix owes; 0 for one that is not in the table. */
  owed(tag: number, nowMs: number): number
  /** Sets what a prefix owes. */
  owe(tag: number, owedMs: number, nowMs: number): void
  /** How many that still owed were pushed out. */
  evictions(): number
  /** All the memory there will ever be. */
  readonly octets: number
}

/** `places` is rounded up to a power of two. */
export function createDebtTable(places: number): DebtTable {
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
    owed(tag, nowMs) {
      const at = find(tag)
      return at < 0 ? 0 : Math.max(0, (clearAtMs[at] as number) - nowMs)
    },
    owe(tag, owedMs, nowMs) {
      const found = find(tag)
      clearAtMs[found < 0 ? makeRoom(tag, nowMs) : found] = nowMs + owedMs
    },
    evictions: () => evicted,
    octets: tags.byteLength + clearAtMs.byteLength,
  }
}
