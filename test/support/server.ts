// The server as an operator runs it: `mxsteer serve` in a process of its own, on free ports of loopback, with
// zone files in a folder of its own. Whatever a test forgets to stop dies with the test's process.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { atExit } from './at-exit.ts'
import { freePort } from './free-ports.ts'
import { pause, until } from './wait.ts'

/** What is built of the sources where built.ts is a part of the set-up, else the source. */
export const mainFile: string =
  process.env['BUILT_MAIN'] ?? new URL('../../src/main.ts', import.meta.url).pathname

export const projectFolder: string = new URL('../..', import.meta.url).pathname

export type LogLine = Readonly<Record<string, unknown>> & { readonly event?: string }

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface HttpReply {
  readonly status: number
  readonly type: string
  readonly body: string
}

/** One address of a target, as `/targets` tells it. */
export interface TargetReport {
  readonly zone: string
  readonly target: string
  readonly address: string
  readonly state: string
  readonly reason: string | null
  readonly factor: number
  readonly last: {
    readonly kind: string
    readonly reason: string
    readonly code: number | null
    readonly durationMs: number
    readonly dialogue: readonly { readonly from: string; readonly text: string }[]
  } | null
}

export interface Launched {
  readonly pid: number
  readonly exited: Promise<Exit>
  stdout(): string
  stderr(): string
  /** The JSON lines of stdout so far. */
  logs(): readonly LogLine[]
  signal(signal: NodeJS.Signals): void
}

export interface RunningServer extends Launched {
  readonly port: number
  readonly adminPort: number
  readonly zonesFolder: string
  writeZone(file: string, text: string): void
  removeZone(file: string): void
  waitForLog(matches: (line: LogLine) => boolean, withinMs?: number): Promise<LogLine>
  http(path: string, method?: string): Promise<HttpReply>
  targets(): Promise<readonly TargetReport[]>
  waitForState(target: string, state: string, withinMs: number): Promise<TargetReport>
  /** The value of a metric whose line starts with `sample`, e.g. `x_total{rcode="NOERROR"}`; null if absent. */
  metric(sample: string): Promise<number | null>
  rssOctets(): number
  /** SIGTERM, then the exit; SIGKILL if it hangs, which the exit tells. */
  stop(): Promise<Exit>
}

const launched = new Set<ChildProcess>()
atExit(() => {
  for (const child of launched) child.kill('SIGKILL')
})

/** What a process is started with beside its arguments. */
export interface Surroundings {
  readonly env?: Readonly<Record<string, string>>
  /** A command that runs what comes after it, such as setpriv(1) and its options. */
  readonly through?: readonly string[]
}

/** Starts the CLI with `args` and collects what it prints, 8 MiB at most. */
export function launch(
  args: readonly string[],
  cwd: string = projectFolder,
  { env = {}, through = [] }: Surroundings = {},
): Launched {
  const [command, ...rest] = [...through, process.execPath, mainFile, ...args] as [string]
  const child = spawn(command, rest, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return watchChild(child)
}

export interface CommandResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the CLI with `args` to its end. */
export async function runCommand(...args: readonly string[]): Promise<CommandResult> {
  const command = launch(args)
  const { code } = await command.exited
  return { code, stdout: command.stdout(), stderr: command.stderr() }
}

/** Follows any child process that a test started. */
export function watchChild(child: ChildProcess): Launched {
  launched.add(child)
  const printed = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.setEncoding('utf8').on('data', (text: string) => {
      if (printed[stream].length < 8 * 1024 * 1024) printed[stream] += text
    })
  }
  const exited = new Promise<Exit>((resolve) => {
    child.once('close', (code, signal) => {
      launched.delete(child)
      resolve({ code, signal })
    })
  })
  return {
    pid: child.pid as number,
    exited,
    stdout: () => printed.stdout,
    stderr: () => printed.stderr,
    logs: () => parseLogs(printed.stdout),
    signal: (signal) => void child.kill(signal),
  }
}

function parseLogs(stdout: string): LogLine[] {
  const whole = stdout.slice(0, stdout.lastIndexOf('\n') + 1)
  return whole
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as LogLine)
}

/** A folder of its own under the system's temporary one, removed when the test's process ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mxsteer-test-'))
  atExit(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export interface ServerOptions extends Surroundings {
  /** File name → text. */
  readonly zones: Readonly<Record<string, string>>
  readonly flags?: readonly string[]
  /** Text of a settings file. */
  readonly settings?: string
}

