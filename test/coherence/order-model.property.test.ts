// Senders that keep policies of MTA-STS for their max_age, TLSA and MX for their TTL, and an operator who changes names,
// policies, records and certificates at random times. Whoever does nothing that the guard speaks of never has a sender to
// whom two of them exclude each other; and every step that makes it so is one that the guard speaks of.

import fc from 'fast-check'
import { expect, it } from 'vitest'

import { judgeZones } from '../../src/coherence/guard.ts'
import { type HandedOut, handOut, nothingHanded } from '../../src/coherence/handed-out.ts'
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

/** The server, what its target presents, and the caches of senders. */
class World {
  nowMs = 1_800_000_000_000
  handed: HandedOut = nothingHanded
  files: Files
  key: string
  tlsa: Held<readonly string[]>[] = []
  policies: Held<MtaStsPolicy>[] = []
  mx: Held<readonly string[]>[] = []

  constructor(files: Files, key: string) {
    this.files = files
    this.key = key
    this.handed = handOut(this.handed, [mailOf(files)], this.nowMs)
    this.fetch()
  }

  /** Some sender asks for everything now. */
  fetch(): void {
    const { records, policy, exchanges } = this.files
    const hold = <T>(value: T, seconds: number): Held<T> => ({
      value,
      untilMs: this.nowMs + seconds * 1000,
    })
    this.tlsa.push(hold(records, ttlSeconds))
    this.mx.push(hold(exchanges, ttlSeconds))
    if (policy !== null) this.policies.push(hold(policy, policy.maxAgeSeconds))
  }

  advance(seconds: number): void {
    this.nowMs += seconds * 1000
    const isHeld = ({ untilMs }: Held<unknown>): boolean => untilMs > this.nowMs
    this.tlsa = this.tlsa.filter(isHeld)
    this.policies = this.policies.filter(isHeld)
    this.mx = this.mx.filter(isHeld)
  }

  restart(): void {
    const read = decodeState(encodeState({ ...emptyState, handed: this.handed }, this.nowMs))
    if (read.kind !== 'state') throw new Error(read.why)
    this.handed = handOut(read.state.handed, [mailOf(this.files)], this.nowMs)
  }

  /** What the guard says of other files. */
  judge(files: Files): readonly string[] {
    const presentedOf = () => [certificateOf(this.key)]
    const found = judgeZones(this.handed, [mailOf(files)], { presentedOf, nowMs: this.nowMs })
    return found.map(({ message }) => message)
  }

  isSafeToPresent(key: string): boolean {
    const handed = this.handed.tlsa.filter(({ target }) => target === 'mx1')
    if (handed.length === 0) return true
    return (inCachesFromMs(handed, recordOf(key), this.nowMs) ?? Infinity) <= this.nowMs
  }

  edit(files: Files): void {
    this.files = files
    this.handed = handOut(this.handed, [mailOf(files)], this.nowMs)
  }

  /** Pairs that exclude each other, of what is served and what caches hold. */
  conflicts(): ReadonlySet<string> {
    const { records, policy, exchanges } = this.files
    const sets = [records, ...this.tlsa.map(({ value }) => value)]
    const policies = [
      ...(policy === null ? [] : [policy]),
      ...this.policies.map((one) => one.value),
    ]
    const names = new Set([exchanges, ...this.mx.map(({ value }) => value)].flat())
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
  | { readonly kind: 'edit'; readonly files: Files }
  | { readonly kind: 'present'; readonly key: string }
  | { readonly kind: 'restart' }

const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('wait' as const),
    seconds: fc.oneof(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 100, max: 2500 })),
  }),
  fc.record({ kind: fc.constant('edit' as const), files: fileSets }),
  fc.record({ kind: fc.constant('present' as const), key: fc.constantFrom(...keys) }),
  fc.constant({ kind: 'restart' as const }),
)

const walks = fc.array(steps, { minLength: 5, maxLength: 40 })

it('excludes nobody where everything is done that the guard says nothing of', () => {
  let done = { edits: 0, presented: 0, refused: 0 }
  fc.assert(
    fc.property(
      // A world is a state that steps change: each run builds its own.
      fileSets,
      walks,
      (files, walk) => {
        const first = keys[0] as string
        const world = new World({ ...files, records: [recordOf(first)] }, first)
        for (const step of walk) {
          world.fetch()
          switch (step.kind) {
            case 'wait':
              world.advance(step.seconds)
              break
            case 'restart':
              world.restart()
              break
            case 'edit':
              if (world.judge(step.files).length > 0) done = { ...done, refused: done.refused + 1 }
              else {
                world.edit(step.files)
                done = { ...done, edits: done.edits + 1 }
              }
              break
            case 'present':
              if (world.isSafeToPresent(step.key) && world.key !== step.key) {
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
})

it('speaks of every step that makes two of them exclude each other', () => {
  let conflicts = 0
  fc.assert(
    fc.property(fileSets, walks, (files, walk) => {
      const first = keys[0] as string
      const world = new World({ ...files, records: [recordOf(first)] }, first)
      for (const step of walk) {
        world.fetch()
        if (step.kind === 'wait') world.advance(step.seconds)
        if (step.kind === 'restart') world.restart()
        const before = world.conflicts()
        let isSpokenOf = true
        if (step.kind === 'edit') {
          isSpokenOf = world.judge(step.files).length > 0
          world.edit(step.files)
        } else if (step.kind === 'present') {
          isSpokenOf = !world.isSafeToPresent(step.key)
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
