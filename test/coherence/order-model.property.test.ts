// Senders that keep policies of MTA-STS for their max_age, TLSA and MX for their TTL, instances that share what they have
// handed out, and an operator who changes names, policies, records and certificates at random times, on one instance after
// the other. Whoever does nothing that the guard speaks of never has a sender to
// whom two of them exclude each other; and every step that makes it so is one that the guard speaks of.

import fc from 'fast-check'
import { expect, it } from 'vitest'

import { judgeZones } from '../../src/coherence/guard.ts'
import { type HandedOut, handOut, nothingHanded } from '../../src/coherence/handed-out.ts'
import {
  byZone,
  type HandedItem,
  joinItems,
  keyOfItem,
  learn,
  withTimes,
} from '../../src/coherence/shared-handed.ts'
import { inCachesFromMs, matchTlsa } from '../../src/coherence/tlsa-order.ts'
import type { ZoneMail } from '../../src/coherence/zone-mail.ts'
import type { PresentedCertificate } from '../../src/health/tls-report.ts'
import { isAllowed, type MtaStsPolicy, policyId } from '../../src/zone/mta-sts/policy.ts'
import { decodeState, emptyState, encodeState } from '../../src/persistence/state-format.ts'
import { runs } from '../support/runs.ts'

const zone = 'smtp.example.test'
const domain = 'example.test'
const ttlSeconds = 60

const keys = ['a', 'b', 'c'].map((letter) => letter.repeat(64))
const recordOf = (key: string): string => `3 1 1 ${key}`
const certificateOf = (key: string): PresentedCertificate => ({
  names: [],
  chain: [{ '0 1': '', '0 2': '', '1 1': key, '1 2': '' }],
})

/** What the files say. */
interface Files {
  readonly records: readonly string[]
  readonly policy: MtaStsPolicy | null
  readonly exchanges: readonly string[]
}

const mailOf = ({ records, policy, exchanges }: Files): ZoneMail => ({
  zone,
  isSigned: true,
  ttlSeconds,
  forcedUntilMs: null,
  targets: exchanges.map((exchange, i) => ({
    name: exchange.split('.', 1).join(),
    exchange,
    addresses: [],
    // One of them is enough: what holds for one holds for each.
    tlsa: i === 0 ? records : [],
    next: [],
    tlsaTtlSeconds: ttlSeconds,
    isInSpf: false,
  })),
  steerings: [
    {
      name: 'inbound',
      mx: { names: [domain], count: 1 },
      relays: { names: [], count: 0 },
      targets: exchanges.map((exchange) => exchange.split('.', 1).join()),
    },
  ],
  policies:
    policy === null ? [] : [{ ...policy, domain, exchanges, isHere: false, id: policyId(policy) }],
})

interface Held<T> {
  readonly value: T
  readonly untilMs: number
}

interface Instance {
  handed: HandedOut
  files: Files
}

const leaseMs = 60_000

/** The instances, what their target presents, and the caches of senders. */
class World {
  nowMs = 1_800_000_000_000
  readonly instances: readonly Instance[]
  /** Sealed, by key. */
  readonly store = new Map<string, HandedItem>()
  key: string
  tlsa: Held<readonly string[]>[] = []
  policies: Held<MtaStsPolicy>[] = []
  mx: Held<readonly string[]>[] = []

  constructor(files: Files, key: string, instances: number) {
    this.key = key
    this.instances = Array.from({ length: instances }, () => ({ files, handed: nothingHanded }))
    for (const instance of this.instances) this.edit(instance, files)
    this.fetch()
  }

  /** Some senders ask for everything now. */
  fetch(): void {
    const hold = <T>(value: T, seconds: number): Held<T> => ({
      value,
      untilMs: this.nowMs + seconds * 1000,
    })
    for (const { records, policy, exchanges } of new Set(this.instances.map((one) => one.files))) {
      this.tlsa.push(hold(records, ttlSeconds))
      this.mx.push(hold(exchanges, ttlSeconds))
      if (policy !== null) this.policies.push(hold(policy, policy.maxAgeSeconds))
    }
    this.share()
  }

