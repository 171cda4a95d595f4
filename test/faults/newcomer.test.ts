// An instance that starts with nothing but the store: what the others know of targets holds for it from its first answer
// on, before it has seen any of them itself (W2, without a state file).

import { afterAll, beforeAll, expect, test } from 'vitest'

import { ladderOf, openUdpClient } from '../support/dns-client.ts'
import { startServer } from '../support/server.ts'
import { type Fleet, startFleet, zone } from './fleet.ts'
import { leavesAllAnswers, mustHaveAnswered } from './instance-state.ts'

let fleet: Fleet

beforeAll(async () => {
  fleet = await startFleet(2, { network: '127.0.10' })
})
afterAll(async () => {
  await fleet?.stop()
})

test('a newcomer never answers with a target that the others know to be dead', async () => {
  await fleet.mtas.mx2.die()
  await leavesAllAnswers(fleet, 'mx2')
  const newcomer = await startServer({
    zones: { 'smtp.yaml': fleet.zoneText },
    settings: [
      `state: redis://127.0.0.1:${fleet.redis.port}`,
      'state_heartbeat: 300ms',
      'instance: late',
      'site: site-late',
      'workers: 1',
      'lameduck: 0',
    ].join('\n'),
  })
  const client = openUdpClient(newcomer.port)
  try {
    const said: string[][] = []
    for (let i = 0; i < 200; i++) {
      const ladder = ladderOf(await client.ask(zone, 'MX'))
      said.push(ladder.map(({ exchange }) => exchange.split('.')[0] ?? ''))
    }
    expect(new Set(said.map((names) => names.toSorted().join(' ')))).toEqual(new Set(['mx1 mx3']))
    const change = newcomer.logs().findLast(({ target }) => target === 'mx2')
    expect(change?.event).toBe('target.down')
  } finally {
    client.close()
    await newcomer.stop()
  }
  mustHaveAnswered(fleet)
})
