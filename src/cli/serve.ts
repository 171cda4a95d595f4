// `mxsteer serve`: settings, the server, and what signals do to it.

import { existsSync } from 'node:fs'

import { type App, startApp } from '../app/app.ts'

import { type Settings, loadSettings } from '../settings/settings.ts'
import { settingFlags } from '../settings/settings-table.ts'
import { logEvent } from '../app/events.ts'
import { type Log, createLog } from '../app/log.ts'
import { parseFlags } from './flags.ts'
import { formatDiagnostics } from '../zonefile/diagnostic.ts'

/** Read if it is there and no other is named. */
const usualConfig = 'mxsteer.yaml'

export async function serve(argv: readonly string[]): Promise<number> {
  const flags = parseFlags(
    argv,
    settingFlags.filter(({ isRepeatable }) => !isRepeatable).map(({ name }) => name),
    settingFlags.filter(({ isRepeatable }) => isRepeatable).map(({ name }) => name),
  )
  if (flags.kind === 'bad' || flags.words.length > 0) {
    const why =
      flags.kind === 'bad' ? flags.why : `what is "${flags.words[0]}"? serve takes options only`
    process.stderr.write(`mxsteer serve: ${why}\n`)
    return 2
  }
  const configFile = existsSync(usualConfig) ? usualConfig : undefined
  const loaded = await loadSettings({ flags: flags.values, env: process.env, configFile })
  if (loaded.kind === 'rejected') {
    process.stderr.write(formatDiagnostics(loaded.diagnostics))
    return 2
  }
  process.stderr.write(formatDiagnostics(loaded.warnings))
  return run(loaded.settings)
}

async function run(settings: Settings): Promise<number> {
  const log = createLog(settings.logLevel, settings.instance)
  // From the first moment on: unheard, the signal ends the process, and large zones take seconds to read.
  let reload = (): void => void (isAsked = true)
  let isAsked = false
  process.on('SIGHUP', () => reload())
  const started = await startApp(settings, log)
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
  if (isAsked) reload()
  await stopOnSignal(started.app, log)
  logEvent(log, 'server.stopped')
  return 0
}

/** Resolves when everything is closed. A second signal ends the process where it stands. */
function stopOnSignal(app: App, log: Log): Promise<void> {
  let signals = 0
  return new Promise((resolve) => {
    const onSignal = (signal: string): void => {
      signals++
      const when = signals > 1 ? 'at once' : 'after the lameduck time'
      logEvent(log, 'server.signal', { signal }, when)
      if (signals > 1) process.exit(0)
      void app.stop().then(resolve)
    }
    process.on('SIGTERM', onSignal)
    process.on('SIGINT', onSignal)
  })
}
