// Which node of a cluster is asked next, and what nodes may say.

import { expect, test } from 'vitest'

import {
  type HostPort,
  type NodeAnswer,
  nodesOf,
  redirectionOf,
  SlotOwner,
} from '../../../src/cluster/link/slot-owner.ts'

const node = (port: number): HostPort => ({ host: '10.0.0.1', port })
const [seed, first, second, third] = [node(1), node(2), node(3), node(4)]
const owns = (...nodes: readonly HostPort[]): NodeAnswer => ({ kind: 'owner', nodes })
const moved = (to: HostPort, ...nodes: readonly HostPort[]): NodeAnswer => ({
  kind: 'moved',
  to,
  nodes,
})
const refused: NodeAnswer = { kind: 'unusable', code: 'ECONNREFUSED', hasAnswered: false }
const clusterDown: NodeAnswer = { kind: 'unusable', code: 'CLUSTERDOWN', hasAnswered: true }

/** Nodes by port; those that are not there refuse. */
function searcher(
  seeds: readonly HostPort[],
  answers: Map<number, NodeAnswer>,
): { owner: SlotOwner; asked: number[] } {
  const asked: number[] = []
  const owner = new SlotOwner(seeds, async ({ port }) => {
    asked.push(port)
    return answers.get(port) ?? refused
  })
  return { owner, asked }
}

const always = (): boolean => true

test('a seed sends it on; next time the owner is asked first', async () => {
  const answers = new Map([
    [1, moved(first, seed, first)],
    [2, owns(seed, first)],
  ])
  const { owner, asked } = searcher([seed], answers)
  expect(await owner.find(always)).toEqual({ kind: 'found', at: first })
  expect(await owner.find(always)).toEqual({ kind: 'found', at: first })
  expect(asked).toEqual([1, 2, 2])
})

test('owner and seed are gone: nodes that they told of are asked', async () => {
  const answers = new Map([[1, owns(seed, second, third)]])
  const { owner, asked } = searcher([seed], answers)
  await owner.find(always)
  answers.delete(1)
  answers.set(3, moved(third))
  answers.set(4, owns())
  expect(await owner.find(always)).toEqual({ kind: 'found', at: third })
  expect(asked).toEqual([1, 1, 3, 4])
})

test('while the owner is dead, others send it there in vain: each node is asked once', async () => {
  const answers = new Map([
    [1, moved(first)],
    [3, moved(first)],
  ])
  const { owner, asked } = searcher([seed, second], answers)
  expect(await owner.find(always)).toEqual({ kind: 'not-found', code: 'ECONNREFUSED' })
  expect(asked).toEqual([1, 2, 3])
})

test('what a node says of itself tells more than one that cannot be reached', async () => {
  const { owner } = searcher([seed, first, second], new Map([[2, clusterDown]]))
  expect(await owner.find(always)).toEqual({ kind: 'not-found', code: 'CLUSTERDOWN' })
})

test('redirections without an end are given up, and a link that is closed asks no more', async () => {
  let asked = 0
  const endless = new SlotOwner([seed], async ({ port }) => {
    asked++
    return moved(node(port + 1))
  })
  expect(await endless.find(always)).toEqual({ kind: 'not-found', code: 'MOVED' })
  expect(asked).toBe(65)
  await endless.find(() => false)
  expect(asked).toBe(65)
})

test.each([
  ['MOVED 5718 10.0.0.2:6379', { host: '10.0.0.2', port: 6379 }],
  ['MOVED 5718 2001:db8::2:6379', { host: '2001:db8::2', port: 6379 }],
  ['MOVED 5718 redis-2.example.com:6379', { host: 'redis-2.example.com', port: 6379 }],
  ['MOVED 5718 :6379', { host: 'asked.example.com', port: 6379 }],
  ['MOVED 5718 ?:6379', { host: 'asked.example.com', port: 6379 }],
  ['MOVED 5718 10.0.0.2:0', null],
  ['MOVED 5718 10.0.0.2:65536', null],
  ['MOVED 5718 10.0.0.2/x:6379', null],
  ['MOVED 5718', null],
  ['ASK 5718 10.0.0.2:6379', null],
])('%s', (message, expected) => {
  expect(redirectionOf('MOVED', message, 'asked.example.com')).toEqual(expected)
})

test('nodes of CLUSTER SLOTS, as Redis 7 has them; what is none is left out', () => {
  const said = [
    [0, 5460, ['10.0.0.1', 6379, 'id', ['hostname', 'a']], ['10.0.0.2', 6379, 'id']],
    [5461, 5461, [null, 7000, 'id'], ['', 7001, 'id'], [7, 7002], 'x'],
    'y',
  ]
  expect(nodesOf(said, 'asked')).toEqual([
    { host: '10.0.0.1', port: 6379 },
    { host: '10.0.0.2', port: 6379 },
    { host: 'asked', port: 7000 },
    { host: 'asked', port: 7001 },
  ])
  expect(nodesOf('OK', 'asked')).toEqual([])
})
