// The log: one line an event that an operator may have to act on. Nothing per query, nothing per probe.
//
//   json      {"level":"warn","time":"2026-11-28T03:00:00.123Z","instance":"ns1","event":"target.down",…,"message":"…"}
//   journal   the same behind `<4>`, the priority of sd-daemon(3), which journald takes off
//   text      2026-11-28 03:00:00.123 warn  target.down mx1.smtp.example.com at 192.0.2.1 is down  reason=timeout …
//
// Standard output is written by another thread. While its reader stands still, up to 1 MiB waits in memory; what comes
// after that is dropped and counted, since probes and reloads must not wait for a log.

import { fstatSync } from 'node:fs'
import { styleText } from 'node:util'
import { type Logger, pino } from 'pino'

import type { LoggedEvent } from '../history/event-ring.ts'
import { printable, printableJson } from '../lib/printable.ts'

export type Log = Logger & {
  /** Called with each event that is logged, at whatever level lines are written. */
  readonly onEvent?: (logged: LoggedEvent) => void
}

/** The same log, whose events are handed to `onEvent` as well. */
export const withEvents = (log: Log, onEvent: (logged: LoggedEvent) => void): Log =>
  Object.create(log, { onEvent: { value: onEvent } }) as Log

export type LogFormat = 'json' | 'journal' | 'text'

export interface LogOutput {
  readonly log: Log
  /** Lines that were not written since the reader of standard output stood still. */
  droppedLines(): number
  /** Resolves when everything is written, or after a second: then the rest is dropped. */
  end(): Promise<void>
}

const maxWaitingOctets = 1 << 20
const endWithinMs = 1000

/**
 * Opens the log on standard output. `level` is the least severe level that is written. `onResumed` is called with the
 * number of lines that were dropped, once standard output is read again.
 */
export function openLog(
  { level, instance, format }: { level: string; instance: string; format: LogFormat },
  onResumed: (log: Log, droppedLines: number) => void,
): LogOutput {
  const output = pino.destination({ dest: 1, sync: false, maxLength: maxWaitingOctets })
  let dropped = 0
  let unreported = 0
  output.on('drop', () => {
    dropped++
    unreported++
  })
  let hasEnded = false
  const formatted = {
    write: (line: string): unknown => hasEnded || output.write(formatLine(line, format)),
  }
  const log = createLog(level, instance, formatted)
  output.on('drain', () => {
    if (unreported === 0) return
    const lines = unreported
    unreported = 0
    onResumed(log, lines)
  })
  return {
    log,
    droppedLines: () => dropped,
    end: () =>
      new Promise((resolve) => {
        const timer = setTimeout(() => {
          output.destroy()
          resolve()
        }, endWithinMs)
        output.once('close', () => {
          clearTimeout(timer)
          resolve()
        })
        output.end()
        hasEnded = true
      }),
  }
}

/** A log that writes JSON lines to `destination`. */
export const createLog = (
  level: string,
  instance: string,
  destination: { write(line: string): unknown },
): Log =>
  pino(
    {
      level,
      base: { instance },
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: 'message',
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  )

/**
 * The format for `log_format: auto`: text on a terminal, `journal` where standard output is the journal of systemd
 * (JOURNAL_STREAM of systemd.exec(5)), JSON elsewhere.
 */
export function detectLogFormat(env: NodeJS.ProcessEnv = process.env, fd = 1): LogFormat {
  if (fd === 1 && process.stdout.isTTY) return 'text'
  const [, device, inode] = /^(\d+):(\d+)$/.exec(env['JOURNAL_STREAM'] ?? '') ?? []
  if (device === undefined || inode === undefined) return 'json'
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true })
    return dev === BigInt(device) && ino === BigInt(inode) ? 'journal' : 'json'
  } catch {
    return 'json'
  }
}

/** A line of the log in a format, from its JSON line. Nothing in it can act on a terminal. */
export function formatLine(json: string, format: LogFormat): string {
  switch (format) {
    case 'json':
      return printableJson(json)
    case 'journal':
      return `<${priorityOf(json)}>${printableJson(json)}`
    case 'text':
      return textOf(JSON.parse(json) as LoggedLine)
    default:
      return format satisfies never
  }
}

/** Priorities of syslog (RFC 5424 §6.2.1). */
const priorities: Readonly<Record<string, number>> = {
  fatal: 2,
  error: 3,
  warn: 4,
  info: 6,
  debug: 7,
  trace: 7,
}

const priorityOf = (json: string): number =>
  priorities[/^\{"level":"([a-z]+)"/.exec(json)?.[1] ?? ''] ?? 6

interface LoggedLine {
  readonly level: string
  readonly time: string
  readonly event?: string
  readonly message?: string
  readonly [field: string]: unknown
}

const colours: Readonly<Record<string, 'red' | 'yellow' | 'dim'>> = {
  fatal: 'red',
  error: 'red',
  warn: 'yellow',
  debug: 'dim',
  trace: 'dim',
}

/** Time, level, event, message, and the fields that the message does not name. */
function textOf({ level, time, event = '', message = '', ...fields }: LoggedLine): string {
  const said = printable(message)
  const rest = Object.entries(fields)
    .filter(([key]) => key !== 'instance')
    .filter(([, value]) => value !== null && !(typeof value === 'string' && said.includes(value)))
    .map(([key, value]) => ` ${paint('dim', `${printable(key)}=`)}${valueText(value)}`)
  const head = [
    time.replace('T', ' ').replace('Z', ''),
    paint(colours[level], level.padEnd(5)),
    paint('bold', printable(event)),
    said,
  ]
  return `${head.join(' ')}${rest.length > 0 ? ' ' : ''}${rest.join('')}\n`
}

function valueText(value: unknown): string {
  if (typeof value === 'string')
    return printable(/^[^\s"=]+$/.test(value) ? value : JSON.stringify(value))
  return printable(JSON.stringify(value) ?? '')
}

/** Colours where standard output is a terminal and NO_COLOR does not forbid them. */
const paint = (style: 'red' | 'yellow' | 'dim' | 'bold' | undefined, text: string): string =>
  style === undefined ? text : styleText(style, text, { stream: process.stdout })
