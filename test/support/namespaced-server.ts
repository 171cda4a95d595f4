// A server in a network namespace of its own: its log is read as ever, its HTTP is asked from within by curl(1).

import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Namespace } from './namespace.ts'
import {
  type Launched,
  type LogLine,
  mainFile,
  stopChild,
  temporaryFolder,
  watchChild,
} from './server.ts'
import { until } from './wait.ts'

/** Ports need not be free on this machine: nobody else is in the namespace. */
export const dnsPort = 5300
const adminPort = 8053
export const adminAddress: string = `127.0.0.1:${adminPort}`

export interface NamespacedServer extends Launched {
  waitForLog(matches: (line: LogLine) => boolean, withinMs?: number): Promise<LogLine>
  /** Status and body; status 0: no answer. */
  http(path: string): Promise<{ readonly status: number; readonly body: string }>
  /** The value of a metric whose line starts with `sample`; null if absent. */
  metric(sample: string): Promise<number | null>
  /** Another text of the zone file, which it takes over by itself. */
  writeZone(zone: string): void
  stop(): Promise<void>
}

interface NamespacedOptions {
  readonly zone: string
  readonly flags?: readonly string[]
  /** Text of a settings file. */
  readonly settings?: string
  readonly env?: NodeJS.ProcessEnv
  /** A command that runs what comes after it. */
  readonly through?: readonly string[]
}

/** Starts a server; what it listens on for DNS the flags say. */
export function launchIn(namespace: Namespace, options: NamespacedOptions): NamespacedServer {
  const { zone, flags = [], settings = '', env, through = [] } = options
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'mail.yaml'), zone)
  writeFileSync(join(folder, 'settings.conf'), settings)
  const where = ['--zones', folder, '--admin', adminAddress]
  const args = ['serve', ...where, '--config', join(folder, 'settings.conf'), ...flags]
  const [command, ...rest] = [...through, process.execPath, mainFile, ...args] as [string]
  const child = watchChild(namespace.spawn(command, rest, { ...process.env, ...env }))
  const http: NamespacedServer['http'] = async (path) => {
    const url = `http://${adminAddress}${path}`
    const curl = watchChild(
      namespace.spawn('curl', ['-s', '-m', '20', '-w', '\n%{http_code}', url]),
    )
    await curl.exited
    const [, body = '', status = '0'] = /^([^]*)\n(\d+)$/.exec(curl.stdout()) ?? []
    return { status: Number(status), body }
  }
  return {
    ...child,
    http,
    writeZone(next) {
      writeFileSync(join(folder, '.draft'), next)
      renameSync(join(folder, '.draft'), join(folder, 'mail.yaml'))
    },
    metric: async (sample) => {
      const lines = (await http('/metrics')).body.split('\n')
      const line = lines.find((one) => one.startsWith(`${sample} `))
      return line === undefined ? null : Number(line.slice(sample.length))
    },
    waitForLog: (matches, withinMs = 60_000) =>
      until(() => child.logs().find(matches) ?? null, {
        what: `a log line that matches ${String(matches)}: ${child.stderr()}`,
        withinMs,
      }),
    stop: async () => void (await stopChild(child, 15_000)),
  }
}
