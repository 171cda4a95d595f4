// `mxsteer targets` prints what a server tells of its members and addresses.

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'

import { launch } from '../support/server.ts'

const zone = 'smtp.example.test'
const report = {
  targets: [
    {
      zone,
      target: 'mx1',
      address: '192.0.2.1',
      state: 'up',
      since: 'S1',
      reason: 'ok',
      held: false,
    },
    {
      zone,
      target: 'mx2',
      address: '192.0.2.2',
      state: 'down',
      since: 'S2',
      reason: 'ok',
      held: true,
    },
  ],
  members: [
    {
      zone,
      target: 'mx1',
      pool: 'eu',
      out: null,
      weight: {
        configured: 4,
        warmUp: 0.5,
        override: 1,
        feedback: 0.75,
        reputation: 0.2,
        slowStart: 1,
        effective: 0.3,
      },
      exposedUntil: 'E1',
    },
    {
      zone,
      target: 'mx2',
      pool: 'eu',
      out: 'down',
      weight: {
        configured: 2,
        warmUp: 1,
        override: 1,
        feedback: 1,
        reputation: 1,
        slowStart: 1,
        effective: 2,
      },
      exposedUntil: null,
    },
    { zone: 'other.test', target: 'mx9', pool: 'p', out: null, weight: {}, exposedUntil: null },
  ],
}

it('has every part of a weight, and why who is out is out', async () => {
  const admin = createServer((_, reply) => {
    reply.setHeader('content-type', 'application/json')
    reply.end(JSON.stringify(report))
  })
  admin.listen(0, '127.0.0.1')
  await once(admin, 'listening')
  const { port } = admin.address() as AddressInfo
  const command = launch(['targets', '--admin', `127.0.0.1:${port}`, '--zone', zone])
  const { code } = await command.exited
  admin.close()
  expect([code, command.stderr()]).toEqual([0, ''])
  expect(command.stdout()).toBe(
    [
      'TARGET                 POOL  WEIGHT  OF  WARM-UP  OVERRIDE  FEEDBACK  REPUTATION  SLOW START  OUT   CACHED UNTIL',
      'mx1.smtp.example.test  eu    0.3     4   50%      100%      75%       20%         100%        -     E1',
      'mx2.smtp.example.test  eu    2       2   100%     100%      100%      100%        100%        down  -',
      '',
      'TARGET                 ADDRESS    STATE  SINCE  REASON',
      'mx1.smtp.example.test  192.0.2.1  up     S1     ok',
      'mx2.smtp.example.test  192.0.2.2  down   S2     held-for-flapping',
      '',
    ].join('\n'),
  )
})
