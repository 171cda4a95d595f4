// `mxsteer keys status [ZONE]`: each key, from its files and the clock: what it does, since when, what comes next and
// when, and what has to happen before. With --parents the network is asked too: what each name server of the parent has.

import { setTimeout as pause } from 'node:timers/promises'

import { type PublicZoneKey, responseFileName, type ZoneKey } from '../../dnssec/key-file.ts'
import { type KeyFolder, lookIntoKeyFolder } from '../../dnssec/key-folder.ts'
import {
  firstRefusal,
  isEntryPoint,
  isInDnskey,
  keyPhaseAt,
  type KeyPhase,
  keyStateAt,
} from '../../dnssec/key-set.ts'
import { responseDueMs } from '../../dnssec/offline/mistakes.ts'
import {
  isInPeriod,
  type OfflineKeys,
  offlineRefusal,
  offlineStateAt,
  periodAt,
  takenOver,
} from '../../dnssec/offline/periods.ts'
import type { DnsAccess } from '../../trust/parent.ts'
import { systemClock } from '../../lib/clock.ts'
import { type Name, nameToText, rootName } from '../../wire/name.ts'
import { formatDiagnostics } from '../../zonefile/diagnostic.ts'
import { readSettings, resolverFlags } from '../command-settings.ts'
import { fail, failAt, type FlagValues, parseFlags } from '../commands/flags.ts'
import { tableLines } from '../text/columns.ts'
import { printJson, printLines } from '../text/output.ts'
import { findKeyFolder, readZone, roleOf, timeText } from './key-command.ts'
import { askParent, parentLines, parentReport, type ParentReport } from './parent-view.ts'
import { parentAccess } from './rolled-zone.ts'

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
  readonly waitsOn: 'copies' | 'caches' | 'parent' | 'response' | null
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
  /** null: the keys with flags 257 are here. */
  readonly offline: {
    /** Until when DNSKEY is signed; null: no response is here. */
    readonly until: string | null
    /** When another period of the response begins; null: this is the last. */
    readonly next: string | null
  } | null
  /** null: it was not asked. */
  readonly parent: ParentReport | null
}

/** The keys of a zone, with those whose private keys are kept offline. */
interface OwnKeys {
  readonly zone: Name
  readonly keys: readonly ZoneKey[]
  readonly publicKeys: readonly PublicZoneKey[]
  readonly offline: OfflineKeys | null
}

const watchEveryMs = 2000
/** Name servers of others are asked less often. */
const watchParentsEveryMs = 30_000

export async function keyStatus(argv: readonly string[]): Promise<number> {
  const flags = parseFlags(name, argv)
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
  const found = await lookIntoKeyFolder(folder, zone && [zone])
  process.stderr.write(formatDiagnostics(found.diagnostics))
  const zones = ownKeysOf(found)
  if (zone !== null && zones.length === 0)
    return fail(name, `no key of ${nameToText(zone)} in ${folder}`, 1)
  const nowMs = systemClock.wallMs()
  const reports: ZoneReport[] = []
  const lines: string[] = []
  for (const own of zones) {
    const parent = access === null ? null : parentReport(await askParent(own.zone, access))
    reports.push(reportOf(own, nowMs, parent))
    if (parent) lines.push('', ...parentLines(parent, [...own.keys, ...own.publicKeys]))
  }
  if (asJson) printJson(reports)
  else printLines([...textOf(reports), ...lines])
  const isRefused = reports.some(({ refused }) => refused !== null && refused.from === null)
  return isRefused || found.diagnostics.some(({ severity }) => severity === 'error') ? 1 : 0
}

function ownKeysOf({ keys, publicKeys, responses }: KeyFolder): readonly OwnKeys[] {
  return [...new Set([...keys.keys(), ...publicKeys.keys()])].map((apexKey) => {
    const here = keys.get(apexKey) ?? []
    const elsewhere = publicKeys.get(apexKey) ?? []
    const response = responses.get(apexKey)
    const entryPoints = [...elsewhere, ...here.filter(isEntryPoint)]
    return {
      zone: [...here, ...elsewhere][0]?.zone ?? rootName,
      keys: here,
      publicKeys: elsewhere,
      offline: response ? takenOver({ response, entryPoints }, undefined, 0) : null,
    }
  })
}

