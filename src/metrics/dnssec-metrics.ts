// Metrics of signed zones that do not come from the answering threads: the time that signatures go by, and the keys.

import type { Registry } from '@prometheus-io/client'

import type { Counters } from '../answer/counters.ts'
import { registerSampled, valueRegistrar } from './sampled-metric.ts'

export interface SigningSource {
  /** Of the time that signatures go by. */
  readonly clock: () => 'right' | 'frozen' | 'behind'
  /** A bounded number of them; times in milliseconds since 1970. */
  readonly zones: () => readonly SignedZone[]
  readonly nowMs: () => number
  /** Of zones whose parent could be asked. */
  readonly parents: () => readonly {
    readonly zone: string
    readonly kind: 'unknown' | 'none' | 'matches' | 'mismatch'
  }[]
}

interface SignedZone {
  readonly zone: string
  readonly keys: readonly {
    readonly tag: number
    readonly algorithm: number
    readonly state: string
  }[]
  readonly nextEventMs: number | null
  readonly refusal: { readonly atMs: number } | null
}

interface ZoneGauge {
  readonly name: string
  readonly help: string
  /** Milliseconds since 1970; null: the zone has no sample. */
  readonly atMs: (zone: SignedZone) => number | null
}

const zoneGauges: readonly ZoneGauge[] = [
  {
    name: 'mxsteer_dnssec_next_key_event_seconds',
    help: 'How long until an answer of the zone changes because of a key; none without such a time',
    atMs: ({ nextEventMs }) => nextEventMs,
  },
  {
    name: 'mxsteer_dnssec_keys_end_seconds',
    help: 'How long until the keys cannot sign the zone any more; 0: they go on as before, against their times',
    atMs: ({ refusal }) => refusal && refusal.atMs,
  },
]

/** Answers are signed anew each hour: a worker whose last such time is longer ago has answered nothing since. */
const idleAfterSeconds = 2 * 3600

/** The least that is left of a signature that was given of late; null: none was. */
function leastValidity(counters: readonly Counters[], nowSeconds: number): number | null {
  let least: number | null = null
  for (const one of counters) {
    const { signedUntilSeconds, signedSinceSeconds } = one.read().scalars
    const isIdle = nowSeconds - signedSinceSeconds > idleAfterSeconds
    if (signedUntilSeconds === 0 || isIdle) continue
    least = Math.min(least ?? Infinity, signedUntilSeconds - nowSeconds)
  }
  return least
}

export function registerDnssecMetrics(
  registry: Registry,
  source: SigningSource,
  counters: readonly Counters[],
): void {
  registerClockMetrics(registry, source)
  registerKeyMetrics(registry, source)
  registerParentMetric(registry, source)
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_dnssec_least_validity_seconds',
    help: 'How long the signatures are still valid that end first among those that are answered; none without',
    // Without a label a metric has a sample of 0.
    labels: ['scope'],
    sample(emit) {
      const least = leastValidity(counters, source.nowMs() / 1000)
      if (least !== null) emit({ scope: 'answers' }, least)
    },
  })
}

function registerKeyMetrics(registry: Registry, { zones, nowMs }: SigningSource): void {
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_dnssec_key_state',
    help: 'Always 1: what a key of the zone does now',
    labels: ['zone', 'tag', 'algorithm', 'state'],
    sample(emit) {
      for (const { zone, keys } of zones())
        for (const { tag, algorithm, state } of keys)
          emit({ zone, tag: String(tag), algorithm: String(algorithm), state }, 1)
    },
  })
  for (const { name, help, atMs } of zoneGauges)
    registerSampled(registry, {
      kind: 'gauge',
      name,
      help,
      labels: ['zone'],
      sample(emit) {
        for (const one of zones()) {
          const dueMs = atMs(one)
          if (dueMs !== null) emit({ zone: one.zone }, Math.max(0, dueMs - nowMs()) / 1000)
        }
      },
    })
}

const registerParentMetric = (registry: Registry, { parents }: SigningSource): void =>
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_dnssec_ds_matches',
    help: '1: each DS set at the parent leads to a key of the zone, 0: one does not; none where the parent has no DS or was not asked',
    labels: ['zone'],
    sample(emit) {
      for (const { zone, kind } of parents())
        if (kind === 'matches' || kind === 'mismatch') emit({ zone }, kind === 'matches' ? 1 : 0)
    },
  })

function registerClockMetrics(registry: Registry, { clock }: SigningSource): void {
  const register = valueRegistrar(registry)
  register(
    'gauge',
    'mxsteer_dnssec_clock_frozen',
    '1: the clock was set by more than an hour, signatures go on by the time of before',
    () => (clock() === 'frozen' ? 1 : 0),
  )
  register(
    'gauge',
    'mxsteer_dnssec_clock_behind',
    '1: the clock is before a time that has been, nothing is signed',
    () => (clock() === 'behind' ? 1 : 0),
  )
}
