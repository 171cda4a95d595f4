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

const { ofClient, ofAll, atOnce, idleMs, keptMs, replyMs } = connectionLimits

interface Scene {
  readonly connections: Connections
  readonly counters: ReturnType<typeof openAdminCounters>
  readonly closed: string[]
  connect(name: string, address?: string): Connection
  /** Lets two turns of the event loop pass. */
  turns(): void
  pass(ms: number): void
}

function arrange(): Scene {
  let nowMs = 0
  let later: (() => void)[] = []
  const closed: string[] = []
  const counters = openAdminCounters()
  const connections = createConnections(
    counters,
    () => nowMs,
    (call) => later.push(call),
  )
  const turn = (): void => {
    const due = later
    later = []
    for (const call of due) call()
  }
  return {
    connections,
    counters,
    closed,
    connect(name, remoteAddress = '127.0.0.1') {
      nowMs++
      const destroy = (): void => void closed.push(name)
      return connections.admit({ remoteAddress, destroy } as unknown as Socket)
    },
    turns() {
      turn()
      turn()
    },
    pass: (ms) => void (nowMs += ms),
  }
}

describe('too many', () => {
  test('of a client: the longest idle one goes, never the newest', () => {
    const scene = arrange()
    for (let i = 0; i < ofClient + 3; i++) {
      scene.connect(`silent ${i}`)
      scene.turns()
    }
    expect(scene.closed).toEqual(['silent 0', 'silent 1', 'silent 2'])
    expect(scene.counters.read('crowded')).toBe(3)
    expect(scene.counters.read('open')).toBe(ofClient)
  })

  test('a request under way outlasts connections that say nothing', () => {
    const scene = arrange()
    scene.connect('asks').isBusy = true
    for (let i = 0; i < 3 * ofClient; i++) {
      scene.connect(`silent ${i}`)
      scene.turns()
    }
    expect(scene.closed).not.toContain('asks')
  })

  test('whoever connects gets two turns to ask, though all others are busy', () => {
    const scene = arrange()
    for (let i = 0; i < ofClient; i++) scene.connect(`busy ${i}`).isBusy = true
    scene.turns()
    const late = scene.connect('late')
    expect(scene.closed).toEqual([])
    late.isBusy = true
    scene.turns()
    expect(scene.closed).toEqual(['busy 0'])
  })

  test('of all: the client with the most pays', () => {
    const scene = arrange()
    for (let i = 0; i < ofClient; i++) scene.connect(`greedy ${i}`, '192.0.2.1')
    for (let i = 0; scene.counters.read('open') < ofAll; i++)
      scene.connect(`modest ${i}`, `192.0.2.${2 + (i % 50)}`)
    scene.turns()
    expect(scene.closed).toEqual([])
    scene.connect('newcomer', '198.51.100.1')
    scene.turns()
    expect(scene.closed).toEqual(['greedy 0'])
  })

  test('within two turns: a bound as well', () => {
    const scene = arrange()
    for (let i = 0; i < atOnce + 10; i++) scene.connect(`flood ${i}`)
    expect(scene.counters.read('open')).toBe(atOnce)
    expect(scene.closed).toHaveLength(10)
    scene.turns()
    expect(scene.counters.read('open')).toBe(ofClient)
  })
})

test('late ones are closed: without a request, and with a reply that is not read', () => {
  const scene = arrange()
  scene.connect('silent')
  scene.connect('kept').isKept = true
  scene.connect('reads not').isBusy = true
  scene.pass(idleMs - 1)
  scene.connections.sweep()
  expect(scene.closed).toEqual(['silent'])
  scene.pass(keptMs)
  scene.connections.sweep()
  expect(scene.closed).toEqual(['silent', 'kept'])
  scene.pass(replyMs)
  scene.connections.sweep()
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
