// `mxsteer keys rollover ZONE`: begins a roll-over, or goes on with the one that is under way, as far as it can by now: run it
// again and again, from cron as well, until it exits with 0.
//
// All state is in the key files (dnssec/rollover/standing.ts). They are written here alone, never by a server.

import { type Algorithm, algorithmOfNumber } from '../../dnssec/algorithms.ts'
import type { ZoneKey } from '../../dnssec/key-file.ts'
import { writeKey, writeTimes } from '../../dnssec/key-folder.ts'
import { isEntryPoint } from '../../dnssec/key-set.ts'
import { abortRollover } from '../../dnssec/rollover/abort.ts'
import {
  beginRollover,
  type Change,
  completeRollover,
  type NewKey,
  parentDueAt,
  type Plan,
  prepareRollover,
  type RolloverWaits,
} from '../../dnssec/rollover/plan.ts'
import { isInPeriod, periodAt } from '../../dnssec/offline/periods.ts'
import {
  refusedRollover,
  type Rollover,
  type RolloverRefused,
  type Standing,
  standingAt,
} from '../../dnssec/rollover/standing.ts'
import type { ParentDs } from '../../trust/parent-ds.ts'
import { fail, failAt, type FlagValues, parseFlags } from '../commands/flags.ts'
import { printJson, printLines } from '../text/output.ts'
import { runDsHook } from './ds-hook.ts'
import { copyMs, newKey } from './generate.ts'
import { askParent, dsProgress, hasAnyDs, longestDsTtl } from './parent-view.ts'
import {
  isSignedOffline,
  marginMs,
  notedDsTtlMs,
  readRolledZone,
  type RolledZone,
  waitsCode,
} from './rolled-zone.ts'
import { type Outcome, rolloverLines, rolloverReport } from './rollover-report.ts'

const name = 'keys rollover'

interface RolloverOptions {
  readonly part: 'ksk' | 'zsk' | null
  readonly algorithm: Algorithm | null
  readonly isAbort: boolean
  readonly isDryRun: boolean
  readonly hook: string | null
  readonly waits: RolloverWaits
}

export async function rollover(argv: readonly string[]): Promise<number> {
  const flags = parseFlags(name, argv)
  if (flags.kind === 'bad') return fail(name, flags.why)
  const read = await readRolledZone(flags.words, flags.values)
  if (read.kind === 'bad') return read.isUsage ? failAt(name, read.why) : fail(name, read.why, 1)
  const options = readOptions(flags.values, read.rolled)
  if (typeof options === 'string') return fail(name, options)
  if (read.rolled.signing === null)
    return fail(name, 'the zone is not signed: its zone file has no "dnssec"', 1)
  const { keys, nowMs } = read.rolled
  const standing = standingAt(keys, nowMs, isSignedOffline(read.rolled))
  const outcome = await nextStep(standing, read.rolled, options)
  if (outcome.kind === 'refused') return fail(name, `${outcome.why} (${outcome.code})`, 1)
  const written = await writePlan(read.rolled, outcome.plan, options.isDryRun)
  if (written.kind === 'failed') return fail(name, written.why, 1)
  const report = rolloverReport(read.rolled, { outcome, ...written, ...options })
  if (flags.values['json']) printJson(report)
  else printLines(rolloverLines(report, written.keys))
  return report.waitsFor === null ? 0 : outcome.failed ? 1 : waitsCode
}

/** A text: what is wrong with the flags. */
function readOptions(values: FlagValues, rolled: RolledZone): RolloverOptions | string {
  const { ksk, zsk, abort, hook, algorithm: number } = values
  if (ksk !== undefined && zsk !== undefined) return 'one kind at a time: --ksk or --zsk'
  const algorithm = number === undefined ? null : algorithmOfNumber(Number(number))
  if (number !== undefined && algorithm === null)
    return '--algorithm takes 13 (ECDSAP256SHA256) or 15 (ED25519)'
  const isFast = values['now'] !== undefined
  const lag = rolled.transferLagSeconds
  return {
    part: ksk === undefined ? (zsk === undefined ? null : 'zsk') : 'ksk',
    algorithm,
    isAbort: abort !== undefined,
    isDryRun: values['dry-run'] !== undefined,
    hook: hook === undefined ? null : String(hook),
    waits: {
      dnskeyTtlMs: ((rolled.signing?.dnskeyTtl ?? 0) + lag) * 1000,
      longestTtlMs: (rolled.longestTtlSeconds + lag) * 1000,
      marginMs: isFast ? 0 : marginMs,
      copyMs,
      canShorten: isFast,
    },
  }
}

function nextStep(
  standing: Standing<ZoneKey>,
  rolled: RolledZone,
  options: RolloverOptions,
): Promise<Outcome | RolloverRefused> | Outcome | RolloverRefused {
  switch (standing.kind) {
    case 'refused':
      return standing
    case 'settled':
      if (options.isAbort) return refusedRollover('rollover-none', 'no roll-over is under way')
      return begin(standing.keys, rolled, options)
    case 'rolling':
      return refusedKind(standing.roll, options) ?? goOn(standing.roll, rolled, options)
    case 'finishing':
      return end(standing, rolled, options)
    default:
      return standing satisfies never
  }
}

