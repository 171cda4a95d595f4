// `mxsteer keys status [ZONE]`: each key, from its files and the clock: what it does, since when, what comes next and
// when, and what has to happen before. With --parents the network is asked too: what each name server of the parent has.

import { setTimeout as pause } from 'node:timers/promises'

import type { ZoneKey } from '../../dnssec/key-file.ts'
import { lookIntoKeyFolder } from '../../dnssec/key-folder.ts'
import {
  firstRefusal,
  isEntryPoint,
  keyPhaseAt,
  type KeyPhase,
  keyStateAt,
} from '../../dnssec/key-set.ts'
import type { DnsAccess } from '../../doctor/parent.ts'
import { systemClock } from '../../lib/clock.ts'
import { keyOfName, type Name, nameToText, rootName } from '../../wire/name.ts'
import { formatDiagnostics } from '../../zonefile/diagnostic.ts'
import { readSettings, resolverFlags } from '../command-settings.ts'
import { fail, failAt, type FlagValues, parseFlags } from '../flags.ts'
import { tableLines } from '../text/columns.ts'
import { printJson, printLines } from '../text/output.ts'
import { findKeyFolder, folderFlags, readZone, roleOf, timeText } from './key-command.ts'
import { askParent, parentLines, parentReport, type ParentReport } from './parent-view.ts'
import { parentAccess, parentFlags } from './rolled-zone.ts'

const name = 'keys status'

interface KeyReport {
  readonly tag: number
  readonly algorithm: number
  readonly flags: number
  readonly role: 'CSK' | 'KSK' | 'ZSK'
  readonly state: string
  /** null: always. */
  readonly since: string | null
  /** null: nothing is planned. */
  readonly next: { readonly state: string; readonly at: string } | null
  readonly waitsFor: string
  /** Of what kind that is; null: of none. */
  readonly waitsOn: 'copies' | 'caches' | 'parent' | null
}

interface ZoneReport {
  readonly zone: string
  readonly keys: readonly KeyReport[]
  /** When the keys cannot sign the zone, and why; null: as far as their times go they can. */
  readonly refused: {
    /** null: now. */
    readonly from: string | null
    readonly code: string
    readonly why: string
  } | null
  /** null: it was not asked. */
  readonly parent: ParentReport | null
}

const watchEveryMs = 2000
/** Name servers of others are asked less often. */
const watchParentsEveryMs = 30_000

export async function keyStatus(argv: readonly string[]): Promise<number> {
  const single = [...folderFlags, ...parentFlags]
  const flags = parseFlags(argv, single, [], ['json', 'parents', 'watch'])
  if (flags.kind === 'bad') return fail(name, flags.why)
  const [word, ...more] = flags.words
  if (more.length > 0) return fail(name, 'one zone, or none for all')
  const zone = word === undefined ? null : readZone(word)
  if (zone?.kind === 'bad') return fail(name, zone.why)
  const found = await findKeyFolder(flags.values)
  if (found.kind === 'bad') return failAt(name, found.why)
  const asksParents = flags.values['parents'] !== undefined
  const access = asksParents ? await readAccess(flags.values) : null
  if (access?.kind === 'bad') return failAt(name, access.why)
  const shown: Shown = {
    folder: found.folder,
    zone: zone?.zone ?? null,
    access: access?.access ?? null,
    asJson: flags.values['json'] !== undefined,
  }
  if (flags.values['watch'] === undefined) return show(shown)
  // Ended by a signal.
  for (;;) {
    printLines([timeText(systemClock.wallMs())])
    await show(shown)
    printLines([''])
    await pause(asksParents ? watchParentsEveryMs : watchEveryMs)
  }
}

interface Shown {
  readonly folder: string
  /** null: all. */
  readonly zone: Name | null
  /** null: parents are not asked; a text: why they cannot be. */
  readonly access: DnsAccess | string | null
  readonly asJson: boolean
}

type AccessRead =
  | { readonly kind: 'access'; readonly access: DnsAccess | string }
  | { readonly kind: 'bad'; readonly why: string }

async function readAccess(values: FlagValues): Promise<AccessRead> {
  const read = await readSettings(values, resolverFlags)
  return read.kind === 'bad'
    ? read
    : { kind: 'access', access: parentAccess(read.settings, values) }
}

/** Returns the exit code. */
async function show({ folder, zone, access, asJson }: Shown): Promise<number> {
  const { keys, diagnostics } = await lookIntoKeyFolder(folder, zone && [zone])
  process.stderr.write(formatDiagnostics(diagnostics))
  if (zone !== null && !keys.has(keyOfName(zone)))
    return fail(name, `no key of ${nameToText(zone)} in ${folder}`, 1)
  const nowMs = systemClock.wallMs()
  const reports: ZoneReport[] = []
  const lines: string[] = []
  for (const own of keys.values()) {
    const parent = access === null ? null : parentReport(await askParent(zoneOf(own), access))
    reports.push(reportOf(own, nowMs, parent))
    if (parent) lines.push('', ...parentLines(parent, own))
  }
  if (asJson) printJson(reports)
  else printLines([...textOf(reports), ...lines])
  const isRefused = reports.some(({ refused }) => refused !== null && refused.from === null)
  return isRefused || diagnostics.some(({ severity }) => severity === 'error') ? 1 : 0
}

