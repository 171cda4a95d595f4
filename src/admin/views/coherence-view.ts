// The JSON of /coherence: the matrix of targets and names, the TLSA records of each target with the time from which every
// cache has them, and what senders may hold of policies. The names of its fields are a contract (docs/operations.md).

import type { HandedPolicy, HandedTlsa } from '../../coherence/handed-out.ts'
import { groupHanded, policyUntilMs, ttlUntilMs } from '../../coherence/handed-out.ts'
import { type MatrixFacts, matrixOf, type TargetRow } from '../../coherence/matrix.ts'
import { inCachesFromMs } from '../../coherence/tlsa-order.ts'
import type { TargetMail, ZoneMail } from '../../coherence/zone-mail.ts'
import { isoTime } from '../../lib/clock.ts'
import { viewed } from '../turns.ts'

export interface CoherenceSources {
  readonly zones: () => readonly ZoneMail[]
  readonly facts: () => MatrixFacts
}

export function coherenceView({
  zones,
  facts,
}: CoherenceSources): Readonly<Record<string, unknown>> {
  const known = facts()
  const { nowMs, handed } = known
  return {
    targets: viewed(
      () => rowsOf(zones(), known),
      ({ row, target, records }) => targetView(row, { target, records, nowMs }),
    ),
    policies: viewed(
      () => handed.policies,
      (one) => policyView(one, nowMs),
    ),
  }
}

interface RowOfTarget {
  readonly row: TargetRow
  readonly target: TargetMail
  readonly records: readonly HandedTlsa[]
}

function rowsOf(zones: readonly ZoneMail[], known: MatrixFacts): readonly RowOfTarget[] {
  const { tlsa } = groupHanded(known.handed)
  const targets = zones.flatMap((mail) => mail.targets)
  return matrixOf(zones, known).map((row, i) => ({
    row,
    target: targets[i] as TargetMail,
    records: tlsa.get(`${row.zone} ${row.target}`) ?? [],
  }))
}

function targetView(
  { zone, target: name, exchange, reachedBy, cells }: TargetRow,
  { target, records, nowMs }: Omit<RowOfTarget, 'row'> & { readonly nowMs: number },
): object {
  const present = target.tlsa.map((record) => ({
    record,
    role: target.next.includes(record) ? 'next' : 'current',
    inCachesFrom: isoTime(inCachesFromMs(records, record, nowMs)),
    cachedUntil: null,
  }))
  const gone = new Map<string, number>()
  for (const set of records)
    for (const record of set.records)
      if (!target.tlsa.includes(record))
        gone.set(record, Math.max(gone.get(record) ?? 0, ttlUntilMs(set, nowMs)))
  const departed = [...gone].map(([record, untilMs]) => ({
    record,
    role: 'gone',
    inCachesFrom: null,
    cachedUntil: isoTime(untilMs),
  }))
  return { zone, target: name, exchange, reachedBy, names: cells, tlsa: [...present, ...departed] }
}

const policyView = (one: HandedPolicy, nowMs: number): object => ({
  zone: one.zone,
  domain: one.domain,
  id: one.id,
  mode: one.mode,
  maxAgeSeconds: one.maxAgeSeconds,
  mx: one.patterns,
  offered: one.lastMs === null,
  since: isoTime(one.firstMs),
  heldUntil: isoTime(policyUntilMs(one, nowMs)),
})
