// Roll-overs as planned, by operators that come back when they like, instances that get the files late, and parents that act when
// they like. A resolver has a DS, a DNSKEY set and data as old as their TTLs let it, from any instance and any server of the
// parent: the model of caches below knows nothing of how times were made.

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import {
  firstRefusal,
  isEntryPoint,
  keyRolesAt,
  type KeyTimes,
  noTimes,
  type TimedKey,
} from '../../src/dnssec/key-set.ts'
import { abortRollover, settleMs } from '../../src/dnssec/rollover/abort.ts'
import {
  beginRollover,
  type Change,
  completeRollover,
  type NewKey,
  parentDueAt,
  prepareRollover,
  type RolloverWaits,
  type RolloverWanted,
} from '../../src/dnssec/rollover/plan.ts'
import { standingAt } from '../../src/dnssec/rollover/standing.ts'
import { runs } from '../support/runs.ts'

const second = 1000
const startMs = 1_800_000_000_000
const everMs = startMs - 1_000_000_000

let tags = 0
const keyOf = ({ algorithm, flags, times }: NewKey): TimedKey => {
  const tag = ++tags
  return { algorithm, flags, times, tag, dnskey: Uint8Array.of(tag >> 16, tag >> 8, tag) }
}
const idOf = ({ tag }: TimedKey): number => tag

/** What the parent's servers have, each from a time on. */
interface DsChange {
  readonly fromMs: number
  readonly keys: readonly TimedKey[]
}

/** The files as an operator wrote them. */
interface Version {
  readonly fromMs: number
  readonly keys: readonly TimedKey[]
}

interface World {
  readonly versions: Version[]
  /** By server of the parent. */
  readonly parent: readonly DsChange[][]
  /** How long after the operator each instance has the files. */
  readonly lags: readonly number[]
  readonly ttls: { readonly dsMs: number; readonly dnskeyMs: number; readonly dataMs: number }
}

const inForce = <Entry extends { readonly fromMs: number }>(
  entries: readonly Entry[],
  atMs: number,
): Entry => entries.findLast(({ fromMs }) => fromMs <= atMs) ?? (entries[0] as Entry)

interface Served {
  readonly published: readonly TimedKey[]
  readonly keySigners: ReadonlySet<number>
  readonly dataSigners: ReadonlySet<number>
}

function servedAt({ versions }: World, lagMs: number, atMs: number): Served | string {
  const roles = keyRolesAt(inForce(versions, atMs - lagMs).keys, atMs)
  if (roles.kind === 'refused') return `${(atMs - startMs) / 3_600_000} h: ${roles.why}`
  return {
    published: roles.published,
    keySigners: new Set(roles.keySigners.map(idOf)),
    dataSigners: new Set(roles.dataSigners.map(idOf)),
  }
}

/** Times at which anything can change. */
function boundariesOf({ versions, parent, lags }: World): readonly number[] {
  const times = versions.flatMap(({ fromMs, keys }) => [
    ...lags.map((lagMs) => fromMs + lagMs),
    ...keys.flatMap(({ times: { publishMs, activateMs, inactiveMs, deleteMs } }) =>
      [publishMs, activateMs, inactiveMs, deleteMs].filter((ms) => ms !== null),
    ),
  ])
  return [...times, ...parent.flat().map(({ fromMs }) => fromMs)].filter((ms) => ms >= startMs)
}

/** What a cache may still have at a time: what there was a TTL ago, and all since. */
const kept = (atMs: number, ttlMs: number, boundaries: readonly number[]): readonly number[] => [
  Math.max(startMs, atMs - ttlMs + 1),
  ...boundaries.filter((ms) => ms > atMs - ttlMs && ms <= atMs),
]

