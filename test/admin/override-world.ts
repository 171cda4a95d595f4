// Targets of two zones with their overrides, for tests of what the admin server does to them.

import { createStandaloneOverrides } from '../../src/cluster/standalone.ts'
import { createHealthTable, type HealthWriter } from '../../src/health/table.ts'
import type { OverrideControl } from '../../src/metrics/override-metrics.ts'
import { createEndedOverrides, type EndedOverrides } from '../../src/weights/ended-overrides.ts'
import { watchedMembers } from '../../src/weights/member-state.ts'
import { createMemberWatch, type MemberWatch } from '../../src/weights/member-watch.ts'
import type { createVirtualTime } from '../support/virtual-time.ts'

export const loaded = (
  zone: string,
  name: string,
  index: number,
  pools: Record<string, number>,
): Parameters<typeof watchedMembers>[0][number] => ({
  zone,
  target: { name, index, warmup: null },
  pools: Object.entries(pools).map(([pool, weight], i) => ({
    pool,
    member: { weight, row: index * 4 + i + 1, slots: [index + 1] },
  })),
})

export const zone = 'smtp.example.com'
const targets = [
  loaded(zone, 'mx1', 0, { eu: 2 }),
  loaded(zone, 'mx2', 1, { eu: 1, us: 1 }),
  loaded(zone, 'mx3', 2, { us: 3 }),
  loaded('smtp.example.net', 'mx1', 3, { all: 1 }),
  loaded('smtp.example.net', 'spare', 4, { all: 1 }),
]

interface OverrideWorld {
  readonly control: OverrideControl
  readonly table: HealthWriter
  readonly watch: MemberWatch
  /** What was set and ended, in order. */
  readonly events: string[]
  readonly endedOverrides: EndedOverrides
}

let ids = 0

/** Without any override. */
export function openOverrides(time: ReturnType<typeof createVirtualTime>): OverrideWorld {
  const events: string[] = []
  const endedOverrides = createEndedOverrides(() => time.clock.wallMs())
  const table = createHealthTable(64)
  const watch = createMemberWatch({
    table,
    clock: time.clock,
    timer: time.timer,
    store: createStandaloneOverrides(),
    onSet: ({ target, action }) => events.push(`set ${target} ${action.kind}`),
    onEnd(override, end, by) {
      const { target, action } = override
      events.push(`${end} ${target} ${action.kind} ${by}`)
      endedOverrides.add(override, end, by)
    },
  })
  watch.update(watchedMembers(targets))
  const control: OverrideControl = {
    watch,
    exposedUntilMs: (index) => (index === 2 ? Date.UTC(2026, 11, 1) : 0),
    fleetExposure: () => () => ({ untilMs: 0, notKnownOf: ['two'] }),
    wallMs: () => time.clock.wallMs(),
    newId: () => `id${ids++}`,
  }
  return { control, table, watch, events, endedOverrides }
}
