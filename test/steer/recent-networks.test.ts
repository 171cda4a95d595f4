// What is kept of networks is what was said of them last, or it is gone: never that of another network or owner.

import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { RecentNetworks, noOwner, unknownNetwork } from '../../src/steer/recent-networks.ts'

const step = fc.record({
  owner: fc.integer({ min: 1, max: 511 }),
  // Few of them, and the ends: so that the same is said again.
  network: fc.oneof(fc.constantFrom(0, 1, 0x80_0000, 0xff_ffff), fc.nat(0xff_ffff)),
  scope: fc.integer({ min: 0, max: 24 }),
  decision: fc.oneof(fc.integer({ min: 0, max: 0x1ff }), fc.constant(0x7fff)),
})

test('recalls what was kept, or nothing', () => {
  let recalled = 0
  fc.assert(
    fc.property(fc.array(step, { minLength: 100, maxLength: 200 }), (steps) => {
      const recent = new RecentNetworks()
      const said = new Map<string, number>()
      for (const { owner, network, scope, decision } of steps) {
        recent.keep(owner, network, scope, decision)
        const key = `${owner} ${network}`
        if (decision <= 0x1ff) said.set(key, decision * 32 + scope)
        if (decision <= 0x1ff) expect(recent.recall(owner, network)).toBe(said.get(key))
      }
      for (const { owner, network } of steps) {
        for (const one of [owner, (owner % 511) + 1]) {
          const known = recent.recall(one, network)
          if (known === unknownNetwork) continue
          expect([one, network, known]).toEqual([one, network, said.get(`${one} ${network}`)])
          recalled++
        }
      }
    }),
  )
  expect(recalled).toBeGreaterThan(1000)
})

test('networks that meet in one place give way to each other, and none is taken for another', () => {
  const recent = new RecentNetworks()
  for (let network = 0; network < 2 ** 24; network += 3) recent.keep(7, network, 24, network % 500)
  let known = 0
  const wrong: number[] = []
  for (let network = 0; network < 2 ** 24; network++) {
    const word = recent.recall(7, network)
    if (word === unknownNetwork) continue
    known++
    if (network % 3 !== 0 || word !== (network % 500) * 32 + 24) wrong.push(network)
  }
  expect(wrong).toEqual([])
  // As many as there are places.
  expect(known).toBe(2 ** 17)
})

test('whoever is one too many has no number, until all is forgotten', () => {
  const recent = new RecentNetworks()
  const owners = Array.from({ length: 511 }, () => recent.join())
  expect(new Set(owners).size).toBe(511)
  expect(owners).not.toContain(noOwner)
  expect(recent.join()).toBe(noOwner)
  recent.keep(owners[0] as number, 5, 8, 1)
  recent.clear()
  expect(recent.recall(owners[0] as number, 5)).toBe(unknownNetwork)
  expect(recent.join()).not.toBe(noOwner)
})
