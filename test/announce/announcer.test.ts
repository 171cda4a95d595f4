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
import { temporaryFolder } from '../support/server.ts'
import { until } from '../support/wait.ts'

let folder = ''
let file = ''
let reasons: readonly string[] = []
let looks = 0
let events: AnnounceEvent[] = []
let announcer: Announcer | null = null

beforeEach(() => {
  folder = temporaryFolder()
  file = join(folder, 'announce')
  ;[reasons, looks, events, announcer] = [[], 0, [], null]
})
afterEach(() => announcer?.stop())

function start(command: string | null = null): Announcer {
  announcer = startAnnouncer({
    file,
    command,
    everyMs: 20,
    look: async () => {
      looks++
      return reasons
    },
    onEvent: (event) => void events.push(event),
  })
  return announcer
}

const words = (): readonly string[] =>
  events.map((event) => (event.kind === 'changed' ? event.to : `${event.what} ${event.why}`))

const says = (word: string): Promise<unknown> =>
  until(() => existsSync(file) && readFileSync(file, 'utf8') === `${word}\n`, {
    what: `the file says ${word}`,
    withinMs: 10_000,
    everyMs: 5,
  })

const afterLooks = async (count: number): Promise<void> => {
  const wanted = looks + count
  await until(() => looks >= wanted, { what: `${wanted} looks`, withinMs: 10_000, everyMs: 5 })
}

describe('the file', () => {
  it('says down at first, up after three looks, down at the stop', async () => {
    writeFileSync(file, 'up\n')
    start()
    await says('down')
    expect(looks).toBeLessThan(3)
    await says('up')
    expect(looks).toBeGreaterThanOrEqual(3)
    await announcer?.stop()
    expect(readFileSync(file, 'utf8')).toBe('down\n')
    expect(events.at(-1)).toEqual({ kind: 'changed', to: 'down', reasons: ['stopping'] })
    expect(words()).toEqual(['up', 'down'])
  })

  it('heeds no single bad look, and tells the reasons of two', async () => {
    let bad = 0
    reasons = []
    announcer = startAnnouncer({
      file,
      command: null,
      everyMs: 20,
      // Every other look is bad, from the fourth to the twelfth; then all are.
      look: async () => {
        looks++
        const isBad = looks > 12 || (looks > 3 && looks % 2 === 0)
        if (isBad) bad++
        return isBad ? ['no answer'] : []
      },
      onEvent: (event) => void events.push(event),
    })
    await says('up')
    await until(() => events.length > 1, { what: 'a change', withinMs: 10_000, everyMs: 5 })
    expect(bad).toBeGreaterThanOrEqual(6)
    expect(looks).toBeGreaterThanOrEqual(13)
    expect(events[1]).toEqual({ kind: 'changed', to: 'down', reasons: ['no answer'] })
  })

  it('keeps its time fresh, and comes back when somebody takes it away', async () => {
    start()
    await says('up')
    const { mtimeMs } = statSync(file)
    await afterLooks(3)
    expect(statSync(file).mtimeMs).toBeGreaterThan(mtimeMs)
    rmSync(file)
    await says('up')
    expect(words()).toEqual(['up'])
  })

  it('that cannot be written is told once, and written when it can be', async () => {
    file = join(folder, 'later', 'announce')
    start()
    await afterLooks(5)
    expect(words().filter((word) => word.startsWith('file'))).toEqual(['file ENOENT'])
    mkdirSync(join(folder, 'later'))
    await says('up')
  })
})

describe('the command', () => {
  const script = (text: string): string => {
    const name = join(folder, 'tell.sh')
    writeFileSync(name, `#!/bin/sh\n${text}\n`)
    chmodSync(name, 0o755)
    return name
  }
  const told = (): string[] => readFileSync(join(folder, 'told'), 'utf8').trim().split('\n')

  it('is run with each word, the last one before the stop is over', async () => {
    start(script(`echo "$1" >> ${folder}/told`))
    await until(() => existsSync(join(folder, 'told')) && told().includes('up'), {
      what: 'up',
      withinMs: 10_000,
    })
    await announcer?.stop()
    expect(told()).toEqual(['down', 'up', 'down'])
  })

  it('is never run beside itself: what changes meanwhile comes after it', async () => {
    const lock = `mkdir ${folder}/lock || echo twice >> ${folder}/told`
    start(script(`${lock}; echo "$1" >> ${folder}/told; sleep 0.5; rmdir ${folder}/lock`))
    await says('up')
    await pause(50)
    await announcer?.stop()
    expect(told()[0]).toBe('down')
    expect(told()).not.toContain('twice')
  })

  it('that fails is told', async () => {
    start(script('exit 7'))
    await until(() => words().includes('command exit 7'), { what: 'a failure', withinMs: 10_000 })
    await says('up')
    await announcer?.stop()
    expect(words().toSorted()).toEqual(['command exit 7', 'down', 'up'])
  })
})
