// Which worker reads which socket: whatever their numbers, no socket is left unread.

import fc from 'fast-check'
import { expect, test } from 'vitest'

import { distribute, type HandedSocket, lend } from '../../src/transport/handed-socket.ts'

const endpoint = { address: '192.0.2.53', port: 53 }

const sockets = (held: readonly boolean[]): readonly HandedSocket[] =>
  held.map((isHeld, i) => ({ fd: 3 + i, protocol: 'udp', endpoint, isHeld }))

test('every socket has a reader; one that is not held has no other', () => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 1, max: 12 }),
      (held, readers) => {
        const all = sockets(held)
        const shares = distribute(all, readers)
        expect(shares).toHaveLength(readers)
        for (const socket of all) {
          const count = shares.filter((share) => share.includes(socket)).length
          if (socket.isHeld) expect(count).toBeGreaterThanOrEqual(1)
          else expect(count).toBe(1)
        }
      },
    ),
  )
})

test('a reader is without one only where there are too few and none can be shared', () => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 1, max: 12 }),
      (held, readers) => {
        const empty = distribute(sockets(held), readers).filter((share) => share.length === 0)
        const isShared = held.some(Boolean)
        expect(empty.length).toBe(isShared ? 0 : Math.max(0, readers - held.length))
      },
    ),
  )
})

test('of a socket that stays open each thread gets a copy, the other ones are given away', () => {
  const [held, own] = sockets([true, false]) as [HandedSocket, HandedSocket]
  const handed = { sockets: [], duplicate: (fd: number) => fd + 100 }
  expect(lend(handed, held)).toBe(103)
  expect(lend(handed, own)).toBe(4)
})
