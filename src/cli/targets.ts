// `mxsteer targets`: tables of a running server: the weight of each target in each of its pools, the
// state of each address, and names that have left their zones.

import { bareName } from '../lib/bare-name.ts'
import { findAdminClient } from './admin-client.ts'
import { fail, noTargetOf, noWords, parseFlags } from './commands/flags.ts'
import { type Cell, foldedTableLines, type Paint } from './text/columns.ts'
import {
  departedCells,
  departedHead,
  type DepartedReport,
  hasSeveralProbes,
  printableCell,
  stateCell,
} from './text/status-text.ts'
import { paintFor, printJson } from './text/output.ts'

/** The state of one address. */
interface AddressReport {
  readonly zone: string
  readonly target: string
  readonly address: string
  readonly probe: string
  readonly state: string
  readonly since: string
  readonly reason: string
  readonly held: boolean
}

/** The weight of one target in one of its pools. */
interface MemberReport {
  readonly zone: string
  readonly target: string
  readonly pool: string
  /** Why no answer names it; null: answers do. */
  readonly out: string | null
  /** `configured` in the pool's unit, the factors, and their product `effective`. */
  readonly weight: {
    readonly configured: number
    readonly warmUp: number
    readonly override: number
    readonly feedback: number
    readonly reputation: number
    /** A server that does not tell them apart has all three in `slowStart`. */
    readonly slowStart: number
    readonly shedding?: number
    readonly health?: number
    readonly effective: number
  }
  /** When the last answer that names it expires in caches; null: no answer has named it. */
  readonly exposedUntil: string | null
}

/** The part of `/targets` that is shown. */
interface TargetsReport {
  readonly targets: readonly AddressReport[]
  readonly members: readonly MemberReport[]
  /** Absent: the server is older than this command. */
  readonly departed?: readonly DepartedReport[]
}

export async function targets(argv: readonly string[]): Promise<number> {
  const flags = parseFlags('targets', argv)
  if (flags.kind === 'bad') return fail('targets', flags.why)
  if (flags.words.length > 0) return fail('targets', noWords('targets', flags.words))
  const admin = await findAdminClient(flags.values)
  if (admin.kind === 'bad') return fail('targets', admin.why)
  const response = await admin.client.request('GET', '/targets')
  if (response.kind === 'failed') return fail('targets', response.why, 1)
  const zone =
    flags.values['zone'] === undefined ? undefined : bareName(String(flags.values['zone']))
  const isWanted = (row: { readonly zone: string }): boolean =>
    zone === undefined || row.zone === zone
  const { targets: addresses, members, departed = [] } = response.body as TargetsReport
  const report = {
    targets: addresses.filter(isWanted),
    members: members.filter(isWanted),
    departed: departed.filter(isWanted),
  }
  const all = [...addresses, ...members, ...departed]
  if (zone !== undefined && !all.some(isWanted)) return fail('targets', noTargetOf(zone, all), 1)
  if (flags.values['json']) printJson(report)
  else printTables(tables(report), paintFor(flags.values['color']))
  return 0
}

const memberHead = [
  'TARGET',
  'POOL',
  'WEIGHT',
  'OF',
  'WARM-UP',
  'OVERRIDE',
  'FEEDBACK',
  'REPUTATION',
  'SLOW START',
  'OUT',
  'CACHED UNTIL',
]

/** Tables as wide as their cells are. */
function printTables(all: readonly (readonly (readonly Cell[])[])[], paint: Paint): void {
  const texts = all
    .filter((rows) => rows.length > 0)
    .map((rows) =>
      foldedTableLines(
        rows.map((row) => row.map(printableCell)),
        Infinity,
        paint,
      ),
    )
  process.stdout.write(`${texts.map((lines) => lines.join('\n')).join('\n\n')}\n`)
}

const tables = ({
  targets: addresses,
  members,
  departed = [],
}: TargetsReport): readonly (readonly (readonly Cell[])[])[] => [
  [memberHead, ...members.map(memberCells)],
  addressRows(addresses),
  departed.length === 0 ? [] : [departedHead, ...departed.map(departedCells)],
]

/** With the names of probes where a target has several. */
function addressRows(addresses: readonly AddressReport[]): readonly (readonly Cell[])[] {
  const hasProbes = hasSeveralProbes(addresses)
  const head = ['TARGET', 'ADDRESS', ...(hasProbes ? ['PROBE'] : []), 'STATE', 'SINCE', 'REASON']
  const rows = addresses.map(({ target, zone, address, probe, state, since, held, reason }) => [
    `${target}.${zone}`,
    address,
    ...(hasProbes ? [probe] : []),
    stateCell(state),
    since,
    held ? 'held-for-flapping' : reason,
  ])
  return [head, ...rows]
}

const memberCells = ({ target, zone, pool, weight, out, exposedUntil }: MemberReport): Cell[] => [
  `${target}.${zone}`,
  pool,
  rounded(weight.effective),
  rounded(weight.configured),
  percent(weight.warmUp),
  percent(weight.override),
  percent(weight.feedback),
  percent(weight.reputation),
  percent(weight.slowStart * (weight.shedding ?? 1) * (weight.health ?? 1)),
  out === null ? '-' : { text: out, style: 'yellow' },
  exposedUntil ?? '-',
]

const rounded = (value: number): string => String(Math.round(value * 100) / 100)
const percent = (share: number): string => `${rounded(share * 100)}%`