/** The first thing that is wrong in the eyes of any resolver; null: nothing is. */
function flawOf(world: World): string | null {
  const boundaries = [...new Set(boundariesOf(world))].sort((a, b) => a - b)
  const { dsMs, dnskeyMs, dataMs } = world.ttls
  const served = new Map<string, Served | string>()
  const look = (lagMs: number, atMs: number): Served | string => {
    const key = `${lagMs} ${atMs}`
    const known = served.get(key) ?? servedAt(world, lagMs, atMs)
    served.set(key, known)
    return known
  }
  const moments = boundaries.flatMap((ms) => [
    ms,
    ms - 1,
    ...[dsMs, dnskeyMs, dataMs].flatMap((ttl) => [ms + ttl, ms + ttl - 1]),
  ])
  for (const nowMs of new Set(moments.filter((ms) => ms >= startMs))) {
    const delegations = new Set(
      kept(nowMs, dsMs, boundaries).flatMap((ms) =>
        world.parent.map((server) => inForce(server, ms).keys),
      ),
    )
    const states = (ttlMs: number): (Served | string)[] => [
      ...new Set(
        kept(nowMs, ttlMs, boundaries).flatMap((ms) => world.lags.map((lag) => look(lag, ms))),
      ),
    ]
    for (const ds of delegations)
      for (const keys of states(dnskeyMs))
        for (const data of states(dataMs)) {
          if (typeof keys === 'string') return keys
          if (typeof data === 'string') return data
          const why = refusalOf(ds, keys, data)
          if (why !== null) return `${(nowMs - startMs) / 3_600_000} h: ${why}`
        }
  }
  return null
}

/** As strict validators have it: each algorithm of the DS set and of DNSKEY has to be there (RFC 4035 §2.2). */
function refusalOf(ds: readonly TimedKey[], keys: Served, data: Served): string | null {
  const algorithms = new Set([...ds, ...keys.published].map(({ algorithm }) => algorithm))
  const named = new Set(ds.map(idOf))
  for (const algorithm of algorithms) {
    const visible = keys.published.filter((key) => key.algorithm === algorithm)
    const isAnchored = visible.some((key) => named.has(idOf(key)) && keys.keySigners.has(idOf(key)))
    if (ds.some((key) => key.algorithm === algorithm) && !isAnchored)
      return `no key of the DS signs DNSKEY by ${algorithm}`
    if (!visible.some((key) => data.dataSigners.has(idOf(key))))
      return `no key in DNSKEY signed the data by ${algorithm}`
  }
  return null
}

const hours = (max: number): fc.Arbitrary<number> =>
  fc.integer({ min: 1, max: max * 3600 }).map((seconds) => seconds * second)

const anyCase = fc.record({
  dnskeyTtlMs: hours(24),
  dataTtlMs: hours(48),
  dsTtlMs: hours(48),
  isFast: fc.boolean(),
  isSplit: fc.boolean(),
  algorithm: fc.constantFrom<13 | 15>(13, 15),
  roll: fc.constantFrom('same', 'zsk', 'algorithm'),
  hasSync: fc.boolean(),
  isImported: fc.boolean(),
  /** From one run of the command to the next. */
  visits: fc.array(hours(30), { minLength: 5, maxLength: 60 }),
  /** After the DS is due, by server of the parent. */
  parentDelays: fc.array(hours(40), { minLength: 2, maxLength: 2 }),
  lagShare: fc.double({ min: 0, max: 1, noNaN: true }),
  /** The visit at which the operator no longer wants it. */
  abortAt: fc.option(fc.integer({ min: 0, max: 12 }), { nil: null }),
})

type Case = typeof anyCase extends fc.Arbitrary<infer Value> ? Value : never

const copyMs = 600_000

class Operator {
  readonly world: World
  readonly waits: RolloverWaits
  readonly #given: Case
  keys: readonly TimedKey[]
  isDone = false
  isAborted = false
  #isPlanned = false

