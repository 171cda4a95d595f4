// `mxsteer serve`: reads the settings, runs the server and handles signals: SIGHUP reloads, SIGTERM
// and SIGINT stop, SIGUSR2 starts a process that takes over.

import { type App, startApp } from '../app/app.ts'
import { logEvent } from '../app/log-events.ts'
import { exitAtOnce } from '../app/exit.ts'
import { detectLogFormat, type LogOutput, openLog } from '../app/log.ts'
import { raiseLater } from '../lib/raise-later.ts'
import { type Settings, loadSettings } from '../settings/settings.ts'
import { formatDiagnostics } from '../zonefile/diagnostic.ts'
import { defaultConfigFile } from './command-settings.ts'
import { fail, parseFlags } from './commands/flags.ts'

export async function serve(argv: readonly string[]): Promise<number> {
  const flags = parseFlags('serve', argv)
  if (flags.kind === 'bad') return fail('serve', flags.why)
  if (flags.words.length > 0)
    return fail('serve', `what is "${flags.words[0]}"? serve takes options only`)
  const { [takeOverFlag]: takeOver, ...values } = flags.values
  const loaded = await loadSettings({
    flags: values,
    env: process.env,
    configFile: defaultConfigFile(),
  })
  if (loaded.kind === 'rejected') {
    process.stderr.write(formatDiagnostics(loaded.diagnostics))
    return 2
  }
  process.stderr.write(formatDiagnostics(loaded.warnings))
  return run(loaded.settings, takeOver !== undefined)
}

const takeOverFlag = 'take-over'

const notYet = (): void => {}

async function run(settings: Settings, isTakeOver: boolean): Promise<number> {
  const format = settings.logFormat === 'auto' ? detectLogFormat() : settings.logFormat
  const output = openLog(
    { level: settings.logLevel, instance: settings.instance, format },
    (resumed, lines) => logEvent(resumed, 'log.dropped', { lines }),
  )
  const { log } = output
  // Handled from the beginning, since large zones take seconds to load. Without a handler SIGHUP ends the
  // process, SIGTERM ends it with no word in the log, and the kernel keeps SIGTERM from a process 1.
  let reload = (): void => void (isReloadPending = true)
  let isReloadPending = false
  process.on('SIGHUP', () => reload())
  let startSuccessor = notYet
  process.on('SIGUSR2', () => startSuccessor())
  const stopSignals = handleStopSignals(output)
  const started = await startApp(settings, output, isTakeOver)
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
  startSuccessor = () => started.app.startSuccessor()
  const stopped = await Promise.race([stopSignals.stop(started.app), started.app.handedOver])
  logEvent(log, 'server.stopped')
  await output.end()
  return stopped === 'overdue' ? exitAtOnce(0) : 0
}

/** What a start that is still under way gets, once it is to stop. */
const startGraceMs = 2000

interface StopSignals {
  /** Stops the app at the first signal, also one that came while it started. Resolves when everything is closed. */
  stop(app: App): Promise<'ended' | 'overdue'>
}

/** A second signal ends the process at once, as does one that a start outlasts. */
function handleStopSignals(output: LogOutput): StopSignals {
  const end = (): void => void output.end().finally(() => exitAtOnce(0))
  const first = Promise.withResolvers<void>()
  let isStarted = false
  let signals = 0
  let grace: NodeJS.Timeout | undefined
  const onSignal = (signal: string): void => {
    signals++
    const started = isStarted ? 'after the lameduck time' : 'as soon as it has started'
    logEvent(output.log, 'server.signal', { signal }, signals > 1 ? 'at once' : started)
    if (signals > 1) return end()
    if (!isStarted) grace = setTimeout(end, startGraceMs)
    first.resolve()
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  return {
    async stop(app) {
      isStarted = true
      clearTimeout(grace)
      await first.promise
      try {
        return await app.stop()
      } catch (error) {
        raiseLater(error)
        return 'overdue'
      }
    },
  }
}
