// `mxsteer keys status [ZONE]`: each key, from its files and the clock: what it does, since when, what comes next and
// when, and what has to happen before.

import type { ZoneKey } from '../../dnssec/key-file.ts'
import { lookIntoKeyFolder } from '../../dnssec/key-folder.ts'
import { firstRefusal, keyPhaseAt, type KeyPhase, keyStateAt } from '../../dnssec/key-set.ts'
import { systemClock } from '../../lib/clock.ts'
import { keyOfName, nameToText } from '../../wire/name.ts'
import { formatDiagnostics } from '../../zonefile/diagnostic.ts'
import { fail, failAt, parseFlags } from '../flags.ts'
import { tableLines } from '../text/columns.ts'
import { printJson, printLines } from '../text/output.ts'
import { findKeyFolder, folderFlags, readZone, roleOf, timeText } from './key-command.ts'

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
}

export async function keyStatus(argv: readonly string[]): Promise<number> {
  const flags = parseFlags(argv, folderFlags, [], ['json'])
  if (flags.kind === 'bad') return fail(name, flags.why)
  const [word, ...more] = flags.words
  if (more.length > 0) return fail(name, 'one zone, or none for all')
  const zone = word === undefined ? null : readZone(word)
  if (zone?.kind === 'bad') return fail(name, zone.why)
  const found = await findKeyFolder(flags.values)
  if (found.kind === 'bad') return failAt(name, found.why)
  const { keys, diagnostics } = await lookIntoKeyFolder(found.folder, zone && [zone.zone])
  process.stderr.write(formatDiagnostics(diagnostics))
  const nowMs = systemClock.wallMs()
  if (zone !== null && !keys.has(keyOfName(zone.zone)))
    return fail(name, `no key of ${nameToText(zone.zone)} in ${found.folder}`, 1)
  const reports = Array.from(keys.values(), (own) => reportOf(own, nowMs))
  if (flags.values['json']) printJson(reports)
  else printLines(textOf(reports))
  const isRefused = reports.some(({ refused }) => refused !== null && refused.from === null)
  return isRefused || diagnostics.some(({ severity }) => severity === 'error') ? 1 : 0
}

function reportOf(keys: readonly ZoneKey[], nowMs: number): ZoneReport {
  const present = keys.filter((key) => keyStateAt(key, nowMs) !== 'gone')
  const refusal = firstRefusal(keys, nowMs)
  const [first] = keys
  return {
    zone: first ? nameToText(first.zone).toLowerCase() : '',
    keys: keys.map((key) => keyReportOf(key, present, nowMs)),
    refused: refusal && {
      from: refusal.atMs === nowMs ? null : timeText(refusal.atMs),
      code: refusal.refused.code,
      why: refusal.refused.why,
    },
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
    waitsFor: waitsFor(key, phase),
  }
}

/** What has to be true before the next step, whether its time is set or is to be set. */
function waitsFor({ flags }: ZoneKey, { state, next }: KeyPhase): string {
  const isEntry = flags === 257
  const toSet = (field: string): string => (next === null ? `, then set ${field}` : '')
  switch (state) {
    case 'hidden':
      return `the files on every instance${toSet('Publish')}`
    case 'published':
      return isEntry
        ? `its DS at the parent, and the old DS out of caches${toSet('Activate')}`
        : `the new DNSKEY set in caches${toSet('Activate')}`
    case 'active':
      return next === null ? '-' : 'another key that is active by then'
    case 'retired':
      return `its signatures out of caches${isEntry ? ', and no DS of it at the parent' : ''}${toSet('Delete')}`
    case 'gone':
      return 'nothing: its files can be removed'
    default:
      return state satisfies never
  }
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
