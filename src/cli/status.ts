// `mxsteer status`: the state of a running server and of its cluster; with --watch every two
// seconds.

import { setTimeout as pause } from 'node:timers/promises'

import { type AdminResponse, findAdminClient } from './admin-client.ts'
import { fail, noWords, parseFlags } from './commands/flags.ts'
import { paintFor, printJson } from './text/output.ts'
import { type Page, plainPage, type StatusReport, statusText } from './text/status-text.ts'

const watchEveryMs = 2000

/** Moves the cursor home and erases the screen and what was scrolled off it (ECMA-48). */
const clearScreen = '\u001b[H\u001b[2J\u001b[3J'

export async function status(argv: readonly string[]): Promise<number> {
  const flags = parseFlags('status', argv)
  if (flags.kind === 'bad') return fail('status', flags.why)
  if (flags.words.length > 0) return fail('status', noWords('status', flags.words))
  const admin = await findAdminClient(flags.values)
  if (admin.kind === 'bad') return fail('status', admin.why)
  const { json, watch, color } = flags.values
  const showOnce = async (): Promise<number> =>
    show(await admin.client.request('GET', '/status'), {
      asJson: json !== undefined,
      color,
      clearsScreen: watch !== undefined && process.stdout.isTTY,
    })
  if (watch === undefined) return showOnce()
  // Ended by a signal. While the server is away, the screen says so.
  for (;;) {
    await showOnce()
    await pause(watchEveryMs)
  }
}

/** The terminal that is written to. */
const pageOf = (stream: NodeJS.WriteStream, color: unknown): Page => ({
  columns: stream.isTTY ? Math.max(narrowest, stream.columns) : plainPage.columns,
  paint: paintFor(color),
})

const narrowest = 40

interface ShowOptions {
  readonly asJson: boolean
  readonly color: unknown
  readonly clearsScreen: boolean
}

/** Returns the exit code: 0 if the server is ready, else 1. */
function show(response: AdminResponse, { asJson, clearsScreen, color }: ShowOptions): number {
  if (clearsScreen) process.stdout.write(clearScreen)
  if (response.kind === 'failed') return fail('status', response.why, 1)
  if (response.status !== 200) return fail('status', `the admin server says ${response.status}`, 1)
  const report = response.body as StatusReport
  if (asJson) printJson(report)
  else process.stdout.write(statusText(report, pageOf(process.stdout, color)))
  return report.ready ? 0 : 1
}
