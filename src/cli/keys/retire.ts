// `mxsteer keys retire ZONE`: the way to an unsigned zone, a step each time that it is run. Resolvers refuse unsigned answers for as
// long as the parent, or their cache, has a DS: so the DS goes first.
//
// When the parent was first seen without any is kept as SyncDelete of the keys, which says nothing else of a zone that has
// `unsign`: its CDS asks for the removal, whatever the keys' times are.

import type { ZoneKey } from '../../dnssec/key-file.ts'
import { writeTimes } from '../../dnssec/key-folder.ts'
import { isEntryPoint, keyStateAt, type KeyTimes } from '../../dnssec/key-set.ts'
import { standingAt } from '../../dnssec/rollover/standing.ts'
import type { ParentDs } from '../../trust/parent-ds.ts'
import { nameToText } from '../../wire/name.ts'
import { fail, failAt, parseFlags } from '../commands/flags.ts'
import { printJson, printLines } from '../text/output.ts'
import { timeText } from './key-command.ts'
import { runDsHook } from './ds-hook.ts'
import { askParent, longestDsTtl, parentLines, parentReport } from './parent-view.ts'
import {
  isSignedOffline,
  marginMs,
  notedDsTtlMs,
  readRolledZone,
  type RolledZone,
  waitsCode,
} from './rolled-zone.ts'

const name = 'keys retire'

type Step =
  | 'zone-file-unsign'
  | 'parent-to-drop-ds'
  | 'caches-to-drop-ds'
  | 'zone-file-unsigned'
  | 'retired'
  | 'sign-again'
  | 'parent-unknown'

interface Retirement {
  readonly step: Step
  readonly what: string
  /** null: nobody knows. */
  readonly untilMs: number | null
  readonly changed: readonly { readonly key: ZoneKey; readonly times: KeyTimes }[]
}

const codeOf: Readonly<Record<Step, number>> = {
  'zone-file-unsign': waitsCode,
  'parent-to-drop-ds': waitsCode,
  'caches-to-drop-ds': waitsCode,
  'zone-file-unsigned': waitsCode,
  retired: 0,
  'sign-again': 1,
  'parent-unknown': 1,
}

export async function retire(argv: readonly string[]): Promise<number> {
  const flags = parseFlags(name, argv)
  if (flags.kind === 'bad') return fail(name, flags.why)
  const read = await readRolledZone(flags.words, flags.values)
  if (read.kind === 'bad') return read.isUsage ? failAt(name, read.why) : fail(name, read.why, 1)
  const { keys, nowMs } = read.rolled
  const { kind } = standingAt(keys, nowMs, isSignedOffline(read.rolled))
  if (kind === 'rolling' || kind === 'finishing')
    return fail(name, 'a roll-over is under way: let it end, or abort it (rollover-under-way)', 1)
  const present = keys.filter((key) => keyStateAt(key, nowMs) !== 'gone')
  const rolled = { ...read.rolled, keys: present }
  const { hook, json } = flags.values
  const isDryRun = flags.values['dry-run'] !== undefined
  const asked = await askParent(rolled.zone, rolled.access)
  const isRun = hook !== undefined && !isDryRun && isToDrop(rolled, asked)
  const parent = isRun ? await dropByHook(String(hook), rolled) : asked
  const retirement = retirementOf(rolled, parent)
  for (const { key, times } of isDryRun ? [] : retirement.changed) {
    const written = await writeTimes(rolled.folder, key, times)
    if (written.kind === 'failed') return fail(name, written.why, 1)
  }
  const { step, what, untilMs } = retirement
  const report = {
    zone: nameToText(rolled.zone).toLowerCase(),
    step,
    what,
    until: untilMs === null ? null : timeText(untilMs),
    parent: parentReport(parent),
  }
  if (json !== undefined) printJson(report)
  else {
    const until = report.until === null ? '' : ` (${report.until})`
    printLines([
      `${report.zone} ${what}${until}`,
      '',
      ...parentLines(report.parent, [...rolled.keys, ...rolled.publicKeys]),
    ])
  }
  return codeOf[step]
}

const isToDrop = ({ signing }: RolledZone, parent: ParentDs): boolean =>
  signing?.isUnsigning === true && longestDsTtl(parent) !== null

