// One line of the doctor's report: what was looked at, how it stands, and what to do.

const checkNames = [
  'config',
  'delegation',
  'glue',
  'servers',
  'tcp',
  'serials',
  'clock',
  'state',
  'egress',
  'geoip',
] as const
export type CheckName = (typeof checkNames)[number]

export interface ReportLine {
  readonly check: CheckName
  /** skip: not looked at, `text` says why. */
  readonly status: 'ok' | 'warn' | 'fail' | 'skip'
  /** null: of no zone in particular. */
  readonly zone: string | null
  readonly text: string
  /** What to do; null: nothing. */
  readonly advice: string | null
}

export type CheckResult = Omit<ReportLine, 'zone'>

export const ok = (check: CheckName, text: string): CheckResult => line(check, 'ok', text)
export const skip = (check: CheckName, text: string): CheckResult => line(check, 'skip', text)
export const warn = (check: CheckName, text: string, advice: string): CheckResult =>
  line(check, 'warn', text, advice)
export const fail = (check: CheckName, text: string, advice: string): CheckResult =>
  line(check, 'fail', text, advice)

const line = (
  check: CheckName,
  status: ReportLine['status'],
  text: string,
  advice: string | null = null,
): CheckResult => ({ check, status, text, advice })

/** 0: nothing to mend; 1: something to look at; 2: something is broken. */
export const exitCodeOf = (lines: readonly ReportLine[]): 0 | 1 | 2 => {
  if (lines.some(({ status }) => status === 'fail')) return 2
  return lines.some(({ status }) => status === 'warn') ? 1 : 0
}
