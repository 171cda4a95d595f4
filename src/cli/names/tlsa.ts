// `mxsteer tlsa TARGET`: what a target presents now, read by STARTTLS as a probe does; the TLSA records of it; which of the
// published ones match; and what may be replaced when, by what the running server has handed out. It publishes nothing.

import { timeText } from '../../coherence/guard.ts'
import { matchTlsa } from '../../coherence/tlsa-order.ts'
import type { TargetMail, ZoneMail } from '../../coherence/zone-mail.ts'
import type { PresentedCertificate } from '../../health/tls-report.ts'
import { bareName } from '../../lib/bare-name.ts'
import { systemClock } from '../../lib/clock.ts'
import { listed } from '../../lib/listed.ts'
import { suggestName } from '../../lib/suggest-name.ts'
import {
  type ProbeProfile,
  profileDefaults,
  type WatchedAddress,
} from '../../probe/smtp/profile.ts'
import { probeAddress } from '../../probe/smtp/smtp-probe.ts'
import { formatDiagnostics } from '../../zonefile/diagnostic.ts'
import { loadZonesOnce } from '../../zonefile/run-load.ts'
import { findAdminClient } from '../admin-client.ts'
import { readSettings, zoneFolderOf } from '../command-settings.ts'
import { fail, failAt, type FlagValues, parseFlags } from '../commands/flags.ts'
import { printJson, printLines } from '../text/output.ts'
import type { CoherenceReport, TargetReport } from './coherence.ts'

const numberFlags = { usage: ['3', '2'], selector: ['1', '0'], matching: ['1', '2'] } as const

const namesShown = 8

export async function tlsa(argv: readonly string[]): Promise<number> {
  const flags = parseFlags('tlsa', argv)
  if (flags.kind === 'bad') return fail('tlsa', flags.why)
  const [word, second] = flags.words
  if (word === undefined || second !== undefined)
    return fail('tlsa', 'give one target, such as mx1 or mx1.smtp.example.com')
  const why = badNumber(flags.values)
  if (why !== null) return fail('tlsa', why)
  const admin = await findAdminClient(flags.values)
  if (admin.kind === 'bad' && flags.values['admin'] !== undefined) return fail('tlsa', admin.why)
  const read = await readSettings(flags.values, ['zones', 'config'])
  if (read.kind === 'bad') return failAt('tlsa', read.why)
  const loaded = await loadZonesOnce(zoneFolderOf(read.settings), systemClock.wallMs())
  if (loaded.kind === 'rejected')
    return failAt('tlsa', formatDiagnostics(loaded.diagnostics).trim())
  const found = findTarget(loaded.mail, word, flags.values['zone'])
  if (typeof found === 'string') return fail('tlsa', found)
  const { source } = read.settings.probing
  const addresses = await readAddresses(found, loaded.watched, source)
  const report = reportOf(found, addresses, {
    numbers: numbersOf(flags.values),
    running: await askServer(admin, found),
  })
  if (flags.values['json']) printJson(report)
  else printLines(reportLines(report))
  return addresses.some(({ presented }) => presented === null) ? 1 : 0
}

function badNumber(values: FlagValues): string | null {
  for (const [flag, allowed] of Object.entries(numberFlags)) {
    const value = values[flag]
    if (value !== undefined && !(allowed as readonly string[]).includes(String(value)))
      return `--${flag} is "${String(value)}", expected ${allowed.join(' or ')} (RFC 7672 §3.1)`
  }
  return null
}

interface FoundTarget {
  readonly mail: ZoneMail
  readonly target: TargetMail
}

/** By its name, alone or whole. What is wrong, where there is none or several. */
function findTarget(
  zones: readonly ZoneMail[],
  word: string,
  zone: string | string[] | undefined,
): FoundTarget | string {
  const wanted = bareName(word)
  const found = zones
    .filter((mail) => zone === undefined || mail.zone === bareName(String(zone)))
    .flatMap((mail) => mail.targets.map((target) => ({ mail, target })))
    .filter(({ target }) => target.name.toLowerCase() === wanted || target.exchange === wanted)
  const [first, second] = found
  if (first === undefined) {
    const known = zones.flatMap(({ targets }) => targets.map(({ name }) => name))
    return `no target ${wanted}, ${suggestName('target', new Set(known), wanted)}`
  }
  if (second === undefined) return first
  const names = listed(
    found.map(({ target }) => target.exchange),
    namesShown,
  )
  return `several targets, give one whole name or --zone: ${names}`
}

