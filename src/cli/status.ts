// `mxsteer status`: how a running server and those it shares with stand, in one look; with --watch again and again.

import { setTimeout as pause } from 'node:timers/promises'

import { type AdminAnswer, adminFlags, findAdmin } from './admin-client.ts'
import { parseFlags } from './flags.ts'
import { type StatusReport, statusText } from './text/status-text.ts'

const watchEveryMs = 2000
/** Of a terminal: home, and everything after it gone. */
const clearScreen = '\u001b[H\u001b[2J\u001b[3J'

export async function status(argv: readonly string[]): Promise<number> {
  const flags = parseFlags(argv, adminFlags, [], ['json', 'watch'])
  const isBad = flags.kind === 'bad' || flags.words.length > 0
  if (isBad) return fail(2, flags.kind === 'bad' ? flags.why : 'status takes options only')
  const found = await findAdmin(flags.values)
  if (found.kind === 'bad') return fail(2, found.why)
  const { json, watch } = flags.values
  const look = async (): Promise<number> =>
    tell(await found.client.ask('GET', '/status'), {
      asJson: json !== undefined,
      clears: watch !== undefined && process.stdout.isTTY,
    })
  if (watch === undefined) return look()
  // Until a signal. A server that is away for a while comes back on the same screen.
  for (;;) {
    await look()
    await pause(watchEveryMs)
  }
}

interface Shown {
  readonly asJson: boolean
  readonly clears: boolean
}

function tell(answer: AdminAnswer, { asJson, clears }: Shown): number {
  if (clears) process.stdout.write(clearScreen)
  if (answer.kind === 'failed') return fail(1, answer.why)
  if (answer.status !== 200) return fail(1, `the admin server says ${answer.status}`)
  const report = answer.value as StatusReport
  process.stdout.write(asJson ? `${JSON.stringify(report, null, 2)}\n` : statusText(report))
  return report.ready ? 0 : 1
}

function fail(code: number, why: string): number {
  process.stderr.write(`mxsteer status: ${why}\n`)
  return code
}
