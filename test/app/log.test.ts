// The log as people and machines read it: formats, priorities, and what comes from elsewhere in it.

import { fstatSync, openSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { createLog, detectLogFormat, formatLine, type LogFormat } from '../../src/app/log.ts'
import { logEvent } from '../../src/app/log-events.ts'
import { runs } from '../support/runs.ts'
import { temporaryFolder } from '../support/server.ts'

function linesOf(format: LogFormat, write: (log: ReturnType<typeof createLog>) => void): string[] {
  const lines: string[] = []
  write(createLog('trace', 'ns1', { write: (line) => lines.push(formatLine(line, format)) }))
  return lines
}

describe('formats', () => {
  const down = {
    slot: 3,
    zone: 'smtp.example.test',
    target: 'mx1',
    address: '192.0.2.1',
    from: 'up',
    reason: 'banner-timeout',
    code: null,
    holdSeconds: 4,
    afterMs: 2239.7134,
  }

  test('json: names of levels, whole milliseconds', () => {
    const [line = ''] = linesOf('json', (log) => logEvent(log, 'target.down', down))
    expect(JSON.parse(line)).toMatchObject({ level: 'warn', event: 'target.down', afterMs: 2240 })
  })

  test.each([
    ['error', 3],
    ['warn', 4],
    ['info', 6],
    ['debug', 7],
  ] as const)('journal: %s has the priority %d', (level, priority) => {
    const [line = ''] = linesOf('journal', (log) => log[level]({ event: 'a.b' }, 'text'))
    expect(line).toMatch(new RegExp(`^<${priority}>\\{"level":"${level}",.*\\}\n$`))
  })

  test('text: time, level, event, message, and the fields that the message does not name', () => {
    const [line = ''] = linesOf('text', (log) => logEvent(log, 'target.down', down))
    expect(line).toMatch(
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} warn {2}target\.down mx1\.smtp\.example\.test at 192\.0\.2\.1 is down {2}slot=3 from=up reason=banner-timeout holdSeconds=4 afterMs=2240\n$/,
    )
  })

  // What a terminal obeys: C0 and C1, bidirectional overrides, line separators, half a surrogate pair.
  const hostile = [
    '\u001b[2J',
    '\u009b31m',
    '\r\n',
    '\u202e',
    '\u2028',
    '\u0007',
    '\ud800',
    '\u007f',
  ]

  test.each(['json', 'journal', 'text'] as const)(
    '%s: nothing in a line acts on a terminal',
    (format) => {
      fc.assert(
        fc.property(
          fc.array(fc.oneof(fc.constantFrom(...hostile), fc.string({ unit: 'binary' })), {
            maxLength: 8,
          }),
          (parts) => {
            const text = parts.join('')
            const [line = ''] = linesOf(format, (log) =>
              log.info({ event: 'a.b', why: text, [text]: 1 }, text),
            )
            expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u)
            expect(line.at(-1)).toBe('\n')
            if (format === 'json')
              expect((JSON.parse(line) as { why: string }).why.toWellFormed()).toBe(
                text.toWellFormed(),
              )
          },
        ),
        { numRuns: runs(2000) },
      )
    },
  )
})

test('the journal is known by JOURNAL_STREAM, and only if it is standard output', () => {
  const file = openSync(join(temporaryFolder(), 'journal'), 'w')
  const { dev, ino } = fstatSync(file)
  expect(detectLogFormat({ JOURNAL_STREAM: `${dev}:${ino}` }, file)).toBe('journal')
  for (const other of [`${dev}:${ino + 1}`, `${ino}`, '', 'a:b'])
    expect(detectLogFormat({ JOURNAL_STREAM: other }, file)).toBe('json')
  expect(detectLogFormat({ JOURNAL_STREAM: `${dev}:${ino}` }, 9999)).toBe('json')
})