  constructor(given: Case) {
    const { dnskeyTtlMs, dataTtlMs, dsTtlMs, isFast, lagShare } = given
    this.#given = given
    const first = given.isImported ? null : everMs
    const flags: readonly (256 | 257)[] = given.isSplit || given.roll === 'zsk' ? [257, 256] : [257]
    this.keys = flags.map((flag) => {
      const times = { ...noTimes, publishMs: first, activateMs: first ?? everMs }
      const syncPublishMs = given.hasSync && flag === 257 ? everMs : null
      return keyOf({ algorithm: given.algorithm, flags: flag, times: { ...times, syncPublishMs } })
    })
    this.waits = {
      dnskeyTtlMs,
      longestTtlMs: Math.max(dnskeyTtlMs, dataTtlMs),
      marginMs: isFast ? 0 : 3_600_000,
      copyMs,
      canShorten: isFast,
    }
    const ds = this.keys.filter(isEntryPoint)
    this.world = {
      versions: [{ fromMs: startMs, keys: this.keys }],
      parent: [0, 1].map(() => [{ fromMs: startMs, keys: ds }]),
      lags: [0, Math.floor((lagShare * copyMs) / second) * second],
      ttls: { dsMs: dsTtlMs, dnskeyMs: dnskeyTtlMs, dataMs: Math.max(dataTtlMs, dnskeyTtlMs) },
    }
  }

  /** `npm run` once. */
  visit(nowMs: number, isAbort: boolean): void {
    const standing = standingAt(this.keys, nowMs)
    if (standing.kind === 'refused') throw new Error(standing.why)
    if (standing.kind === 'settled' || standing.kind === 'finishing') {
      const isFirst = this.world.versions.length === 1
      this.isDone = !isFirst
      if (isFirst) this.#begin(nowMs)
      else if (isAbort && standing.kind === 'finishing' && standing.roll?.kind === 'zsk')
        this.#abort(nowMs)
      return
    }
    const { roll } = standing
    if (isAbort) return this.#abort(nowMs)
    const prepared = prepareRollover(roll, this.waits, nowMs)
    const dueMs = parentDueAt(roll, this.waits)
    const wanted = roll.incoming.filter(isEntryPoint)
    const isSeen =
      nowMs >= dueMs &&
      this.world.parent.every((server) => sameKeys(inForce(server, nowMs).keys, wanted))
    if (!isSeen) return this.#write(nowMs, prepared)
    const seen = { seenMs: nowMs, dsTtlMs: this.#given.dsTtlMs }
    this.#write(nowMs, completeRollover(roll, seen, this.waits, nowMs))
  }

  #begin(nowMs: number): void {
    const { roll, isSplit, algorithm } = this.#given
    const hasTwo = isSplit || roll === 'zsk'
    const wanted: RolloverWanted =
      roll === 'algorithm'
        ? { part: null, algorithm: algorithm === 13 ? 15 : 13 }
        : { part: roll === 'zsk' ? 'zsk' : hasTwo ? 'ksk' : null, algorithm: null }
    const plan = beginRollover(this.keys, wanted, this.waits, nowMs)
    if ('kind' in plan) throw new Error(plan.why)
    this.#write(nowMs, plan.changed, plan.created.map(keyOf))
  }

  /** Whatever cannot be aborted any more goes on. */
  #abort(nowMs: number): void {
    const standing = standingAt(this.keys, nowMs)
    const roll = standing.kind === 'rolling' || standing.kind === 'finishing' ? standing.roll : null
    if (roll === null) return
    const news = roll.incoming.filter(isEntryPoint).map(idOf)
    const hasNewDs = this.world.parent.some((server) =>
      inForce(server, nowMs).keys.some((key) => news.includes(idOf(key))),
    )
    const seen = { hasNewDs, dsTtlMs: this.#given.dsTtlMs }
    const aborted = abortRollover(roll, seen, this.waits, nowMs)
    if (aborted.kind === 'refused') return
    this.isAborted ||= aborted.kind === 'aborted'
    this.#write(nowMs, aborted.changed)
    // A parent that was never told, or has had its day, does nothing more.
    if (aborted.kind === 'aborted')
      for (const server of this.world.parent)
        while ((server.at(-1)?.fromMs ?? 0) > nowMs) server.pop()
    // What the parent reads from now on is the old request again: within a day it has the old DS, whatever it did before.
    if (aborted.kind === 'settling')
      for (const server of this.world.parent) {
        const coming = server.filter(({ fromMs }) => fromMs > nowMs).length
        const isNew = coming > 0 || hasNewDs
        if (!isNew) continue
        const old = (server[0] as DsChange).keys
        const last = server.at(-1) as DsChange
        if (last.fromMs > nowMs + settleMs / 2) server.pop()
        if (server.length > 1)
          server.push({ fromMs: Math.max(last.fromMs, nowMs) + settleMs / 2 - second, keys: old })
        server.sort((a, b) => a.fromMs - b.fromMs)
      }
  }

