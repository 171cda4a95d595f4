// HAProxy as Debian ships it: checks servers with `option smtpchk`, and passes connections on.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'

import { atExit } from './at-exit.ts'
import { temporaryFolder } from './server.ts'
import { until } from './wait.ts'

export interface Checked {
  /** `UP`, `DOWN`, with steps in between such as `UP 1/3`. */
  readonly status: string
  /** `L7OK`, `L7RSP`, `L7TOUT`… */
  readonly check: string
  readonly lastCheck: string
}

export interface Haproxy {
  server(name: string): Promise<Checked | null>
  stop(): Promise<void>
}

/** `sections`: its configuration after `defaults`. */
export async function startHaproxy(sections: readonly string[]): Promise<Haproxy> {
  const folder = temporaryFolder()
  const control = join(folder, 'control')
  const file = join(folder, 'haproxy.cfg')
  const text = [
    'global',
    `  stats socket ${control} mode 600 level admin`,
    'defaults',
    '  mode tcp',
    '  timeout connect 5s',
    '  timeout client 60s',
    '  timeout server 60s',
    '  timeout check 10s',
    ...sections,
    '',
  ]
  writeFileSync(file, text.join('\n'))
  const child = spawn('haproxy', ['-db', '-f', file], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (chunk) => (said += String(chunk)))
  atExit(() => child.kill('SIGKILL'))
  const show = async (): Promise<readonly Record<string, string>[]> =>
    parseStat(await command(control, 'show stat'))
  await until(
    async () => {
      if (child.exitCode !== null) throw new Error(`HAProxy ended: ${said}`)
      return (await show().catch(() => [])).length > 0
    },
    { what: 'HAProxy to run', withinMs: 60_000 },
  )
  return {
    async server(name) {
      const row = (await show()).find((one) => one['svname'] === name)
      return row
        ? {
            status: row['status'] ?? '',
            check: row['check_status'] ?? '',
            lastCheck: row['last_chk'] ?? '',
          }
        : null
    },
    stop: () => end(child),
  }
}

const command = (path: string, line: string): Promise<string> =>
  new Promise((resolve, reject) => {
    let received = ''
    const socket = connect(path, () => socket.write(`${line}\n`))
    socket.on('data', (chunk) => (received += String(chunk)))
    socket.once('error', reject)
    socket.once('end', () => resolve(received))
  })

function parseStat(text: string): readonly Record<string, string>[] {
  const [head = '', ...rows] = text.trim().split('\n')
  const names = head.replace(/^# /, '').split(',')
  return rows.map((row) =>
    Object.fromEntries(row.split(',').map((value, i) => [names[i] ?? `${i}`, value])),
  )
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  await gone
}
