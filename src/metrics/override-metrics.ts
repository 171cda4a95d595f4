// Metrics of overrides, of the effective weights that members have under them, and of the answers
// that followed.

import type { Registry } from '@prometheus-io/client'

import { type Override, type OverrideKind, overrideKinds } from '../health/overrides.ts'
import type { MemberState } from '../weights/member-state.ts'
import type { PoolShares } from './pool-shares.ts'
import { type Emit, emitEach, registerSampled, type Steps } from './sampled-metric.ts'
import type { MemberWatch } from '../weights/member-watch.ts'

export function registerOverrideMetrics(
  registry: Registry,
  sources: OverrideReadings,
  shares: Pick<PoolShares, 'read'>,
): void {
  const { watch, wallMs } = sources
  const ofKind = (kind: OverrideKind): readonly Override[] =>
    watch.overrides().filter(({ action }) => action.kind === kind)
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_overrides',
    help: 'Overrides in force',
    labels: ['kind'],
    sample: (emit) => overrideKinds.forEach((kind) => emit({ kind }, ofKind(kind).length)),
  })
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_override_oldest_seconds',
    help: 'Age of the oldest override in force',
    labels: ['kind'],
    sample(emit) {
      for (const kind of overrideKinds) {
        const ages = ofKind(kind).map(({ setMs }) => wallMs() - setMs)
        if (ages.length > 0) emit({ kind }, Math.max(0, ...ages) / 1000)
      }
    },
  })
  registerMemberMetrics(registry, sources)
  registerFirstRungs(registry, shares)
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_target_exposure_seconds',
    help: 'For how long the last answer that names the target may still be cached; 0: in no cache',
    labels: ['zone', 'target'],
    sample: (emit) => emitExposure(emit, watch.states(), sources),
  })
}

function registerMemberMetrics(registry: Registry, { watch }: OverrideReadings): void {
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_member_weight',
    help: 'Effective weight of a target in a pool; 0: it takes no part',
    labels: ['zone', 'target', 'pool'],
    sample: (emit) =>
      emitEach(watch.states(), ({ member: { zone, target, pool }, effective }) =>
        emit({ zone, target, pool }, effective),
      ),
  })
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_pool_members_eligible',
    help: 'Members of the pool that are eligible; 0: on_all_down or another pool answers',
    labels: ['zone', 'pool'],
    sample: (emit) =>
      emitEach(watch.states(), ({ member: { zone, pool }, out }) =>
        emit({ zone, pool }, out === null ? 1 : 0),
      ),
  })
}

function registerFirstRungs(registry: Registry, shares: Pick<PoolShares, 'read'>): void {
  for (const [name, help, part] of [
    ['mxsteer_first_rungs_total', 'First rungs that a target of a pool had', 'actual'],
    ['mxsteer_first_rungs_expected_total', 'The same, as its weight would have it', 'expected'],
  ] as const) {
    registerSampled(registry, {
      kind: 'counter',
      name,
      help,
      labels: ['zone', 'target', 'pool'],
      sample: (emit) =>
        emitEach(shares.read(), (one) => {
          const { zone, target, pool } = one
          emit({ zone, target, pool }, one[part])
        }),
    })
  }
}

function emitExposure(
  emit: Emit,
  members: readonly MemberState[],
  { exposedUntilMs, wallMs }: OverrideReadings,
): Steps {
  const seen = new Set<number>()
  return emitEach(members, ({ member: { zone, target, targetIndex } }) => {
    if (seen.has(targetIndex)) return
    seen.add(targetIndex)
    emit({ zone, target }, Math.max(0, exposedUntilMs(targetIndex) - wallMs()) / 1000)
  })
}

/** What metrics read of overrides. */
export interface OverrideReadings extends Pick<OverrideControl, 'exposedUntilMs' | 'wallMs'> {
  readonly watch: Pick<MemberWatch, 'states' | 'overrides'>
}

/** Access to overrides and to the members that they weigh, for metrics and for the admin HTTP. */
export interface OverrideControl {
  readonly watch: MemberWatch
  /**
   * When the last answer that names the target expires in caches, in ms since the epoch; 0: never
   * answered.
   */
  readonly exposedUntilMs: (targetIndex: number) => number
  /** By the answers of all instances, as it is now; null of it: no zone here has the target. */
  readonly fleetExposure: () => (
    of: Pick<Override, 'zone' | 'target'>,
  ) => { readonly untilMs: number; readonly notKnownOf: readonly string[] } | null
  readonly wallMs: () => number
  readonly newId: () => string
}
