// What is recorded while the server runs, for the console: what probes saw, and what was asked and answered.

import type { Counters } from '../../answer/counters.ts'
import type { Outcome } from '../../health/outcome.ts'
import type { SlotState } from '../../health/table.ts'
import { effectOf } from '../../health/verdict.ts'
import { ProbeHistory } from '../../history/probe-history.ts'
import { TrafficHistory, type TrafficTotals } from '../../history/traffic-history.ts'
import { alignedInterval, type Clock } from '../../lib/clock.ts'
import { type ProbesCounted, trafficTotals } from '../../metrics/traffic-totals.ts'
import type { WatchedAddress } from '../../probe/smtp/profile.ts'
import type { Settings } from '../../settings/settings.ts'
import { slotKey } from '../../watch/slot-key.ts'
import type { ZoneKeeper } from '../../zonefile/zone-keeper.ts'

export interface Recorders {
  readonly history: ProbeHistory
  readonly traffic: TrafficHistory
  /** What workers and prober have counted since the start, as it was within the last second. */
  totals(): TrafficTotals
  /** Samples from now on, until the process ends. */
  begin(probing: () => ProbesCounted): void
}

interface RecorderInputs {
  readonly clock: Clock
  readonly zones: Pick<ZoneKeeper, 'current'>
}

const sampleEveryMs = 10_000
const freshMs = 1000

const noProbes = (): ProbesCounted => ({ started: 0, late: 0 })

export function openRecorders(
  { historyAddresses }: Pick<Settings, 'historyAddresses'>,
  { clock, zones }: RecorderInputs,
  counters: readonly Counters[],
): Recorders {
  const traffic = new TrafficHistory(clock.wallMs())
  let probing = noProbes
  const read = (): TrafficTotals => {
    const targets = zones.current().targets.map(({ target }) => target.index)
    return trafficTotals(counters, targets, probing())
  }
  const sample = (): void => traffic.sample(read(), clock.wallMs())
  let last = { totals: read(), atMs: clock.monotonicMs() }
  return {
    history: new ProbeHistory(historyAddresses),
    traffic,
    totals() {
      const atMs = clock.monotonicMs()
      // The sums are over all targets of all workers.
      if (atMs - last.atMs >= freshMs) last = { totals: read(), atMs }
      return last.totals
    },
    begin(counted) {
      probing = counted
      sample()
      alignedInterval(sampleEveryMs, sample)
    },
  }
}

/** Has the history follow these addresses. To be called before any of them is probed. */
export const watchHistory = (
  { history }: Pick<Recorders, 'history'>,
  watched: readonly WatchedAddress[],
): void => history.update(watched.map((one) => ({ slot: one.slot, key: slotKey(one) })))

/** Counts the outcome of a probe, unless it says nothing of the target. `state`: of its slot, as it is published. */
export function recordOutcome(
  { history, clock }: Pick<Recorders, 'history'> & { readonly clock: Clock },
  { slot, profile }: WatchedAddress,
  { outcome, state }: { readonly outcome: Outcome; readonly state: SlotState },
): void {
  const { verdict } = effectOf(outcome, { requiresTls: profile.tls.isRequired })
  if (verdict === 'unknown') return
  const { durationMs } = outcome
  history.observe(slot, { isGood: verdict === 'pass', durationMs, state }, clock.wallMs())
}