  #write(
    nowMs: number,
    changed: readonly Change<TimedKey>[],
    created: readonly TimedKey[] = [],
  ): void {
    const timesOf = new Map<TimedKey, KeyTimes>(changed.map(({ key, times }) => [key, times]))
    const before = this.keys
    const changedKeys = before.map((key) => {
      const times = timesOf.get(key)
      return times === undefined ? key : { ...key, times }
    })
    this.keys = [...changedKeys, ...created]
    this.world.versions.push({ fromMs: nowMs, keys: this.keys })
    this.#tellParent()
  }

  /** The parent acts once on what it is told, each of its servers at a time of its own. */
  #tellParent(): void {
    const wanted = this.keys.filter(
      (key) => isEntryPoint(key) && key.times.syncPublishMs !== null && key.times.deleteMs === null,
    )
    const incoming = wanted.filter(
      (key) => !this.world.versions[0]?.keys.some((old) => old.tag === key.tag),
    )
    const [first] = incoming
    if (first === undefined || this.#isPlanned) return
    this.#isPlanned = true
    for (const [i, server] of this.world.parent.entries()) {
      const delay = this.#given.parentDelays[i] ?? 0
      server.push({ fromMs: (first.times.syncPublishMs ?? 0) + delay, keys: [first] })
    }
  }
}

const sameKeys = (a: readonly TimedKey[], b: readonly TimedKey[]): boolean =>
  a.length === b.length && a.every((key) => b.some(({ tag }) => tag === key.tag))

function run(given: Case): Operator {
  const operator = new Operator(given)
  let nowMs = startMs
  for (const [i, waitMs] of given.visits.entries()) {
    nowMs += waitMs
    operator.visit(nowMs, given.abortAt !== null && i > given.abortAt && !operator.isAborted)
    if (operator.isDone || operator.isAborted) break
  }
  return operator
}

describe('any roll-over, however its operator, instances and parent delay it', () => {
  const seen = { done: 0, aborted: 0, open: 0 }

  test('is never refused, and never bogus for any cache', () => {
    fc.assert(
      fc.property(anyCase, (given) => {
        const operator = run(given)
        seen[operator.isAborted ? 'aborted' : operator.isDone ? 'done' : 'open']++
        expect(firstRefusal(operator.keys, startMs)).toBeNull()
        expect(flawOf(operator.world)).toBeNull()
      }),
      { numRuns: runs(4000) },
    )
    expect(Math.min(seen.done, seen.aborted)).toBeGreaterThan(20)
  })

  test('is aborted for caches too, where a parent takes longer than its day to change back', () => {
    const visits = [1, 1, 26_419, 16, 77_141, 23_791, 20_858, 65_047, 103_228, 1, 1, 1, 1, 1]
    const operator = run({
      dnskeyTtlMs: 1000,
      dataTtlMs: 1000,
      dsTtlMs: 601_000,
      isFast: false,
      isSplit: false,
      algorithm: 13,
      roll: 'same',
      hasSync: false,
      isImported: false,
      lagShare: 0,
      visits: visits.map((seconds) => seconds * second),
      parentDelays: [139_504_000, 1000],
      abortAt: 3,
    })
    expect(operator.isAborted).toBe(true)
    expect(flawOf(operator.world)).toBeNull()
  })
})