  share(): void {
    for (const { handed } of this.instances)
      for (const item of byZone(handed).get(zone) ?? []) {
        const ended = withTimes(item, ({ firstMs, lastMs }) => ({
          firstMs,
          lastMs: lastMs ?? this.nowMs + leaseMs,
        }))
        const there = this.store.get(keyOfItem(item))
        this.store.set(keyOfItem(item), there ? joinItems(there, ended) : ended)
      }
  }

  advance(seconds: number): void {
    this.nowMs += seconds * 1000
    const isHeld = ({ untilMs }: Held<unknown>): boolean => untilMs > this.nowMs
    this.tlsa = this.tlsa.filter(isHeld)
    this.policies = this.policies.filter(isHeld)
    this.mx = this.mx.filter(isHeld)
  }

  instance(index: number): Instance {
    return this.instances[index % this.instances.length] as Instance
  }

  at(index: number): readonly Instance[] {
    return index < this.instances.length ? [this.instance(index)] : this.instances
  }

  /** With its state file, or where there are others without one. */
  restart(instance: Instance, isForgetful: boolean): void {
    const { handed } = instance
    const kept = isForgetful && this.instances.length > 1 ? nothingHanded : handed
    const read = decodeState(encodeState({ ...emptyState, handed: kept }, this.nowMs))
    if (read.kind !== 'state') throw new Error(read.why)
    instance.handed = read.state.handed
    this.learn(instance)
    instance.handed = handOut(instance.handed, [mailOf(instance.files)], this.nowMs)
  }

  learn(instance: Instance): void {
    if (this.instances.length === 1) return
    const shared = [...this.store.values()].map((item) => ({ ...item, isProven: true }))
    instance.handed = learn(instance.handed, new Map([[zone, shared]]), [zone])
  }

  /** What the guard of an instance says of other files. */
  judge(instance: Instance, files: Files): readonly string[] {
    const presentedOf = () => [certificateOf(this.key)]
    const { nowMs } = this
    this.learn(instance)
    const found = judgeZones(instance.handed, [mailOf(files)], { presentedOf, nowMs })
    return found.map(({ message }) => message)
  }

  /** As one instance says. */
  isSafeToPresent(instance: Instance, key: string): boolean {
    this.learn(instance)
    const handed = instance.handed.tlsa.filter(({ target }) => target === 'mx1')
    if (handed.length === 0) return true
    return (inCachesFromMs(handed, recordOf(key), this.nowMs) ?? Infinity) <= this.nowMs
  }

  edit(instance: Instance, files: Files): void {
    instance.files = files
    instance.handed = handOut(instance.handed, [mailOf(files)], this.nowMs)
    this.share()
  }

  /** Pairs that exclude each other, of what is served and what caches hold. */
  conflicts(): ReadonlySet<string> {
    const served = this.instances.map((one) => one.files)
    const sets = [...served.map((one) => one.records), ...this.tlsa.map(({ value }) => value)]
    const policies = [
      ...served.flatMap(({ policy }) => policy ?? []),
      ...this.policies.map((one) => one.value),
    ]
    const names = new Set(
      [...served.map((one) => one.exchanges), ...this.mx.map(({ value }) => value)].flat(),
    )
    const found = new Set<string>()
    for (const set of sets)
      if (set.length > 0 && matchTlsa(set, certificateOf(this.key)) !== 'match')
        found.add(`${set.join()} ${this.key}`)
    for (const one of policies)
      for (const name of names)
        if (one.mode === 'enforce' && !isAllowed(one.patterns, name))
          found.add(`${policyId(one)} ${name}`)
    return found
  }
}

const exchange = fc.constantFrom('mx1', 'mx2', 'mx3', 'mx4').map((name) => `${name}.${zone}`)

/** The first one is always there: its TLSA are those that are looked at. */
const exchangeSets = fc
  .uniqueArray(exchange, { maxLength: 3 })
  .map((names) => [...new Set([`mx1.${zone}`, ...names])])

const policyOf = (exchanges: readonly string[]): fc.Arbitrary<MtaStsPolicy | null> =>
  fc.option(
    fc.record({
      mode: fc.constantFrom('enforce', 'enforce', 'testing', 'none'),
      maxAgeSeconds: fc.constantFrom(30, 300, 2000),
      // A policy that leaves out exchanges of its own file is refused or warned of there.
      patterns: fc
        .oneof(fc.constant([`*.${zone}`]), fc.uniqueArray(exchange, { maxLength: 4 }))
        .map((more) => [...new Set([...exchanges, ...more])]),
    }),
  )

