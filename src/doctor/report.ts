// The report of `mxsteer doctor`: a line for each result of a check, with advice. The fields are
// JSON of `--json`.

const checkNames = [
  'config',
  'delegation',
  'glue',
  'servers',
  'tcp',
  'serials',
  'ds',
  'keys',
  'signatures',
  'denial',
  'cds',
  'validation',
  'dane',
  'certificates',
  'mx',
  'spf',
  'mta-sts',
  'clock',
  'state',
  'egress',
  'geoip',
] as const
export type CheckName = (typeof checkNames)[number]

export interface ReportLine {
  readonly check: CheckName
  /** skip: not checked; `text` says why. */
  readonly status: 'ok' | 'warn' | 'fail' | 'skip'
  /** The zone, or the mail domain, that the check is about; null: neither. */
  readonly zone: string | null
  readonly text: string
  /** What to do about it; null: nothing is to be done. */
  readonly advice: string | null
}

/** A report line without its zone, which the caller adds. */
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

/** Exit code of the command: 0 if nothing is wrong, 1 with a warning, 2 with a failure. */
export const exitCodeOf = (lines: readonly ReportLine[]): 0 | 1 | 2 => {
  if (lines.some(({ status }) => status === 'fail')) return 2
  return lines.some(({ status }) => status === 'warn') ? 1 : 0
}
