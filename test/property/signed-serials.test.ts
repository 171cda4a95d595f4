// The serial that a signed zone answers, over any order of changes, turns, reloads and restarts of several instances, with
// the store and without: on no instance does it go back, it moves with content and with signatures, and instances that
// have the same content come to the same one.

import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { answeredSerial, gridSecondsOf, turnsAt } from '../../src/lib/signing-grid.ts'
import { beginSerials, isAfter, type ZoneSerial } from '../../src/lib/zone-serials.ts'
import { decodeState, emptyState, encodeState } from '../../src/persistence/state-format.ts'
import { runs } from '../support/runs.ts'

const zone = 'signed.example.test'
const startSeconds = 1_795_910_400

/** `validityDays` 0: not signed. */
interface Content {
  readonly digest: string
  readonly validityDays: number
  readonly changedSeconds: number
}

interface Answered {
  readonly serial: number
  readonly digest: string
  /** How often signatures were made anew until then; null: there are none. */
  readonly turn: number | null
}

class Instance {
  own: ZoneSerial | undefined
  content: Content
  last: Answered | null = null
  constructor(content: Content) {
    this.content = content
  }

  signing(): { validitySeconds: number; isSerialFixed: boolean } | null {
    const { validityDays } = this.content
    return validityDays === 0
      ? null
      : { validitySeconds: validityDays * 86_400, isSerialFixed: false }
  }

  load(nowSeconds: number, shared: ZoneSerial | null | undefined): void {
    const signing = this.signing()
    const known = {
      own: new Map(this.own ? [[zone, this.own]] : []),
      shared: shared === undefined ? null : new Map(shared ? [[zone, shared]] : []),
    }
    const round = beginSerials(known, nowSeconds * 1000)
    round.assign(zone, {
      digest: this.content.digest,
      changedMs: this.content.changedSeconds * 1000,
      gridSeconds: signing ? gridSecondsOf(signing.validitySeconds) : undefined,
    })
    this.own = round.close().get(zone)
  }

  restart(): void {
    const serials = new Map(this.own ? [[zone, this.own]] : [])
    const decoded = decodeState(encodeState({ ...emptyState, serials }, 0))
    if (decoded.kind === 'bad') throw new Error(decoded.why)
    this.own = decoded.state.serials.get(zone)
  }

  answer(nowSeconds: number): Answered {
    const signing = this.signing()
    const serial = answeredSerial({ serial: this.own?.serial ?? 0, signing }, nowSeconds)
    const turn = signing && turnsAt(gridSecondsOf(signing.validitySeconds), nowSeconds)
    return { serial, digest: this.content.digest, turn }
  }
}

/** What the store keeps: the greatest serial (cluster/shared-serials.ts). */
function stored(shared: ZoneSerial | null, own: ZoneSerial | undefined): ZoneSerial | null {
  if (own === undefined) return shared
  return shared === null || isAfter(own.serial, shared.serial) ? own : shared
}

const step = fc.record({
  kind: fc.constantFrom('time', 'time', 'change', 'take', 'restart', 'reload'),
  instance: fc.nat(2),
  seconds: fc.oneof(fc.nat(600), fc.nat(90_000)),
  /** Of a changed file: how long ago that was. */
  age: fc.oneof(fc.constant(0), fc.nat(200_000)),
  validityDays: fc.constantFrom(0, 1, 3, 3, 3, 30),
})

interface Fleet {
  readonly instances: readonly Instance[]
  readonly isShared: boolean
  nowSeconds: number
  shared: ZoneSerial | null
}

function load(fleet: Fleet, instance: Instance): void {
  instance.load(fleet.nowSeconds, fleet.isShared ? fleet.shared : undefined)
  if (fleet.isShared) fleet.shared = stored(fleet.shared, instance.own)
}

function check(fleet: Fleet): void {
  for (const instance of fleet.instances) {
    const { last } = instance
    const now = instance.answer(fleet.nowSeconds)
    instance.last = now
    if (last === null) continue
    const isMoved = last.digest !== now.digest || last.turn !== now.turn
    const isRight = isAfter(now.serial, last.serial) || (!isMoved && now.serial === last.serial)
    expect(isRight ? null : { last, now }).toBeNull()
  }
}

/** All take the newest content, and what they are behind of in the store. */
function settle(fleet: Fleet, newest: Content): void {
  for (let round = 0; round < 3; round++)
    for (const instance of fleet.instances) {
      instance.content = newest
      load(fleet, instance)
      check(fleet)
    }
}

test('any order of events', () => {
  let moved = 0
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 5, maxLength: 40 }),
      fc.boolean(),
      fc.constantFrom(0, 3),
      (steps, isShared, validityDays) => {
        let newest: Content = {
          digest: 'content0'.padEnd(16, '-'),
          validityDays,
          changedSeconds: startSeconds - 1e6,
        }
        const instances = Array.from({ length: isShared ? 3 : 1 }, () => new Instance(newest))
        const fleet: Fleet = { instances, isShared, nowSeconds: startSeconds, shared: null }
        for (const instance of instances) load(fleet, instance)
        for (const [i, { kind, seconds, age, ...one }] of steps.entries()) {
          const instance = instances[one.instance % instances.length] as Instance
          if (kind === 'time') fleet.nowSeconds += seconds
          else if (kind === 'restart') instance.restart()
          else if (kind === 'change')
            newest = {
              digest: `content${i + 1}`.padEnd(16, '-'),
              validityDays: one.validityDays,
              changedSeconds: fleet.nowSeconds - age,
            }
          if (kind === 'take') instance.content = newest
          if (kind !== 'time' && kind !== 'change') load(fleet, instance)
          check(fleet)
        }
        settle(fleet, newest)
        const ends = instances.map((instance) => instance.answer(fleet.nowSeconds).serial)
        expect(new Set(ends).size).toBe(1)
        if (ends[0] !== startSeconds) moved++
      },
    ),
    { numRuns: runs(5000) },
  )
  expect(moved).toBeGreaterThan(runs(2500))
})