const fileSets: fc.Arbitrary<Files> = exchangeSets.chain((exchanges) =>
  fc.record({
    records: fc.subarray(keys).map((some) => some.map(recordOf)),
    policy: policyOf(exchanges),
    exchanges: fc.constant(exchanges),
  }),
)

type Step =
  | { readonly kind: 'wait'; readonly seconds: number }
  | { readonly kind: 'edit'; readonly at: number; readonly files: Files }
  | { readonly kind: 'present'; readonly at: number; readonly key: string }
  | { readonly kind: 'restart'; readonly at: number; readonly isForgetful: boolean }

/** An instance; beyond them: each, one after the other. */
const at = fc.nat({ max: 5 })

const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('wait' as const),
    seconds: fc.oneof(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 100, max: 2500 })),
  }),
  fc.record({ kind: fc.constant('edit' as const), at, files: fileSets }),
  fc.record({ kind: fc.constant('present' as const), at, key: fc.constantFrom(...keys) }),
  fc.record({ kind: fc.constant('restart' as const), at, isForgetful: fc.boolean() }),
)

const walks = fc.array(steps, { minLength: 5, maxLength: 40 })

const fleets = [
  ['one instance', 1],
  ['three instances', 3],
] as const

it.each(fleets)(
  '%s: excludes nobody where everything is done that the guard says nothing of',
  (_, size) => {
    let done = { edits: 0, presented: 0, refused: 0 }
    fc.assert(
      fc.property(
        // A world is a state that steps change: each run builds its own.
        fileSets,
        walks,
        (files, walk) => {
          const first = keys[0] as string
          const world = new World({ ...files, records: [recordOf(first)] }, first, size)
          for (const step of walk) {
            world.fetch()
            switch (step.kind) {
              case 'wait':
                world.advance(step.seconds)
                break
              case 'restart':
                world.restart(world.instance(step.at), step.isForgetful)
                break
              case 'edit':
                for (const instance of world.at(step.at))
                  if (world.judge(instance, step.files).length > 0)
                    done = { ...done, refused: done.refused + 1 }
                  else {
                    world.edit(instance, step.files)
                    done = { ...done, edits: done.edits + 1 }
                  }
                break
              case 'present':
                if (
                  world.isSafeToPresent(world.instance(step.at), step.key) &&
                  world.key !== step.key
                ) {
                  world.key = step.key
                  done = { ...done, presented: done.presented + 1 }
                }
                break
              default:
                step satisfies never
            }
            expect([...world.conflicts()]).toEqual([])
          }
        },
      ),
      { numRuns: runs(2000) },
    )
    // The guard lets pass what is safe.
    expect(Math.min(...Object.values(done))).toBeGreaterThan(10)
  },
)

it.each(fleets)('%s: speaks of every step that makes two of them exclude each other', (_, size) => {
  let conflicts = 0
  fc.assert(
    fc.property(fileSets, walks, (files, walk) => {
      const first = keys[0] as string
      const world = new World({ ...files, records: [recordOf(first)] }, first, size)
      for (const step of walk) {
        world.fetch()
        if (step.kind === 'wait') world.advance(step.seconds)
        if (step.kind === 'restart') world.restart(world.instance(step.at), step.isForgetful)
        const before = world.conflicts()
        let isSpokenOf = true
        if (step.kind === 'edit') {
          const instance = world.instance(step.at)
          isSpokenOf = world.judge(instance, step.files).length > 0
          world.edit(instance, step.files)
        } else if (step.kind === 'present') {
          isSpokenOf = !world.isSafeToPresent(world.instance(step.at), step.key)
          world.key = step.key
        }
        const made = [...world.conflicts()].filter((one) => !before.has(one))
        conflicts += made.length
        if (made.length > 0) expect({ step, made, isSpokenOf }).toMatchObject({ isSpokenOf: true })
      }
    }),
    { numRuns: runs(2000) },
  )
  expect(conflicts).toBeGreaterThan(100)
})
