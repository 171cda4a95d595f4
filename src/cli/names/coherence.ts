// `mxsteer coherence [ZONE]`: for each target of a running server what the world knows it by, and whether that agrees.

import { bareName } from '../../lib/bare-name.ts'
import type { Cell } from '../../coherence/matrix.ts'
import { findAdminClient } from '../admin-client.ts'
import { fail, noTargetOf, parseFlags } from '../commands/flags.ts'
import { tableLines } from '../text/columns.ts'
import { printJson, printLines } from '../text/output.ts'

/** A row of `/coherence`. Times in ISO 8601. */
export interface TargetReport {
  readonly zone: string
  readonly target: string
  readonly exchange: string
  readonly reachedBy: readonly string[]
  readonly names: readonly Cell[]
  readonly tlsa: readonly {
    readonly record: string
    readonly role: 'current' | 'next' | 'gone'
    readonly inCachesFrom: string | null
    readonly cachedUntil: string | null
  }[]
}

interface PolicyReport {
  readonly zone: string
  readonly domain: string
  readonly id: string
  readonly mode: string
  readonly mx: readonly string[]
  readonly offered: boolean
  readonly heldUntil: string | null
}

/** What `/coherence` says. */
export interface CoherenceReport {
  readonly targets: readonly TargetReport[]
  readonly policies: readonly PolicyReport[]
}

export async function coherence(argv: readonly string[]): Promise<number> {
  const flags = parseFlags('coherence', argv)
  if (flags.kind === 'bad') return fail('coherence', flags.why)
  if (flags.words.length > 1) return fail('coherence', 'one zone at a time')
  const admin = await findAdminClient(flags.values)
  if (admin.kind === 'bad') return fail('coherence', admin.why)
  const response = await admin.client.request('GET', '/coherence')
  if (response.kind === 'failed') return fail('coherence', response.why, 1)
  if (response.status !== 200)
    return fail('coherence', `the admin server says ${response.status}`, 1)
  const { targets, policies } = response.body as CoherenceReport
  const [zone] = flags.words.map(bareName)
  const isWanted = (one: { readonly zone: string }): boolean =>
    zone === undefined || one.zone === zone
  const report = { targets: targets.filter(isWanted), policies: policies.filter(isWanted) }
  if (zone !== undefined && report.targets.length === 0)
    return fail('coherence', noTargetOf(zone, targets), 1)
  if (flags.values['json']) printJson(report)
  else printLines(reportLines(report))
  return report.targets.some(({ names }) => names.some(isExcluded)) ? 1 : 0
}

const isExcluded = ({ state }: Cell): boolean => state === 'excludes'

function reportLines({ targets, policies }: CoherenceReport): readonly string[] {
  const held = policies
    .filter(({ offered, mode }) => !offered && mode === 'enforce')
    .map(
      ({ domain, mx, heldUntil }) =>
        `until ${heldUntil ?? 'never'} senders may hold a policy of ${domain} that allows ${mx.join(', ')}`,
    )
  return [...matrixLines(targets), ...held]
}

/** Targets and names as a table, and below it in words what does not agree. */
export function matrixLines(
  targets: readonly Pick<TargetReport, 'exchange' | 'names'>[],
): readonly string[] {
  const facets = targets[0]?.names.map(({ facet }) => facet.toUpperCase()) ?? []
  const rows = targets.map(({ exchange, names }) => [exchange, ...names.map(({ state }) => state)])
  const notes = targets.flatMap(({ exchange, names }) =>
    names
      .filter(({ state }) => state === 'excludes' || state === 'differs')
      .map(({ facet, text }) => `${exchange}: ${facet}: ${text}`),
  )
  return [...tableLines([['TARGET', ...facets], ...rows]), ...notes]
}