interface ReadAddress {
  readonly address: string
  /** null: it presented nothing. */
  readonly presented: PresentedCertificate | null
  /** Why it presented nothing; else what a sender that demands TLS would say of it. */
  readonly findings: readonly string[]
}

const readAddresses = (
  { mail, target }: FoundTarget,
  watched: readonly WatchedAddress[],
  source: ProbeProfile['source'],
): Promise<readonly ReadAddress[]> =>
  Promise.all(
    target.addresses.map(async (address) => {
      const probes = watched.filter(
        (one) => one.zone === mail.zone && one.target === target.name && one.address === address,
      )
      const probe = probes.find(({ profile }) => profile.level === 'tls') ?? probes[0]
      const profile = { ...profileOf(mail, probe), level: 'tls' as const }
      const tls = { ...profile.tls, serverName: target.exchange }
      const request = {
        address: probe?.probeAddress ?? address,
        profile: { ...profile, tls },
        source,
      }
      const outcome = await probeAddress(request, systemClock)
      const findings = outcome.tls?.findings.map(({ text }) => text) ?? [outcome.reason]
      return { address, presented: outcome.tls?.presented ?? null, findings }
    }),
  )

const smtpPort = 25

const profileOf = ({ zone }: ZoneMail, probe: WatchedAddress | undefined): ProbeProfile =>
  probe?.profile ?? { ...profileDefaults, name: 'tlsa', port: smtpPort, ehlo: `probe.${zone}` }

interface Numbers {
  readonly usage: string
  readonly selector: string
  readonly matching: string
}

const numbersOf = (values: FlagValues): Numbers => ({
  usage: String(values['usage'] ?? numberFlags.usage[0]),
  selector: String(values['selector'] ?? numberFlags.selector[0]),
  matching: String(values['matching'] ?? numberFlags.matching[0]),
})

/** What the running server has handed out of the target; null: none answers. */
async function askServer(
  admin: Awaited<ReturnType<typeof findAdminClient>>,
  { mail, target }: FoundTarget,
): Promise<TargetReport | null> {
  if (admin.kind === 'bad') return null
  const response = await admin.client.request('GET', '/coherence')
  if (response.kind === 'failed' || response.status !== 200) return null
  const { targets } = response.body as CoherenceReport
  return targets.find((one) => one.zone === mail.zone && one.target === target.name) ?? null
}

interface TlsaReport {
  readonly zone: string
  readonly target: string
  readonly owner: string
  readonly addresses: readonly (Omit<ReadAddress, 'presented'> & {
    readonly names: readonly string[]
    /** The record of what it presents; null: it presented nothing. */
    readonly record: string | null
  })[]
  /** Of the zone file, and of what caches may hold. */
  readonly published: readonly {
    readonly record: string
    readonly role: 'current' | 'next' | 'gone'
    readonly isPresented: boolean | null
    readonly inCachesFrom: string | null
    readonly cachedUntil: string | null
  }[]
  readonly advice: readonly string[]
}

interface ReportInput {
  readonly numbers: Numbers
  readonly running: TargetReport | null
}

function reportOf(
  { mail, target }: FoundTarget,
  addresses: readonly ReadAddress[],
  { numbers, running }: ReportInput,
): TlsaReport {
  const presented = addresses.flatMap((one) => one.presented ?? [])
  const known = running?.tlsa ?? []
  const inFile = target.tlsa.map((record) => ({
    record,
    role: target.next.includes(record) ? ('next' as const) : ('current' as const),
    isPresented: isPresented(record, presented),
    inCachesFrom: known.find((one) => one.record === record)?.inCachesFrom ?? null,
    cachedUntil: null,
  }))
  const elsewhere = known
    .filter(({ record }) => !target.tlsa.includes(record))
    .map((one) => ({ ...one, isPresented: isPresented(one.record, presented) }))
  const roles = ['current', 'next', 'gone']
  const published = [...inFile, ...elsewhere].sort(
    (one, other) => roles.indexOf(one.role) - roles.indexOf(other.role),
  )
  return {
    zone: mail.zone,
    target: target.name,
    owner: `_25._tcp.${target.exchange}.`,
    addresses: addresses.map(({ address, presented: one, findings }) => ({
      address,
      names: one?.names ?? [],
      record: one && recordOf(one, numbers),
      findings,
    })),
    published,
    advice: adviceOf(mail, published, { hasRunning: running !== null, presented }),
  }
}