/** Of the keys of one zone, of which there is one at least. */
const zoneOf = ([first]: readonly ZoneKey[]): Name => first?.zone ?? rootName

function reportOf(
  keys: readonly ZoneKey[],
  nowMs: number,
  parent: ParentReport | null,
): ZoneReport {
  const present = keys.filter((key) => keyStateAt(key, nowMs) !== 'gone')
  const refusal = firstRefusal(keys, nowMs)
  return {
    zone: nameToText(zoneOf(keys)).toLowerCase(),
    keys: keys.map((key) => keyReportOf(key, present, nowMs)),
    refused: refusal && {
      from: refusal.atMs === nowMs ? null : timeText(refusal.atMs),
      code: refusal.refused.code,
      why: refusal.refused.why,
    },
    parent,
  }
}

function keyReportOf(key: ZoneKey, present: readonly ZoneKey[], nowMs: number): KeyReport {
  const phase = keyPhaseAt(key, nowMs)
  const { state, sinceMs, next } = phase
  return {
    tag: key.tag,
    algorithm: key.algorithm,
    flags: key.flags,
    role: roleOf(key, present),
    state,
    since: sinceMs === null || sinceMs === 0 ? null : timeText(sinceMs),
    next: next && { state: next.state, at: timeText(next.atMs) },
    ...waitsFor(key, phase, nowMs),
  }
}

type Waits = Pick<KeyReport, 'waitsFor' | 'waitsOn'>

const on = (waitsOn: KeyReport['waitsOn'], text: string): Waits => ({ waitsOn, waitsFor: text })

/** What has to be true before the next step, whether its time is set or is to be set. */
function waitsFor(key: ZoneKey, { state, next }: KeyPhase, nowMs: number): Waits {
  const toSet = (field: string): string => (next === null ? `, then set ${field}` : '')
  switch (state) {
    case 'hidden':
      return on('copies', `the files on every instance${toSet('Publish')}`)
    case 'published':
      return isEntryPoint(key)
        ? publishedWaits(key, toSet('Activate'), nowMs)
        : on('caches', `the new DNSKEY set in caches${toSet('Activate')}`)
    case 'active':
      return next === null ? on(null, '-') : on('copies', 'another key that is active by then')
    case 'retired': {
      const parent = isEntryPoint(key) ? ', and no DS of it at the parent' : ''
      return on('caches', `its signatures out of caches${parent}${toSet('Delete')}`)
    }
    case 'gone':
      return on(null, 'nothing: its files can be removed')
    default:
      return state satisfies never
  }
}

/** A key that the parent is to name, which does not sign data yet. */
function publishedWaits({ times }: ZoneKey, toSet: string, nowMs: number): Waits {
  const { syncPublishMs, dsPublishMs, deleteMs } = times
  if (deleteMs !== null) return on('caches', 'DNSKEY without it in caches')
  if (dsPublishMs !== null) return on('caches', `the old DS out of caches${toSet}`)
  if (syncPublishMs === null)
    return on('parent', `its DS at the parent, and the old DS out of caches${toSet}`)
  return nowMs < syncPublishMs
    ? on('caches', `the new DNSKEY set in caches; its DS is due ${timeText(syncPublishMs)}`)
    : on('parent', 'its DS at every name server of the parent, then "keys rollover" again')
}

const refusalText = ({ from, why }: NonNullable<ZoneReport['refused']>): string =>
  from === null
    ? `cannot be signed with these keys: ${why}`
    : `needs another key or other times before ${from}, when ${why}`

const head = ['ZONE', 'TAG', 'ALGORITHM', 'ROLE', 'STATE', 'SINCE', 'NEXT', 'AT', 'WAITS FOR']

function textOf(reports: readonly ZoneReport[]): readonly string[] {
  if (reports.length === 0) return ['no keys']
  const rows = reports.flatMap(({ zone, keys }) =>
    keys.map((key) => [
      zone,
      String(key.tag),
      String(key.algorithm),
      key.role,
      key.state,
      key.since ?? '-',
      key.next?.state ?? '-',
      key.next?.at ?? '-',
      key.waitsFor,
    ]),
  )
  const refusals = reports.flatMap(({ zone, refused }) =>
    refused ? [`${zone} ${refusalText(refused)}`] : [],
  )
  return [...tableLines([head, ...rows]), ...(refusals.length > 0 ? ['', ...refusals] : [])]
}
