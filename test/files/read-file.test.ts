// What a path may lead to, beside the file that was meant: each is read or refused at once.

import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { describeFailure, readRegularFile, unlessHanging } from '../../src/files/read-file.ts'
import { temporaryFolder } from '../support/server.ts'
import { until } from '../support/wait.ts'

const folder = temporaryFolder()
const at = (name: string): string => join(folder, name)
const maxOctets = 1000
let server: Server

beforeAll(async () => {
  for (const size of [0, 1, maxOctets, maxOctets + 1])
    writeFileSync(at(`${size}`), 'x'.repeat(size))
  writeFileSync(at('sparse'), '')
  truncateSync(at('sparse'), 2 ** 40)
  execFileSync('mkfifo', [at('pipe')])
  mkdirSync(at('folder'))
  symlinkSync('nowhere', at('dangling'))
  symlinkSync('circle', at('circle'))
  // As Kubernetes mounts a ConfigMap.
  mkdirSync(at('..2026'))
  writeFileSync(at('..2026/mounted'), 'mounted')
  symlinkSync('..2026', at('..data'))
  symlinkSync('..data/mounted', at('mounted'))
  server = createServer().listen(at('socket'))
  await new Promise((resolve) => server.once('listening', resolve))
})
afterAll(() => void server.close())

describe('a path', () => {
  it.each([
    ['0', 0],
    ['1', 1],
    ['1000', 1000],
    ['mounted', 7],
  ])('to a file is read: %s', async (name, length) => {
    const read = await readRegularFile(at(name), { maxOctets })
    expect(read).toMatchObject({ kind: 'octets', isWhole: true })
    expect(read.kind === 'octets' && read.octets.length).toBe(length)
  })

  it.each([
    ['1001', 'too-large', 'at least 1001 octets, expected at most 1000'],
    ['sparse', 'too-large', 'at least 1099511627776 octets'],
    ['pipe', 'not-regular', 'it is a pipe'],
    ['folder', 'not-regular', 'it is a folder'],
    ['socket', 'not-regular', 'it is a socket'],
    ['dangling', 'missing', 'it does not exist'],
    ['none', 'missing', 'it does not exist'],
    ['1/below', 'unreadable', 'a part of its path is no folder'],
    ['circle', 'unreadable', 'its symbolic links lead in a circle'],
    ['long'.repeat(100), 'unreadable', 'ENAMETOOLONG'],
    ['nul\0', 'unreadable', 'ERR_INVALID_ARG_VALUE'],
  ])('to anything else is refused: %s', async (name, kind, message) => {
    const read = await readRegularFile(at(name), { maxOctets })
    expect(read.kind).toBe(kind)
    expect(read.kind !== 'octets' && describeFailure(read)).toContain(message)
  })

  it.each(['/dev/zero', '/dev/null', '/dev/tty'])('to a device is refused: %s', async (path) => {
    expect(await readRegularFile(path, { maxOctets })).toEqual({
      kind: 'not-regular',
      what: 'device',
    })
  })

  it('to a file that states no size is read up to the bound', async () => {
    // A file of /proc has 0 octets, as it says.
    const status = await readRegularFile('/proc/self/status', { maxOctets: 100_000 })
    expect(status.kind === 'octets' && status.octets.length).toBeGreaterThan(500)
    expect(await readRegularFile('/proc/self/status', { maxOctets: 10 })).toEqual({
      kind: 'too-large',
      octets: 11,
      maxOctets: 10,
    })
  })
})

describe('a file system that does not answer', () => {
  it('is told of, and asked again only once it has answered', async () => {
    let starts = 0
    let answer: (text: string) => void = () => {}
    const ask = () => {
      starts++
      return new Promise<string>((resolve) => (answer = resolve))
    }
    const late = { kind: 'hanging', withinMs: 1 }
    expect(await unlessHanging('far', 1, ask)).toEqual(late)
    expect(await unlessHanging('far', 1, ask)).toEqual(late)
    expect(starts).toBe(1)
    answer('too late')
    // The late answer ends the first one in a later turn.
    await until(async () => (await unlessHanging('far', 60_000, async () => 'now')) === 'now', {
      what: 'another question',
      withinMs: 30_000,
    })
  })
})