function reportOf(own: OwnKeys, nowMs: number, parent: ParentReport | null): ZoneReport {
  const { zone, keys, publicKeys, offline } = own
  const present = [...publicKeys, ...keys.filter((key) => keyStateAt(key, nowMs) !== 'gone')]
  const refusal = refusalOf(own, nowMs)
  return {
    zone: nameToText(zone).toLowerCase(),
    keys: [
      ...publicKeys.map((key) => publicReportOf(key, own, nowMs)),
      ...keys.map((key) => keyReportOf(key, present, own, nowMs)),
    ],
    refused: refusal && {
      from: refusal.atMs <= nowMs ? null : timeText(refusal.atMs),
      code: refusal.refused.code,
      why: refusal.refused.why,
    },
    offline: offline === null && publicKeys.length === 0 ? null : offlineReportOf(own, nowMs),
    parent,
  }
}

/** The end of a response is told of when it is near. */
function refusalOf(
  { zone, keys, publicKeys, offline }: OwnKeys,
  nowMs: number,
): ReturnType<typeof firstRefusal> {
  if (offline !== null) {
    const refusal = offlineRefusal(keys, offline, nowMs)
    const isFar = refusal?.isByTime === true && refusal.atMs - nowMs > responseDueMs
    return isFar ? null : refusal
  }
  if (publicKeys.length === 0) return firstRefusal(keys, nowMs)
  const why = `${responseFileName(zone)} is not here, and the key with flags 257 is kept offline`
  return { atMs: nowMs, refused: { kind: 'refused', code: 'key-response', why } }
}

function offlineReportOf(
  { keys, offline }: OwnKeys,
  nowMs: number,
): NonNullable<ZoneReport['offline']> {
  if (offline === null) return { until: null, next: null }
  const until = offlineRefusal(keys, offline, nowMs)
  const next = offline.response.periods.find(({ fromMs }) => fromMs > nowMs)
  return {
    until: until && timeText(until.atMs),
    next: next === undefined ? null : timeText(next.fromMs),
  }
}

function publicReportOf(
  key: PublicZoneKey,
  { zone, keys, offline }: OwnKeys,
  nowMs: number,
): KeyReport {
  const waits = on('response', `${responseFileName(zone)}: "keys request", then "keys sign"`)
  return {
    tag: key.tag,
    algorithm: key.algorithm,
    flags: key.flags,
    role: 'KSK',
    state: offline === null ? 'hidden' : offlineStateAt(key, keys, offline, nowMs),
    since: null,
    next: null,
    ...(offline === null ? waits : on(null, '- (offline)')),
  }
}

function keyReportOf(
  key: ZoneKey,
  present: readonly PublicZoneKey[],
  own: OwnKeys,
  nowMs: number,
): KeyReport {
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
    ...(waitsForResponse(key, own, nowMs) ?? waitsFor(key, phase, nowMs)),
  }
}

type Waits = Pick<KeyReport, 'waitsFor' | 'waitsOn'>

const on = (waitsOn: KeyReport['waitsOn'], text: string): Waits => ({ waitsOn, waitsFor: text })

/** A key that is in DNSKEY by its times, and not in what an offline key has signed. */
function waitsForResponse(
  key: ZoneKey,
  { keys, publicKeys, offline }: OwnKeys,
  nowMs: number,
): Waits | null {
  if (isEntryPoint(key) || !isInDnskey(key, nowMs)) return null
  const isSigned = offline && isInPeriod(periodAt(keys, offline.response, nowMs), key)
  if (isSigned === true || (offline === null && publicKeys.length === 0)) return null
  return on('response', 'a response that has it in DNSKEY: "keys request", then "keys sign"')
}

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
  const offline = reports.flatMap(({ zone, offline: signed }) =>
    signed === null || signed.until === null
      ? []
      : [`${zone} DNSKEY is signed offline until ${signed.until}`],
  )
  const notes = [...offline, ...refusals]
  return [...tableLines([head, ...rows]), ...(notes.length > 0 ? ['', ...notes] : [])]
}