/** Of usage 2 that of the last certificate of the chain. */
function recordOf({ chain }: PresentedCertificate, numbers: Numbers): string | null {
  const { usage, selector, matching } = numbers
  const digests = usage === '2' ? chain.at(-1) : chain[0]
  const data = (digests as Readonly<Record<string, string>> | undefined)?.[
    `${selector} ${matching}`
  ]
  return data === undefined ? null : `${usage} ${selector} ${matching} ${data}`
}

/** null: it is not compared, or nothing was presented. */
function isPresented(record: string, presented: readonly PresentedCertificate[]): boolean | null {
  const matches = presented.map((one) => matchTlsa([record], one))
  if (matches.length === 0 || matches.includes('unknown')) return null
  return matches.includes('match')
}

interface AdviceInput {
  readonly hasRunning: boolean
  readonly presented: readonly PresentedCertificate[]
}

function adviceOf(
  mail: ZoneMail,
  published: TlsaReport['published'],
  { hasRunning, presented }: AdviceInput,
): readonly string[] {
  const records = published.filter(({ role }) => role !== 'gone')
  if (records.length === 0)
    return ['no TLSA is published: senders that use DANE take it as any other']
  if (!mail.isSigned) return ['the zone is not signed: TLSA counts for nobody']
  const lines = presented.some(
    (one) =>
      matchTlsa(
        records.map(({ record }) => record),
        one,
      ) === 'mismatch',
  )
    ? ['it presents a certificate that no record matches: senders that use DANE do not deliver']
    : []
  return [...lines, ...records.flatMap((one) => adviceOfRecord(one, records, hasRunning))]
}

function adviceOfRecord(
  { record, role, isPresented: isInUse, inCachesFrom }: TlsaReport['published'][number],
  all: TlsaReport['published'],
  hasRunning: boolean,
): readonly string[] {
  const short = shortRecord(record)
  if (isInUse === true) return [`${short} (${role}) is presented: keep it`]
  if (isInUse === null) return []
  if (role === 'next') {
    if (!hasRunning)
      return [
        `${short} (next): no server answers, so that it is not known since when it is published`,
      ]
    if (inCachesFrom === null) return [`${short} (next) is not published yet: load the zone`]
    const fromMs = Date.parse(inCachesFrom)
    const isOver = fromMs <= systemClock.wallMs()
    return [
      isOver
        ? `${short} (next) is in every cache: its certificate may be presented`
        : `${short} (next): its certificate may be presented from ${timeText(fromMs)} on`,
    ]
  }
  const hasOther = all.some((one) => one.isPresented === true)
  return hasOther ? [`${short} (${role}) is presented no more: it may go`] : []
}

const shortRecord = (record: string): string =>
  record.length > 22 ? `${record.slice(0, 22)}…` : record

function reportLines({ owner, addresses, published, advice }: TlsaReport): readonly string[] {
  const records = [...new Set(addresses.flatMap(({ record }) => record ?? []))]
  return [
    ...records.map((record) => `${owner} TLSA ${record}`),
    ...addresses.map(({ address, names, record, findings }) => {
      const what = record === null ? 'presents nothing' : `presents ${names.join(', ')}`
      return `${address} ${what}${findings.length > 0 ? `: ${findings.join('; ')}` : ''}`
    }),
    ...published.map(publishedLine),
    ...advice,
  ]
}

function publishedLine(one: TlsaReport['published'][number]): string {
  const match = { true: 'matches', false: 'does not match', null: 'not compared' }
  const until =
    one.cachedUntil === null ? '' : `, in caches until ${timeText(Date.parse(one.cachedUntil))}`
  return `${one.role}: ${one.record}: ${match[`${one.isPresented}`]}${until}`
}
