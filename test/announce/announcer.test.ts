import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { type AnnounceEvent, type Announcer, startAnnouncer } from '../../src/announce/announcer.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { temporaryFolder } from '../support/server.ts'
import { until } from '../support/wait.ts'

let folder = ''
let file = ''
let reasons: readonly string[] = []
let checks = 0
let events: AnnounceEvent[] = []
let announcer: Announcer | null = null

beforeEach(() => {
  folder = temporaryFolder()
  file = join(folder, 'announce')
  ;[reasons, checks, events, announcer] = [[], 0, [], null]
})
afterEach(() => announcer?.stop())

function start(command: string | null = null): Announcer {
  announcer = startAnnouncer({
    file,
    command,
    clock: systemClock,
    intervalMs: 20,
    reasonsNotReady: async () => {
      checks++
      return reasons
    },
    onEvent: (event) => void events.push(event),
  })
  return announcer
}

const words = (): readonly string[] =>
  events.map((event) => (event.kind === 'changed' ? event.to : `${event.what} ${event.why}`))

const untilFileHas = (word: string): Promise<unknown> =>
  until(() => existsSync(file) && readFileSync(file, 'utf8') === `${word}\n`, {
    what: `the file has ${word}`,
    withinMs: 60_000,
    everyMs: 5,
  })

const afterChecks = async (count: number): Promise<void> => {
  const wanted = checks + count
  await until(() => checks >= wanted, { what: `${wanted} checks`, withinMs: 60_000, everyMs: 5 })
}

describe('the file', () => {
  it('is down at first, up after three checks, down at the stop', async () => {
    writeFileSync(file, 'up\n')
    start()
    await untilFileHas('down')
    expect(checks).toBeLessThan(3)
    await untilFileHas('up')
    expect(checks).toBeGreaterThanOrEqual(3)
    await announcer?.stop()
    expect(readFileSync(file, 'utf8')).toBe('down\n')
    expect(events.at(-1)).toEqual({ kind: 'changed', to: 'down', reasons: ['stopping'] })
    expect(words()).toEqual(['up', 'down'])
  })

  it('ignores a single failed check, and reports the reasons of two', async () => {
    let failed = 0
    reasons = []
    announcer = startAnnouncer({
      file,
      command: null,
      clock: systemClock,
      intervalMs: 20,
      // Every other check fails, from the fourth to the twelfth; then all fail.
      reasonsNotReady: async () => {
        checks++
        const hasFailed = checks > 12 || (checks > 3 && checks % 2 === 0)
        if (hasFailed) failed++
        return hasFailed ? ['no answer'] : []
      },
      onEvent: (event) => void events.push(event),
    })
    await untilFileHas('up')
    await until(() => events.length > 1, { what: 'a change', withinMs: 60_000, everyMs: 5 })
    expect(failed).toBeGreaterThanOrEqual(6)
    expect(checks).toBeGreaterThanOrEqual(13)
    expect(events[1]).toEqual({ kind: 'changed', to: 'down', reasons: ['no answer'] })
  })

  it('gets a new modification time at each check, and is written again if it is deleted', async () => {
    start()
    await untilFileHas('up')
    const { mtimeMs } = statSync(file)
    await afterChecks(3)
    expect(statSync(file).mtimeMs).toBeGreaterThan(mtimeMs)
    rmSync(file)
    await untilFileHas('up')
    expect(words()).toEqual(['up'])
  })

  it('that cannot be written is reported once, and written when it can be', async () => {
    file = join(folder, 'later', 'announce')
    start()
    await afterChecks(5)
    expect(words().filter((word) => word.startsWith('file'))).toEqual(['file ENOENT'])
    mkdirSync(join(folder, 'later'))
    await untilFileHas('up')
  })
})

describe('the command', () => {
  const script = (text: string): string => {
    const name = join(folder, 'tell.sh')
    writeFileSync(name, `#!/bin/sh\n${text}\n`)
    chmodSync(name, 0o755)
    return name
  }
  const commanded = (): string[] =>
    readFileSync(join(folder, 'commands'), 'utf8').trim().split('\n')

  it('is run with each word, with the last one before the stop is done', async () => {
    start(script(`echo "$1" >> ${folder}/commands`))
    await until(() => existsSync(join(folder, 'commands')) && commanded().includes('up'), {
      what: 'up',
      withinMs: 60_000,
    })
    await announcer?.stop()
    expect(commanded()).toEqual(['down', 'up', 'down'])
  })

  it('is never run twice at once: a change meanwhile runs it afterwards', async () => {
    const lock = `mkdir ${folder}/lock || echo twice >> ${folder}/commands`
    start(script(`${lock}; echo "$1" >> ${folder}/commands; sleep 0.5; rmdir ${folder}/lock`))
    await untilFileHas('up')
    await pause(50)
    await announcer?.stop()
    expect(commanded()[0]).toBe('down')
    expect(commanded()).not.toContain('twice')
  })

  it('that fails is reported', async () => {
    start(script('exit 7'))
    await until(() => words().includes('command exit 7'), { what: 'a failure', withinMs: 60_000 })
    await untilFileHas('up')
    await announcer?.stop()
    expect(words().toSorted()).toEqual(['command exit 7', 'down', 'up'])
  })
})
