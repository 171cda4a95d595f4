// Which connection is closed when there are too many, and which are late.

import { describe, expect, test } from 'vitest'
import type { Socket } from 'node:net'

import { openAdminCounters } from '../../../src/admin/admin-counters.ts'
import {
  type Connection,
  type Connections,
  clientOf,
  connectionLimits,
  createConnections,
} from '../../../src/admin/listener/connections.ts'

const { ofClient, ofAll, atOnce, graceMs, idleMs, keptMs, replyMs } = connectionLimits

interface Scene {
  readonly connections: Connections
  readonly counters: ReturnType<typeof openAdminCounters>
  readonly closed: string[]
  connect(name: string, address?: string): Connection
  /** Lets time pass, and closes what has to go. */
  pass(ms: number): void
}

function arrange(): Scene {
  let nowMs = 0
  const closed: string[] = []
  const counters = openAdminCounters()
  const connections = createConnections(counters, () => nowMs)
  return {
    connections,
    counters,
    closed,
    connect(name, remoteAddress = '127.0.0.1') {
      nowMs++
      const destroy = (): void => void closed.push(name)
      return connections.admit({ remoteAddress, destroy } as unknown as Socket)
    },
    pass(ms) {
      nowMs += ms
      connections.sweep()
    },
  }
}

describe('too many', () => {
  test('of a client: the longest idle ones go', () => {
    const scene = arrange()
    for (let i = 0; i < ofClient + 3; i++) scene.connect(`silent ${i}`)
    scene.pass(graceMs)
    expect(scene.closed).toEqual(['silent 0', 'silent 1', 'silent 2'])
    expect(scene.counters.read('crowded')).toBe(3)
    expect(scene.counters.read('open')).toBe(ofClient)
  })

  test('a request under way outlasts connections that say nothing', () => {
    const scene = arrange()
    scene.connect('asks').isBusy = true
    for (let i = 0; i < 10; i++) {
      for (let j = 0; j < ofClient; j++) scene.connect('silent')
      scene.pass(graceMs)
    }
    expect(scene.closed.length).toBeGreaterThan(8 * ofClient)
    expect(scene.closed).not.toContain('asks')
  })

  test('whoever connects has a second to ask, though all others are busy', () => {
    const scene = arrange()
    for (let i = 0; i < 2 * ofClient; i++) scene.connect(`busy ${i}`).isBusy = true
    scene.connect('newcomer')
    scene.pass(graceMs - 10)
    expect(scene.closed).not.toContain('newcomer')
  })

  test('a request of a vital route is let finish', () => {
    const scene = arrange()
    Object.assign(scene.connect('vital'), { isBusy: true, isVital: true })
    for (let i = 0; i < 2 * ofClient; i++) scene.connect('busy').isBusy = true
    scene.pass(graceMs)
    expect(scene.counters.read('open')).toBe(ofClient)
    expect(scene.closed).not.toContain('vital')
  })

  test('of all: the client with the most pays', () => {
    const scene = arrange()
    for (let i = 0; i < ofClient; i++) scene.connect(`greedy ${i}`, '192.0.2.1')
    for (let i = 0; scene.counters.read('open') <= ofAll; i++)
      scene.connect(`modest ${i}`, `192.0.2.${2 + (i % 50)}`)
    scene.pass(graceMs)
    expect(scene.closed).toEqual(['greedy 0'])
  })

  test('at once: a bound as well', () => {
    const scene = arrange()
    for (let i = 0; i < atOnce + 10; i++) scene.connect(`flood ${i}`)
    expect(scene.counters.read('open')).toBe(atOnce)
    expect(scene.closed).toEqual(Array.from({ length: 10 }, (_, i) => `flood ${i}`))
    scene.pass(graceMs)
    expect(scene.counters.read('open')).toBe(ofClient)
  })
})

test('late ones are closed: without a request, and with a reply that is not read', () => {
  const scene = arrange()
  scene.connect('silent')
  scene.connect('kept').isKept = true
  scene.connect('reads not').isBusy = true
  scene.pass(idleMs - 1)
  expect(scene.closed).toEqual(['silent'])
  scene.pass(keptMs)
  expect(scene.closed).toEqual(['silent', 'kept'])
  scene.pass(replyMs)
  expect(scene.closed).toEqual(['silent', 'kept', 'reads not'])
  expect(scene.counters.read('late')).toBe(3)
})

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::1', clientOf('::2')],
  ['2001:db8:0:1::1', clientOf('2001:db8:0:1:ffff::9')],
  ['fe80::1%eth0', clientOf('fe80::2')],
])('%s counts as client %s', (address, client) => expect(clientOf(address)).toBe(client))
