// Rows of the overview as a server with nothing wrong would send them.

import type { MemberRow, TargetRow } from '../../console/store/rows.ts'

export const targetRow = (
  zone: string,
  target: string,
  more: Partial<TargetRow> = {},
): TargetRow => ({
  zone,
  target,
  address: '192.0.2.1',
  port: 25,
  probe: 'inbound',
  state: 'up',
  since: '2026-01-01T00:00:00.000Z',
  reason: 'ok',
  alarms: [],
  votes: { up: 1, down: 0, unknown: 0 },
  p50Ms: 20,
  p99Ms: 40,
  ...more,
})

/** With nothing that changes what is configured. */
export const weightOf = (configured: number): MemberRow['weight'] => ({
  configured,
  warmUp: 1,
  override: 1,
  feedback: 1,
  reputation: 1,
  slowStart: 1,
  shedding: 1,
  health: 1,
  effective: configured,
})
