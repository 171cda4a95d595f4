// Stale health: steered answers say so (EDE), others do not.

import { expect, test } from 'vitest'
import { createRespond } from '../../src/answer/respond.ts'
import { staleAfterMs } from '../../src/answer/transaction.ts'
import { SlotState, createHealthTable } from '../../src/health/table.ts'
import { contextOf, peerOf, send } from '../support/ask-catalog.ts'
import { optionsOf } from '../support/opt-options.ts'
import { buildQuery } from '../support/packet-builder.ts'
import {
  memberOf,
  policyOf,
  poolOf,
  steeredMx,
  targetOf,
  targetSets,
} from '../support/steered-zone.ts'
import { catalogOf, zoneOf } from '../support/zone-builder.ts'

const member = memberOf(targetOf('mx1', 1, [4]))
const catalog = catalogOf(
  zoneOf('smtp.test.', {
    '@': { NS: 'ns1', MX: steeredMx(policyOf([poolOf('main', [member])])), TXT: 'plain' },
    mx1: targetSets(member),
  }),
)
const staleAnswer = `15 0003${Buffer.from('health is not kept up to date').toString('hex')}`
const failedOpen = `15 0000${Buffer.from('no target is up: all are answered').toString('hex')}`

function setting() {
  const health = createHealthTable(16)
  const time = { ms: 0 }
  const clock = { wallMs: () => 0, monotonicMs: () => time.ms }
  const respond = createRespond(contextOf(catalog, { health, clock }))
  const ask = (name: string, type: number) => {
    const octets = send(respond, buildQuery({ name, type, opts: [{}] }), peerOf('udp'))
    return optionsOf(octets ?? new Uint8Array(0))
  }
  return { health, time, ask }
}

test('from thirty seconds without a beat until the next one', () => {
  const { health, time, ask } = setting()
  health.beat()
  expect(ask('smtp.test', 15)).toEqual([])
  time.ms = staleAfterMs
  expect(ask('smtp.test', 15)).toEqual([])
  time.ms = staleAfterMs + 1
  expect(ask('smtp.test', 15)).toEqual([staleAnswer])
  expect(ask('mx1.smtp.test', 1)).toEqual([staleAnswer])
  expect(ask('smtp.test', 16)).toEqual([])
  expect(ask('none.smtp.test', 1)).toEqual([])
  health.beat()
  expect(ask('smtp.test', 15)).toEqual([])
})

test('that no target is up takes precedence', () => {
  const { health, time, ask } = setting()
  health.beat()
  for (const slot of member.slots) health.set(slot, SlotState.down, 1, Infinity)
  expect(ask('smtp.test', 15)).toEqual([failedOpen])
  time.ms = 2 * staleAfterMs
  expect(ask('smtp.test', 15)).toEqual([failedOpen])
})

test('a table without heartbeats is never stale', () => {
  const { time, ask } = setting()
  expect(ask('smtp.test', 15)).toEqual([])
  time.ms = 10 * staleAfterMs
  expect(ask('smtp.test', 15)).toEqual([])
})
