// What `keys rollover` prints: the steps with their times, what has been written, and what it waits for.

import type { ZoneKey } from '../../dnssec/key-file.ts'
import { isEntryPoint } from '../../dnssec/key-set.ts'
import { parentDueAt, type Plan, type RolloverWaits } from '../../dnssec/rollover/plan.ts'
import { type Rollover, type RolloverKind, standingAt } from '../../dnssec/rollover/standing.ts'
import type { ParentDs } from '../../trust/parent-ds.ts'
import { nameToText } from '../../wire/name.ts'
import { tableLines } from '../text/columns.ts'
import { dsLine, timeText } from './key-command.ts'
import { dsProgress, parentLines, type ParentReport, parentReport } from './parent-view.ts'
import { isSignedOffline, type RolledZone } from './rolled-zone.ts'

/** What was decided, and comes of it. */
interface Decided {
  readonly plan: Plan<ZoneKey>
  /** null: it was not asked. */
  readonly parent: ParentDs | null
  readonly failed: boolean
}

export type Outcome =
  | (Decided & { readonly kind: 'begun' | 'going' | 'ending' | 'aborted' })
  /** An abort that is to be repeated. */
  | (Decided & { readonly kind: 'settling'; readonly untilMs: number })

interface Done {
  readonly outcome: Outcome
  /** Names of files without their endings. */
  readonly names: readonly string[]
  /** All keys of the zone, as they are after it. */
  readonly keys: readonly ZoneKey[]
  readonly isDryRun: boolean
  readonly waits: RolloverWaits
}

interface Step {
  /** null: when the step before it has happened. */
  readonly at: string | null
  readonly what: string
}

interface Waiting {
  readonly on: 'copies' | 'caches' | 'parent' | 'response'
  /** null: nobody knows. */
  readonly until: string | null
  readonly why: readonly string[]
}

export interface RolloverReport {
  readonly zone: string
  readonly did: Outcome['kind']
  readonly isDryRun: boolean
  /** null: none is under way any more. */
  readonly kind: RolloverKind | null
  readonly outgoing: readonly number[]
  readonly incoming: readonly number[]
  readonly steps: readonly Step[]
  /** What has to come before the command is to be run again; null: it need not be. */
  readonly waitsFor: Waiting | null
  /** DS of the new keys; empty in a dry run that would make them. */
  readonly ds: readonly string[]
  readonly parent: ParentReport | null
  /** Paths of the files that were written without their endings, to be copied to every instance. */
  readonly written: readonly string[]
}

export function rolloverReport(rolled: RolledZone, done: Done): RolloverReport {
  const { zone, folder, nowMs } = rolled
  const standing = standingAt(done.keys, nowMs, isSignedOffline(rolled))
  const roll =
    standing.kind === 'rolling' || standing.kind === 'finishing' ? (standing.roll ?? null) : null
  const isOpen = standing.kind === 'rolling'
  return {
    zone: nameToText(zone).toLowerCase(),
    did: done.outcome.kind,
    isDryRun: done.isDryRun,
    kind: roll?.kind ?? null,
    outgoing: roll?.outgoing.map(({ tag }) => tag) ?? [],
    incoming: roll?.incoming.map(({ tag }) => tag) ?? [],
    steps: roll ? stepsOf(roll, isOpen) : endsOf(done.keys, nowMs),
    waitsFor: roll && isOpen ? waitingOf(roll, done, nowMs) : null,
    ds:
      roll && isOpen && !(done.isDryRun && done.outcome.kind === 'begun')
        ? roll.incoming.filter(isEntryPoint).map((key) => dsLine(key, 2))
        : [],
    parent: done.outcome.parent && parentReport(done.outcome.parent),
    written: done.names.map((name) => `${folder}/${name}`),
  }
}

function waitingOf(roll: Rollover<ZoneKey>, { outcome, waits }: Done, nowMs: number): Waiting {
  if (outcome.kind === 'settling') {
    const why = ['the parent may still act on the request that was taken back: then --abort again']
    return { on: 'parent', until: timeText(outcome.untilMs), why }
  }
  if (roll.kind === 'zsk') {
    const tags = roll.incoming.map(({ tag }) => tag).join(' and ')
    const why = [`${tags} in DNSKEY by "keys request", "keys sign"; then run this again`]
    return { on: 'response', until: null, why }
  }
  const entries = roll.incoming.filter(isEntryPoint)
  const dueMs = parentDueAt(roll, waits)
  const isPublished = entries.every(({ times }) => (times.publishMs ?? 0) <= nowMs)
  if (nowMs < dueMs) {
    const why = [`the new key${entries.length > 1 ? 's' : ''} in DNSKEY of every cache`]
    return { on: isPublished ? 'caches' : 'copies', until: timeText(dueMs), why }
  }
  const outgoing = roll.outgoing.filter(isEntryPoint)
  const parent: ParentDs = outcome.parent ?? { kind: 'unknown', why: 'the parent was not asked' }
  const progress = dsProgress(parent, entries, outgoing)
  return { on: 'parent', until: null, why: progress.kind === 'waits' ? progress.why : [] }
}

