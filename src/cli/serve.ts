// `mxsteer serve`: reads the settings, runs the server and handles signals: SIGHUP reloads, SIGTERM
// and SIGINT stop.

import { type App, startApp } from '../app/app.ts'
import { logEvent } from '../app/log-events.ts'
import { exitAtOnce } from '../app/exit.ts'
import { detectLogFormat, type LogOutput, openLog } from '../app/log.ts'
import { raiseLater } from '../lib/raise-later.ts'
import { settingFlags } from '../settings/settings-table.ts'
import { type Settings, loadSettings } from '../settings/settings.ts'
import { formatDiagnostics } from '../zonefile/diagnostic.ts'
import { defaultConfigFile } from './command-settings.ts'
import { fail, parseFlags } from './flags.ts'

export async function serve(argv: readonly string[]): Promise<number> {
  const flags = parseFlags(
    argv,
    settingFlags.filter(({ isRepeatable }) => !isRepeatable).map(({ name }) => name),
    settingFlags.filter(({ isRepeatable }) => isRepeatable).map(({ name }) => name),
  )
  if (flags.kind === 'bad') return fail('serve', flags.why)
  if (flags.words.length > 0)
    return fail('serve', `what is "${flags.words[0]}"? serve takes options only`)
  const loaded = await loadSettings({
    flags: flags.values,
    env: process.env,
    configFile: defaultConfigFile(),
  })
  if (loaded.kind === 'rejected') {
    process.stderr.write(formatDiagnostics(loaded.diagnostics))
    return 2
  }
  process.stderr.write(formatDiagnostics(loaded.warnings))
  return run(loaded.settings)
}

async function run(settings: Settings): Promise<number> {
  const format = settings.logFormat === 'auto' ? detectLogFormat() : settings.logFormat
  const output = openLog(
    { level: settings.logLevel, instance: settings.instance, format },
    (resumed, lines) => logEvent(resumed, 'log.dropped', { lines }),
  )
  const { log } = output
  // Handled from the beginning: without a handler, SIGHUP ends the process, and large zones take
  // seconds to load.
  let reload = (): void => void (isReloadPending = true)
  let isReloadPending = false
  process.on('SIGHUP', () => reload())
  const started = await startApp(settings, output)
  switch (started.kind) {
    case 'bad-files':
      process.stderr.write(formatDiagnostics(started.diagnostics))
      return 2
    case 'cannot-listen':
      process.stderr.write(`mxsteer: ${started.why}\n`)
      return 3
    case 'started':
      break
    default:
      return started satisfies never
  }
  reload = () => void started.app.reload('SIGHUP')
  if (isReloadPending) reload()
  const stopped = await stopOnSignal(started.app, output)
  logEvent(log, 'server.stopped')
  await output.end()
  return stopped === 'overdue' ? exitAtOnce(0) : 0
}

/** Resolves when everything is closed. A second signal exits at once. */
function stopOnSignal(app: App, output: LogOutput): Promise<'ended' | 'overdue'> {
  let signals = 0
  return new Promise((resolve) => {
    const onSignal = (signal: string): void => {
      signals++
      const when = signals > 1 ? 'at once' : 'after the lameduck time'
      logEvent(output.log, 'server.signal', { signal }, when)
      if (signals > 1) return void output.end().finally(() => exitAtOnce(0))
      void app.stop().then(resolve, (error: unknown) => {
        raiseLater(error)
        resolve('overdue')
      })
    }
    process.on('SIGTERM', onSignal)
    process.on('SIGINT', onSignal)
  })
}
