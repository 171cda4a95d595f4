// Overrides as JSON of the admin server: in force, ended, and as they would be.

import type { ShortPool } from '../explain/client-moves.ts'
import type { Override } from '../health/overrides.ts'
import { isoTime } from '../lib/clock.ts'
import type { OverrideControl } from '../metrics/override-metrics.ts'
import type { EndedOverride } from '../weights/ended-overrides.ts'
import type { MemberState } from '../weights/member-state.ts'

/** An override in force. Times are ISO 8601. */
export interface OverrideRow {
  readonly id: string
  readonly zone: string
  readonly target: string
  /** null: every pool of the target. */
  readonly pool: string | null
  readonly kind: Override['action']['kind']
  /** Of kind `weight` exactly one: a factor of the configured weight, a weight instead of it, a share of the pool. */
  readonly factor?: number
  readonly weight?: number
  readonly share?: number
  readonly why: string
  readonly by: string
  readonly set: string | null
  /** null: until it is undone. */
  readonly until: string | null
  /** For how long caches may lead to a target that is taken out; null of other kinds, of what has ended or is not set. */
  readonly exposure: ExposureView | null
}

/** By the answers of all instances. */
export interface ExposureView {
  /** When the last of those that are known expires, up to 10 s more; null: there is none. */
  readonly until: string | null
  /** Of how many other instances it is not known. */
  readonly unknown: number
  /** The first of them by name, 8 at most. */
  readonly notKnownOf: readonly string[]
}

const exposureStepMs = 10_000
const shownInstances = 8

/** A time that is not told anew with each answer: up to 10 s later than it is. */
export const steppedTime = (ms: number): string | null =>
  isoTime(Math.ceil(ms / exposureStepMs) * exposureStepMs)

export const exposureView = ({
  untilMs,
  notKnownOf,
}: {
  readonly untilMs: number
  readonly notKnownOf: readonly string[]
}): ExposureView => ({
  until: steppedTime(untilMs),
  unknown: notKnownOf.length,
  notKnownOf: notKnownOf.slice(0, shownInstances),
})

/** Those in force. */
export function overrideViews({
  watch,
  fleetExposure,
}: Pick<OverrideControl, 'watch' | 'fleetExposure'>): readonly OverrideRow[] {
  const exposureOf = fleetExposure()
  return watch.overrides().map((one) => overrideView(one, exposureOf(one)))
}

const weightFields = { factor: 'factor', absolute: 'weight', share: 'share' } as const

/** The weight stands under the field that sets it in POST. */
export function overrideView(
  one: Override,
  exposed: Parameters<typeof exposureView>[0] | null = null,
): OverrideRow {
  const { id, zone, target, pool, action, why, by, setMs, untilMs } = one
  const isOut = action.kind === 'drain' || action.kind === 'disable'
  const weight =
    action.kind === 'weight' ? { [weightFields[action.weight.unit]]: action.weight.value } : {}
  const times = { set: isoTime(setMs), until: isoTime(untilMs) }
  const exposure = isOut && exposed !== null ? exposureView(exposed) : null
  return { id, zone, target, pool, kind: action.kind, ...weight, why, by, ...times, exposure }
}

export interface EndedOverrideRow extends OverrideRow {
  readonly ended: string | null
  readonly end: EndedOverride['end']
  /** Empty where another instance ended it. */
  readonly endedBy: string
}

export const endedView = ({ override, atMs, end, by }: EndedOverride): EndedOverrideRow => ({
  ...overrideView(override),
  ended: isoTime(atMs),
  end,
  endedBy: by,
})

/** What an override would come to: the reply to POST /overrides?dry_run. */
export interface OverridePreview {
  /** As it would be; `id` is empty. */
  readonly override: OverrideRow
  readonly replaced: OverrideRow | null
  /** What it would be refused with, unless it is forced or confirmed; null: it would be set. */
  readonly refusal: {
    readonly code: 'would-empty-pool' | 'below-min-healthy'
    readonly message: string
  } | null
  /** The pools of the target that it concerns. */
  readonly pools: readonly PoolPreview[]
  /** Pools that fall below their `min_healthy`, with a sentence about where their clients go. */
  readonly short: readonly (ShortPool & { readonly message: string })[]
  /**
   * Until when caches may lead to the target if no answer names it from now on, by what this instance answered; null:
   * none named it.
   */
  readonly exposedUntil: string | null
  /** Whether it would outlive a restart. */
  readonly lasting: boolean
}

export interface PoolPreview {
  readonly pool: string
  readonly members: readonly MemberPreview[]
}

export interface MemberPreview {
  readonly target: string
  /** Weight in force; 0: it takes no part. */
  readonly weight: BeforeAfter
  /** Share of the first choices of clients that the pool leads for, 0 to 1; 0 where no member takes part. */
  readonly share: BeforeAfter
}

export interface BeforeAfter {
  readonly before: number
  readonly after: number
}

/** `states`: of all members as they are; `changed`: those of the target as they would be. */
export function poolPreviews(
  states: readonly MemberState[],
  changed: readonly MemberState[],
  pool: string | null,
): readonly PoolPreview[] {
  const changedRows = new Map(changed.map((one) => [one.member.row, one]))
  const concerned = new Set(
    changed.flatMap(({ member }) => ((pool ?? member.pool) === member.pool ? [member.pool] : [])),
  )
  const zone = changed[0]?.member.zone
  return [...concerned].map((name) => {
    const before = states.filter(({ member }) => member.zone === zone && member.pool === name)
    const after = before.map((one) => changedRows.get(one.member.row) ?? one)
    const [totalBefore, totalAfter] = [totalOf(before), totalOf(after)]
    return {
      pool: name,
      members: before.map((was, i) => {
        const is = after[i] ?? was
        return {
          target: was.member.target,
          weight: { before: was.effective, after: is.effective },
          share: {
            before: totalBefore > 0 ? was.effective / totalBefore : 0,
            after: totalAfter > 0 ? is.effective / totalAfter : 0,
          },
        }
      }),
    }
  })
}

const totalOf = (states: readonly MemberState[]): number =>
  states.reduce((sum, { effective }) => sum + effective, 0)