function stepsOf(roll: Rollover<ZoneKey>, isOpen: boolean): readonly Step[] {
  const isAlgorithm = roll.kind === 'algorithm'
  const come = roll.incoming.flatMap(({ tag, times, flags }) => [
    [times.publishMs, `${tag} is in DNSKEY: its files on every instance before`] as const,
    [times.activateMs, `${tag} signs${isAlgorithm ? '' : ' in place of the old one'}`] as const,
    [flags === 257 ? times.syncPublishMs : null, `the DS of ${tag} is due at the parent`] as const,
    [times.dsPublishMs, `every name server of the parent had it, and no longer the old`] as const,
  ])
  const go = roll.outgoing.flatMap(({ tag, times }) => [
    [times.inactiveMs, `${tag} no longer signs`] as const,
    [times.deleteMs, `${tag} is gone from DNSKEY`] as const,
  ])
  const known = [...come, ...go]
    .flatMap(([ms, what]) => (ms === null ? [] : [{ ms, what }]))
    .sort((a, b) => a.ms - b.ms)
    .map(({ ms, what }): Step => ({ at: timeText(ms), what }))
  if (!isOpen || roll.kind === 'zsk') return known
  return [
    ...known,
    { at: null, what: 'every name server of the parent has the new DS and not the old' },
    { at: null, what: 'run this again: it sets the times of the change and of the end' },
  ]
}

/** Keys that leave although none came. */
const endsOf = (keys: readonly ZoneKey[], nowMs: number): readonly Step[] =>
  keys.flatMap(({ tag, times: { deleteMs } }) =>
    deleteMs === null || deleteMs < nowMs
      ? []
      : [{ at: timeText(deleteMs), what: `${tag} is gone: its files can be removed then` }],
  )

const heads: Readonly<Record<Outcome['kind'], string>> = {
  begun: 'begun',
  going: 'under way',
  ending: 'ends by itself',
  aborted: 'aborted',
  settling: 'being aborted',
}

const kindText = (kind: RolloverKind | null): string =>
  kind === null
    ? 'roll-over'
    : kind === 'algorithm'
      ? 'roll-over of the algorithm'
      : `roll-over of the ${kind.toUpperCase()}`

/** `keys`: those of the zone, to tell whose a DS is. */
export function rolloverLines(report: RolloverReport, keys: readonly ZoneKey[]): readonly string[] {
  const { zone, did, kind, outgoing, incoming, steps, waitsFor, ds, parent, written } = report
  const tags = incoming.length === 0 ? '' : `, ${outgoing.join(' ')} → ${incoming.join(' ')}`
  const isAll = waitsFor === null && did === 'going'
  const head = `${zone} ${kindText(kind)}${tags}: ${isAll ? 'all times are set' : heads[did]}`
  return [
    report.isDryRun ? `${head} (dry run: nothing is written)` : head,
    '',
    ...tableLines(steps.map(({ at, what }) => [`  ${at ?? 'then'}`, what])),
    ...(ds.length > 0 ? ['', ...ds] : []),
    ...(parent ? ['', ...parentLines(parent, keys)] : []),
    ...(written.length > 0
      ? [
          '',
          'Written; copy to every instance within ten minutes:',
          ...written.map((file) => `  ${file}.key, .private`),
        ]
      : []),
    ...(waitsFor ? ['', ...waitingLines(waitsFor)] : []),
  ]
}

function waitingLines({ on, until, why }: Waiting): readonly string[] {
  const whom = {
    copies: 'copies of the files, and caches',
    caches: 'caches',
    parent: 'the parent',
    response: 'a response of the key that is kept offline',
  }[on]
  const head = `Waits for ${whom}${until === null ? '' : ` until ${until}`}:`
  return [head, ...why.map((line) => `  ${line}`)]
}
