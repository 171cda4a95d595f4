// A wildcard endpoint as one socket for each address: addresses come and go, and may fail to bind.

import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { listenOnEachAddress, type UdpListener } from '../../../src/transport/udp/udp-dgram.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const wildcard = { address: '0.0.0.0', port: 5300 }

/** A fake `listen` that records the open addresses; those in `refused` cannot be bound. */
function listeners(refused = new Set<string>()) {
  const open = new Map<string, number>()
  const listen = ({ address, port }: { address: string; port: number }): Promise<UdpListener> => {
    if (refused.has(address)) return Promise.reject(new Error(`cannot bind ${address}`))
    if (open.has(address)) return Promise.reject(new Error(`${address} is bound already`))
    open.set(address, port)
    return Promise.resolve({
      receiveOctets: 1000 + address.length,
      close: () => Promise.resolve(void open.delete(address)),
    })
  }
  return { open, refused, listen }
}

test('follows the addresses of the host, and closes all sockets at the end', async () => {
  const { open, listen } = listeners()
  let here = ['127.0.0.1', '192.0.2.10']
  const listener = await listenOnEachAddress(wildcard, listen, () => here)
  expect([...open]).toEqual([
    ['127.0.0.1', 5300],
    ['192.0.2.10', 5300],
  ])
  expect(listener.receiveOctets).toBe(1009)
  here = ['127.0.0.1', '192.0.2.11']
  await vi.advanceTimersByTimeAsync(10_000)
  expect([...open.keys()]).toEqual(['127.0.0.1', '192.0.2.11'])
  await listener.close()
  expect([...open]).toEqual([])
  here = ['192.0.2.12']
  await vi.advanceTimersByTimeAsync(60_000)
  expect([...open]).toEqual([])
})

test('an address that fails to bind is retried, and does not affect the others', async () => {
  const { open, refused, listen } = listeners(new Set(['192.0.2.10']))
  const listener = await listenOnEachAddress(wildcard, listen, () => ['192.0.2.10', '192.0.2.11'])
  expect([...open.keys()]).toEqual(['192.0.2.11'])
  refused.clear()
  await vi.advanceTimersByTimeAsync(10_000)
  expect([...open.keys()].sort()).toEqual(['192.0.2.10', '192.0.2.11'])
  await listener.close()
})

test('a temporary failure to list the addresses changes nothing', async () => {
  const { open, listen } = listeners()
  let looks = 0
  const listener = await listenOnEachAddress(wildcard, listen, () => {
    looks++
    if (looks === 2) throw new Error('no memory for that')
    return looks === 1 ? ['192.0.2.10'] : ['192.0.2.10', '192.0.2.11']
  })
  await vi.advanceTimersByTimeAsync(10_000)
  expect([...open.keys()]).toEqual(['192.0.2.10'])
  await vi.advanceTimersByTimeAsync(10_000)
  expect([...open.keys()]).toEqual(['192.0.2.10', '192.0.2.11'])
  await listener.close()
  expect(open.size).toBe(0)
})

test('lists the addresses of its own family', async () => {
  const { listen } = listeners()
  const asked: number[] = []
  const all = (family: 4 | 6): readonly string[] => {
    asked.push(family)
    return family === 6 ? ['::1'] : ['127.0.0.1']
  }
  await (await listenOnEachAddress(wildcard, listen, all)).close()
  await (await listenOnEachAddress({ address: '::', port: 53 }, listen, all)).close()
  expect(asked).toEqual([4, 6])
})

test('rejects with the reason where no address can be bound', async () => {
  const { listen } = listeners(new Set(['192.0.2.10']))
  await expect(listenOnEachAddress(wildcard, listen, () => ['192.0.2.10'])).rejects.toThrow(
    'cannot bind 192.0.2.10',
  )
})

test('without an address it waits for the first one, as on a host whose IPv6 is off', async () => {
  const { open, listen } = listeners()
  let here: string[] = []
  const listener = await listenOnEachAddress(wildcard, listen, () => here)
  expect([...open]).toEqual([])
  here = ['192.0.2.10']
  await vi.advanceTimersByTimeAsync(10_000)
  expect([...open.keys()]).toEqual(['192.0.2.10'])
  await listener.close()
  expect(open.size).toBe(0)
})
