// Which commands follow a slot to the node that takes it, and what becomes of a batch where that fails.

import { expect, test } from 'vitest'

import { MigratingSlot } from '../../../src/cluster/link/migrating-slot.ts'
import type { Command, Reply } from '../../../src/cluster/link/command.ts'

const at = { host: '10.0.0.2', port: 6379 }
const value = (of: unknown): Reply => ({ kind: 'value', value: of })
const elsewhere = (askAt = at): Reply => ({ kind: 'error', code: 'ASK', askAt })
const commands: readonly Command[] = [
  ['get', 'a'],
  ['get', 'b'],
  ['get', 'c'],
]

interface Taker {
  isReady: boolean
  replies: readonly Reply[] | null
  readonly asked: Command[][]
  opened: number
  closed: number
}

function takerOf(replies: readonly Reply[] | null): { taker: Taker; slot: MigratingSlot } {
  const taker: Taker = { isReady: true, replies, asked: [], opened: 0, closed: 0 }
  const slot = new MigratingSlot(() => {
    taker.opened++
    return {
      lastErrorCode: 'ECONNREFUSED',
      whenReady: async () => taker.isReady,
      async runAsking(asked) {
        taker.asked.push([...asked])
        return taker.replies
      },
      close: () => void taker.closed++,
    }
  }, 100)
  return { taker, slot }
}

test('what is not redirected opens nothing', async () => {
  const { taker, slot } = takerOf([])
  const replies = [value(1), value(2), value(3)]
  expect(await slot.complete(commands, replies, false)).toBe(replies)
  expect(taker.opened).toBe(0)
  expect(slot.asked).toBe(0)
})

test('what is redirected is asked there, and its replies are put into their places', async () => {
  const { taker, slot } = takerOf([value('A'), value('C')])
  const replies = [elsewhere(), value('b'), elsewhere()]
  const expected = [value('A'), value('b'), value('C')]
  expect(await slot.complete(commands, replies, false)).toEqual(expected)
  expect(await slot.complete(commands, replies, false)).toEqual(expected)
  expect(taker.asked[0]).toEqual([commands[0], commands[2]])
  expect([taker.opened, slot.asked]).toEqual([1, 4])
  slot.close()
  expect(taker.closed).toBe(1)
})

test('another node that takes it: the connection to the one before is closed', async () => {
  const { taker, slot } = takerOf([value('A'), value('B'), value('C')])
  await slot.complete(commands, [elsewhere(), elsewhere(), elsewhere()], false)
  const other = elsewhere({ host: '10.0.0.3', port: 6379 })
  await slot.complete(commands, [other, other, other], false)
  expect([taker.opened, taker.closed]).toEqual([2, 1])
  slot.close()
})

test.each([
  { what: 'out of reach', isReady: false, replies: [value(1)], code: 'ECONNREFUSED' },
  { what: 'without an answer', isReady: true, replies: null, code: 'ECONNREFUSED' },
  { what: 'that sends it on', isReady: true, replies: [elsewhere()], code: 'ASK' },
])('a node $what: the whole batch has failed', async ({ isReady, replies, code }) => {
  const { taker, slot } = takerOf(replies)
  taker.isReady = isReady
  const half = [value(1), elsewhere(), value(3)]
  expect(await slot.complete(commands, half, false)).toBeNull()
  expect(slot.lastErrorCode).toBe(code)
  await slot.complete(commands, [value(1), value(2), value(3)], false)
  expect(slot.lastErrorCode).toBeNull()
  slot.close()
})