/** Starts a server and waits until its sockets answer. */
export async function startServer({
  zones,
  flags = [],
  settings,
  ...surroundings
}: ServerOptions): Promise<RunningServer> {
  const zonesFolder = temporaryFolder()
  for (const [file, text] of Object.entries(zones)) writeFileSync(join(zonesFolder, file), text)
  const port = await freePort()
  const adminPort = await freePort()
  const endpoints = ['--listen', `127.0.0.1:${port}`, '--admin', `127.0.0.1:${adminPort}`]
  const config = settings === undefined ? [] : ['--config', join(zonesFolder, 'settings.conf')]
  if (settings !== undefined) writeFileSync(join(zonesFolder, 'settings.conf'), settings)
  // Each worker costs a tenth of a start: what is not about them has one.
  const workers = /workers/.test([settings, ...flags].join()) ? [] : ['--workers', '1']
  const args = ['serve', '--zones', zonesFolder, ...endpoints, ...config, ...workers, ...flags]
  const child = launch(args, projectFolder, surroundings)
  const server = { ...child, ...handles(child, { port, adminPort, zonesFolder }) }
  const ready = server.waitForLog((line) => line.event === 'server.ready', 60_000)
  const ended = child.exited.then(({ code }) => {
    throw new Error(`the server ended with ${code}: ${child.stderr()}`)
  })
  await Promise.race([ready, ended])
  return server
}

type Handles = Omit<RunningServer, keyof Launched>

function handles(
  child: Launched,
  where: Pick<RunningServer, 'port' | 'adminPort' | 'zonesFolder'>,
): Handles {
  let exit: Exit | null = null
  void child.exited.then((value) => (exit = value))
  const http = (path: string, method = 'GET'): Promise<HttpReply> =>
    ask(where.adminPort, path, method)
  const targets = async (): Promise<readonly TargetReport[]> =>
    (JSON.parse((await http('/targets')).body) as { targets: TargetReport[] }).targets
  return {
    ...where,
    http,
    targets,
    // Renamed into place, as editors and configuration tools do it.
    writeZone(file, text) {
      const draft = join(where.zonesFolder, `.${file}.draft`)
      writeFileSync(draft, text)
      renameSync(draft, join(where.zonesFolder, file))
    },
    removeZone: (file) => unlinkSync(join(where.zonesFolder, file)),
    waitForLog: (matches, withinMs = 30_000) =>
      until(
        () => {
          const line = child.logs().find(matches)
          if (!line && exit) throw new Error(`the server ended early: ${tell(child, exit)}`)
          return line ?? null
        },
        { what: `a log line that matches ${String(matches)}`, withinMs },
      ),
    waitForState: (target, state, withinMs) =>
      until(
        async () =>
          (await targets()).find((one) => one.target === target && one.state === state) ?? null,
        { what: `${target} ${state}`, withinMs },
      ),
    metric: async (sample) => {
      const lines = (await http('/metrics')).body.split('\n')
      const line = lines.find((one) => one.startsWith(`${sample} `))
      return line === undefined ? null : Number(line.slice(sample.length))
    },
    rssOctets: () => rssOctets(child.pid),
    stop: () => stopChild(child, 15_000),
  }
}

const tell = (child: Launched, exit: Exit): string =>
  `code ${exit.code}, signal ${exit.signal}\n${child.stderr()}\n${child.stdout().slice(-2000)}`

/** SIGTERM, then SIGKILL after `withinMs`. */
export async function stopChild(child: Launched, withinMs: number): Promise<Exit> {
  child.signal('SIGTERM')
  const timer = setTimeout(() => child.signal('SIGKILL'), withinMs)
  const exit = await child.exited
  clearTimeout(timer)
  return exit
}

/** Whether a process runs; one that is dead and only waits for its parent does not. */
export function isProcessAlive(pid: number): boolean {
  const state = /^State:\s+(\w)/m.exec(readStatus(pid))?.[1]
  return state !== undefined && state !== 'Z' && state !== 'X'
}

function readStatus(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return ''
  }
}

/** Resident memory of a process, as Linux tells it. */
export function rssOctets(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readStatus(pid))?.[1]) * 1024
}

/** One HTTP exchange with 127.0.0.1:`port`; again later where the server asks for that, as a busy one does. */
export async function ask(port: number, path: string, method = 'GET'): Promise<HttpReply> {
  for (;;) {
    const reply = await exchange(port, path, method)
    if (reply.retryAfterSeconds === null) return reply
    await pause(reply.retryAfterSeconds * 1000)
  }
}

/** One HTTP exchange with 127.0.0.1:`port`, over a connection of its own. */
export const exchange = (
  port: number,
  path: string,
  method = 'GET',
): Promise<HttpReply & { readonly retryAfterSeconds: number | null }> =>
  new Promise((resolve, reject) => {
    const outgoing = request(
      { host: '127.0.0.1', port, path, method, agent: false, timeout: 20_000 },
      (reply) => {
        let body = ''
        reply.setEncoding('utf8').on('data', (text: string) => (body += text))
        reply.on('end', () =>
          resolve({
            status: reply.statusCode ?? 0,
            type: String(reply.headers['content-type']),
            body,
            retryAfterSeconds:
              reply.statusCode === 503 && reply.headers['retry-after'] !== undefined
                ? Number(reply.headers['retry-after'])
                : null,
          }),
        )
      },
    )
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer to ${method} ${path}`)))
    outgoing.on('error', reject)
    outgoing.end()
  })