/** A roll-over under way is another one than the flags ask for. */
function refusedKind(
  { kind, incoming }: Rollover<ZoneKey>,
  { part, algorithm }: RolloverOptions,
): RolloverRefused | null {
  const isOtherPart = part !== null && part !== kind
  const isOtherAlgorithm = algorithm !== null && algorithm !== incoming[0]?.algorithm
  const why = `a roll-over of kind ${kind} is under way: let it end, or --abort it`
  return isOtherPart || isOtherAlgorithm ? refusedRollover('rollover-under-way', why) : null
}

const nothing: Plan<ZoneKey> = { created: [], changed: [] }

async function begin(
  keys: readonly ZoneKey[],
  rolled: RolledZone,
  { part, algorithm, waits }: RolloverOptions,
): Promise<Outcome | RolloverRefused> {
  const isOffline = isSignedOffline(rolled)
  if (isOffline && part !== 'zsk') {
    const why = 'the key with flags 257 is kept offline: only --zsk can be rolled over here'
    return refusedRollover('rollover-offline', why)
  }
  const plan = beginRollover(keys, { part, algorithm }, waits, rolled.nowMs)
  if ('kind' in plan) return plan
  if (isOffline) return beginBesideOffline(plan)
  if (part === 'zsk') return { kind: 'begun', plan, parent: null, failed: false }
  const parent = await askParent(rolled.zone, rolled.access)
  const created = plan.created.map((key) => withDsTtl(key, longestDsTtl(parent)))
  return { kind: 'begun', plan: { ...plan, created }, parent, failed: false }
}

/** The new key signs once a response has it, of which nobody knows when it comes. */
function beginBesideOffline({ created }: Plan<ZoneKey>): Outcome {
  const waiting = created.map((key) => ({ ...key, times: { ...key.times, activateMs: null } }))
  const plan = { created: waiting, changed: [] }
  return { kind: 'begun', plan, parent: null, failed: false }
}

/** The times of the change, once the response that is here has the new key in DNSKEY: others have it when it is copied. */
function goOnBesideOffline(
  roll: Rollover<ZoneKey>,
  { keys, response, nowMs }: RolledZone,
  waits: RolloverWaits,
): Outcome {
  const period = response && periodAt(keys, response, nowMs)
  const isIn = period !== null && roll.incoming.every((key) => isInPeriod(period, key))
  if (!isIn) return going([], null)
  const copied = roll.incoming.map((key) => {
    const publishMs = Math.max(nowMs + waits.copyMs, key.times.publishMs ?? 0)
    return { ...key, times: { ...key.times, publishMs } }
  })
  const changes = prepareRollover({ ...roll, incoming: copied }, waits, nowMs)
  const publishOf = new Map(roll.incoming.map(({ tag, times }) => [tag, times.publishMs]))
  const kept = changes.map(({ key, times }) => ({
    key: keys.find(({ tag }) => tag === key.tag) ?? key,
    times: { ...times, publishMs: publishOf.get(key.tag) ?? times.publishMs },
  }))
  return going(kept, null)
}

/** The old DS may be kept by caches for a TTL that the parent no longer shows once it has the new one. */
function withDsTtl<Key extends Pick<NewKey, 'times'>>(key: Key, seconds: number | null): Key {
  const longest = Math.max(key.times.dsTtlSeconds ?? 0, seconds ?? 0)
  return seconds === null ? key : { ...key, times: { ...key.times, dsTtlSeconds: longest } }
}

async function goOn(
  roll: Rollover<ZoneKey>,
  rolled: RolledZone,
  options: RolloverOptions,
): Promise<Outcome | RolloverRefused> {
  const { waits, isAbort } = options
  const { nowMs, zone, access } = rolled
  if (isAbort) {
    const parent = roll.kind === 'zsk' ? null : await askParent(zone, access)
    return abort(roll, parent, rolled, options)
  }
  if (isSignedOffline(rolled)) return goOnBesideOffline(roll, rolled, waits)
  const prepared = prepareRollover(roll, waits, nowMs)
  const entries = roll.incoming.filter(isEntryPoint)
  const isDue = roll.kind !== 'zsk' && nowMs >= parentDueAt(roll, waits)
  if (!isDue) return going(prepared, null)
  const parent = await askTwice(roll, rolled, options)
  const outgoing = roll.outgoing.filter(isEntryPoint)
  if (dsProgress(parent, entries, outgoing).kind === 'waits') {
    const ttl = longestDsTtl(parent)
    const noted = entries
      .map((key) => ({ key, times: withDsTtl(key, ttl).times }))
      .filter(({ key, times }) => times.dsTtlSeconds !== key.times.dsTtlSeconds)
    return going(prepared.length > 0 ? prepared : noted, parent)
  }
  return complete(roll, parent, rolled, waits)
}

const going = (changed: readonly Change<ZoneKey>[], parent: ParentDs | null): Outcome => ({
  kind: 'going',
  plan: { created: [], changed },
  parent,
  failed: parent?.kind === 'unknown',
})

