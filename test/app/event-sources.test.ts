// Events of the local fault detector in the log: one for the beginning of a fault, one for its end.

import { expect, test } from 'vitest'

import type { Log } from '../../src/app/log.ts'
import { logLocalFault } from '../../src/app/event-sources.ts'
import type { LocalFaultEvent } from '../../src/watch/local-fault.ts'

const written = (event: LocalFaultEvent): unknown => {
  const lines: unknown[] = []
  const collect =
    (level: string) =>
    (fields: object, message: string): void =>
      void lines.push([level, fields, message])
  logLocalFault(
    { info: collect('info'), warn: collect('warn'), error: collect('error') } as unknown as Log,
    event,
  )
  expect(lines.length).toBe(1)
  return lines[0]
}

test.each<[LocalFaultEvent, readonly unknown[]]>([
  [
    { kind: 'held', group: 'eu.smtp.example.com', failing: 6, of: 10 },
    [
      'warn',
      { event: 'probes.braked', group: 'eu.smtp.example.com', failing: 6, of: 10 },
      '6 of 10 of the pool eu.smtp.example.com fail at once: each waits for a second round',
    ],
  ],
  [
    { kind: 'released', group: 'eu.smtp.example.com', seconds: 120 },
    [
      'info',
      { event: 'probes.braked.over', group: 'eu.smtp.example.com', seconds: 120 },
      'the pool eu.smtp.example.com: what fails now counts at once',
    ],
  ],
  [
    { kind: 'released', group: '*', seconds: 120 },
    [
      'info',
      { event: 'probes.braked.over', group: '*', seconds: 120 },
      'all targets: what fails now counts at once',
    ],
  ],
  [
    { kind: 'isolated', isOver: false, canaries: 2 },
    [
      'error',
      { event: 'prober.isolated', canaries: 2 },
      'no canary answers and hardly any target does: failures are taken for faults of this host',
    ],
  ],
  [
    { kind: 'isolated', isOver: true, canaries: 2 },
    ['info', { event: 'prober.isolated.over' }, 'connected again'],
  ],
  [
    { kind: 'family-isolated', family: 6, isOver: false, canaries: 1 },
    [
      'error',
      { event: 'prober.isolated', canaries: 1, family: 6 },
      'this host is cut off in IPv6 alone: no canary of it answers and hardly any target does. ' +
        'Such failures are taken for faults of this host',
    ],
  ],
  [
    { kind: 'family-isolated', family: 6, isOver: true, canaries: 1 },
    ['info', { event: 'prober.isolated.over', family: 6 }, 'connected again in IPv6'],
  ],
])('%o', (event, expected) => {
  expect(written(event)).toEqual(expected)
})