async function dropByHook(
  hook: string,
  { keys, publicKeys, zone, access, nowMs }: RolledZone,
): Promise<ParentDs> {
  const own = keys.filter((key) => isEntryPoint(key) && keyStateAt(key, nowMs) !== 'gone')
  const before = [...own, ...publicKeys]
  const why = await runDsHook(hook, [], before)
  if (why !== null) fail(name, `--hook ${hook}: ${why}`, 1)
  return askParent(zone, access)
}

function retirementOf(rolled: RolledZone, parent: ParentDs): Retirement {
  const isSilent =
    parent.kind === 'unknown' || parent.servers.some((server) => server.kind === 'silent')
  const ttl = longestDsTtl(parent)
  if (ttl !== null) return withDs(rolled, ttl)
  if (isSilent)
    return at('parent-unknown', 'waits: not every name server of the parent could be asked')
  return rolled.signing === null || rolled.signing.isUnsigning
    ? withoutDs(rolled)
    : at(
        'zone-file-unsign',
        'has no DS at the parent. Next: "dnssec: { unsign: true }" in the zone file of every instance',
      )
}

const at = (step: Step, what: string, untilMs: number | null = null): Retirement => ({
  step,
  what,
  untilMs,
  changed: [],
})

/** The parent has a DS. */
function withDs({ signing, keys }: RolledZone, ttlSeconds: number): Retirement {
  if (signing === null)
    return at(
      'sign-again',
      'is refused by resolvers: the parent has a DS and its zone file no "dnssec". Put "dnssec: { unsign: true }" back',
    )
  // Whatever was noted of a DS that was gone: there is one again.
  const changed = keys
    .map((key) => {
      const dsTtlSeconds = Math.max(ttlSeconds, key.times.dsTtlSeconds ?? 0)
      const syncDeleteMs = signing.isUnsigning ? null : key.times.syncDeleteMs
      return { key, times: { ...key.times, dsTtlSeconds, syncDeleteMs } }
    })
    .filter(
      ({ key, times }) =>
        times.dsTtlSeconds !== key.times.dsTtlSeconds ||
        times.syncDeleteMs !== key.times.syncDeleteMs,
    )
  const next = signing.isUnsigning
    ? at('parent-to-drop-ds', 'waits for the parent to drop its DS at every name server')
    : at(
        'zone-file-unsign',
        'goes on being signed. Next: "dnssec: { unsign: true }" in the zone file of every instance',
      )
  return { ...next, changed }
}

/** No name server of the parent has a DS. */
function withoutDs({ signing, keys, nowMs }: RolledZone): Retirement {
  const goneMs = Math.max(-Infinity, ...keys.map(goneSince))
  const isNoted = goneMs <= nowMs
  const safeMs = (isNoted ? goneMs : nowMs) + notedDsTtlMs(keys) + marginMs
  if (nowMs >= safeMs)
    return signing === null
      ? unsigned(keys, nowMs)
      : at(
          'zone-file-unsigned',
          'can become unsigned: no cache has a DS. Take "dnssec" out of the zone file of every instance, then run this again',
        )
  const note = { syncPublishMs: null, syncDeleteMs: nowMs }
  const changed = isNoted ? [] : keys.map((key) => ({ key, times: { ...key.times, ...note } }))
  const next =
    signing === null
      ? at(
          'sign-again',
          'was unsigned too early: caches may have its DS. Put "dnssec: { unsign: true }" back until then',
          safeMs,
        )
      : at('caches-to-drop-ds', 'stays signed until no cache has its DS', safeMs)
  return { ...next, changed }
}

/** Only `retire` writes a SyncDelete alone. */
const goneSince = ({ times: { syncPublishMs, syncDeleteMs } }: ZoneKey): number =>
  syncPublishMs === null && syncDeleteMs !== null ? syncDeleteMs : Infinity

/** The zone is unsigned, and no name server of the parent has a DS. */
function unsigned(keys: readonly ZoneKey[], nowMs: number): Retirement {
  const changed = keys.map((key) => {
    const publishMs = key.times.publishMs ?? 0
    const times = { ...key.times, syncPublishMs: null, syncDeleteMs: null }
    const isEarly = publishMs >= nowMs || (key.times.activateMs ?? 0) >= nowMs
    return isEarly
      ? { key, times: { ...times, publishMs: null, activateMs: null, deleteMs: nowMs } }
      : { key, times: { ...times, inactiveMs: key.times.inactiveMs ?? nowMs, deleteMs: nowMs } }
  })
  return {
    ...at('retired', 'is unsigned, and its keys are gone: their files can be removed'),
    changed,
  }
}
