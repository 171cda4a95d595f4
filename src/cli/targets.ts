// `mxsteer targets`: every target of a running server in each of its pools, and every override, as tables.

import { adminFlags, findAdmin } from './admin-client.ts'
import { table } from './text/columns.ts'
import { parseFlags } from './flags.ts'

interface AddressReport {
  readonly zone: string
  readonly target: string
  readonly address: string
  readonly state: string
  readonly since: string
  readonly reason: string
  readonly held: boolean
}

interface MemberReport {
  readonly zone: string
  readonly target: string
  readonly pool: string
  readonly out: string | null
  readonly weight: {
    readonly configured: number
    readonly warmUp: number
    readonly override: number
    readonly feedback: number
    readonly reputation: number
    readonly slowStart: number
    readonly effective: number
  }
  readonly exposedUntil: string | null
}

interface Report {
  readonly targets: readonly AddressReport[]
  readonly members: readonly MemberReport[]
}

export async function targets(argv: readonly string[]): Promise<number> {
  const flags = parseFlags(argv, [...adminFlags, 'zone'], [], ['json'])
  const isBad = flags.kind === 'bad' || flags.words.length > 0
  if (isBad) return fail(2, flags.kind === 'bad' ? flags.why : 'targets takes options only')
  const found = await findAdmin(flags.values)
  if (found.kind === 'bad') return fail(2, found.why)
  const answer = await found.client.ask('GET', '/targets')
  if (answer.kind === 'failed') return fail(1, answer.why)
  const { zone } = flags.values
  const isWanted = (one: { readonly zone: string }): boolean =>
    zone === undefined || one.zone === zone
  const { targets: addresses, members } = answer.value as Report
  const report = { targets: addresses.filter(isWanted), members: members.filter(isWanted) }
  const text = flags.values['json'] ? `${JSON.stringify(report, null, 2)}\n` : tables(report)
  process.stdout.write(text)
  return 0
}

function fail(code: number, why: string): number {
  process.stderr.write(`mxsteer targets: ${why}\n`)
  return code
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
const addressHead = ['TARGET', 'ADDRESS', 'STATE', 'SINCE', 'REASON']

const tables = ({ targets: addresses, members }: Report): string =>
  [
    ...table([memberHead, ...members.map(memberCells)]),
    '',
    ...table([addressHead, ...addresses.map(addressCells)]),
    '',
  ].join('\n')

const memberCells = ({ target, zone, pool, weight, out, exposedUntil }: MemberReport): string[] => [
  `${target}.${zone}`,
  pool,
  rounded(weight.effective),
  rounded(weight.configured),
  percent(weight.warmUp),
  percent(weight.override),
  percent(weight.feedback),
  percent(weight.reputation),
  percent(weight.slowStart),
  out ?? '-',
  exposedUntil ?? '-',
]

const addressCells = (one: AddressReport): string[] => [
  `${one.target}.${one.zone}`,
  one.address,
  one.state,
  one.since,
  one.held ? 'held-for-flapping' : one.reason,
]

const rounded = (value: number): string => String(Math.round(value * 100) / 100)
const percent = (share: number): string => `${rounded(share * 100)}%`