/** Again after the hook, which may have brought the change. */
async function askTwice(
  roll: Rollover<ZoneKey>,
  { zone, access }: RolledZone,
  { hook, isDryRun }: RolloverOptions,
): Promise<ParentDs> {
  const entries = roll.incoming.filter(isEntryPoint)
  const outgoing = roll.outgoing.filter(isEntryPoint)
  const parent = await askParent(zone, access)
  if (hook === null || isDryRun) return parent
  // What some name servers have already was done, and is on its way to the others.
  if (hasAnyDs(parent, entries) === true) return parent
  const why = await runDsHook(hook, entries, outgoing)
  if (why !== null) fail(name, `--hook ${hook}: ${why}`, 1)
  return typeof access === 'string' ? parent : askParent(zone, access)
}

/** As `notedDsTtlMs`, with what the parent has now. */
const dsTtlOf = (entries: readonly ZoneKey[], parent: ParentDs | null): number =>
  Math.max(notedDsTtlMs(entries), ((parent && longestDsTtl(parent)) ?? 0) * 1000)

function complete(
  roll: Rollover<ZoneKey>,
  parent: ParentDs,
  { nowMs }: RolledZone,
  waits: RolloverWaits,
): Outcome {
  const entries = roll.incoming.filter(isEntryPoint)
  const dsTtlMs = dsTtlOf(entries, parent)
  const seenMs = Math.min(nowMs, ...entries.flatMap(({ times }) => times.dsPublishMs ?? []))
  const changed = completeRollover(roll, { seenMs, dsTtlMs }, waits, nowMs)
  return { kind: 'going', plan: { created: [], changed }, parent, failed: false }
}

function abort(
  roll: Rollover<ZoneKey>,
  parent: ParentDs | null,
  { nowMs }: RolledZone,
  { waits }: RolloverOptions,
): Outcome | RolloverRefused {
  const entries = roll.incoming.filter(isEntryPoint)
  const seen = {
    hasNewDs: parent === null ? false : hasAnyDs(parent, entries),
    dsTtlMs: dsTtlOf(entries, parent),
  }
  const aborted = abortRollover(roll, seen, waits, nowMs)
  if (aborted.kind === 'refused') return aborted
  const plan = { created: [], changed: aborted.changed }
  return aborted.kind === 'aborted'
    ? { kind: 'aborted', plan, parent, failed: false }
    : { kind: 'settling', plan, parent, failed: false, untilMs: aborted.untilMs }
}

/** All times are set. They can still be taken back where the parent has no part, and become earlier with --now. */
function end(
  { roll }: Extract<Standing<ZoneKey>, { kind: 'finishing' }>,
  rolled: RolledZone,
  options: RolloverOptions,
): Outcome | RolloverRefused {
  const { waits, isAbort } = options
  if (roll === null) return { kind: 'ending', plan: nothing, parent: null, failed: false }
  const refusal = refusedKind(roll, options)
  if (refusal !== null) return refusal
  if (isAbort) return abort(roll, null, rolled, options)
  if (!waits.canShorten) return { kind: 'ending', plan: nothing, parent: null, failed: false }
  if (roll.kind !== 'zsk') {
    const unknown: ParentDs = { kind: 'unknown', why: 'it was seen before' }
    return { ...complete(roll, unknown, rolled, waits), kind: 'ending', parent: null }
  }
  const changed = prepareRollover(roll, waits, rolled.nowMs)
  return { kind: 'ending', plan: { created: [], changed }, parent: null, failed: false }
}

type PlanWritten =
  | {
      readonly kind: 'written'
      /** Names of files without their endings. */
      readonly names: readonly string[]
      /** All keys of the zone as they are now. */
      readonly keys: readonly ZoneKey[]
    }
  | { readonly kind: 'failed'; readonly why: string }

/** New keys get the owner and mode of the files of one that they are to replace. */
async function writePlan(
  { folder, keys, zone }: RolledZone,
  { created, changed }: Plan<ZoneKey>,
  isDryRun: boolean,
): Promise<PlanWritten> {
  const names: string[] = []
  const made: ZoneKey[] = []
  for (const { flags, ...wanted } of created) {
    const key = newKey({ zone, ...wanted }, flags, [...keys, ...made])
    made.push(key)
    if (isDryRun) continue
    const written = await writeKey(folder, key, keys[0])
    if (written.kind === 'failed') return written
    names.push(written.name)
  }
  const changes = changed.filter(({ key, times }) => !isSame(key, times))
  for (const { key, times } of changes) {
    if (isDryRun) break
    const written = await writeTimes(folder, key, times)
    if (written.kind === 'failed') return written
    names.push(written.name)
  }
  const timesOf = new Map(changes.map(({ key, times }) => [key, times]))
  const after = keys.map((key) => ({ ...key, times: timesOf.get(key) ?? key.times }))
  return { kind: 'written', names, keys: [...after, ...made] }
}

const isSame = ({ times }: ZoneKey, others: ZoneKey['times']): boolean =>
  Object.entries(others).every(([field, value]) => times[field as keyof typeof times] === value)
